import assert from "node:assert/strict";
import { test } from "node:test";
import { keptText } from "../extension/kept-text.ts";
import type { PanelHit, PanelSearch } from "../shared/webview-messages.ts";

const HIT: PanelHit = {
  path: "src/retry.ts",
  startLine: 9,
  endLine: 14,
  focusLine: 10,
  score: 1,
  language: "typescript",
  kind: "method",
  name: "backoff",
  parents: ["Retry"],
  reason: "",
  preview: [
    { line: 9, text: "  backoff(): number {", ranges: [] },
    { line: 10, text: "    return 2 ** this.tries;", ranges: [] },
  ],
  indexed: true,
  rootUri: "file:///project",
  rootName: "",
};

/** The text of kept results, with each link between brackets. */
function check(search: PanelSearch, hits: readonly PanelHit[], expected: string): void {
  const { text, links } = keptText({ search, hits });
  const lines = text.split("\n");
  for (const { line, start, end } of links) {
    const whole = lines[line];
    lines[line] = `${whole.slice(0, start)}[${whole.slice(start, end)}]${whole.slice(end)}`;
  }
  assert.equal(lines.join("\n"), expected);
}

test("kept results are the query, the filters and each hit with its lines; its place is a link", () => {
  check(
    { query: "wait longer each time", filters: [{ type: "language", value: "ts" }] },
    [HIT, { ...HIT, path: "notes.md", name: "", parents: [], focusLine: 3, preview: [], rootName: "docs" }],
    `Search: wait longer each time
2 results
Filters: lang: ts

[src/retry.ts:10]  Retry › backoff
   9:   backoff(): number {
  10:     return 2 ** this.tries;

[docs • notes.md:3]
`,
  );
});

test("kept results are in the language of the editor", () => {
  const search: PanelSearch = { query: "retry", filters: [{ type: "path", value: "src" }] };
  const translation = { "Search: {0}": "Suche: {0}", "1 result": "1 Treffer", "Filters: {0}": "Filter: {0}" };
  const { text } = keptText({ search, hits: [{ ...HIT, preview: [] }] }, translation);
  assert.equal(text, "Suche: retry\n1 Treffer\nFilter: path: src\n\nsrc/retry.ts:10  Retry › backoff\n");
});

test("code that others are similar to is named in place of a query", () => {
  const similar = {
    rootUri: "file:///project",
    path: "a.ts",
    startLine: 4,
    endLine: 9,
    text: "code",
    name: "parse",
  };
  check(
    { query: "", similar, filters: [] },
    [{ ...HIT, preview: [] }],
    `Similar to parse (a.ts:4)
1 result

[src/retry.ts:10]  Retry › backoff
`,
  );
});
