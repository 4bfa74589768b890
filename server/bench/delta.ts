import { createHash } from "node:crypto";
import { createReadStream, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
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
import { cairn, type Usage } from "./measured-process.ts";

/** How many times as large the pair is on which memory and throughput are measured as the one of 8 MB it is made of. */
const REPEATS = 512;

const ROUNDS = 12;

/** Deltas of models beside general compressors and BitX, on the same files. */
export const delta: Benchmark = {
  name: "delta",
  about:
    "deltas of models: savings beside zstd and BitX, speed, memory; on made pairs (16 GB of files), and those in --data",
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
      figures.push(hashSpeed());
      note("merged adapters");
      figures.push(...(await predictedPair(made[1], folder, quick ? 2 : REPEATS / 16)));
      note("a large pair");
      figures.push(...(await largePair(made[0], folder, quick ? 4 : REPEATS)));
      return figures;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function savings({ name, base, fine, target, limit }: Pair, folder: string, quick: boolean): Promise<Figure[]> {
  const bytes = statSync(fine).size;
  const saved = (stored: number) => 100 * (1 - stored / bytes);
  const figure = (what: string, value: number, atLeast?: number): Figure => ({
    name: what,
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
    figure(`${name}: saved`, saved(stored), target?.saved),
    ...(limit === undefined ? [] : [figure("  could be at most", limit)]),
    { ...figure("  beyond BitX", saved(stored) - ofBitx, target?.overBitx), unit: "points" },
    figure("  with --fast", saved(statSync(`${out}.fast`).size)),
    {
      ...figure("  estimate is off by", Math.abs(100 * estimated.saved - saved(stored))),
      unit: "points",
      target: { atMost: 1 },
    },
    figure("  BitX", ofBitx),
    figure("  zstd -3", saved(zstdProgram(["-3"], fine) ?? zstdLibrary(3, fine))),
    ...(patch === undefined ? [] : [figure("  zstd -19 --patch-from", saved(patch))]),
  ];
}

/**
 * Coding and decoding in memory on one thread, without files and hashes: processor time. The quickest of the rounds
 * counts: in the first the compiler still works, and what else the machine does only ever slows one down.
 */
function codecSpeed(codec: CodecMemory, { name, base, fine }: Pair): Figure[] {
  const reader = new FileReader();
  let bytes = 0;
  const least = { coding: Number.POSITIVE_INFINITY, decoding: Number.POSITIVE_INFINITY };
  for (let round = 0; round < ROUNDS; round++) {
    bytes = 0;
    const micros = { coding: 0, decoding: 0 };
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
    least.coding = Math.min(least.coding, micros.coding);
    least.decoding = Math.min(least.decoding, micros.decoding);
  }
  reader.close();
  return [
    { name: `${name}: codec alone, coding`, value: bytes / least.coding, unit: "MB/s", target: { atLeast: 200 } },
    { name: "  decoding", value: bytes / least.decoding, unit: "MB/s", target: { atLeast: 200 } },
  ];
}

/** A pair that many times as large, end to end with all hashes: throughput, memory, and the estimate of a quarter. */
async function largePair(pair: Pair, folder: string, repeats: number): Promise<Figure[]> {
  const whole = enlarged(pair, folder, repeats);
  const quarter = enlarged(pair, folder, Math.ceil(repeats / 4));
  const out = join(folder, "large.delta");
  const estimated = await cairn(folder, ["delta", "estimate", quarter.fine, "--base", quarter.base]);
  const fast = await cairn(folder, ["delta", "compress", quarter.fine, "--base", quarter.base, "--out", out, "--fast"]);
  const guess = await cairn(folder, ["delta", "estimate", whole.fine, "--base", whole.base, "--json"]);
  const made = await cairn(folder, ["delta", "compress", whole.fine, "--base", whole.base, "--out", out, "--force"]);
  const stored = statSync(out).size;
  const rebuilt = await cairn(folder, [
    "delta",
    "reconstruct",
    out,
    "--base",
    whole.base,
    "--out",
    join(folder, "large"),
  ]);
  rmSync(join(folder, "large"), { recursive: true });
  const off = Math.abs(JSON.parse(guess.stdout).saved - (1 - stored / whole.bytes));
  return [
    { name: `${sizeOf(quarter)}: estimate`, value: estimated.seconds, unit: "s", target: { atMost: 5 } },
    ...throughput(`${sizeOf(quarter)}: compress --fast`, quarter, fast),
    ...throughput(`${sizeOf(whole)}: compress`, whole, made),
    ...throughput(`${sizeOf(whole)}: reconstruct`, whole, rebuilt),
    { name: `${sizeOf(whole)}: estimate is off by`, value: 100 * off, unit: "points", target: { atMost: 1 } },
  ];
}

/** What looking for predictions costs, and what it saves, where there is something to find. */
async function predictedPair(pair: Pair, folder: string, repeats: number): Promise<Figure[]> {
  const { base, fine, bytes } = enlarged(pair, folder, repeats);
  const out = join(folder, "predicted.delta");
  const figures: Figure[] = [];
  for (const options of [["--fast"], []]) {
    const usage = await cairn(folder, ["delta", "compress", fine, "--base", base, "--out", out, "--force", ...options]);
    const name = `${sizeOf({ bytes })} of merged adapters: ${["compress", ...options].join(" ")}`;
    figures.push(...throughput(name, { bytes }, usage));
    figures.push({ name: "  saved", value: 100 * (1 - statSync(out).size / bytes), unit: "%" });
  }
  return figures;
}

function throughput(name: string, { bytes }: { bytes: number }, { seconds, cpuSeconds, peakMB }: Usage): Figure[] {
  return [
    { name, value: bytes / 1e6 / seconds, unit: "MB/s" },
    { name: "  by processor time", value: bytes / 1e6 / cpuSeconds, unit: "MB/s" },
    { name: "  its peak of memory", value: peakMB, unit: "MB", target: { atMost: 200 } },
  ];
}

/** What SHA-256 alone reaches on one core: compressing hashes base, fine-tune and every tensor, rebuilding what it writes. */
function hashSpeed(): Figure {
  const bytes = new Uint8Array(1 << 20);
  const hash = createHash("sha256");
  const started = process.cpuUsage();
  for (let i = 0; i < 256; i++) hash.update(bytes);
  hash.digest();
  const { user, system } = process.cpuUsage(started);
  return { name: "SHA-256 alone", value: (256 * bytes.length) / (user + system), unit: "MB/s" };
}

function sizeOf({ bytes }: { bytes: number }): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** A pair of folders with so many copies of both files, each different. */
function enlarged({ base, fine }: Pair, folder: string, repeats: number) {
  const [largeBase, largeFine] = [base, fine].map((path) => {
    const large = join(folder, `${basename(path)}-${repeats}`);
    mkdirSync(large, { recursive: true });
    for (let repeat = 0; repeat < repeats; repeat++)
      writeFileSync(join(large, `${repeat}.safetensors`), perturbed(path, repeat));
    return large;
  });
  return { base: largeBase, fine: largeFine, bytes: repeats * statSync(fine).size };
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

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest("hex");
}
