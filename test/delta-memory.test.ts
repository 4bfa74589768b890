import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { cairn } from "../server/bench/measured-process.ts";
import { safetensors } from "./delta-fixture.ts";
import { temporaryFolder } from "./open-core.ts";

const VALUES = 2 << 20;

/** A base and a fine-tune of so many shards of 4 MB, no two alike. */
function pair(test: TestContext, shards: number) {
  const folder = temporaryFolder(test);
  const halves = new Uint16Array(VALUES);
  for (const [name, seed] of [
    ["base", 0],
    ["fine", 1],
  ] as const) {
    mkdirSync(join(folder, name));
    for (let shard = 0; shard < shards; shard++) {
      for (let i = 0; i < VALUES; i++)
        halves[i] = 0x3c00 + ((Math.imul(i + shard, 0x9e3779b1) >>> 22) & 0x3ff) + (i % 7 === 0 ? seed : 0);
      const bytes = new Uint8Array(halves.buffer);
      writeFileSync(
        join(folder, name, `${shard}.safetensors`),
        safetensors([{ name: `${shard}`, dtype: "BF16", shape: [2048, 1024], bytes }]),
      );
    }
  }
  return { folder, base: join(folder, "base"), fine: join(folder, "fine"), delta: join(folder, "delta") };
}

/** The most memory, in MB, that compressing and rebuilding took. */
async function peaks(test: TestContext, shards: number): Promise<number[]> {
  const { folder, base, fine, delta } = pair(test, shards);
  const made = await cairn(folder, [
    "delta",
    "compress",
    fine,
    "--base",
    base,
    "--out",
    delta,
    "--threads",
    "2",
    "--fast",
  ]);
  const back = await cairn(folder, [
    "delta",
    "reconstruct",
    delta,
    "--base",
    base,
    "--out",
    join(folder, "out"),
    "--threads",
    "2",
  ]);
  return [made.peakMB, back.peakMB];
}

it("a model ten times as large takes hardly more memory", async (test) => {
  const small = await peaks(test, 4);
  const large = await peaks(test, 40);
  // 288 MB more are read, and 144 written.
  large.forEach((peak, i) => {
    assert.ok(peak < small[i] + 100, `${peak} MB after ${small[i]} MB`);
  });
});
