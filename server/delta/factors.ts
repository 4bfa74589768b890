import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { decodeBlock, encodeBlock } from "./block-codec.ts";
import { BLOCK_BYTES, type CodecMemory, FACTOR_FLOATS } from "./codec-memory.ts";
import { numberFormat } from "./number-format.ts";
import { concat } from "./planes.ts";

/**
 * What a low-rank prediction is made of, as whole numbers: the predicted change of the value at row i and column j is
 * the sum over k of `left[k][i] * right[k][j] * scales[k]`.
 */
export interface FactorCodes {
  rows: number;
  cols: number;
  /** `rank` lists of `rows` and of `cols` numbers. */
  left: Int32Array;
  right: Int32Array;
  scales: Float32Array;
}

/** Factors as the kernels take them. */
export interface Factors {
  rows: number;
  cols: number;
  rank: number;
  /** `rank` floats for each row. */
  left: Float32Array;
  /** `stride` floats for each of the `rank`, scaled. */
  right: Float32Array;
  stride: number;
}

/** The first byte of a record of factors; blocks have those of {@link Codec}. */
export const FACTORS = 5;
/** The codec, bytes of a number, rank (u16), rows, columns, and the length of the left factor's block (u32 each). */
const FIXED = 4 + 3 * 4;
const MOST_RANK = 256;

/** Whether factors of this shape have room in a thread's memory. */
export function haveRoom(rows: number, cols: number, rank: number): boolean {
  return rank * Math.max(rows, cols + 3) <= FACTOR_FLOATS / 2 && rank <= MOST_RANK;
}

/** Factors as a record of a delta: each is coded as a block of integers against a base of zeros. */
export function encodeFactors(
  codec: CodecMemory,
  { rows, cols, left, right, scales }: FactorCodes,
): Uint8Array<ArrayBuffer> {
  const rank = scales.length;
  const fits16 = [left, right].every((codes) => codes.every((code) => code >= -32_768 && code <= 32_767));
  const dtype = fits16 ? "I16" : "I32";
  const { width } = numberFormat(dtype);
  const blocks = [left, right].map((codes) => {
    const bytes = fits16 ? new Uint8Array(Int16Array.from(codes).buffer) : new Uint8Array(codes.slice().buffer);
    codec.bytes(codec.at.base, bytes.length).fill(0);
    codec.bytes(codec.at.fine, bytes.length).set(bytes);
    return encodeBlock(codec, { format: numberFormat(dtype), rows: rank, cols: codes.length / rank }, true).slice();
  });
  const fixed = new Uint8Array(FIXED);
  const view = new DataView(fixed.buffer);
  fixed[0] = FACTORS;
  fixed[1] = width;
  view.setUint16(2, rank, true);
  view.setUint32(4, rows, true);
  view.setUint32(8, cols, true);
  view.setUint32(12, blocks[0].length, true);
  return concat([fixed, new Uint8Array(scales.slice().buffer), ...blocks]);
}

/** @throws {CairnError} `corrupt` when the record is not one of factors for a matrix of this shape */
export function decodeFactors(codec: CodecMemory, record: Uint8Array, cols: number): Factors {
  if (record.length < FIXED || record[0] !== FACTORS) throw damaged("it has no factors");
  const view = new DataView(record.buffer, record.byteOffset, record.length);
  const [width, rank, rows] = [record[1], view.getUint16(2, true), view.getUint32(4, true)];
  const leftBytes = view.getUint32(12, true);
  const isValid = (width === 2 || width === 4) && rank >= 1 && view.getUint32(8, true) === cols;
  if (!isValid || !haveRoom(rows, cols, rank) || FIXED + 4 * rank + leftBytes > record.length)
    throw damaged("its shape is not valid");
  const scales = Float32Array.from({ length: rank }, (_, k) => view.getFloat32(FIXED + 4 * k, true));
  if (!scales.every(Number.isFinite)) throw damaged("its scales are not numbers");
  const blocks = record.subarray(FIXED + 4 * rank);
  const left = codes(codec, blocks.subarray(0, leftBytes), width, rank, rows);
  const right = codes(codec, blocks.subarray(leftBytes), width, rank, cols);
  const stride = Math.ceil(cols / 4) * 4;
  const factors = {
    rows,
    cols,
    rank,
    left: new Float32Array(rows * rank),
    right: new Float32Array(rank * stride),
    stride,
  };
  for (let k = 0; k < rank; k++) {
    for (let row = 0; row < rows; row++) factors.left[row * rank + k] = left[k * rows + row];
    for (let col = 0; col < cols; col++)
      factors.right[k * stride + col] = Math.fround(right[k * cols + col]) * scales[k];
  }
  return factors;
}

/**
 * Replaces the base that lies in the codec's memory, `rows` of them from `fromRow` on, by what the factors predict of
 * the fine-tune. The same bits come out on every machine.
 */
export function predict(codec: CodecMemory, dtype: string, factors: Factors, fromRow: number, rows: number): void {
  const { kernels, at } = codec;
  const { cols, rank, stride } = factors;
  const n = rows * cols;
  const left = factors.left.subarray(fromRow * rank, (fromRow + rows) * rank);
  if (left.length !== rows * rank) throw damaged("its factors have too few rows");
  codec.floats(at.left, left.length).set(left);
  codec.floats(at.right, factors.right.length).set(factors.right);
  const values = dtype === "F32" ? at.base : at.floats;
  if (dtype === "BF16") kernels.floatsOfBf16(at.base, n, values);
  if (dtype === "F16") kernels.floatsOfF16(at.base, n, values);
  kernels.addProduct(values, rows, cols, at.left, at.right, rank, stride);
  if (dtype === "BF16") kernels.bf16OfFloats(values, n, at.base);
  if (dtype === "F16") kernels.f16OfFloats(values, n, at.base);
}

/** Formats whose values can be predicted. */
export function isPredictable(dtype: string): boolean {
  return dtype === "BF16" || dtype === "F16" || dtype === "F32";
}

function codes(
  codec: CodecMemory,
  block: Uint8Array,
  width: number,
  rank: number,
  count: number,
): Int16Array | Int32Array {
  const bytes = rank * count * width;
  if (bytes > BLOCK_BYTES) throw damaged("its factors are too large");
  codec.bytes(codec.at.base, bytes).fill(0);
  const format = numberFormat(width === 2 ? "I16" : "I32");
  const decoded = decodeBlock(codec, { format, rows: rank, cols: count }, block);
  return width === 2
    ? new Int16Array(decoded.buffer, decoded.byteOffset, rank * count).slice()
    : new Int32Array(decoded.buffer, decoded.byteOffset, rank * count).slice();
}

function damaged(why: string): CairnError {
  return new CairnError(
    "corrupt",
    phrase("A prediction in the delta cannot be decoded: {0}.", why),
    phrase("Get the delta again; this copy is damaged."),
  );
}
