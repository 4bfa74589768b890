import type { VectorArena } from "../vectors/arena.ts";
import { SIGN_BYTES, signsOf } from "../vectors/signs.ts";

/** Components whose signs are counted at once. */
const PLANE = 8 * SIGN_BYTES;

/**
 * The signs of vectors of any length, for the kernel that counts those of 256 components: plane by plane, each with the
 * signs of 256 components of every row of a block. What a vector lacks differs from nothing.
 */
export class BlockSigns {
  readonly #arena: VectorArena;
  readonly #planes: number;
  readonly #rows: number;
  /** Of each block that has signs: where its planes begin. */
  readonly #blocks: number[] = [];

  /** @param rows of a block */
  constructor(arena: VectorArena, dims: number, rows: number) {
    this.#arena = arena;
    this.#planes = Math.ceil(dims / PLANE);
    this.#rows = rows;
  }

  /** Blocks that have signs, from the first on. */
  get blocks(): number {
    return this.#blocks.length;
  }

  /** Adds a block. @param codesOf gives the int8 codes of one of its rows */
  add(codesOf: (row: number) => Int8Array): void {
    const planeBytes = this.#rows * SIGN_BYTES;
    const signs = new Uint8Array(this.#planes * planeBytes);
    const whole = new Int8Array(this.#planes * PLANE);
    for (let row = 0; row < this.#rows; row++) {
      whole.set(codesOf(row));
      const own = signsOf(whole);
      for (let plane = 0; plane < this.#planes; plane++) {
        const part = own.subarray(plane * SIGN_BYTES, (plane + 1) * SIGN_BYTES);
        signs.set(part, plane * planeBytes + row * SIGN_BYTES);
      }
    }
    this.#blocks.push(this.#arena.place(new Int8Array(signs.buffer)));
  }

  /** In how many signs each row of the blocks differs from a query, and 1 more, one block after the other. */
  distances(query: Int8Array, out: Uint16Array): void {
    const whole = new Int8Array(this.#planes * PLANE);
    whole.set(query);
    const signs = signsOf(whole);
    for (const [block, at] of this.#blocks.entries()) {
      const own = out.subarray(block * this.#rows, (block + 1) * this.#rows).fill(1);
      for (let plane = 0; plane < this.#planes; plane++) {
        const part = signs.subarray(plane * SIGN_BYTES, (plane + 1) * SIGN_BYTES);
        const differing = this.#arena.distances(at + plane * this.#rows * SIGN_BYTES, this.#rows, part);
        for (let row = 0; row < own.length; row++) own[row] += differing[row];
      }
    }
  }
}
