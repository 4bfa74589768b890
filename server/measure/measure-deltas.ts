import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { type Phrase, phrase } from "../../shared/phrase.ts";
import { BlockWorkers } from "../delta/block-workers.ts";
import { compress, totalBytes } from "../delta/compress.ts";
import { openDelta } from "../delta/delta-file.ts";
import type { DeltaOptions } from "../delta/delta-options.ts";
import { type Model, openModel } from "../delta/model-files.ts";
import { reconstruct } from "../delta/reconstruct.ts";
import { normal, safetensors, weights } from "./made-weights.ts";
import { randomNumbers } from "./random-numbers.ts";
import type { Limits } from "./rounds.ts";
import { type Candidate, type MeasureOptions, type Section, skippedSection, takeInTurns, together } from "./section.ts";

const LIMITS: Limits = { warmUp: 1, least: 6, most: 30, ms: 30_000, precision: 0.03 };
const QUICK: Limits = { warmUp: 1, least: 3, most: 6, ms: 6_000, precision: 0.05 };

/** A model, or a dataset, and what it was made from. */
export interface DeltaPair {
  readonly base: string;
  readonly fine: string;
}

/** Larger files do not fit into one piece of memory. */
const LARGEST_PACKED = 1 << 30;

/** What a delta saves and how fast it is made, on one thread, beside zstd: of the user's own pair, or one made for it. */
export async function measureDeltas(given: DeltaPair | undefined, options: MeasureOptions): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), "cairn-bench-"));
  const workers = new BlockWorkers(1);
  try {
    options.note(
      given ? phrase("making deltas of your pair") : phrase("making deltas of a pair of models made for it"),
    );
    const { base, fine } = given ?? madePair(folder);
    const work = new PairWork(openModel(base), openModel(fine), folder, workers, options.signal);
    const limits = options.quick ? QUICK : LIMITS;
    // What is rebuilt and unpacked has to be there, whichever comes first.
    await work.compress();
    if (work.fine.files.some(({ bytes }) => bytes > LARGEST_PACKED)) {
      const skipped = skippedSection("delta", phrase("zstd"), phrase("A file of the pair is larger than 1 GiB."));
      return together([skipped, await takeInTurns("delta", ofDeltas(work, options), limits, options)]);
    }
    work.pack();
    return await takeInTurns("delta", [...ofDeltas(work, options), ...ofZstd(work, options)], limits, options);
  } finally {
    await workers.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A model of four matrices in bf16, and what training leaves of it: every weight changed by about a percent. */
function madePair(folder: string): DeltaPair {
  const random = randomNumbers(7);
  const shape = [1024, 1024];
  const base = Array.from({ length: 4 }, () => weights(random, shape[0], shape[1]));
  const fine = base.map((tensor) => tensor.map((value) => value + normal(random, 2e-4)));
  const [basePath, finePath] = ["base", "fine"].map((name) => join(folder, `${name}.safetensors`));
  writeFileSync(basePath, safetensors("BF16", base, shape));
  writeFileSync(finePath, safetensors("BF16", fine, shape));
  return { base: basePath, fine: finePath };
}

/** Each thing that is done with a pair. */
class PairWork {
  readonly base: Model;
  readonly fine: Model;
  readonly bytes: number;
  readonly #delta: string;
  readonly #rebuilt: string;
  readonly #options: DeltaOptions & { force: true };
  #packed: Buffer[] = [];

  constructor(base: Model, fine: Model, folder: string, workers: BlockWorkers, signal: AbortSignal) {
    this.base = base;
    this.fine = fine;
    this.bytes = totalBytes(fine);
    this.#delta = join(folder, "bench.delta");
    this.#rebuilt = join(folder, "rebuilt");
    this.#options = { workers, signal, force: true };
  }

  async compress(): Promise<void> {
    await compress(this.base, this.fine, this.#delta, { ...this.#options, fast: false, check: false, made: "bench" });
  }

  async rebuild(): Promise<void> {
    await reconstruct(openDelta(this.#delta), this.base, this.#rebuilt, this.#options);
  }

  get deltaBytes(): number {
    return statSync(this.#delta).size;
  }

  pack(): void {
    const params = { [constants.ZSTD_c_compressionLevel]: 3 };
    this.#packed = this.fine.files.map(({ path }) => zstdCompressSync(readFileSync(path), { params }));
  }

  unpack(): void {
    for (const bytes of this.#packed) zstdDecompressSync(bytes);
  }

  get packedBytes(): number {
    return this.#packed.reduce((sum, { length }) => sum + length, 0);
  }
}

function ofDeltas(work: PairWork, options: MeasureOptions): Candidate[] {
  return [
    speed("compress", phrase("Making a delta"), () => work.compress(), work, options, "zstd"),
    saved("saved", phrase("Saved by a delta"), () => work.deltaBytes, work, "zstd-saved"),
    speed("rebuild", phrase("Rebuilding from it"), () => work.rebuild(), work, options, "unzstd"),
  ];
}

function ofZstd(work: PairWork, options: MeasureOptions): Candidate[] {
  return [
    speed("zstd", phrase("Packing with zstd -3"), () => work.pack(), work, options),
    saved("zstd-saved", phrase("Saved by zstd -3"), () => work.packedBytes, work),
    speed("unzstd", phrase("Unpacking it"), () => work.unpack(), work, options),
  ];
}

function speed(
  id: string,
  name: Phrase,
  run: () => Promise<void> | void,
  { bytes }: PairWork,
  { clock }: MeasureOptions,
  against?: string,
): Candidate {
  return {
    ...described(id, name, against),
    unit: "MB/s",
    async run() {
      const started = clock.steady();
      await run();
      return bytes / 1e3 / (clock.steady() - started);
    },
  };
}

function saved(id: string, name: Phrase, stored: () => number, { bytes }: PairWork, against?: string): Candidate {
  return { ...described(id, name, against), unit: "%", run: () => 100 * (1 - stored() / bytes) };
}

function described(id: string, name: Phrase, against: string | undefined) {
  return { id: `delta/${id}`, name, better: "more", ...(against && { against: `delta/${against}` }) } as const;
}
