import type { Kernels } from "./kernels.ts";
import type { SharedMemory } from "./web-assembly.ts";

/**
 * The kernels without SIMD, for machines that lack it: the arithmetic of `kernels.wat` step by step, so that both give
 * the same bits and an index made on one machine reads the same on another. `Math.fround` after each operation makes a
 * double compute what a 32-bit float does.
 */
export function plainKernels(memory: SharedMemory): Kernels {
  return {
    dots(rows, query, out, count, dims) {
      const queryCodes = new Int8Array(memory.buffer, query, dims);
      const scores = new Int32Array(memory.buffer, out, count);
      for (let i = 0; i < count; i++) {
        scores[i] = dot(new Int8Array(memory.buffer, rows + i * dims, dims), queryCodes);
      }
    },

    dotsOf(rows, numbers, query, out, count, dims) {
      const queryCodes = new Int8Array(memory.buffer, query, dims);
      const rowNumbers = new Uint32Array(memory.buffer, numbers, count);
      const scores = new Int32Array(memory.buffer, out, count);
      for (let i = 0; i < count; i++) {
        scores[i] = dot(new Int8Array(memory.buffer, rows + rowNumbers[i] * dims, dims), queryCodes);
      }
    },

    distances(rows, query, out, count) {
      const queryWords = new Uint32Array(memory.buffer, query, 8);
      const words = new Uint32Array(memory.buffer, rows, 8 * count);
      const results = new Uint8Array(memory.buffer, out, count);
      for (let i = 0; i < count; i++) {
        let differing = 0;
        for (let word = 0; word < 8; word++) differing += ones(words[8 * i + word] ^ queryWords[word]);
        results[i] = Math.min(differing, 255);
      }
    },

    dots4(rows, query, out, count, dims) {
      const queryCodes = new Int8Array(memory.buffer, query, dims);
      const scores = new Int32Array(memory.buffer, out, count);
      for (let i = 0; i < count; i++) {
        scores[i] = dot4(new Int8Array(memory.buffer, rows + (i * dims) / 2, dims / 2), queryCodes);
      }
    },

    dots4Of(rows, numbers, query, out, count, dims) {
      const queryCodes = new Int8Array(memory.buffer, query, dims);
      const rowNumbers = new Uint32Array(memory.buffer, numbers, count);
      const scores = new Int32Array(memory.buffer, out, count);
      for (let i = 0; i < count; i++) {
        scores[i] = dot4(new Int8Array(memory.buffer, rows + (rowNumbers[i] * dims) / 2, dims / 2), queryCodes);
      }
    },

    signSums(rows, query, out, count, dims) {
      const queryCodes = new Int8Array(memory.buffer, query, dims);
      const scores = new Int32Array(memory.buffer, out, count);
      for (let i = 0; i < count; i++) {
        const row = new Uint8Array(memory.buffer, rows + (i * dims) / 8, dims / 8);
        scores[i] = 0;
        for (let d = 0; d < dims; d++) if ((row[d >> 3] >> (d & 7)) & 1) scores[i] += queryCodes[d];
      }
    },

    within(bytes, limit, count, out) {
      const values = new Uint8Array(memory.buffer, bytes, count);
      const numbers = new Uint32Array(memory.buffer, out, count);
      let found = 0;
      for (let i = 0; i < count; i++) if (values[i] <= limit) numbers[found++] = i;
      return found;
    },

    pool(table, stride, tokens, weights, count, dims, sum) {
      pool(memory, table, stride, tokens, weights, count, dims, sum);
    },

    body(table, stride, tokens, weights, count, dims, sum, codes) {
      pool(memory, table, stride, tokens, weights, count, dims, sum);
      return quantise(new Float32Array(memory.buffer, sum, dims), new Int8Array(memory.buffer, codes, dims));
    },

    place(codes, scales, path, count, dims, sum, outCodes, outScales) {
      const bodyScales = new Float32Array(memory.buffer, scales, count);
      const pathVector = new Float32Array(memory.buffer, path, dims);
      const total = new Float32Array(memory.buffer, sum, dims);
      const placedScales = new Float32Array(memory.buffer, outScales, count);
      for (let i = 0; i < count; i++) {
        const bodyCodes = new Int8Array(memory.buffer, codes + i * dims, dims);
        for (let d = 0; d < dims; d++) total[d] = pathVector[d] + Math.fround(bodyScales[i] * bodyCodes[d]);
        const placed = new Int8Array(memory.buffer, outCodes + i * dims, dims);
        const scale = quantise(total, placed);
        placedScales[i] = scale > 0 ? 1 / Math.fround(Math.sqrt(Math.fround(dot(placed, placed)))) : 0;
      }
    },
  };
}

function pool(
  memory: SharedMemory,
  table: number,
  stride: number,
  tokens: number,
  weights: number,
  count: number,
  dims: number,
  sum: number,
): void {
  const total = new Float32Array(memory.buffer, sum, dims).fill(0);
  const rowNumbers = new Int32Array(memory.buffer, tokens, count);
  const factors = new Float32Array(memory.buffer, weights, count);
  const rows = new Int8Array(memory.buffer, table);
  for (let i = 0; i < count; i++) {
    const row = rowNumbers[i] * stride;
    const factor = factors[i];
    for (let d = 0; d < dims; d++) total[d] += Math.fround(factor * rows[row + d]);
  }
}

/** Writes the codes of the values and returns their scale; zero for what is nearly zero or not finite. */
function quantise(values: Float32Array, codes: Int8Array): number {
  let largest = 0;
  for (let d = 0; d < values.length; d++) largest = Math.max(largest, Math.abs(values[d]));
  if (!(largest > SMALLEST && largest < LARGEST)) {
    codes.fill(0);
    return 0;
  }
  const factor = Math.fround(127 / largest);
  for (let d = 0; d < values.length; d++) codes[d] = nearest(Math.fround(values[d] * factor));
  return Math.fround(largest / 127);
}

const SMALLEST = Math.fround(1e-30);
const LARGEST = Math.fround(1e30);

/** Rounds half to even as the processor does: a float of this size has no room for a fraction. */
function nearest(value: number): number {
  return Math.fround(value + ROUNDER) - ROUNDER;
}

const ROUNDER = 1.5 * 2 ** 23;

function dot(a: Int8Array, b: Int8Array): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d] * b[d];
  return sum;
}

/** @param row of four bits a component */
function dot4(row: Int8Array, query: Int8Array): number {
  let sum = 0;
  for (let d = 0; d < query.length; d++) {
    const pair = row[16 * (d >> 5) + (d & 15)];
    sum += query[d] * (d & 16 ? pair >> 4 : (pair << 28) >> 28);
  }
  return sum;
}

/** How many bits of 32 are set: sums of pairs, of fours, of bytes, then of all. */
function ones(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
