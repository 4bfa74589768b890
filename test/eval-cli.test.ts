import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, it, type TestContext } from "node:test";
import { temporaryFolder, writeFiles } from "./open-core.ts";

const PROGRAM = join(dirname(import.meta.dirname), "bin", "cairn.mjs");

import { PROJECT } from "./sample-project.ts";

const ASKED = {
  ...PROJECT,
  "questions.jsonl": `{"query": "retryRequest", "targets": [{"path": "src/retry.ts", "startLine": 2, "endLine": 8}], "category": "name"}
{"query": "blend colours", "targets": [{"path": "src/colours.py"}]}
`,
};

async function cairnEval(test: TestContext, args: readonly string[], input = "") {
  const folder = temporaryFolder(test);
  writeFiles(join(folder, "project"), ASKED);
  const env = { ...process.env, CAIRN_CACHE_DIR: join(folder, "cache") };
  const child = spawn(process.execPath, [PROGRAM, "eval", ...args], { cwd: join(folder, "project"), env });
  child.stdin.end(input);
  const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code: child.exitCode, out, errors, folder };
}

describe("cairn eval", () => {
  it("asks the queries of a file, and says how many targets are found", async (test) => {
    const { code, out, errors } = await cairnEval(test, ["--queries", "questions.jsonl"]);
    assert.equal(code, 0, errors);
    assert.match(
      out,
      /^100 % of what was asked for is among the first ten hits; NDCG@10 is 1\.000 .* on 2 queries\.\n/,
    );
    assert.match(out, /^name +1 +1\.000 \(1\.000 to 1\.000\)/m);
    assert.match(errors, /Fewer than 10 queries: the bounds mean little/);
  });

  it("compares with a ranking that leaves terms out, as JSON with the scores of each query", async (test) => {
    const { out } = await cairnEval(
      test,
      [".", "--queries", "-", "--disable", "semantic,definition", "--json"],
      ASKED["questions.jsonl"],
    );
    const { configurations, difference, queries, files } = JSON.parse(out);
    assert.deepEqual(
      configurations.map((one: { disable: string[] }) => one.disable),
      [[], ["semantic", "definition"]],
    );
    assert.deepEqual([difference.queries, difference.verdict], [2, "too few queries"]);
    assert.deepEqual(queries[0].scores[0], { ndcg10: 1, recall10: 1, mrr: 1 });
    assert.ok(files >= 2);
  });

  it("makes queries of doc comments, and changes no file", async (test) => {
    const { code, out, errors, folder } = await cairnEval(test, ["--self", "--json"]);
    assert.equal(code, 0, errors);
    const { verdict, configurations, queries } = JSON.parse(out);
    assert.match(verdict, /^2 queries: too few to tell/);
    assert.deepEqual(configurations[1].disable, ["semantic"]);
    assert.deepEqual(queries.map(({ query }: { query: string }) => query).sort(), [
      "Blends two colours in equal parts",
      "Sends a request again after a failure, waiting longer each time",
    ]);
    for (const [path, content] of Object.entries(ASKED)) {
      assert.equal(readFileSync(join(folder, "project", path), "utf8"), content);
    }
    assert.deepEqual(readdirSync(folder), ["project"], "nothing is written, not even a cache");
  });

  it("says that the queries that ship are about packages that are not there", async (test) => {
    const { code, errors } = await cairnEval(test, []);
    assert.equal(code, 3);
    assert.match(errors, /packages that are not in .*node_modules.*\n.*--queries FILE.*--self/);
  });

  it("refuses what it cannot use, with the line's number or the word that was meant", async (test) => {
    const refused: [args: string[], input: string, message: RegExp][] = [
      [["--queries", "-"], '{"query": "a"}\n', /^cairn: The standard input, line 1: this is no labelled query/],
      [["--queries", "none.jsonl"], "", /The questions in none\.jsonl cannot be read/],
      [["--self", "--disable", "semantics"], "", /no term "semantics"\.\s+Did you mean semantic\?/],
      [["--self", "--queries", "questions.jsonl"], "", /--self makes its own queries/],
    ];
    for (const [args, input, message] of refused) {
      const { code, errors } = await cairnEval(test, args, input);
      assert.equal(code, 2);
      assert.match(errors, message);
    }
  });
});
