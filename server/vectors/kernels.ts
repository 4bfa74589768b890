import { plainKernels } from "./plain-kernels.ts";
import { Instance, type KernelModule, Module, type SharedMemory, validate } from "./web-assembly.ts";

/**
 * The inner loops over vectors, working on one shared memory. Addresses and sizes are bytes in that memory, `dims`
 * components. int8 rows lie one after the other; f32 and i32 values are aligned to 4 bytes. Nothing is checked here:
 * the callers own the layout.
 */
export interface Kernels {
  /** `out[i] = rows[i] · query`, i32, exact. `dims` is a multiple of 16. */
  dots(rows: number, query: number, out: number, count: number, dims: number): void;

  /** `out[i] = rows[numbers[i]] · query`, i32, exact; `numbers` are u32. `dims` is a multiple of 16. */
  dotsOf(rows: number, numbers: number, query: number, out: number, count: number, dims: number): void;

  /** `out[i]`, u8: in how many bits row i and the query, both of 256 bits, differ; 256 counts as 255. */
  distances(rows: number, query: number, out: number, count: number): void;

  /** The same as `dots` for rows of four bits a component (see int4.ts). `dims` is a multiple of 32. */
  dots4(rows: number, query: number, out: number, count: number, dims: number): void;

  /** The same as `dotsOf` for rows of four bits a component. `dims` is a multiple of 32. */
  dots4Of(rows: number, numbers: number, query: number, out: number, count: number, dims: number): void;

  /**
   * `out[i]`, i32: the sum of those components of the int8 query whose bit in row i is set; rows have one bit a component
   * (see signs.ts). `dims` is a multiple of 32.
   */
  signSums(rows: number, query: number, out: number, count: number, dims: number): void;

  /** Writes the numbers of those of `count` bytes that are at most `limit`, ascending, as u32; returns how many. */
  within(bytes: number, limit: number, count: number, out: number): number;

  /**
   * `sum = Σ weights[i] * table[tokens[i]]` in f32, added in the order given: `tokens` are i32 row numbers, `stride`
   * is the length of a table row, `dims` (a multiple of 32, at most `stride`) how much of it counts.
   */
  pool(table: number, stride: number, tokens: number, weights: number, count: number, dims: number, sum: number): void;

  /** Pools into `sum` and quantises into `codes` in one call; returns the scale, 0 for the zero vector. */
  body(
    table: number,
    stride: number,
    tokens: number,
    weights: number,
    count: number,
    dims: number,
    sum: number,
    codes: number,
  ): number;

  /**
   * For each of `count` bodies: adds `path` (f32) to `codes * scale` and quantises the unit vector of the sum, so that
   * `outCodes * outScale` has length one; the zero vector gets zero codes and scale. `sum` is room for one f32 vector.
   */
  place(
    codes: number,
    scales: number,
    path: number,
    count: number,
    dims: number,
    sum: number,
    outCodes: number,
    outScales: number,
  ): void;
}

/** The kernels over a memory: as SIMD when there is a module, in plain TypeScript otherwise, with equal results. */
export function createKernels(memory: SharedMemory, module: KernelModule | undefined): Kernels {
  if (!module) return plainKernels(memory);
  return new Instance(module, { env: { memory } }).exports as Kernels;
}

/**
 * Compiles the bytes of `dist/kernels.wasm`. The module can be posted to worker threads. Undefined when this machine
 * cannot run it (a processor without SIMD) or the bytes are not a module: the plain kernels serve then.
 */
export function compileModule(bytes: Uint8Array): KernelModule | undefined {
  return validate(bytes) ? new Module(bytes) : undefined;
}
