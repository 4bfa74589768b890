import assert from "node:assert/strict";
import { test } from "node:test";
import { CitationCheck } from "../server/answer/citations.ts";
import { hashOf, type Source } from "../server/answer/source.ts";

const RETRY = source(
  "src/retry.ts",
  10,
  `/** Sends a request again after a failure, waiting longer each time. */
export async function retryRequest(send: Send, attempts: number) {
  const delay = backoffDelay(attempts);
  throw new Error("no attempt succeeded");
}`,
);
const COLOURS = source("src/colours.py", 1, "def mix_colours(first, second):\n    return first + second");

function source(path: string, startLine: number, text: string): Source {
  const endLine = startLine + text.split("\n").length - 1;
  return {
    path,
    startLine,
    endLine,
    focusLine: startLine,
    text,
    hash: hashOf(text),
    language: "",
    name: "",
    parents: [],
  };
}

/** The answer as a reader sees it: `{path:line}` for citations that hold, `{-number reason}` for others, `{?}` for paragraphs without. */
async function checked(answer: string, pieces = 1, isUnchanged = async (_: Source) => true): Promise<string> {
  const check = new CitationCheck([RETRY, COLOURS], isUnchanged);
  const parts = [];
  for (const piece of split(answer, pieces)) parts.push(...(await check.push(piece)));
  parts.push(...(await check.end()));
  return parts
    .map((part) => {
      if (part.type === "text") return part.text;
      if (part.type === "citation") return `{${part.source.path}:${part.line}}`;
      return part.type === "removed" ? `{-${part.number} ${part.reason}}` : "{?}";
    })
    .join("");
}

function split(text: string, size: number): string[] {
  return Array.from({ length: Math.ceil(text.length / size) }, (_, i) => text.slice(i * size, (i + 1) * size));
}

const CASES: Record<string, [answer: string, shown: string]> = {
  "an identifier of the sentence stands in the source": [
    "The work is done by `retryRequest` [1].",
    "The work is done by `retryRequest` {src/retry.ts:11}.",
  ],
  "names that are spelled like code need no backticks": [
    "Colours are mixed by mix_colours [2].",
    "Colours are mixed by mix_colours {src/colours.py:1}.",
  ],
  "a phrase of the sentence stands in the source": [
    "It keeps waiting longer after each failure [1].",
    "It keeps waiting longer after each failure {src/retry.ts:10}.",
  ],
  "a citation may come before what it is about": [
    "According to [1], the delay comes from `backoffDelay`. More follows.",
    "According to {src/retry.ts:12}, the delay comes from `backoffDelay`. More follows.",
  ],
  "a citation after the stop belongs to the sentence before": [
    "`retryRequest` tries again. [1] Then `mix_colours` is called. [2]",
    "`retryRequest` tries again. {src/retry.ts:11} Then `mix_colours` is called. {src/colours.py:1}",
  ],
  "several in one bracket are several": [
    "`retryRequest` has nothing to do with `mix_colours` [1, 2].",
    "`retryRequest` has nothing to do with `mix_colours` {src/retry.ts:11}{src/colours.py:1}.",
  ],
  "a number that was not given goes": ["`retryRequest` does it [3].", "`retryRequest` does it{-3 unknown}.{?}"],
  "a source that says nothing of it goes": [
    "`launchRocket` counts down to zero [1].",
    "`launchRocket` counts down to zero{-1 elsewhere}.{?}",
  ],
  "the words of another sentence do not help": [
    "`retryRequest` exists. It is written in Fortran by volunteers [1].",
    "`retryRequest` exists. It is written in Fortran by volunteers{-1 elsewhere}.{?}",
  ],
  "words that all code holds show nothing": [
    "It uses `async` and `return` like everybody [1].",
    "It uses `async` and `return` like everybody{-1 elsewhere}.{?}",
  ],
  "each paragraph stands for itself": [
    "`retryRequest` tries again [1].\n\nNobody knows why that is.\n\nYes.",
    "`retryRequest` tries again {src/retry.ts:11}.\n\nNobody knows why that is.{?}\n\nYes.",
  ],
  "so does each point of a list, but not what announces it": [
    "There are two ways of doing it:\n- `retryRequest` again [1]\n- pray that it works\n",
    "There are two ways of doing it:\n- `retryRequest` again {src/retry.ts:11}\n- pray that it works{?}\n",
  ],
  "a paragraph goes on over the end of a line": [
    "The delay between two attempts\nis what `backoffDelay` gives [1].",
    "The delay between two attempts\nis what `backoffDelay` gives {src/retry.ts:12}.",
  ],
  "a heading claims nothing": [
    "## How retries work\n`retryRequest` [1].",
    "## How retries work\n`retryRequest` {src/retry.ts:11}.",
  ],
  "code is left alone, in a line and in a block": [
    "Take `items[1]` [2].\n\n```ts\nitems[1] = items[7];\n```\nSee `mix_colours` [2].",
    "Take `items[1]`{-2 elsewhere}.{?}\n\n```ts\nitems[1] = items[7];\n```\nSee `mix_colours` {src/colours.py:1}.",
  ],
  "a dot within a name ends no sentence": [
    "In `src/retry.ts` resides retryRequest, e.g. for requests of v1.2 servers [1].",
    "In `src/retry.ts` resides retryRequest, e.g. for requests of v1.2 servers {src/retry.ts:11}.",
  ],
  "brackets that are no citation stay": [
    "A [link](x) to `retryRequest` [1] [sic].",
    "A [link](x) to `retryRequest` {src/retry.ts:11} [sic].",
  ],
};

for (const [name, [answer, shown]] of Object.entries(CASES)) {
  test(name, async () => {
    for (const pieces of [1, 3, 7, answer.length])
      assert.equal(await checked(answer, pieces), shown, `in pieces of ${pieces}`);
  });
}

test("a file that has changed is not cited any more", async () => {
  const isUnchanged = async ({ path }: Source) => path !== "src/retry.ts";
  assert.equal(
    await checked("`retryRequest` [1] is not `mix_colours` [2].", 5, isUnchanged),
    "`retryRequest`{-1 changed} is not `mix_colours` {src/colours.py:1}.",
  );
});

test("text is not held back longer than a doubtful citation needs", async () => {
  const check = new CitationCheck([RETRY], async () => true);
  const shown = async (piece: string) =>
    (await check.push(piece)).map((part) => (part.type === "text" ? part.text : part.type)).join("");
  assert.equal(await shown("Here `retryRequest` "), "Here `retryRequest`");
  assert.equal(await shown("[1] works. See [1] for"), " citation works. See");
  assert.equal(await shown(" what comes"), "");
  assert.equal(await shown(" from `backoffDelay`. Next"), " citation for what comes from `backoffDelay`. Next");
});

test("a line of a megabyte without a full stop passes whole, and is cited by what stands near", async () => {
  const words = Array.from({ length: 10_000 }, (_, i) => `${i} ${"x".repeat(100)} `).join("");
  const cited = `${words}and \`retryRequest\` [1] tries again.`;
  assert.equal(await checked(cited, 100), `${words}and \`retryRequest\` {src/retry.ts:11} tries again.`);
});
