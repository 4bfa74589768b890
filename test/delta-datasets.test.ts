import assert from "node:assert/strict";
import { utimesSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { test } from "node:test";
import { findModels, foundModel, type Looking } from "../server/delta/found-models.ts";
import { findBases, findDescents } from "../server/delta/lineage.ts";
import { put, randomNumbers } from "./delta-fixture.ts";
import { temporaryFolder } from "./open-core.ts";

const random = randomNumbers(71);
const calm: Looking = { signal: new AbortController().signal };

/** Rows of a made dataset, no two alike. */
function rows(count: number): { id: number; prompt: string; answer: string }[] {
  const text = (words: number) =>
    Array.from({ length: words }, () => Math.floor(random() * 1e9).toString(36)).join(" ");
  return Array.from({ length: count }, (_, id) => ({ id, prompt: text(9), answer: text(5) }));
}

const jsonl = (of: readonly object[]) => of.map((row) => `${JSON.stringify(row)}\n`).join("");
const csv = (of: readonly object[]) => of.map((row) => `${Object.values(row).join(",")}\n`).join("");

const data = rows(600);

/** Names of what was made from what, in a folder with these files, each a day younger than the one before. */
async function descents(root: string, files: Readonly<Record<string, string>>): Promise<[string, string][]> {
  put(root, files);
  for (const [at, name] of Object.keys(files).entries()) {
    const when = new Date(Date.UTC(2026, 0, 1 + at));
    utimesSync(join(root, name), when, when);
  }
  const found = await findDescents(await findModels(root, calm), calm);
  return found.map(({ fine, base }): [string, string] => [relative(root, fine.path), relative(root, base.path)]).sort();
}

test("datasets are found to be made from another by the rows and cells that they share", async (t) => {
  const edited = data.map((row, i) => (i % 2 === 0 ? { ...row, answer: "unknown" } : row));
  assert.deepEqual(
    await descents(temporaryFolder(t), {
      "all.jsonl": jsonl(data),
      "stranger.jsonl": jsonl(rows(500)),
      "edited.jsonl": jsonl(edited),
      "labelled.jsonl": jsonl(data.map((row) => ({ ...row, label: row.id % 3 }))),
      "shuffled.jsonl": jsonl(data.toSorted((a, b) => a.answer.localeCompare(b.answer))),
      "table.csv": csv(data),
      "part.csv": csv(data.slice(100, 400)),
    }),
    [
      ["edited.jsonl", "all.jsonl"],
      ["labelled.jsonl", "all.jsonl"],
      ["part.csv", "table.csv"],
      ["shuffled.jsonl", "all.jsonl"],
    ],
  );
});

test("a sample is made from the whole, also where the whole has the younger files", async (t) => {
  assert.deepEqual(
    await descents(temporaryFolder(t), { "sample.jsonl": jsonl(data.slice(0, 200)), "whole.jsonl": jsonl(data) }),
    [["sample.jsonl", "whole.jsonl"]],
  );
});

test("of two with the same rows, the base is the one that the other's card names", async (t) => {
  const snapshot = (name: string) => `datasets--org--${name}/snapshots/c0ffee`;
  const card = "---\nsource_datasets:\n- extended|org/parent\n---\n# A copy in another order\n";
  assert.deepEqual(
    await descents(temporaryFolder(t), {
      [`${snapshot("child")}/train.jsonl`]: jsonl(data.toReversed()),
      [`${snapshot("child")}/README.md`]: card,
      [`${snapshot("parent")}/data/train.jsonl`]: jsonl(data),
    }),
    [[snapshot("child"), snapshot("parent")]],
  );
});

test("a dataset's folder is one, elsewhere each file is; small tables and files of models are none", async (t) => {
  const root = temporaryFolder(t);
  put(root, {
    "mine/dataset_info.json": "{}",
    "mine/train/1.jsonl": jsonl(data),
    "mine/test/1.jsonl": jsonl(data.slice(9)),
    "loose/a.csv": csv(data),
    "loose/b.tsv": csv(data),
    "loose/small.csv": "a,b\n1,2\n",
    "loose/README.md": "# Tables\n",
  });
  const found = (await findModels(root, calm)).map(({ kind, path }) => [kind, relative(root, path)]);
  assert.deepEqual(found, [
    ["dataset", join("loose", "a.csv")],
    ["dataset", join("loose", "b.tsv")],
    ["dataset", "mine"],
  ]);
});

test("candidates for a dataset's base come with the share that they hold, the likeliest first", async (t) => {
  const root = temporaryFolder(t);
  put(root, { "all.jsonl": jsonl(data), "mine.jsonl": jsonl(data.slice(60)), "damaged.parquet": "PAR1".repeat(2000) });
  const candidates = await findBases(foundModel(join(root, "mine.jsonl")), await findModels(root, calm), calm);
  assert.deepEqual(
    candidates.map(({ base, kind, standing, shared }) => [basename(base.path), kind, standing, shared]),
    [["all.jsonl", "dataset", "likely", 1]],
  );
});
