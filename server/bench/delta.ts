import { createHash } from "node:crypto";
import {
  createReadStream,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeBlock, encodeBlock } from "../delta/block-codec.ts";
import { type CodecMemory, createCodecMemory } from "../delta/codec-memory.ts";
import { openModel } from "../delta/model-files.ts";
import { numberFormat } from "../delta/number-format.ts";
import { makePlan } from "../delta/plan.ts";
import { FileReader } from "../delta/read-file.ts";
import { compileKernels } from "../vectors/compile-kernels.ts";
import { compileModule } from "../vectors/kernels.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { datasetFigures } from "./delta-datasets.ts";
import { makePairs, type Pair, pairsIn } from "./delta-pairs.ts";
import { bitx, zstdLibrary, zstdProgram } from "./delta-peers.ts";
import { cairn } from "./measured-process.ts";

/** How many times as large the pair is on which memory and throughput are measured as the one it is made of. */
const REPEATS = 32;

/** Deltas of models beside general compressors and BitX, on the same files. */
export const delta: Benchmark = {
  name: "delta",
  about: "deltas of models: savings beside zstd and BitX, speed, memory; on made pairs, and those in --data",
  async run({ data, quick }, note) {
    const folder = mkdtempSync(join(tmpdir(), "cairn-bench-"));
    try {
      const made = makePairs(folder);
      const pairs = [...made, ...(data === undefined ? [] : pairsIn(data))];
      const figures: Figure[] = [];
      for (const pair of pairs) {
        note(pair.name);
        figures.push(...(await savings(pair, folder, quick)));
      }
      note("datasets");
      figures.push(...(await datasetFigures(folder, quick ? 1_000 : 6_000)));
      note("the codec alone");
      const codec = createCodecMemory(compileModule(await compileKernels("delta-kernels")));
      for (const pair of [made[0], made[3]]) figures.push(...codecSpeed(codec, pair));
      note("a large pair");
      figures.push(...(await largePair(made[0], folder, quick ? 4 : REPEATS)));
      return figures;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function savings({ name, base, fine, target }: Pair, folder: string, quick: boolean): Promise<Figure[]> {
  const bytes = statSync(fine).size;
  const saved = (stored: number) => 100 * (1 - stored / bytes);
  const figure = (what: string, value: number, atLeast?: number): Figure => ({
    name: `${name}: ${what}`,
    value,
    unit: "%",
    target: atLeast === undefined ? undefined : { atLeast },
  });
  const out = join(folder, "delta");
  const estimated = JSON.parse((await cairn(folder, ["delta", "estimate", fine, "--base", base, "--json"])).stdout);
  await cairn(folder, ["delta", "compress", fine, "--base", base, "--out", out, "--force"]);
  const stored = statSync(out).size;
  await cairn(folder, ["delta", "compress", fine, "--base", base, "--out", `${out}.fast`, "--force", "--fast"]);
  const rebuilt = join(folder, "rebuilt");
  await cairn(folder, ["delta", "reconstruct", out, "--base", base, "--out", rebuilt, "--force"]);
  if ((await sha256(rebuilt)) !== (await sha256(fine))) throw new Error(`${name} did not come back as it was.`);
  const ofBitx = saved(bitx(base, fine));
  const patch = quick ? undefined : zstdProgram(["-19", "--long=27", `--patch-from=${base}`], fine);
  return [
    figure("saved", saved(stored), target?.saved),
    { ...figure("saved beyond BitX", saved(stored) - ofBitx, target?.overBitx), unit: "points" },
    figure("saved with --fast", saved(statSync(`${out}.fast`).size)),
    {
      ...figure("estimate is off by", Math.abs(100 * estimated.saved - saved(stored))),
      unit: "points",
      target: { atMost: 1 },
    },
    figure("BitX", ofBitx),
    figure("zstd -3", saved(zstdProgram(["-3"], fine) ?? zstdLibrary(3, fine))),
    ...(patch === undefined ? [] : [figure("zstd -19 --patch-from", saved(patch))]),
  ];
}

/** Coding and decoding in memory on one thread, without files and hashes: processor time. */
function codecSpeed(codec: CodecMemory, { name, base, fine }: Pair): Figure[] {
  const reader = new FileReader();
  let bytes = 0;
  const micros = { coding: 0, decoding: 0 };
  // The first round lets the compiler finish.
  for (let round = 0; round < 3; round++) {
    bytes = micros.coding = micros.decoding = 0;
    for (const job of makePlan(openModel(base), openModel(fine), false).jobs) {
      if (job.kind !== "encode" || !job.base) continue;
      const shape = { format: numberFormat(job.dtype), rows: job.rows, cols: job.cols };
      const length = job.rows * job.cols * shape.format.width;
      const bring = () => reader.readSpans(job.base ?? [], codec.bytes(codec.at.base, length));
      bring();
      reader.readSpans(job.fine, codec.bytes(codec.at.fine, length));
      const started = process.cpuUsage();
      const inMemory = encodeBlock(codec, shape, true);
      const coded = process.cpuUsage(started);
      const block = inMemory.slice();
      bring();
      const again = process.cpuUsage();
      decodeBlock(codec, shape, block);
      const decoded = process.cpuUsage(again);
      micros.coding += coded.user + coded.system;
      micros.decoding += decoded.user + decoded.system;
      bytes += length;
    }
  }
  reader.close();
  return [
    { name: `${name}: codec alone, coding`, value: bytes / micros.coding, unit: "MB/s", target: { atLeast: 200 } },
    { name: `${name}: codec alone, decoding`, value: bytes / micros.decoding, unit: "MB/s", target: { atLeast: 200 } },
  ];
}

/** A pair that many times as large, no tensor like another: end to end with all hashes, and the memory it takes. */
async function largePair({ base, fine }: Pair, folder: string, repeats: number): Promise<Figure[]> {
  const [largeBase, largeFine] = [base, fine].map((path, i) => {
    const large = join(folder, `large-${i}`);
    for (let repeat = 0; repeat < repeats; repeat++)
      writeFileSync(join(ensure(large), `${repeat}.safetensors`), perturbed(path, repeat));
    return large;
  });
  const bytes = readdirSync(largeFine).reduce((sum, name) => sum + statSync(join(largeFine, name)).size, 0);
  const out = join(folder, "large.delta");
  const started = performance.now();
  await cairn(folder, ["delta", "estimate", largeFine, "--base", largeBase]);
  const estimating = (performance.now() - started) / 1000;
  const fast = await cairn(folder, ["delta", "compress", largeFine, "--base", largeBase, "--out", out, "--fast"]);
  const made = await cairn(folder, ["delta", "compress", largeFine, "--base", largeBase, "--out", out, "--force"]);
  const rebuilt = await cairn(folder, [
    "delta",
    "reconstruct",
    out,
    "--base",
    largeBase,
    "--out",
    join(folder, "large"),
  ]);
  const megabytes = Math.round(bytes / 1e6);
  return [
    { name: `${megabytes} MB: compress --fast, all hashes`, value: bytes / 1e6 / fast.seconds, unit: "MB/s" },
    { name: `${megabytes} MB: the same with predictions`, value: bytes / 1e6 / made.seconds, unit: "MB/s" },
    { name: `${megabytes} MB: its peak of memory`, value: made.peakMB, unit: "MB", target: { atMost: 200 } },
    { name: `${megabytes} MB: reconstruct, all hashes`, value: bytes / 1e6 / rebuilt.seconds, unit: "MB/s" },
    { name: `${megabytes} MB: its peak of memory`, value: rebuilt.peakMB, unit: "MB", target: { atMost: 200 } },
    { name: `${megabytes} MB: estimate`, value: estimating, unit: "s" },
  ];
}

/** A file whose tensors all differ from those of other repeats, in a few bits. */
function perturbed(path: string, repeat: number): Buffer {
  const bytes = readFileSync(path);
  for (const { at, bytes: length } of openModel(path).files[0].tensors) {
    for (const place of [at, at + (length >> 1)])
      bytes.writeUInt16LE((bytes.readUInt16LE(place) + repeat) & 0x3fff, place);
  }
  return bytes;
}

function ensure(folder: string): string {
  mkdirSync(folder, { recursive: true });
  return folder;
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest("hex");
}
