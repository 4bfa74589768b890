import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { BlockWorkers } from "../server/delta/block-workers.ts";
import { type Compressed, compress } from "../server/delta/compress.ts";
import { openDelta } from "../server/delta/delta-file.ts";
import type { DeltaOptions } from "../server/delta/delta-options.ts";
import { openModel } from "../server/delta/model-files.ts";
import { compileKernels } from "../server/vectors/compile-kernels.ts";
import { compileModule } from "../server/vectors/kernels.ts";

/** A tensor of a file that a test makes. */
export interface MadeTensor {
  name: string;
  dtype: string;
  shape: readonly number[];
  bytes: Uint8Array;
}

export const deltaKernels = compileModule(await compileKernels("delta-kernels"));

/** The same numbers in every run: xorshift, from 0 up to, not including, 1. */
export function randomNumbers(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** About normally distributed, with the given spread. */
export function normal(random: () => number, spread: number): number {
  let sum = 0;
  for (let i = 0; i < 12; i++) sum += random();
  return (sum - 6) * spread;
}

/** Weights as a model has them: rows of their own scale. */
export function weights(random: () => number, rows: number, cols: number): Float32Array {
  const scales = Float32Array.from({ length: rows }, () => 0.02 * (0.5 + random()));
  return Float32Array.from({ length: rows * cols }, (_, i) => normal(random, scales[Math.floor(i / cols)]));
}

/** What training does to weights: every one changes by about as much, whatever its size. */
export function tuned(random: () => number, values: Float32Array, change: number): Float32Array {
  return values.map((value) => value + normal(random, 0.02 * change));
}

/** What merging a low-rank adapter does to weights. */
export function merged(
  random: () => number,
  values: Float32Array,
  cols: number,
  rank: number,
  change: number,
): Float32Array {
  const rows = values.length / cols;
  const left = Float32Array.from({ length: rows * rank }, () => normal(random, 0.02 * change));
  const right = Float32Array.from({ length: rank * cols }, () => normal(random, 1 / Math.sqrt(rank)));
  return values.map((value, i) => {
    const [row, col] = [Math.floor(i / cols), i % cols];
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += left[row * rank + k] * right[k * cols + col];
    return value + sum;
  });
}

/** Half floats, rounded towards zero; for values of ordinary size. */
export function f16(values: Float32Array): Uint8Array {
  const halves = Uint16Array.from(values, (value) => {
    const size = Math.abs(value);
    const exponent = Math.max(-14, Math.floor(Math.log2(size || 2 ** -20)));
    const fraction = Math.floor((size / 2 ** exponent) * 1024);
    const bits = exponent === -14 && fraction < 1024 ? fraction : ((exponent + 15) << 10) + fraction - 1024;
    return bits | (value < 0 ? 0x8000 : 0);
  });
  return new Uint8Array(halves.buffer);
}

export function bf16(values: Float32Array): Uint8Array {
  const bits = new Uint32Array(values.slice().buffer);
  return new Uint8Array(Uint16Array.from(bits, (one) => (one + 0x7fff + ((one >>> 16) & 1)) >>> 16).buffer);
}

export function f32(values: Float32Array): Uint8Array {
  return new Uint8Array(values.slice().buffer);
}

/** The bytes of a safetensors file, its tensors in the order given. */
export function safetensors(tensors: readonly MadeTensor[], metadata?: Record<string, string>): Uint8Array {
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {};
  let end = 0;
  for (const { name, dtype, shape, bytes } of tensors) {
    header[name] = { dtype, shape, data_offsets: [end, end + bytes.length] };
    end += bytes.length;
  }
  return withHeader(JSON.stringify(header), Buffer.concat(tensors.map(({ bytes }) => bytes)));
}

/** A file with any text as its header. */
export function withHeader(text: string, data: Uint8Array, claimed = BigInt(Buffer.byteLength(text))): Uint8Array {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(claimed);
  return Buffer.concat([length, Buffer.from(text), data]);
}

/** Writes files below a folder and returns the path of the first. */
export function put(folder: string, files: Readonly<Record<string, Uint8Array | string>>): string {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return join(folder, Object.keys(files)[0]);
}

/** Threads that end with the test, and what a piece of work needs besides. */
export function deltaOptions(test: TestContext, threads = 2): DeltaOptions {
  const workers = new BlockWorkers(threads, deltaKernels);
  test.after(() => workers.close());
  return { workers, signal: new AbortController().signal };
}

/** Makes a delta from paths and opens it. */
export async function makeDelta(options: DeltaOptions, base: string, fine: string, out: string) {
  const done: Compressed = await compress(openModel(base), openModel(fine), out, {
    ...options,
    force: true,
    fast: false,
    check: false,
    made: "test",
  });
  return { ...done, delta: openDelta(out), base: openModel(base) };
}
