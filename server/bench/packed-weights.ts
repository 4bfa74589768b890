/**
 * Weights in four bits, as ONNX Runtime's own operations have them: two a byte, column by column, in blocks with a scale
 * each.
 */

/** Weights that share a scale: as many as exporters take. */
export const BLOCK = 32;
/** Of `q4` (MatMulNBits), evenly spaced: what stands for zero. */
const ZERO = 8;
/** Of `bnb4` (MatMulBnb4), spaced as weights mostly are: NF4 of bitsandbytes. */
const NORMAL = Float32Array.of(
  ...[-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334],
  ...[-0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224],
  ...[0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1],
);

export type Packing = "q4" | "bnb4";

export interface FourBits {
  readonly codes: Uint8Array;
  /** Of each block of each column. */
  readonly scales: Float32Array;
}

/**
 * Packs the weights of a layer of sums.
 * @param weights row by row; what goes in is a multiple of a block
 * @param columns as many numbers as the layer gives
 */
export function inFourBits(weights: Float32Array, columns: number, packing: Packing): FourBits {
  const rows = weights.length / columns;
  const codes = new Uint8Array(weights.length / 2);
  const scales = new Float32Array(weights.length / BLOCK);
  for (let block = 0; block < scales.length; block++) {
    const first = block * BLOCK;
    const values = Array.from({ length: BLOCK }, (_, i) => {
      const at = first + i;
      return weights[(at % rows) * columns + Math.floor(at / rows)];
    });
    const largest = values.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
    // The largest is to be told exactly: of q4 that is the code furthest from zero.
    scales[block] = packing === "q4" ? largest / -ZERO || 1 : Math.abs(largest) || 1;
    for (const [i, value] of values.entries()) {
      codes[(first + i) >> 1] |= codeOf(value / scales[block], packing) << shiftOf(i, packing);
    }
  }
  return { codes, scales };
}

/** The weights that are left of them when they are packed. @param columns as many numbers as the layer gives */
export function withFourBits(weights: Float32Array, columns: number, packing: Packing): Float32Array {
  const { codes, scales } = inFourBits(weights, columns, packing);
  const rows = weights.length / columns;
  const left = new Float32Array(weights.length);
  for (let at = 0; at < left.length; at++) {
    const code = (codes[at >> 1] >> shiftOf(at, packing)) & 15;
    const value = packing === "q4" ? code - ZERO : NORMAL[code];
    left[(at % rows) * columns + Math.floor(at / rows)] = value * scales[Math.floor(at / BLOCK)];
  }
  return left;
}

function codeOf(value: number, packing: Packing): number {
  if (packing === "q4") return Math.min(15, Math.round(value) + ZERO);
  return NORMAL.reduce((best, level, i) => (Math.abs(level - value) < Math.abs(NORMAL[best] - value) ? i : best), 0);
}

/** Which half of its byte a weight is in: the first of two the lower one of q4, the upper one of bnb4. */
function shiftOf(at: number, packing: Packing): number {
  return (at % 2 === 0) === (packing === "q4") ? 0 : 4;
}
