import assert from "node:assert/strict";
import { test } from "node:test";
import { hoverProse } from "../extension/hover-prose.ts";

test("the prose of a hover is what its doc comment says, without signature, tags, links and markup", () => {
  assert.equal(
    hoverProse(
      "```ts\nfunction retry(): void\n```\nTries **again**, see [`backoff`](file:///a.ts#L3).\n\n*@param* `n` how often",
    ),
    "Tries again, see backoff.",
  );
  assert.equal(hoverProse("<h3>Parses</h3> a `snake_case` name"), "Parses a snake_case name");
  assert.equal(hoverProse("```ts\nconst a: 1\n```"), "");
});

test("long prose ends at a word", () => {
  const prose = hoverProse("word ".repeat(100));
  assert.ok(prose.length <= 240 && prose.endsWith("word"), prose);
});
