import { BLOCK_BYTES, BLOCK_VALUES, type CodecMemory } from "./codec-memory.ts";
import { bringFloats, type FactorCodes, haveRoom } from "./factors.ts";
import { columnNorms, orthonormalise, symmetricEigen } from "./linear-algebra.ts";
import { numberFormat } from "./number-format.ts";
import type { FileReader, Span } from "./read-file.ts";

/** Two tensors of the same shape. */
export interface MatrixPair {
  fine: Span;
  base: Span;
  dtype: string;
  rows: number;
  cols: number;
  /** Rows of the tensors that these are some rows of; undefined for all of them. */
  rowsInAll?: number;
}

/** Directions that are looked for: a first look, and what follows when they are not enough. */
const WIDTHS = [32, 64] as const;
/** Of a larger matrix, so many values are looked at before all of it is, and at least so many rows. */
const PROBE_VALUES = 1 << 17;
const PROBE_ROWS = 128;
/** A prediction must save at least so much of a tensor to be worth its time. */
const WORTHWHILE = 0.02;
/** Bits of a normally distributed number in units of its spread. */
const NORMAL_BITS = 0.5 * Math.log2(2 * Math.PI * Math.E);

/**
 * Finds factors whose product is near the difference of two matrices, as it is after a low-rank adapter (LoRA) was
 * merged, and partly after every training: by randomised subspace iteration (Halko, Martinsson and Tropp), then coded
 * as coarsely as the rest of the difference allows. Undefined when that would not make the delta smaller.
 */
export function fitFactors(codec: CodecMemory, reader: FileReader, pair: MatrixPair): FactorCodes | undefined {
  const probed = probeOf(pair);
  for (const [i, width] of WIDTHS.entries()) {
    if (!hasSense(pair, width)) return undefined;
    const probe = decompose(codec, reader, probed, width, undefined);
    if (!probe) return undefined;
    if (i === 0 && probed !== pair && chooseRank(ofTheWhole(probe, probed, pair), pair).saved < WORTHWHILE)
      return undefined;
    // The rows of a part span what those of the whole do, or nearly: one round from there is enough.
    const found = probed === pair ? probe : decompose(codec, reader, pair, width, probe.right);
    if (!found) return undefined;
    const { rank, spread, saved } = chooseRank(found, pair);
    const next = WIDTHS[i + 1];
    if (
      next !== undefined &&
      rank === width &&
      hasSense(pair, next) &&
      saved - savedBy(found, pair, width - 8) > WORTHWHILE / 4
    )
      continue;
    return saved < WORTHWHILE
      ? undefined
      : quantise(found, pair, rank, Math.min(spread, measuredSpread(codec, reader, pair, found, rank)));
  }
  return undefined;
}

/** Whether so many directions have room and are few against the matrix. */
function hasSense({ rows, rowsInAll = rows, cols }: MatrixPair, width: number): boolean {
  return haveRoom(rowsInAll, cols, width) && width <= Math.min(rows, cols) / 2;
}

/** The leading singular values and vectors of a difference; the vectors stay until the next are looked for. */
interface Spectrum {
  /** Sum of the squares of all values. */
  energy: number;
  /** Singular values, descending. */
  values: Float64Array;
  /** One row of `width` for each row and each column; unit length by column. */
  left: Float32Array;
  right: Float32Array;
  width: number;
}

/** A part of a matrix: rows in a run, its middle. */
function probeOf(pair: MatrixPair): MatrixPair {
  const rows = Math.max(PROBE_ROWS, Math.floor(PROBE_VALUES / pair.cols));
  if (2 * rows > pair.rows) return pair;
  const rowBytes = pair.cols * numberFormat(pair.dtype).width;
  const from = Math.floor((pair.rows - rows) / 2) * rowBytes;
  const cut = (span: Span): Span => ({ path: span.path, at: span.at + from, bytes: rows * rowBytes });
  return { ...pair, rows, fine: cut(pair.fine), base: cut(pair.base) };
}

/** What a part says of the whole: noise has a share in every direction of a part that it has not in the whole. */
function ofTheWhole(probe: Spectrum, { rows, cols }: MatrixPair, whole: MatrixPair): Spectrum {
  const scale = whole.rows / rows;
  const found = probe.values.reduce((sum, value) => sum + value * value, 0);
  const noise = Math.max(0, probe.energy - found) / (rows * cols);
  const edge = noise * (Math.sqrt(rows) + Math.sqrt(cols)) ** 2;
  const values = probe.values.map((value) => Math.sqrt(scale * Math.max(0, value * value - edge)));
  return { ...probe, energy: scale * probe.energy, values };
}

/**
 * @param start directions that are nearly right, one column each; without them it takes two rounds from random ones
 */
function decompose(
  codec: CodecMemory,
  reader: FileReader,
  pair: MatrixPair,
  width: number,
  start: Float32Array | undefined,
): Spectrum | undefined {
  const { kernels, at } = codec;
  const { rows, cols } = pair;
  // In memory that nothing else needs meanwhile: as garbage they would pile up before they are collected.
  const left = codec.floats(at.rowSums, rows * width);
  const right = codec.floats(at.right, cols * width);
  if (start) right.set(start);
  else signs(right);
  let energy = 0;
  for (let round = start ? 1 : 0; round < 2; round++) {
    energy = 0;
    eachRows(codec, reader, pair, (from, count) => {
      const values = codec.floats(at.floats, count * cols);
      for (let i = 0; i < values.length; i++) energy += values[i] * values[i];
      kernels.times(at.floats, count, cols, at.right, width, at.left);
      left.set(codec.floats(at.left, count * width), from * width);
    });
    // Infinities and what is not a number predict nothing.
    if (!Number.isFinite(energy) || energy === 0) return undefined;
    orthonormalise(left, rows, width);
    right.fill(0);
    eachRows(codec, reader, pair, (from, count) => {
      codec.floats(at.left, count * width).set(left.subarray(from * width, (from + count) * width));
      kernels.addTransposedTimes(at.floats, count, cols, at.left, width, at.right);
    });
    if (round === 0) orthonormalise(right, cols, width);
  }
  const { values, vectors } = symmetricEigen(gram(right, cols, width), width);
  const rotated = rotate(right, width, vectors, codec.floats(at.words, cols * width));
  const lengths = columnNorms(rotated, cols, width);
  for (let i = 0; i < rotated.length; i++) rotated[i] /= lengths[i % width] || 1;
  return {
    energy,
    values: values.map((value) => Math.sqrt(Math.max(0, value))),
    left: rotate(left, width, vectors, codec.floats(at.colSums, rows * width)),
    right: rotated,
    width,
  };
}

/** Brings the difference into `floats`, as many rows at a time as there is room for. */
function eachRows(
  codec: CodecMemory,
  reader: FileReader,
  pair: MatrixPair,
  use: (from: number, count: number) => void,
): void {
  const { kernels, at } = codec;
  const { dtype, rows, cols } = pair;
  const { width } = numberFormat(dtype);
  const most = Math.max(1, Math.floor(Math.min(BLOCK_VALUES, BLOCK_BYTES / width) / cols));
  for (let from = 0; from < rows; from += most) {
    const count = Math.min(most, rows - from);
    const n = count * cols;
    const place = (span: Span): Span => ({ path: span.path, at: span.at + from * cols * width, bytes: n * width });
    for (const [span, bytes, floats] of [
      [pair.base, at.base, at.floats],
      [pair.fine, at.fine, at.z],
    ] as const) {
      reader.readSpans([place(span)], codec.bytes(bytes, n * width));
      bringFloats(codec, dtype, bytes, n, floats);
    }
    kernels.subtract(at.floats, at.z, n);
    use(from, count);
  }
}

/** What the first directions alone would save. */
function savedBy(spectrum: Spectrum, pair: MatrixPair, directions: number): number {
  return chooseRank({ ...spectrum, values: spectrum.values.slice(0, directions) }, pair).saved;
}

/** How many directions pay for themselves, and what that saves of the tensor, as a share of it. */
function chooseRank({ energy, values }: Spectrum, { dtype, rows, rowsInAll = rows, cols }: MatrixPair) {
  const n = rows * cols;
  // All rows share what the columns' codes take.
  const colShare = rows / rowsInAll;
  const plain = 0.5 * n * Math.log2(energy / n);
  let best = { rank: 0, spread: 0, bits: plain };
  let left = energy;
  for (let rank = 1; rank <= values.length; rank++) {
    left -= values[rank - 1] ** 2;
    // Below a billionth of what there was, only rounding is left.
    const spread = Math.sqrt(Math.max(left, energy * 1e-9) / n);
    let bits = n * Math.log2(spread);
    for (let k = 0; k < rank; k++) {
      bits += rows * codeBits(values[k], spread, rows) + colShare * cols * codeBits(values[k], spread, cols);
    }
    if (bits < best.bits) best = { rank, spread, bits };
  }
  return { ...best, saved: (plain - best.bits) / (8 * n * numberFormat(dtype).width) };
}

/**
 * How much of the difference the first directions really leave, by a look at some rows: what is left is the small
 * difference of large sums, which the singular values do not tell when there is hardly anything left.
 */
function measuredSpread(
  codec: CodecMemory,
  reader: FileReader,
  pair: MatrixPair,
  found: Spectrum,
  rank: number,
): number {
  const { kernels, at } = codec;
  const { cols } = pair;
  const stride = Math.ceil(cols / 4) * 4;
  const rows = Math.min(pair.rows, Math.ceil(PROBE_VALUES / cols));
  let energy = 0;
  eachRows(codec, reader, { ...pair, rows }, (from, count) => {
    const left = codec.floats(at.left, count * rank);
    const right = codec.floats(at.right, rank * stride);
    for (let k = 0; k < rank; k++) {
      for (let row = 0; row < count; row++) {
        left[row * rank + k] = -found.values[k] * found.left[(from + row) * found.width + k];
      }
      for (let col = 0; col < cols; col++) right[k * stride + col] = found.right[col * found.width + k];
    }
    kernels.addProduct(at.floats, count, cols, at.left, at.right, rank, stride);
    for (const value of codec.floats(at.floats, count * cols)) energy += value * value;
  });
  return Math.sqrt(Math.max(energy / (rows * cols), (found.energy / (pair.rows * cols)) * 1e-16));
}

/** Steps of the codes: with this one the rest grows by as much as the codes shrink. */
function stepOf(spread: number): number {
  return Math.sqrt(12) * spread;
}

function codeBits(value: number, spread: number, count: number): number {
  return Math.max(0.1, Math.log2(value / (stepOf(spread) * Math.sqrt(count))) + NORMAL_BITS);
}

function quantise(
  { values, left, right, width }: Spectrum,
  { rows, cols }: MatrixPair,
  rank: number,
  spread: number,
): FactorCodes {
  const codes = {
    rows,
    cols,
    left: new Int32Array(rank * rows),
    right: new Int32Array(rank * cols),
    scales: new Float32Array(rank),
  };
  for (let k = 0; k < rank; k++) {
    const steps = values[k] / stepOf(spread);
    for (let row = 0; row < rows; row++) codes.left[k * rows + row] = Math.round(left[row * width + k] * steps);
    for (let col = 0; col < cols; col++) codes.right[k * cols + col] = Math.round(right[col * width + k] * steps);
    codes.scales[k] = values[k] / steps ** 2;
  }
  return codes;
}

function gram(matrix: Float32Array, count: number, width: number): Float64Array {
  const sums = new Float64Array(width * width);
  for (let row = 0; row < count; row++) {
    for (let a = 0, at = row * width; a < width; a++) {
      const value = matrix[at + a];
      for (let b = 0; b <= a; b++) sums[a * width + b] += value * matrix[at + b];
    }
  }
  for (let a = 0; a < width; a++) for (let b = 0; b < a; b++) sums[b * width + a] = sums[a * width + b];
  return sums;
}

function rotate(matrix: Float32Array, width: number, vectors: Float64Array, rotated: Float32Array): Float32Array {
  const row = new Float64Array(width);
  for (let at = 0; at < matrix.length; at += width) {
    row.fill(0);
    for (let k = 0; k < width; k++) {
      const value = matrix[at + k];
      for (let c = 0; c < width; c++) row[c] += value * vectors[k * width + c];
    }
    rotated.set(row, at);
  }
  return rotated;
}

/** A fixed pattern of +1 and -1 that has nothing to do with weights (xorshift). */
function signs(matrix: Float32Array): void {
  let state = 0x9e3779b9;
  for (let i = 0; i < matrix.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    matrix[i] = state & 1 ? 1 : -1;
  }
}
