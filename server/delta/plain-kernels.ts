import type { SharedMemory } from "../vectors/web-assembly.ts";
import { MOST_KEYS } from "./context-model.ts";
import type { Kernels } from "./kernels.ts";
import { plainProducts } from "./plain-products.ts";

/**
 * The kernels of `delta-kernels.wat` without SIMD, for machines that lack it, step by step so that both give the same
 * bits: a delta made on one machine is read on every other. It also says in TypeScript what FORMAT.md says in words.
 */
export function plainKernels(memory: SharedMemory): Kernels {
  const u8 = (address: number) => new Uint8Array(memory.buffer, address);
  const u16 = (address: number, count: number) => new Uint16Array(memory.buffer, address, count);
  const u32 = (address: number, count: number) => new Uint32Array(memory.buffer, address, count);

  /** Values of one, two or four bytes, as signed integers. */
  const signed = (bytes: number, address: number, count: number): Int8Array | Int16Array | Int32Array => {
    if (bytes === 1) return new Int8Array(memory.buffer, address, count);
    if (bytes === 2) return new Int16Array(memory.buffer, address, count);
    return new Int32Array(memory.buffer, address, count);
  };

  const split =
    (bytes: number): Kernels["split8"] =>
    (base, fine, n, flip, shift, mask, z, e) => {
      const a = signed(bytes, base, n);
      const b = signed(bytes, fine, n);
      const differences = u32(z, n);
      const exponents = u8(e);
      const unused = 32 - 8 * bytes;
      for (let i = 0; i < n; i++) {
        const difference = ((ordered(b[i], flip) - ordered(a[i], flip)) << unused) >> unused;
        differences[i] = (((difference << 1) ^ (difference >> 31)) << unused) >>> unused;
        exponents[i] = (a[i] >>> shift) & mask;
      }
    };

  const join =
    (bytes: number): Kernels["join8"] =>
    (base, z, n, flip, out) => {
      const a = signed(bytes, base, n);
      const result = signed(bytes, out, n);
      const differences = u32(z, n);
      const unused = 32 - 8 * bytes;
      for (let i = 0; i < n; i++) {
        const difference = (differences[i] >>> 1) ^ -(differences[i] & 1);
        result[i] = ordered(((ordered(a[i], flip) + difference) << unused) >> unused, flip);
      }
    };

  return {
    split8: split(1),
    split16: split(2),
    split32: split(4),
    join8: join(1),
    join16: join(2),
    join32: join(4),

    magnitudes(z, e, rows, cols, rowSums, colSums) {
      const differences = u32(z, rows * cols);
      const exponents = u8(e);
      const byRow = new Float32Array(memory.buffer, rowSums, rows);
      const byColumn = new Float32Array(memory.buffer, colSums, cols);
      const lanes = new Float32Array(4);
      const size = (i: number) => Math.fround(Math.fround(((differences[i] + 1) >>> 0) >>> 1) * POWERS[exponents[i]]);
      for (let row = 0, i = 0; row < rows; row++) {
        lanes.fill(0);
        let col = 0;
        for (; col < (cols & ~3); col++, i++) {
          byColumn[col] += size(i);
          lanes[col & 3] += size(i);
        }
        let sum = Math.fround(Math.fround(lanes[0] + lanes[1]) + Math.fround(lanes[2] + lanes[3]));
        for (; col < cols; col++, i++) {
          byColumn[col] += size(i);
          sum = Math.fround(sum + size(i));
        }
        byRow[row] = sum;
      }
    },

    tokens(z, e, rows, cols, rowKeys, colKeys, step, map, _tokenTable, pairs, counts, bits) {
      const memory8 = u8(0);
      const differences = u32(z, rows * cols);
      const pairList = u16(pairs, rows * cols);
      const countOf = u32(counts, 4 * PAIRS);
      const contexts = u32(map, MOST_KEYS);
      // The low bits wait in two parts, since a shift takes no more than 31.
      let waiting = 0;
      let used = 0;
      for (let row = 0, i = 0; row < rows; row++) {
        const rowKey = memory8[rowKeys + row];
        for (let col = 0; col < cols; col++, i++) {
          const value = differences[i];
          const top = 31 - Math.clz32(value | 15);
          const k = value < 16 ? 0 : top - 2;
          const token = value < 16 ? value : (value >>> k) + ((top - 1) << 2);
          const pair = contexts[rowKey + (memory8[e + i] << step) + memory8[colKeys + col]] + 16 * token;
          pairList[i] = pair;
          countOf[pair / 4]++;
          // At most 7 bits wait and 29 come: a double holds their sum exactly.
          waiting += (value & ((1 << k) - 1)) * 2 ** used;
          used += k;
          while (used >= 8) {
            memory8[bits++] = waiting % 256;
            waiting = Math.floor(waiting / 256);
            used -= 8;
          }
        }
      }
      memory8[bits] = waiting;
      return bits + (used > 0 ? 1 : 0);
    },

    encode(pairs, n, symbols, end, states) {
      const pairList = u16(pairs, n);
      const view = new DataView(memory.buffer);
      const state = [FIRST_STATE, FIRST_STATE, FIRST_STATE, FIRST_STATE];
      for (let i = n - 1; i >= 0; i--) {
        const symbol = symbols + pairList[i];
        let x = state[3];
        if (x >= view.getUint32(symbol + 8, true)) {
          end -= 2;
          view.setUint16(end, x & 0xffff, true);
          x >>>= 16;
        }
        const start = view.getUint16(symbol + 12, true);
        const others = view.getUint16(symbol + 14, true);
        state[3] = state[2];
        state[2] = state[1];
        state[1] = state[0];
        state[0] = x + start + Math.floor(x / (TOTAL - others)) * others;
      }
      state.forEach((x, i) => {
        view.setUint32(states + 4 * i, x, true);
      });
      return end;
    },

    decode(e, rows, cols, rowKeys, colKeys, step, map, tokenTable, states, bits, z) {
      const memory8 = u8(0);
      const view = new DataView(memory.buffer);
      const slotsOf = u32(map, MOST_KEYS);
      const state = [0, 1, 2, 3].map((i) => view.getUint32(states + 4 * i, true));
      let words = view.getUint32(states + 16, true);
      let position = view.getUint32(states + 20, true);
      for (let row = 0, i = 0; row < rows; row++) {
        const rowKey = memory8[rowKeys + row];
        for (let col = 0; col < cols; col++, i++) {
          const slots = slotsOf[rowKey + (memory8[e + i] << step) + memory8[colKeys + col]];
          const entry = view.getUint32(slots + ((state[0] & (TOTAL - 1)) << 2), true);
          let x = (Math.imul((entry >>> 8) & 4095, state[0] >>> 12) + (entry >>> 20)) >>> 0;
          if (x < FIRST_STATE) {
            x = ((x << 16) | view.getUint16(words, true)) >>> 0;
            words += 2;
          }
          state[0] = state[1];
          state[1] = state[2];
          state[2] = state[3];
          state[3] = x;
          const token = tokenTable + ((entry & 127) << 4);
          const k = view.getUint32(token + 4, true);
          const at = bits + (position >>> 3);
          const wide = view.getUint32(at, true) + memory8[at + 4] * 2 ** 32;
          const low = Math.floor(wide / 2 ** (position & 7)) % 2 ** k;
          view.setUint32(z + 4 * i, view.getUint32(token, true) + low, true);
          position += k;
        }
      }
      state.forEach((x, i) => {
        view.setUint32(states + 4 * i, x, true);
      });
      view.setUint32(states + 16, words, true);
      view.setUint32(states + 20, position, true);
    },

    ...plainProducts(memory),
  };
}

/** The bits of a float of any width as an integer that grows with it; its own inverse. `flip` is 0 for integers. */
function ordered(bits: number, flip: number): number {
  return bits ^ ((bits >> 31) & flip);
}

/** The frequencies of a context add up to this. */
const TOTAL = 4096;
/** The states begin, and the decoder's end, here. */
const FIRST_STATE = 0x8000;
/** All contexts (32) times all tokens (128). */
const PAIRS = 32 * 128;

/** 2^(e - 127) in f32; the encoder's `magnitudes` treats 0 and 255 as a float with these exponents would be. */
const POWERS = new Float32Array(Uint32Array.from({ length: 256 }, (_, e) => e << 23).buffer);
