import { Instance, type KernelModule, type SharedMemory } from "../vectors/web-assembly.ts";
import { plainKernels } from "./plain-kernels.ts";

/**
 * The inner loops of the delta codec over one memory. Addresses and sizes are bytes in that memory, `n`, `rows` and
 * `cols` count values, `rows * cols = n`. Vectors of 16 bytes are read and written, so that {@link SLACK} bytes after
 * each array are touched too. Nothing is checked here: the callers own the layout and check what files say.
 */
export interface Kernels {
  split8: Split;
  split16: Split;
  split32: Split;
  join8: Join;
  join16: Join;
  join32: Join;

  /**
   * Sums of a difference's size times `2^(e - 127)` in f32: by row into `rowSums`, by column added to `colSums`. The
   * plain kernels say in which order.
   */
  magnitudes(z: number, e: number, rows: number, cols: number, rowSums: number, colSums: number): void;

  /**
   * Each z (u32) becomes a token and low bits: below 16 it is its own token, above, the token says its highest three
   * bits and their place. `pairs` (u16) gets `16 * (context * 128 + token)` with
   * `map[(e << step) + row + column] = 2048 * context` (u32), the u32 at `counts + pair` is added to, the low bits are
   * packed into `bits`. Returns the address after them.
   */
  tokens(
    z: number,
    e: number,
    rows: number,
    cols: number,
    rowKeys: number,
    colKeys: number,
    step: number,
    map: number,
    tokenTable: number,
    pairs: number,
    counts: number,
    bits: number,
    scratch: number,
  ): number;

  /** Codes `n` pairs by rANS, words downwards from `end`; returns the address of the first word. */
  encode(pairs: number, n: number, symbols: number, end: number, states: number): number;

  /**
   * The reverse of `tokens` and `encode`; `map` has the addresses of the contexts' slots. `states` holds four states, the address of the next word and the position in
   * `bits`, all u32, and is left as it is after the values: the next rows can follow.
   */
  decode(
    e: number,
    rows: number,
    cols: number,
    rowKeys: number,
    colKeys: number,
    step: number,
    map: number,
    tokenTable: number,
    states: number,
    bits: number,
    z: number,
    scratch: number,
  ): void;

  /** Values of two bytes as f32, exactly but for infinite halves, and back, rounded half to even. */
  floatsOfBf16(from: number, n: number, to: number): void;
  bf16OfFloats(from: number, n: number, to: number): void;
  floatsOfF16(from: number, n: number, to: number): void;
  f16OfFloats(from: number, n: number, to: number): void;

  /**
   * `values[r][c] += Σ left[r][k] * right[k][c]` in f32, summed from the first k to the last, then added. A row of
   * `right` has `stride` floats.
   */
  addProduct(
    values: number,
    rows: number,
    cols: number,
    left: number,
    right: number,
    rank: number,
    stride: number,
  ): void;

  /** `a = b - a` in f32. */
  subtract(a: number, b: number, n: number): void;

  /** `left = values * right`, and `right += transposed(values) * left`; `width` columns, a multiple of 16. */
  times(values: number, rows: number, cols: number, right: number, width: number, left: number): void;
  addTransposedTimes(values: number, rows: number, cols: number, left: number, width: number, right: number): void;
}

/** `z = zigzag(ordered(fine) - ordered(base))` as u32, `e = (base >> shift) & mask` as u8. */
type Split = (
  base: number,
  fine: number,
  n: number,
  flip: number,
  shift: number,
  mask: number,
  z: number,
  e: number,
) => void;

/** `out = unordered(ordered(base) + unzigzag(z))`; `out` may be `base`. */
type Join = (base: number, z: number, n: number, flip: number, out: number) => void;

/** Bytes after an array that the kernels may read and write. */
export const SLACK = 64;
/** Of `scratch`. */
export const SCRATCH_BYTES = 8192;

/** The kernels over a memory: as SIMD when there is a module, in plain TypeScript otherwise, with equal results. */
export function createDeltaKernels(memory: SharedMemory, module: KernelModule | undefined): Kernels {
  if (!module) return plainKernels(memory);
  return new Instance(module, { env: { memory } }).exports as Kernels;
}
