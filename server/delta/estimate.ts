import type { RowCounts } from "../../shared/delta-types.ts";
import { codecName } from "./block-codec.ts";
import type { EncodeJob, FitJob, SampledBlock } from "./block-jobs.ts";
import { inOrder } from "./block-workers.ts";
import { totalBytes } from "./compress.ts";
import { type DeltaOptions, stopWhen } from "./delta-options.ts";
import type { Model } from "./model-files.ts";
import { numberFormat } from "./number-format.ts";
import { makePlan, type PlannedJob } from "./plan.ts";
import { countRows } from "./row-codec.ts";
import { scaledRows, sumOfRows } from "./row-counts.ts";
import { rowIndexes } from "./row-index.ts";

/** What a delta would save, from a sample of the blocks that it would have. */
export interface Estimate {
  bytes: number;
  deltaBytes: number;
  /** Share of the original, 0 to 1. */
  saved: number;
  /** Two standard errors of `saved`. */
  error: number;
  /** Bytes that were looked at. */
  sampledBytes: number;
  /** Of all datasets in it; undefined where there are none. */
  rows: RowCounts | undefined;
  /** Largest first. */
  tensors: TensorEstimate[];
}

export interface TensorEstimate {
  name: string;
  dtype: string;
  bytes: number;
  saved: number;
  codec: string;
  /** Length of the difference over the length of the base, both as vectors; undefined for what is no float. */
  change: number | undefined;
}

export interface EstimateOptions extends DeltaOptions {
  /** Estimates what compressing without a look for low-rank changes would give. */
  fast: boolean;
}

/** Bytes that are looked at: all of a small model, a share of a large one. */
const SAMPLE_BYTES = 96 << 20;
/** A slice is large enough that its tables of frequencies say what those of the whole block would. */
const SLICE_BYTES = 512 << 10;
/** What the manifest takes for a tensor: its hash, and numbers. */
const BYTES_PER_PART = 48;

interface Slice {
  /** The job it stands for. */
  job: EncodeJob;
  sampled: EncodeJob;
}

/**
 * Looks at a part of every tensor: small models whole, of large ones slices of 512 KiB of evenly chosen blocks.
 *
 * @throws {CairnError} `input` when a file cannot be used
 */
export async function estimate(base: Model, fine: Model, options: EstimateOptions): Promise<Estimate> {
  const plan = makePlan(base, fine, !options.fast);
  const total = totalBytes(fine);
  const share = Math.min(1, SAMPLE_BYTES / Math.max(1, total));
  const groups = groupsOf(plan);
  const slices = groups.flatMap(({ jobs }) => choose(jobs, share));
  const sampled = new Map<EncodeJob, Sampled>();
  let done = 0;
  const all = slices.reduce((sum, slice) => sum + bytesOf(slice.sampled), 0);
  const run = ({ sampled: job }: Slice) => options.workers.run("sample", job);
  for await (const [slice, result] of inOrder(slices, 2 * options.workers.count, run)) {
    stopWhen(options.signal);
    done += bytesOf(slice.sampled);
    options.onProgress?.({ phase: "sampling", done, total: all });
    sampled.set(slice.job, scaled(slice, result));
  }
  await predictGroups(groups, slices, sampled, options);
  const rows = await sampleRows(base, plan.jobs, options);
  return sum(groups, sampled, total, done, plan.files.flat().length, rows);
}

/** What rows of datasets would take, by some of their blocks, and the square of the standard error of that. */
async function sampleRows(base: Model, jobs: readonly PlannedJob[], { workers, signal }: EstimateOptions) {
  const all = jobs.filter((job) => job.kind === "rows");
  const wanted = Math.min(all.length, ROW_BLOCKS);
  const chosen = Array.from({ length: wanted }, (_, i) => all[Math.floor(((i + 0.5) * all.length) / wanted)]);
  const indexOf = rowIndexes(base);
  const known: { original: number; stored: number; rows: RowCounts }[] = [];
  const run = ({ fine, rowKind }: (typeof all)[number]) =>
    workers.run("encodeRows", { fine: fine[0], kind: rowKind, index: indexOf(rowKind) });
  for await (const [job, { bytes }] of inOrder(chosen, workers.count, run)) {
    stopWhen(signal);
    const original = bytesOf(job);
    known.push({ original, stored: bytes.length, rows: countRows(bytes, job.rowKind, original) });
  }
  const total = all.reduce((sum, job) => sum + bytesOf(job), 0);
  const original = known.reduce((sum, one) => sum + one.original, 0);
  const ratio = known.reduce((sum, one) => sum + one.stored, 0) / Math.max(1, original);
  const spread =
    known.reduce((sum, one) => sum + (one.stored - ratio * one.original) ** 2, 0) / Math.max(1, wanted - 1);
  const variance = wanted === all.length ? 0 : (total / original) ** 2 * spread * wanted;
  const seen = sumOfRows(known.map(({ rows }) => rows));
  return { bytes: total, deltaBytes: ratio * total, variance, counts: seen && scaledRows(seen, total / original) };
}

/** Blocks of rows that are looked at. */
const ROW_BLOCKS = 4;

interface Sampled {
  /** What the whole block would take. */
  bytes: number;
  result: SampledBlock;
}

function scaled({ job, sampled }: Slice, result: SampledBlock): Sampled {
  const scale = bytesOf(job) / bytesOf(sampled);
  return { bytes: result.headerBytes + (result.bytes - result.headerBytes) * scale, result };
}

/**
 * Looks for factors of one tensor of each kind (the same name but for numbers), the largest kinds first, and takes
 * what they save for what they save of the others.
 */
async function predictGroups(
  groups: Group[],
  slices: Slice[],
  sampled: Map<EncodeJob, Sampled>,
  { workers, signal }: EstimateOptions,
) {
  const kinds = Map.groupBy(
    groups.filter(({ fit }) => fit !== undefined),
    ({ name, dtype }) => `${name.replace(/\d+/g, "#")} ${dtype}`,
  );
  let left = FIT_BYTES;
  const weight = (members: Group[]) => members.reduce((sum, { bytes }) => sum + bytes, 0);
  const largest = [...kinds.values()].sort((a, b) => weight(b) - weight(a));
  const chosen = largest.flatMap((members) => {
    const wanted = members.filter((_, i) => i % Math.max(1, Math.ceil(members.length / FITS_PER_KIND)) === 0);
    return wanted.filter((member, i) => {
      const isIncluded = i === 0 || left >= member.bytes;
      if (isIncluded) left -= member.bytes;
      return isIncluded;
    });
  });
  const run = async (group: Group) => {
    const { bytes: record, crc } = await workers.run("fit", group.fit as FitJob);
    if (record.length === 0) return 1;
    let plain = 0;
    let predicted = 0;
    for (const slice of slices.filter(({ job }) => group.jobs.includes(job))) {
      const from = slice.sampled.fine[0].at - (group.fit as FitJob).fine.at;
      const rowBytes = slice.sampled.cols * numberFormat(group.dtype).width;
      const prediction = { record, key: `${group.name} ${crc}`, fromRow: from / rowBytes };
      const result = await workers.run("sample", { ...slice.sampled, prediction });
      plain += sampled.get(slice.job)?.bytes ?? 0;
      predicted += scaled(slice, result).bytes;
    }
    const ratio = predicted / plain;
    const whole =
      (plain * group.bytes) / group.jobs.filter((job) => sampled.has(job)).reduce((sum, job) => sum + bytesOf(job), 0);
    return Math.min(1, ratio + record.length / whole);
  };
  const ratios = new Map<Group, number>();
  for await (const [group, ratio] of inOrder(chosen, workers.count, run)) {
    stopWhen(signal);
    ratios.set(group, ratio);
  }
  for (const members of kinds.values()) {
    const known = members.flatMap((member) => ratios.get(member) ?? []);
    const mean = known.reduce((sum, ratio) => sum + ratio, 0) / known.length;
    for (const member of members) member.predicted = ratios.get(member) ?? mean;
  }
}

/** Bytes of tensors that factors are looked for in. */
const FIT_BYTES = 64 << 20;
const FITS_PER_KIND = 64;

interface Group {
  name: string;
  dtype: string;
  bytes: number;
  jobs: EncodeJob[];
  /** How its factors would be looked for, and the share of its bytes that is left with them. */
  fit: FitJob | undefined;
  predicted: number;
}

/** The blocks of each tensor; those that small tensors share, and what is no tensor, stand for themselves. */
function groupsOf({ files, jobs }: ReturnType<typeof makePlan>): Group[] {
  const groups: Group[] = [];
  const grouped = new Set<EncodeJob>();
  for (const part of files.flat()) {
    if (!part.blocks || part.name === undefined) continue;
    const own = jobs.slice(part.blocks[0], part.blocks[0] + part.blocks[1]).filter((job) => job.kind === "encode");
    for (const job of own) grouped.add(job);
    const fit = part.factors === undefined ? undefined : jobs[part.factors];
    groups.push({
      name: part.name,
      dtype: part.dtype,
      bytes: part.bytes,
      jobs: own,
      fit: fit?.kind === "fit" ? fit : undefined,
      predicted: 1,
    });
  }
  for (const job of jobs) {
    if (job.kind !== "encode" || grouped.has(job)) continue;
    const name = job.fine.length > 1 ? `(${job.fine.length} small tensors)` : "(headers and other files)";
    const known = groups.find((group) => group.name === name && group.dtype === job.dtype);
    if (known) {
      known.jobs.push(job);
      known.bytes += bytesOf(job);
    } else groups.push({ name, dtype: job.dtype, bytes: bytesOf(job), jobs: [job], fit: undefined, predicted: 1 });
  }
  return groups;
}

/** So many of the jobs, evenly, that slices of them make up the share; at least one. */
function choose(jobs: readonly EncodeJob[], share: number): Slice[] {
  const bytes = jobs.reduce((sum, job) => sum + bytesOf(job), 0);
  const wanted = share >= 1 ? jobs.length : Math.min(jobs.length, Math.ceil((bytes * share) / SLICE_BYTES));
  return Array.from({ length: wanted }, (_, i) => {
    const job = jobs[Math.floor(((i + 0.5) * jobs.length) / wanted)];
    return { job, sampled: share >= 1 ? job : sliceOf(job) };
  });
}

/** The middle rows, or the middle of what has no rows. */
function sliceOf(job: EncodeJob): EncodeJob {
  if (bytesOf(job) <= SLICE_BYTES || job.fine.length > 1) return job;
  const { width } = numberFormat(job.dtype);
  const unit = job.rows > 1 ? job.cols * width : width;
  const units = Math.max(1, Math.floor(SLICE_BYTES / unit));
  const from = Math.floor((bytesOf(job) / unit - units) / 2) * unit;
  const cut = (spans: EncodeJob["fine"]) => spans.map((span) => ({ ...span, at: span.at + from, bytes: units * unit }));
  return {
    ...job,
    fine: cut(job.fine),
    base: job.base && cut(job.base),
    rows: job.rows > 1 ? units : 1,
    cols: job.rows > 1 ? job.cols : units,
  };
}

function sum(
  groups: Group[],
  sampled: Map<EncodeJob, Sampled>,
  total: number,
  sampledBytes: number,
  parts: number,
  rows: { bytes: number; deltaBytes: number; variance: number; counts: RowCounts | undefined },
): Estimate {
  let deltaBytes = parts * BYTES_PER_PART + rows.deltaBytes;
  let variance = rows.variance;
  const tensors = groups.map(({ name, dtype, bytes, jobs, predicted }): TensorEstimate => {
    const known = jobs.flatMap((job) => {
      const found = sampled.get(job);
      return found ? [{ ...found, original: bytesOf(job) }] : [];
    });
    const original = known.reduce((sum, one) => sum + one.original, 0);
    const stored = predicted * known.reduce((sum, one) => sum + one.bytes, 0);
    const ratio = stored / original;
    deltaBytes += ratio * bytes;
    // A ratio estimate's variance among blocks; blocks of which only a slice was seen vary as blocks do.
    const isWhole = original === bytes && sampledBytes >= total;
    if (!isWhole && known.length > 1) {
      const spread = known.reduce((sum, one) => sum + (one.bytes - ratio * one.original) ** 2, 0) / (known.length - 1);
      variance += (bytes / original) ** 2 * spread * known.length;
    } else if (!isWhole) variance += (bytes * UNSEEN_SPREAD) ** 2;
    const energy = known.reduce((sum, { result }) => sum + result.baseEnergy, 0);
    const change = known.reduce((sum, { result }) => sum + result.changeEnergy, 0);
    return {
      name,
      dtype,
      bytes,
      saved: 1 - ratio,
      codec: `${predicted < 1 ? "predicted " : ""}${codecName(known[0]?.result.codec) ?? ""}`,
      change: energy > 0 ? Math.sqrt(change / energy) : undefined,
    };
  });
  if (rows.bytes > 0) {
    const saved = 1 - rows.deltaBytes / rows.bytes;
    tensors.push({
      name: "(rows of datasets)",
      dtype: "U8",
      bytes: rows.bytes,
      saved,
      codec: "rows",
      change: undefined,
    });
  }
  tensors.sort((a, b) => b.bytes - a.bytes);
  return {
    bytes: total,
    deltaBytes: Math.round(deltaBytes),
    saved: total === 0 ? 0 : 1 - deltaBytes / total,
    error: total === 0 ? 0 : (2 * Math.sqrt(variance)) / total,
    sampledBytes,
    rows: rows.counts,
    tensors,
  };
}

/** How much the ratios of a tensor's parts differ when only one of them was seen (measured: 1 to 2 points). */
const UNSEEN_SPREAD = 0.02;

function bytesOf({ fine }: Pick<EncodeJob, "fine">): number {
  return fine.reduce((sum, { bytes }) => sum + bytes, 0);
}
