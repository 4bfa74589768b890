import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { readLabels } from "../server/bench/labelled-repositories.ts";
import { RankingBench } from "../server/bench/ranking-quality.ts";
import { evaluate, meanOf, scoreOf } from "../server/eval/scores.ts";

const at = (path: string, startLine = 1, endLine = 9) => ({ path, startLine, endLine });

describe("scores of a search", () => {
  it("are one when every target comes first", () => {
    const scores = scoreOf([{ path: "a" }, { path: "b" }], [at("b"), at("a"), at("c")]);
    assert.deepEqual(scores, { queries: 1, ndcg10: 1, recall10: 1, mrr: 1 });
  });

  it("fall with the rank", () => {
    const scores = scoreOf([{ path: "a" }], [at("x"), at("y"), at("a")]);
    assert.deepEqual(scores, { queries: 1, ndcg10: 0.5, recall10: 1, mrr: 1 / 3 });
    assert.equal(scoreOf([{ path: "a" }], Array(10).fill(at("x")).concat(at("a"))).ndcg10, 0);
  });

  it("count a file by the end of its path, and lines only where the label has them", () => {
    assert.equal(scoreOf([{ path: "src/lib/a.ts" }], [at("lib/a.ts")]).mrr, 1);
    assert.equal(scoreOf([{ path: "a.ts" }], [at("lib/a.ts")]).mrr, 1);
    assert.equal(scoreOf([{ path: "a.ts" }], [at("ba.ts")]).mrr, 0);
    assert.equal(scoreOf([{ path: "a", startLine: 20, endLine: 30 }], [at("a", 1, 19), at("a", 30, 40)]).mrr, 0.5);
  });

  it("are means over queries", () => {
    const queries = ["a", "b"].map((path) => ({ query: path, category: "symbol", targets: [{ path }] }));
    assert.equal(evaluate(queries, () => [at("a")]).ndcg10, 0.5);
    assert.deepEqual(meanOf([]), { queries: 0, ndcg10: 0, recall10: 0, mrr: 0 });
  });
});

describe("the quality of the ranking", () => {
  it("is measured on labelled repositories, whole and without each term", async (test) => {
    const folder = mkdtempSync(join(tmpdir(), "cairn-quality-"));
    test.after(() => rmSync(folder, { recursive: true }));
    const write = (path: string, text: string) => {
      mkdirSync(join(folder, path, ".."), { recursive: true });
      writeFileSync(join(folder, path), text);
    };
    write("repos/one/src/session.py", "class Session:\n    def close(self):\n        pass\n");
    write("repos/one/src/cookies.py", "def merge(jar):\n    return jar\n");
    write("repos/one/ignored.py", "class Session: pass\n");
    const spec = { language: "python", benchmark_root: "src" };
    write(
      "labels/repos.json",
      JSON.stringify([
        { name: "one", ...spec },
        { name: "absent", ...spec },
      ]),
    );
    const annotation = { query: "Session", category: "symbol", relevant: ["src/session.py"] };
    write("labels/annotations/one.json", JSON.stringify([annotation]));

    const bench = await RankingBench.index(readLabels(join(folder, "labels"), join(folder, "repos")));
    const { overall, byRepository, byLanguage, byCategory } = bench.quality();
    assert.deepEqual(overall, { queries: 1, ndcg10: 1, recall10: 1, mrr: 1 });
    assert.deepEqual(
      [Object.keys(byRepository), Object.keys(byLanguage), Object.keys(byCategory)],
      [["one"], ["python"], ["symbol"]],
    );
    assert.ok(bench.ablations().every(({ change, better }) => change <= 0 && better === 0));
  });
});
