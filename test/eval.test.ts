import assert from "node:assert/strict";
import { dirname } from "node:path";
import { describe, it } from "node:test";
import { estimate } from "../server/eval/bootstrap.ts";
import { docQueries } from "../server/eval/doc-queries.ts";
import { evaluateSet } from "../server/eval/eval-report.ts";
import { verdictOf } from "../server/eval/eval-verdict.ts";
import { differenceOf, evaluation } from "../server/eval/evaluation.ts";
import { FolderIndexer } from "../server/eval/folder-indexer.ts";
import { labelledLines } from "../server/eval/labelled-lines.ts";
import { hashOfTarget, labelledSet } from "../server/eval/labelled-set.ts";
import type { LabelledQuery, Search } from "../server/eval/scores.ts";
import { readShippedQueries, shippedSet } from "../server/eval/shipped-set.ts";
import { nodeHost } from "../server/node-host.ts";
import { tokenize } from "../server/text/tokens.ts";
import { CairnError } from "../shared/errors.ts";
import { temporaryFolder, writeFiles } from "./open-core.ts";

const indexer = await FolderIndexer.create();

/** As many queries as letters: `1` finds its target first, `0` does not. */
function asked(outcomes: string, category = "question"): { queries: LabelledQuery[]; search: Search } {
  const queries = [...outcomes].map((_, i) => ({ query: `q${i}`, category, targets: [{ path: "a" }] }));
  const search: Search = (query) => [
    { path: outcomes[Number(query.slice(1))] === "1" ? "a" : "b", startLine: 1, endLine: 1 },
  ];
  return { queries, search };
}

describe("an estimate", () => {
  it("lies about the mean, closer the more values there are, and is the same each time", () => {
    const few = estimate([0, 1, 0, 1, 1, 0, 0, 1]);
    const many = estimate(Array.from({ length: 800 }, (_, i) => i % 2));
    assert.deepEqual([few.mean, many.mean], [0.5, 0.5]);
    assert.ok(few.low < many.low && many.low < 0.5 && 0.5 < many.high && many.high < few.high);
    // A fair coin thrown 800 times: 1.96 times the square root of 0.25 / 800.
    assert.ok(Math.abs(many.high - many.low - 2 * 0.0346) < 0.01, `${many.low} to ${many.high}`);
    assert.deepEqual(estimate([0, 1, 0, 1, 1, 0, 0, 1]), few);
  });

  it("of values that are all alike has no width, and of none is nothing", () => {
    assert.deepEqual(estimate([1, 1, 1]), { mean: 1, low: 1, high: 1 });
    assert.deepEqual(estimate([]), { mean: 0, low: 0, high: 0 });
  });
});

describe("two configurations", () => {
  const verdict = (one: string, other: string) => {
    const [first, second] = [one, other].map((outcomes) => {
      const { queries, search } = asked(outcomes);
      return evaluation(queries, search);
    });
    return differenceOf(first, second);
  };

  it("differ when the same queries do, beyond doubt", () => {
    const better = verdict("11111111111111110000", "00000000000000000000");
    assert.deepEqual([better.verdict, better.better, better.worse], ["better", 16, 0]);
    assert.equal(verdict("00000000000000000000", "11111111111111110000").verdict, "worse");
  });

  it("do not when gains and losses may be chance, or are none", () => {
    assert.equal(verdict("11110000000000000000", "00001110000000000000").verdict, "no difference");
    assert.equal(verdict("11111111110000000000", "11111111110000000000").verdict, "no difference");
  });

  it("cannot be told apart by a handful of queries", () => {
    assert.equal(verdict("111111111", "000000000").verdict, "too few queries");
  });

  it("are measured by category too", () => {
    const { queries, search } = asked("1100");
    const mixed = queries.map((query, i) => ({ ...query, category: i < 2 ? "found" : "missed" }));
    const { overall, byCategory } = evaluation(mixed, search);
    assert.deepEqual(
      [overall.ndcg10.mean, byCategory.found.recall10.mean, byCategory.missed.mrr.mean, byCategory.missed.queries],
      [0.5, 1, 0, 2],
    );
  });
});

describe("labelled queries in a file", () => {
  it("are one a line, with lines, category and hash if wanted", () => {
    const text = `\ufeff{"query": "a b", "targets": [{"path": "x.ts", "startLine": 2, "endLine": 2}], "category": "name"}

{"query": "c", "targets": [{"path": "y.ts"}]}\n`;
    assert.deepEqual(labelledLines(text, "q.jsonl"), [
      { query: "a b", category: "name", targets: [{ path: "x.ts", startLine: 2, endLine: 2 }] },
      { query: "c", category: "queries", targets: [{ path: "y.ts" }] },
    ]);
  });

  for (const [wrong, message] of [
    ["{", /^q\.jsonl, line 2: this is not JSON/],
    ['{"targets": [{"path": "x"}]}', /^q\.jsonl, line 2: .*\(query: /],
    ['{"query": " ", "targets": [{"path": "x"}]}', /\(query: must have words\)/],
    ['{"query": "a", "targets": []}', /\(targets: /],
    [
      '{"query": "a", "targets": [{"path": "x", "startLine": 3}]}',
      /\(targets\.0: startLine and endLine come together\)/,
    ],
    ['{"query": "a", "targets": [{"path": "x", "startLine": 3, "endLine": 2}]}', /\(targets\.0: endLine is before/],
    ['{"query": "a", "targets": [{"path": "x", "startLine": 0, "endLine": 2}]}', /\(targets\.0\.startLine: /],
    ['"a"', /line 2: this is no labelled query/],
  ] as const) {
    it(`are refused with the line's number: ${wrong}`, () => {
      const good = '{"query": "a", "targets": [{"path": "x"}]}';
      assert.throws(
        () => labelledLines(`${good}\n${wrong}\n`, "q.jsonl"),
        (error) => error instanceof CairnError && error.kind === "input" && message.test(error.message),
      );
    });
  }

  it("are refused when there are none", () => {
    assert.throws(() => labelledLines("\n\n", "q.jsonl"), /q\.jsonl has no queries/);
  });

  it("are left out when their target has changed, and what is not there is said", () => {
    const target = { path: "a.ts", startLine: 2, endLine: 3 };
    const sha256 = hashOfTarget("one\r\ntwo\r\nthree\r\n", target);
    const query = (name: string, path: string) => ({
      query: name,
      category: "",
      targets: [{ ...target, path, sha256 }],
    });
    const absent = { query: "absent", category: "", targets: [{ path: "gone.ts" }] };
    const texts = [
      { path: "src/a.ts", text: "one\ntwo\nthree\nfour" },
      { path: "src/b.ts", text: "one\ntwo\nfour" },
    ];
    const set = labelledSet([query("same", "a.ts"), query("changed", "b.ts"), absent], texts);
    assert.deepEqual(
      set.queries.map((one) => one.query),
      ["same", "absent"],
    );
    assert.deepEqual(set.notes, [
      "Left out, for its target has changed since it was labelled: changed",
      "gone.ts is a target and is not among the indexed files.",
    ]);
  });
});

describe("queries made of doc comments", () => {
  const FILES = {
    "src/retry.ts": `/**
 * Sends a request again after it has failed. Waits longer each time.
 *
 * @param attempts at most
 */
export async function retryRequest(attempts: number): Promise<void> {
  // Sends a request again after it has failed.
  await Promise.resolve(attempts);
}

/** Short one. */
export function brief(): void {}

/** What retryAfter says about the pause before it. */
export function retryAfter(): void {}
`,
    "mix.py": `def mix(first, second):
    """Blends two colours in equal parts.

    Both are triples.
    """
    return [(a + b) / 2 for a, b in zip(first, second)]
`,
    "main.go": `package main

// Mix blends three paints on a palette.
func Mix(a int, b int, c int) int {
\treturn a + b + c
}
`,
  };

  const made = () =>
    docQueries(
      indexer,
      Object.entries(FILES).map(([path, text]) => ({ path, text })),
    );

  it("are first sentences that do not say the name", async () => {
    const { queries } = await made();
    assert.deepEqual(queries.map(({ query, category, targets }) => `${targets[0].path} ${category} ${query}`).sort(), [
      "main.go function blends three paints on a palette",
      "mix.py function Blends two colours in equal parts",
      "src/retry.ts function Sends a request again after it has failed",
    ]);
  });

  it("are asked of code without these comments; everything else is where it was", async () => {
    const { texts } = await made();
    const text = (path: string) => texts.find((one) => one.path === path)?.text ?? "";
    assert.doesNotMatch(text("mix.py"), /Blends|triples/);
    assert.doesNotMatch(text("main.go"), /blends/);
    assert.doesNotMatch(text("src/retry.ts"), /Waits longer|@param attempts/);
    for (const [path, original] of Object.entries(FILES)) {
      const code = (of: string) =>
        of.split("\n").map((line) => (/return|def |func|export|await/.test(line) ? line : ""));
      assert.deepEqual(code(text(path)), code(original), path);
    }
  });

  it("ask for one thing each, and are the same ones each time however many there are", async () => {
    const texts = [..."abcdefghijklmnopqrst"].flatMap((letter) => [
      {
        path: `${letter}/count.ts`,
        text: `/** Counts the ${letter.repeat(3)} in a text. */\nexport function count() {}\n`,
      },
      { path: `${letter}/same.ts`, text: "/** Does what every other does. */\nexport function same() {}\n" },
    ]);
    const { queries, notes } = await docQueries(indexer, texts, { limit: 5 });
    assert.equal(queries.length, 5);
    assert.ok(queries.every(({ query }) => query.startsWith("Counts the ")));
    assert.match(notes[0], /^5 of 20 doc comments are asked/);
    assert.deepEqual((await docQueries(indexer, texts.toReversed(), { limit: 5 })).queries, queries);
  });

  it("tell whether a term of the ranking is worth it", async () => {
    const report = await evaluateSet(indexer, await made(), ["semantic"]);
    assert.match(
      verdictOf(report),
      /^3 queries: too few to tell, for which it takes 10; NDCG@10 is [01]\.\d{3} with and /,
    );
    assert.deepEqual([report.files, report.second?.disable], [3, ["semantic"]]);
  });
});

describe("the labelled set that ships", () => {
  const queries = readShippedQueries(nodeHost());

  it("asks at least sixty different things of different kinds", () => {
    assert.ok(queries.length >= 60);
    assert.equal(new Set(queries.map(({ query }) => query)).size, queries.length);
    const kinds = new Set(queries.map(({ category }) => category));
    assert.deepEqual([...kinds].sort(), ["behaviour", "description", "error", "name", "paraphrase", "question"]);
  });

  it("is about code that is as it was labelled, all of it", async () => {
    const set = await shippedSet(indexer, nodeHost(), dirname(import.meta.dirname));
    assert.deepEqual(set.notes, []);
    assert.deepEqual(set.queries, queries);
    assert.ok(queries.every(({ targets }) => targets.every(({ sha256 }) => sha256 !== undefined)));
  });

  it("is mostly not answered by the names of files", () => {
    const named = queries.filter(({ query, targets }) => {
      const words = new Set(tokenize(query));
      return targets.some(({ path }) => {
        const stem = path.slice(path.lastIndexOf("/") + 1).replace(/\.\w+$/, "");
        return tokenize(stem).some((word) => words.has(word));
      });
    });
    assert.ok(named.length < queries.length / 5, named.map(({ query }) => query).join("\n"));
  });

  it("leaves out what is installed in another version, and says so", async (test) => {
    const folder = temporaryFolder(test);
    await assert.rejects(shippedSet(indexer, nodeHost(), folder), /are about packages that are not in .*node_modules/);
    writeFiles(folder, {
      "node_modules/yauzl/package.json": '{"version": "0.0.1"}',
      "node_modules/pako/package.json": '{"version": "1.0.11"}',
      "node_modules/pako/lib/zlib/trees.js": "function other() {}\n",
    });
    const { queries: left, notes } = await shippedSet(indexer, nodeHost(), folder);
    assert.deepEqual(left, []);
    assert.ok(notes.includes("yauzl 3.4.0 is installed as 0.0.1: the queries about it are left out."));
    assert.ok(notes.some((note) => /^undici [\d.]+ is not installed/.test(note)));
    assert.ok(notes.some((note) => /^Left out, for its target has changed .*text or binary/.test(note)));
  });
});
