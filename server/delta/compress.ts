import { crc32 } from "node:zlib";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { EncodedBlock } from "./block-jobs.ts";
import { inOrder } from "./block-workers.ts";
import { type DeltaOptions, stopWhen } from "./delta-options.ts";
import { DeltaWriter } from "./delta-writer.ts";
import { FACTORS } from "./factors.ts";
import { type BlockEntry, blockTuple, FORMAT, type Manifest, type Part } from "./manifest.ts";
import { isPlainName, type Model, pathsOf } from "./model-files.ts";
import { encodePlaces } from "./packed-rows.ts";
import { makePlan, type Plan, type PlannedJob } from "./plan.ts";
import { probeOf } from "./probe.ts";
import type { Span } from "./read-file.ts";
import { assertReplaceable } from "./replaceable.ts";
import { rowIndexes } from "./row-index.ts";
import { verify } from "./verify.ts";

export interface CompressOptions extends DeltaOptions {
  /** Replaces a file that is already there. */
  force: boolean;
  /** Looks for no low-rank structure: several times as fast, and larger where there is some. */
  fast: boolean;
  /** Rebuilds everything in memory from what was written, and compares, before the delta gets its name. */
  check: boolean;
  /** The version of Cairn, for the manifest. */
  made: string;
}

export interface Compressed {
  path: string;
  /** Bytes of the fine-tune, and of the delta. */
  originalBytes: number;
  bytes: number;
  /** Blocks that an earlier, interrupted run had left. */
  resumedBlocks: number;
  manifest: Manifest;
}

/**
 * Writes the delta that turns `base` into `fine`. It is written beside its place and renamed when it is whole; a run
 * that was killed is taken up where it stopped, one that was cancelled or failed leaves nothing.
 *
 * @throws {CairnError} `input` when something cannot be used, `unavailable` when cancelled or a file cannot be written
 */
export async function compress(base: Model, fine: Model, out: string, options: CompressOptions): Promise<Compressed> {
  assertReplaceable(out, { force: options.force, needed: [...pathsOf(base), ...pathsOf(fine)] });
  for (const { name } of fine.files) {
    if (!isPlainName(name))
      throw new CairnError(
        "input",
        phrase("The name {0} cannot be kept on every system.", JSON.stringify(name)),
        phrase("Rename the file."),
      );
  }
  const plan = makePlan(base, fine, !options.fast);
  const writer = DeltaWriter.open(out, identityOf(base, fine, plan));
  try {
    const resumedBlocks = writer.blocks.length;
    const hashes = hashAll(base, fine, plan, options);
    // Reported when its turn comes.
    hashes.catch(() => {});
    await codeAll(plan, writer, base, fine, options);
    const manifest = await assemble(base, fine, plan, writer.blocks, hashes, options);
    const written = writer.seal(manifest);
    if (options.check) await verify({ ...written, manifest }, base, options);
    writer.publish();
    const { bytes } = written;
    return { path: out, originalBytes: totalBytes(fine), bytes, resumedBlocks, manifest };
  } catch (error) {
    writer.discard();
    throw error;
  }
}

export function totalBytes({ files }: Model): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** What has to be the same for an interrupted run to be continued. */
function identityOf(base: Model, fine: Model, { jobs }: Plan): string {
  const files = (model: Model) => model.files.map(({ name, bytes, mtimeMs }) => [name, bytes, mtimeMs]);
  return JSON.stringify({ format: FORMAT, base: files(base), fine: files(fine), jobs: jobs.length });
}

async function codeAll(
  { jobs }: Plan,
  writer: DeltaWriter,
  base: Model,
  fine: Model,
  { workers, signal, onProgress }: CompressOptions,
) {
  const total = totalBytes(fine);
  const records = new Map<number, Promise<EncodedBlock>>();
  const indexOf = rowIndexes(base);
  const run = async (number: number): Promise<EncodedBlock> => {
    const job = jobs[number];
    if (job.kind === "fit") {
      const found = workers.run("fit", job);
      // Only the tensor's own blocks ask for it, and they come next.
      records.clear();
      records.set(number, found);
      return found;
    }
    if (job.kind === "rows") {
      const index = indexOf(job.rowKind);
      return workers.run("encodeRows", { fine: job.fine[0], kind: job.rowKind, packed: job.packed, index });
    }
    if (job.kind === "places") {
      const bytes = encodePlaces(job.files);
      return { bytes, crc: crc32(bytes) };
    }
    const { kind: _, fit, ...block } = job;
    if (!fit) return workers.encode(block);
    const known = records.get(fit.job) ?? writer.read(fit.job);
    const { bytes: record, crc } = await known;
    if (record.length === 0) return workers.encode(block);
    const prediction = { record, key: `${fit.job} ${crc}`, fromRow: fit.fromRow };
    return workers.encode({ ...block, prediction });
  };
  const left = Array.from(jobs.keys()).slice(writer.blocks.length);
  let done = jobs.slice(0, writer.blocks.length).reduce((sum, job) => sum + bytesOf(job), 0);
  for await (const [number, { bytes, crc }] of inOrder(left, 2 * workers.count, run)) {
    stopWhen(signal);
    const job = jobs[number];
    if (job.kind === "fit") writer.append(bytes, { crc, codec: FACTORS, rows: 0, cols: 0, hasBase: false });
    else if (job.kind === "places") writer.append(bytes, { crc, codec: bytes[0], rows: 0, cols: 0, hasBase: false });
    else if (job.kind === "rows")
      writer.append(bytes, { crc, codec: bytes[0], rows: 1, cols: bytesOf(job), hasBase: true });
    else
      writer.append(bytes, { crc, codec: bytes[0], rows: job.rows, cols: job.cols, hasBase: job.base !== undefined });
    // Factors are still needed by the blocks that they predict.
    if (job.kind === "encode") workers.giveBack(bytes);
    done += bytesOf(job);
    onProgress?.({ phase: "coding", done, total });
  }
}

/** How much of the fine-tune a job is done with. */
function bytesOf(job: PlannedJob): number {
  if (job.kind === "fit" || job.kind === "places") return 0;
  const spans: readonly Span[] = job.fine;
  return spans.reduce((sum, { bytes }) => sum + bytes, 0);
}

interface Hashes {
  base: string[];
  fine: string[];
  parts: string[][];
}

/** Whole files first, since each keeps one thread busy for long; then every part. */
async function hashAll(
  base: Model,
  fine: Model,
  { files }: Plan,
  { workers, signal }: CompressOptions,
): Promise<Hashes> {
  const spans: Span[] = [...fine.files, ...base.files].map(({ path, bytes }) => ({ path, at: 0, bytes }));
  files.forEach((parts, file) => {
    let at = 0;
    for (const { bytes } of parts) {
      spans.push({ path: fine.files[file].path, at, bytes });
      at += bytes;
    }
  });
  const hashes: string[] = [];
  const atOnce = Math.max(1, workers.count >> 1);
  for await (const [, hash] of inOrder(spans, atOnce, (span) => workers.run("hash", span))) {
    stopWhen(signal);
    hashes.push(hash);
  }
  const fineHashes = hashes.splice(0, fine.files.length);
  const baseHashes = hashes.splice(0, base.files.length);
  return { fine: fineHashes, base: baseHashes, parts: files.map((parts) => hashes.splice(0, parts.length)) };
}

async function assemble(
  base: Model,
  fine: Model,
  plan: Plan,
  blocks: readonly BlockEntry[],
  hashes: Promise<Hashes>,
  { onProgress, made }: CompressOptions,
): Promise<Manifest> {
  const total = totalBytes(fine);
  onProgress?.({ phase: "hashing", done: total, total });
  const known = await hashes;
  const baseFiles = base.files.map(({ name, bytes, path }, i) => ({
    name,
    bytes,
    sha256: known.base[i],
    probe: probeOf(path, bytes),
  }));
  const used = usedBases(plan.files);
  return {
    format: FORMAT,
    made,
    folder: fine.isFolder,
    // What nothing refers to need not be there to rebuild.
    base: baseFiles.map((file, i) => ({ ...file, used: used.has(i) })),
    files: fine.files.map(({ name, bytes }, i) => ({
      name,
      bytes,
      sha256: known.fine[i],
      parts: plan.files[i].map((part, j) => {
        const { factors, ...whole } = part;
        const sha256 = part.bytes > 0 ? known.parts[i][j] : undefined;
        return { ...whole, sha256, factors: factors !== undefined && blocks[factors].bytes > 0 ? factors : undefined };
      }),
    })),
    blocks: blocks.map(blockTuple),
  };
}

function usedBases(files: readonly Part[][]): Set<number> {
  return new Set(files.flat().flatMap(({ base, rows }) => rows?.base ?? (base ? [base[0]] : [])));
}
