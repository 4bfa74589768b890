import type { SharedMemory } from "../vectors/web-assembly.ts";
import type { Kernels } from "./kernels.ts";

type Products = Pick<
  Kernels,
  | "floatsOfBf16"
  | "bf16OfFloats"
  | "floatsOfF16"
  | "f16OfFloats"
  | "addProduct"
  | "subtract"
  | "times"
  | "addTransposedTimes"
>;

/**
 * The second half of {@link plainKernels}: floats, and products of matrices. `Math.fround` after each operation makes a
 * double compute what a 32-bit float does; an element of a Float32Array rounds by itself.
 */
export function plainProducts(memory: SharedMemory): Products {
  const floats = (address: number, count: number) => new Float32Array(memory.buffer, address, count);
  const words = (address: number, count: number) => new Uint32Array(memory.buffer, address, count);
  const halves = (address: number, count: number) => new Uint16Array(memory.buffer, address, count);
  return {
    floatsOfBf16(from, n, to) {
      const source = halves(from, n);
      const target = words(to, n);
      for (let i = 0; i < n; i++) target[i] = source[i] << 16;
    },

    bf16OfFloats(from, n, to) {
      const source = words(from, n);
      const target = halves(to, n);
      for (let i = 0; i < n; i++) target[i] = (source[i] + 0x7fff + ((source[i] >>> 16) & 1)) >>> 16;
    },

    floatsOfF16(from, n, to) {
      const source = halves(from, n);
      const bits = words(to, n);
      const target = floats(to, n);
      for (let i = 0; i < n; i++) {
        bits[i] = (source[i] & 0x7fff) << 13;
        target[i] *= 2 ** 112;
        bits[i] |= (source[i] & 0x8000) << 16;
      }
    },

    f16OfFloats(from, n, to) {
      const source = words(from, n);
      const target = halves(to, n);
      for (let i = 0; i < n; i++) {
        BITS[0] = source[i] & 0x7fffffff;
        FLOAT[0] *= 2 ** -112;
        const rounded = (BITS[0] + 0xfff + ((BITS[0] >>> 13) & 1)) >>> 13;
        target[i] = ((source[i] >>> 16) & 0x8000) | Math.min(rounded, 0x7fff);
      }
    },

    addProduct(values, rows, cols, left, right, rank, stride) {
      const sums = floats(values, rows * cols);
      const bits = words(values, rows * cols);
      const factors = floats(left, rows * rank);
      const others = floats(right, rank * stride);
      for (let row = 0, i = 0; row < rows; row++) {
        for (let col = 0; col < cols; col++, i++) {
          let sum = 0;
          for (let k = 0; k < rank; k++) {
            sum = Math.fround(sum + Math.fround(factors[row * rank + k] * others[k * stride + col]));
          }
          const total = sums[i] + sum;
          // What is not a number has many bit patterns; here it has one.
          if (Number.isNaN(total)) bits[i] = 0x7fc00000;
          else sums[i] = total;
        }
      }
    },

    subtract(a, b, n) {
      const target = floats(a, n);
      const source = floats(b, n);
      for (let i = 0; i < n; i++) target[i] = source[i] - target[i];
    },

    times(values, rows, cols, right, width, left) {
      const matrix = floats(values, rows * cols);
      const factors = floats(right, cols * width);
      const products = floats(left, rows * width).fill(0);
      for (let row = 0, i = 0; row < rows; row++) {
        for (let col = 0; col < cols; col++, i++) {
          for (let k = 0; k < width; k++) {
            products[row * width + k] += Math.fround(matrix[i] * factors[col * width + k]);
          }
        }
      }
    },

    addTransposedTimes(values, rows, cols, left, width, right) {
      const matrix = floats(values, rows * cols);
      const factors = floats(left, rows * width);
      const products = floats(right, cols * width);
      for (let row = 0, i = 0; row < rows; row++) {
        for (let col = 0; col < cols; col++, i++) {
          for (let k = 0; k < width; k++) {
            products[col * width + k] += Math.fround(matrix[i] * factors[row * width + k]);
          }
        }
      }
    },
  };
}

/** One float and its bits. */
const FLOAT = new Float32Array(1);
const BITS = new Uint32Array(FLOAT.buffer);
