import type { VectorArena } from "../vectors/arena.ts";
import { SIGN_BYTES, signsAbout } from "../vectors/signs.ts";
import type { CodedQuery, CodedVector } from "../vectors/stored-form.ts";

/** Components whose signs are counted at once. */
const PLANE = 8 * SIGN_BYTES;

/**
 * The signs of vectors of any length, for the kernel that counts those of 256 components: plane by plane, each with the
 * signs of 256 components of every row of a block. What a vector lacks differs from nothing. They are signs of how far a
 * vector is from the middle of all: many models put whatever they read into one corner, where signs about zero are the
 * same for all.
 */
export class BlockSigns {
  readonly #arena: VectorArena;
  readonly #middles: Float32Array;
  readonly #planes: number;
  readonly #rows: number;
  /** Of each block that has signs: where its planes begin. */
  readonly #blocks: number[] = [];

  /**
   * @param middles what each dimension of the vectors is on average
   * @param rows of a block
   */
  constructor(arena: VectorArena, middles: Float32Array, rows: number) {
    this.#arena = arena;
    this.#middles = middles;
    this.#planes = Math.ceil(middles.length / PLANE);
    this.#rows = rows;
  }

  /** Blocks that have signs, from the first on. */
  get blocks(): number {
    return this.#blocks.length;
  }

  /** Adds a block. @param vectorOf gives one of its rows, in int8 */
  add(vectorOf: (row: number) => CodedVector): void {
    const planeBytes = this.#rows * SIGN_BYTES;
    const signs = new Uint8Array(this.#planes * planeBytes);
    for (let row = 0; row < this.#rows; row++) {
      const { codes, scale } = vectorOf(row);
      const own = this.#signsOf(codes, scale);
      for (let plane = 0; plane < this.#planes; plane++) {
        const part = own.subarray(plane * SIGN_BYTES, (plane + 1) * SIGN_BYTES);
        signs.set(part, plane * planeBytes + row * SIGN_BYTES);
      }
    }
    this.#blocks.push(this.#arena.place(new Int8Array(signs.buffer)));
  }

  /** In how many signs each row of the blocks differs from a query, and 1 more, one block after the other. */
  distances({ codes, unit }: CodedQuery, out: Uint16Array): void {
    const signs = this.#signsOf(codes, unit);
    for (const [block, at] of this.#blocks.entries()) {
      const own = out.subarray(block * this.#rows, (block + 1) * this.#rows).fill(1);
      for (let plane = 0; plane < this.#planes; plane++) {
        const part = signs.subarray(plane * SIGN_BYTES, (plane + 1) * SIGN_BYTES);
        const differing = this.#arena.distances(at + plane * this.#rows * SIGN_BYTES, this.#rows, part);
        for (let row = 0; row < own.length; row++) own[row] += differing[row];
      }
    }
  }

  #signsOf(codes: Int8Array, scale: number): Uint8Array {
    const signs = new Uint8Array(this.#planes * SIGN_BYTES);
    signsAbout(this.#middles, codes, scale, signs);
    return signs;
  }
}
