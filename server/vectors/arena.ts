import { createKernels, type Kernels } from "./kernels.ts";
import { createSharedMemory, reserve, reservedSize } from "./shared-memory.ts";
import { SIGN_BYTES } from "./signs.ts";
import type { KernelModule, SharedMemory } from "./web-assembly.ts";

/** Rows start at multiples of this, so that a load never straddles two cache lines. */
const ALIGNMENT = 16;

/** What one growth of the memory adds at least: few growths, little waste. */
const GROWTH = 2 ** 20;

/**
 * Vectors in a memory that several threads may share, and their dot products with a query. The arena's own scratch
 * space is reserved apart, so that no thread's work ever touches data or another thread's scratch.
 */
export class VectorArena {
  readonly memory: SharedMemory;
  readonly #kernels: Kernels;
  /** Free part of the region that {@link place} fills. */
  #next: number;
  #end: number;
  #scratch = 0;
  #scratchSize = 0;

  private constructor(memory: SharedMemory, kernels: KernelModule | undefined, free: number) {
    this.memory = memory;
    this.#kernels = createKernels(memory, kernels);
    this.#next = 0;
    this.#end = free;
  }

  /** An arena with room for `bytes` of vectors; it grows when more are placed. */
  static create(bytes: number, kernels: KernelModule | undefined): VectorArena {
    const memory = createSharedMemory(bytes);
    return new VectorArena(memory, kernels, memory.buffer.byteLength);
  }

  /**
   * An arena over a memory that already holds data, from this or another thread. All of it counts as data: what is
   * placed later goes behind it.
   */
  static adopt(memory: SharedMemory, kernels: KernelModule | undefined): VectorArena {
    return new VectorArena(memory, kernels, 0);
  }

  /** Copies the codes of one or more vectors in and returns their offset in bytes, a multiple of 16. */
  place(codes: Int8Array): number {
    const size = Math.ceil(codes.length / ALIGNMENT) * ALIGNMENT;
    if (this.#next + size > this.#end) {
      const room = reservedSize(Math.max(size, GROWTH));
      this.#next = reserve(this.memory, room);
      this.#end = this.#next + room;
    }
    const offset = this.#next;
    new Int8Array(this.memory.buffer, offset, codes.length).set(codes);
    this.#next += size;
    return offset;
  }

  /**
   * Dot products of a query with `count` vectors of its length that lie one after the other from `offset`. The query's
   * length is a multiple of 16. The result is a view into the arena: valid until the next call.
   */
  dots(offset: number, count: number, query: Int8Array): Int32Array {
    return this.#scores("dots", offset, count, query, query.length);
  }

  /** The same with vectors of four bits a component (see int4.ts); the query's length is a multiple of 32. */
  dots4(offset: number, count: number, query: Int8Array): Int32Array {
    return this.#scores("dots4", offset, count, query, query.length / 2);
  }

  /**
   * Dot products of a query with vectors of which only the signs are kept (see signs.ts), 1 or -1 a component; the query's
   * length is a multiple of 32. The result is a view into the arena: valid until the next call.
   */
  signDots(offset: number, count: number, query: Int8Array): Int32Array {
    const scores = this.#scores("signSums", offset, count, query, query.length / 8);
    const all = query.reduce((sum, code) => sum + code, 0);
    for (let row = 0; row < count; row++) scores[row] = all - 2 * scores[row];
    return scores;
  }

  /** Dot products with some of the vectors from `offset`, by their numbers. */
  dotsOf(offset: number, numbers: Uint32Array, query: Int8Array): Int32Array {
    return this.#scoresOf("dotsOf", offset, numbers, query, query.length);
  }

  /** The same with vectors of four bits a component; the query's length is a multiple of 32. */
  dots4Of(offset: number, numbers: Uint32Array, query: Int8Array): Int32Array {
    return this.#scoresOf("dots4Of", offset, numbers, query, query.length / 2);
  }

  /**
   * In how many bits each of `count` rows of signs (see signs.ts) that lie one after the other from `offset` differs
   * from the query's; 256 counts as 255. The result is a view into the arena: valid until the next call.
   */
  distances(offset: number, count: number, querySigns: Uint8Array): Uint8Array {
    if (querySigns.length !== SIGN_BYTES) throw new RangeError(`A query has ${querySigns.length} bytes of signs.`);
    if (!(offset >= 0 && count >= 0 && offset + count * SIGN_BYTES <= this.memory.buffer.byteLength)) {
      throw new RangeError(`${count} rows of signs at ${offset} reach beyond the arena.`);
    }
    this.#reserveScratch(SIGN_BYTES + count);
    const distances = this.#scratch + SIGN_BYTES;
    new Uint8Array(this.memory.buffer, this.#scratch, SIGN_BYTES).set(querySigns);
    this.#kernels.distances(offset, this.#scratch, distances, count);
    return new Uint8Array(this.memory.buffer, distances, count);
  }

  /**
   * The numbers of the rows of signs that differ least from the query's, ascending: about `wanted` of them, give or take
   * what a sample does not tell, and more where many are as far away as the last.
   */
  nearest(offset: number, count: number, querySigns: Uint8Array, wanted: number): Uint32Array {
    // Room for the numbers behind the distances, before these are made: a scratch region that grows moves.
    const numbers = Math.ceil((SIGN_BYTES + count) / ALIGNMENT) * ALIGNMENT;
    this.#reserveScratch(numbers + count * Uint32Array.BYTES_PER_ELEMENT);
    const distances = this.distances(offset, count, querySigns);
    const limit = limitOf(distances, wanted);
    const out = this.#scratch + numbers;
    const found = this.#kernels.within(distances.byteOffset, limit, count, out);
    return new Uint32Array(this.memory.buffer, out, found).slice();
  }

  #scores(
    kernel: "dots" | "dots4" | "signSums",
    offset: number,
    count: number,
    query: Int8Array,
    rowBytes: number,
  ): Int32Array {
    const dims = query.length;
    const step = kernel === "dots" ? 16 : 32;
    if (dims === 0 || dims % step !== 0) {
      throw new RangeError(`A query has ${dims} dimensions, not a multiple of ${step}.`);
    }
    if (!(offset >= 0 && count >= 0 && offset + count * rowBytes <= this.memory.buffer.byteLength)) {
      throw new RangeError(`${count} vectors of ${dims} dimensions at ${offset} reach beyond the arena.`);
    }
    this.#reserveScratch(dims + count * Int32Array.BYTES_PER_ELEMENT);
    const scores = this.#scratch + dims;
    new Int8Array(this.memory.buffer, this.#scratch, dims).set(query);
    this.#kernels[kernel](offset, this.#scratch, scores, count, dims);
    return new Int32Array(this.memory.buffer, scores, count);
  }

  #scoresOf(
    kernel: "dotsOf" | "dots4Of",
    offset: number,
    numbers: Uint32Array,
    query: Int8Array,
    rowBytes: number,
  ): Int32Array {
    const dims = query.length;
    const step = kernel === "dotsOf" ? 16 : 32;
    if (dims === 0 || dims % step !== 0) {
      throw new RangeError(`A query has ${dims} dimensions, not a multiple of ${step}.`);
    }
    let last = 0;
    for (let i = 0; i < numbers.length; i++) if (numbers[i] > last) last = numbers[i];
    if (!(offset >= 0 && offset + (last + 1) * rowBytes <= this.memory.buffer.byteLength)) {
      throw new RangeError(`Vector ${last} of ${dims} dimensions at ${offset} reaches beyond the arena.`);
    }
    const { length } = numbers;
    this.#reserveScratch(dims + 2 * length * Int32Array.BYTES_PER_ELEMENT);
    const wanted = this.#scratch + dims;
    const scores = wanted + length * Int32Array.BYTES_PER_ELEMENT;
    new Int8Array(this.memory.buffer, this.#scratch, dims).set(query);
    new Uint32Array(this.memory.buffer, wanted, length).set(numbers);
    this.#kernels[kernel](offset, wanted, this.#scratch, scores, length, dims);
    return new Int32Array(this.memory.buffer, scores, length);
  }

  /** A scratch region that grows is left behind; doubling keeps all that was left below the size in use. */
  #reserveScratch(bytes: number): void {
    if (bytes <= this.#scratchSize) return;
    this.#scratchSize = reservedSize(Math.max(bytes, 2 * this.#scratchSize));
    this.#scratch = reserve(this.memory, this.#scratchSize);
  }
}

/** One of so many distances shows how all are spread. */
const SAMPLED = 16;

/** The distance up to which there are so many, as far as a sample tells. */
function limitOf(distances: Uint8Array, wanted: number): number {
  const spread = new Uint32Array(256);
  for (let row = 0; row < distances.length; row += SAMPLED) spread[distances[row]]++;
  let limit = 0;
  for (let sum = spread[0]; sum * SAMPLED < wanted && limit < 255; sum += spread[limit]) limit++;
  return limit;
}
