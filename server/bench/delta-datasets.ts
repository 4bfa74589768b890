import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomNumbers } from "../measure/random-numbers.ts";
import type { Figure } from "./benchmark.ts";
import { zstdLibrary, zstdProgram } from "./delta-peers.ts";
import { cairn } from "./measured-process.ts";

const WORDS =
  "the of model data row answer question why how token list value prompt system user about when where".split(" ");

/** Datasets that were derived from a made one in the usual ways, beside zstd alone and with the base as its past. */
export async function datasetFigures(folder: string, rows: number): Promise<Figure[]> {
  const random = randomNumbers(11);
  const record = (id: number) => ({ id, prompt: sentence(random, 25), answer: sentence(random, 60) });
  const records = Array.from({ length: rows }, (_, id) => record(id));
  const base = join(folder, "base.jsonl");
  writeFileSync(base, jsonl(records));
  const fresh = Array.from({ length: Math.round(rows * 0.07) }, (_, i) => record(rows + i));
  const derived: Record<string, readonly object[]> = {
    "90% kept, 7% new": [...records.filter(() => random() < 0.9), ...fresh],
    shuffled: records
      .map((row) => ({ row, key: random() }))
      .sort((a, b) => a.key - b.key)
      .map(({ row }) => row),
    "10% of rows edited": records.map((row) => (random() < 0.1 ? { ...row, answer: `${row.answer} Indeed.` } : row)),
    "column added": records.map((row) => ({ ...row, split: random() < 0.9 ? "train" : "test" })),
  };
  const figures: Figure[] = [];
  for (const [name, content] of Object.entries(derived)) {
    const fine = join(folder, "fine.jsonl");
    const out = join(folder, "rows.delta");
    writeFileSync(fine, jsonl(content));
    await cairn(folder, ["delta", "compress", fine, "--base", base, "--out", out, "--force", "--check"]);
    const [original, stored] = [statSync(fine).size, statSync(out).size];
    const alone = zstdLibrary(19, fine);
    const patch = zstdProgram(["-19", "--long=27", `--patch-from=${base}`], fine);
    const figure = (what: string, value: number, unit: string, atLeast?: number): Figure => ({
      name: what,
      value,
      unit,
      target: atLeast === undefined ? undefined : { atLeast },
    });
    figures.push(
      figure(`rows, ${name}: saved`, 100 * (1 - stored / original), "%", 97),
      figure("  smaller than zstd -19 alone", alone / stored, "x", 10),
      figure("  zstd -19 alone", 100 * (1 - alone / original), "%"),
    );
    if (patch !== undefined)
      figures.push(figure("  zstd -19, the base as its past", 100 * (1 - patch / original), "%"));
  }
  return figures;
}

function sentence(random: () => number, words: number): string {
  return Array.from(
    { length: words },
    () => `${WORDS[Math.floor(random() * WORDS.length)]}${Math.floor(random() * 90)}`,
  ).join(" ");
}

function jsonl(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}
