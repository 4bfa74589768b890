import { VectorArena } from "../vectors/arena.ts";
import { signsOf } from "../vectors/signs.ts";
import { padded, type StoredForm } from "../vectors/stored-form.ts";
import type { KernelModule } from "../vectors/web-assembly.ts";

/** Rows that lie one after the other in memory. */
export const BLOCK = 1_024;
/** The int8 kernel takes multiples of so many bytes. */
const STEP = 16;
export const HASH_BYTES = 16;
/** By how much the cosine with the signs of a vector is below that with the vector, where its components lie about zero. */
const SIGN_FACTOR = Math.sqrt(Math.PI / 2);

/** Vectors of one model in one form, in memory, by number. */
export class VectorRows {
  readonly form: StoredForm;
  readonly #kernels: KernelModule | undefined;
  /** Bytes of a row: what a model lacks up to a multiple is zeros. */
  readonly #stride: number;
  readonly #arena: VectorArena;
  readonly #blocks: number[] = [];
  #scales = new Float32Array(BLOCK);
  /** Of signs alone: what the rest of a vector is found by. */
  #hashes: Uint8Array;
  #length = 0;

  constructor(form: StoredForm, kernels: KernelModule | undefined) {
    this.form = form;
    this.#kernels = kernels;
    this.#stride = strideOf(form);
    this.#arena = VectorArena.create(0, kernels);
    this.#hashes = new Uint8Array(form.kind === "binary" ? BLOCK * HASH_BYTES : 0);
  }

  get length(): number {
    return this.#length;
  }

  /** Without a vector. */
  emptied(): VectorRows {
    return new VectorRows(this.form, this.#kernels);
  }

  /**
   * @param codes as they lie on disk
   * @param scale 0 for a text that has no vector
   * @param hash 16 bytes, by which its int8 codes are found
   */
  add(codes: Int8Array, scale: number, hash: Uint8Array): void {
    const { kind, dims } = this.form;
    if (kind !== "binary") this.#append(codes, scale, hash);
    else {
      const whole = new Int8Array(padded(dims));
      whole.set(codes);
      this.#append(new Int8Array(signsOf(whole).buffer), scale, hash);
    }
  }

  /** Adds a vector of others in the same form. */
  copy(from: VectorRows, row: number): void {
    const at = from.#blocks[Math.floor(row / BLOCK)] + (row % BLOCK) * from.#stride;
    const codes = new Int8Array(from.#arena.memory.buffer, at, from.#stride);
    this.#append(codes, from.#scales[row], from.hash(row));
  }

  hash(row: number): Uint8Array {
    return this.#hashes.subarray(row * HASH_BYTES, (row + 1) * HASH_BYTES);
  }

  /** By row; of signs alone an estimate. @param query int8 codes in as many dimensions */
  cosines(query: Int8Array): Float32Array {
    const { kind, dims } = this.form;
    const whole = new Int8Array(kind === "int8" ? this.#stride : padded(dims));
    whole.set(query);
    const unit = unitOf(query);
    const cosines = new Float32Array(this.#length);
    const scales = this.#scales;
    const signs = (SIGN_FACTOR / Math.sqrt(dims)) * unit;
    for (let block = 0; block < this.#blocks.length; block++) {
      const first = block * BLOCK;
      const count = Math.min(BLOCK, this.#length - first);
      const at = this.#blocks[block];
      if (kind === "binary") {
        const dots = this.#arena.signDots(at, count, whole);
        for (let i = 0; i < count; i++) cosines[first + i] = scales[first + i] === 0 ? 0 : Math.min(1, dots[i] * signs);
      } else {
        const dots = kind === "int8" ? this.#arena.dots(at, count, whole) : this.#arena.dots4(at, count, whole);
        for (let i = 0; i < count; i++) cosines[first + i] = dots[i] * scales[first + i] * unit;
      }
    }
    return cosines;
  }

  #append(bytes: Int8Array, scale: number, hash: Uint8Array): void {
    const row = this.#length++;
    if (row % BLOCK === 0) this.#blocks.push(this.#arena.place(new Int8Array(BLOCK * this.#stride)));
    if (row === this.#scales.length) {
      const [scales, hashes] = [new Float32Array(2 * row), new Uint8Array(2 * this.#hashes.length)];
      scales.set(this.#scales);
      hashes.set(this.#hashes);
      [this.#scales, this.#hashes] = [scales, hashes];
    }
    const at = this.#blocks[this.#blocks.length - 1] + (row % BLOCK) * this.#stride;
    new Int8Array(this.#arena.memory.buffer, at, bytes.length).set(bytes);
    this.#scales[row] = scale;
    if (this.#hashes.length > 0) this.#hashes.set(hash, row * HASH_BYTES);
  }
}

/** 1 over the length of what the codes say; 0 for none. */
export function unitOf(codes: Int8Array): number {
  let squares = 0;
  for (const code of codes) squares += code * code;
  return squares === 0 ? 0 : 1 / Math.sqrt(squares);
}

function strideOf({ kind, dims }: StoredForm): number {
  if (kind === "int8") return Math.ceil(dims / STEP) * STEP;
  return padded(dims) / (kind === "int4" ? 2 : 8);
}
