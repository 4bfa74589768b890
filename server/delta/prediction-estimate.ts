import type { EncodeJob, FitJob, SampledBlock } from "./block-jobs.ts";
import { inOrder } from "./block-workers.ts";
import { BLOCK_BYTES, BLOCK_VALUES } from "./codec-memory.ts";
import { type DeltaOptions, stopWhen } from "./delta-options.ts";
import { recordBytes } from "./factors.ts";
import { numberFormat } from "./number-format.ts";
import type { Span } from "./read-file.ts";

/** A tensor for which factors may be looked for. */
export interface PredictableTensor {
  name: string;
  dtype: string;
  bytes: number;
  /** How they would be; undefined when they are not. */
  fit: FitJob | undefined;
}

/** Bytes of tensors that factors are looked for in. */
const FIT_BYTES = 48 << 20;
/** Of a larger tensor, the middle rows are taken for all of it. From fewer rows, directions are found less exactly. */
const LARGEST_FIT = 16 << 20;
/** A prediction is tried on so many slices of what it was made for. */
const SLICES = 2;
const SLICE_BYTES = 512 << 10;

/**
 * What predictions leave of what tensors take without, as a share of it. Factors are looked for in some tensors of each
 * kind (the same name but for numbers), in the middle rows of large ones, and what they save there is taken for what
 * they save in all of the kind.
 */
export async function leftWhenPredicted<T extends PredictableTensor>(
  tensors: readonly T[],
  { workers, signal }: DeltaOptions,
): Promise<Map<T, number>> {
  const candidates = tensors.filter(({ fit }) => fit !== undefined);
  const total = bytesOf(candidates);
  const kinds = Map.groupBy(candidates, ({ name, dtype }) => `${name.replace(/\d+/g, "#")} ${dtype}`);
  const chosen = [...kinds.values()].flatMap((members) => {
    const wanted = Math.floor((FIT_BYTES * bytesOf(members)) / total / Math.min(LARGEST_FIT, members[0].bytes));
    return evenly(members, Math.max(1, Math.min(members.length, wanted)));
  });
  const left = new Map<T, number>();
  const run = async ({ fit, bytes }: T) => {
    const part = middleOf(fit as FitJob);
    const { bytes: record, crc } = await workers.run("fit", part);
    if (record.length === 0) return 1;
    const took = { plain: 0, predicted: 0, original: 0 };
    for (const { fromRow, job } of slicesOf(part)) {
      const prediction = { record, key: `${part.fine.path} ${part.fine.at} ${crc}`, fromRow };
      const length = job.fine[0].bytes;
      const inBlock = Math.max(1, Math.min(BLOCK_BYTES, BLOCK_VALUES * numberFormat(job.dtype).width, bytes) / length);
      took.plain += wholeBytes(await workers.run("sample", job), inBlock);
      took.predicted += wholeBytes(await workers.run("sample", { ...job, prediction }), inBlock);
      took.original += length * inBlock;
    }
    const factors = recordBytes(record, (part.rowsInAll ?? part.rows) / part.rows);
    return Math.min(1, took.predicted / took.plain + (factors * took.original) / (bytes * took.plain));
  };
  for await (const [tensor, share] of inOrder(chosen, workers.count, run)) {
    stopWhen(signal);
    left.set(tensor, share);
  }
  for (const members of kinds.values()) {
    const known = members.flatMap((member) => left.get(member) ?? []);
    const mean = known.reduce((sum, share) => sum + share, 0) / known.length;
    for (const member of members) left.set(member, left.get(member) ?? mean);
  }
  return left;
}

/** What a block would take that is so many times as long as one that was coded: tables do not grow. */
export function wholeBytes({ bytes, headerBytes }: SampledBlock, growth: number): number {
  return headerBytes + (bytes - headerBytes) * growth;
}

/** So many, from all along the list. */
export function evenly<T>(list: readonly T[], wanted: number): T[] {
  return Array.from({ length: wanted }, (_, i) => list[Math.floor(((i + 0.5) * list.length) / wanted)]);
}

/** The middle rows, as many as are looked at. */
function middleOf(fit: FitJob): FitJob {
  const { dtype, rows, cols } = fit;
  const rowBytes = cols * numberFormat(dtype).width;
  const count = Math.min(rows, Math.max(1, Math.floor(LARGEST_FIT / rowBytes)));
  if (count === rows) return fit;
  const { fine, base } = cut(fit, Math.floor((rows - count) / 2), count, rowBytes);
  return { ...fit, fine, base, rows: count, rowsInAll: rows };
}

/** Slices of whole rows, evenly spread; all of it when it is small. */
function slicesOf(fit: FitJob): { fromRow: number; job: EncodeJob }[] {
  const { dtype, rows, cols } = fit;
  const rowBytes = cols * numberFormat(dtype).width;
  const all = Array.from({ length: Math.ceil((rows * rowBytes) / SLICE_BYTES) }, (_, i) => i);
  const count = Math.max(1, Math.floor(rows / all.length));
  return evenly(all, Math.min(SLICES, all.length)).map((i) => {
    const fromRow = i * count;
    const { fine, base } = cut(fit, fromRow, count, rowBytes);
    return { fromRow, job: { fine: [fine], base: [base], dtype, rows: count, cols } };
  });
}

function cut({ fine, base }: FitJob, fromRow: number, count: number, rowBytes: number): { fine: Span; base: Span } {
  const part = ({ path, at }: Span): Span => ({ path, at: at + fromRow * rowBytes, bytes: count * rowBytes });
  return { fine: part(fine), base: part(base) };
}

function bytesOf(tensors: readonly PredictableTensor[]): number {
  return tensors.reduce((sum, { bytes }) => sum + bytes, 0);
}
