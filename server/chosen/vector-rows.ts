import { COMPARED_ALWAYS } from "../search/closeness.ts";
import { VectorArena } from "../vectors/arena.ts";
import { ENOUGH_VECTORS, learnCalibration } from "../vectors/calibration.ts";
import { int4Values } from "../vectors/int4.ts";
import { quantise } from "../vectors/int8.ts";
import { signsAbout } from "../vectors/signs.ts";
import { type CodedQuery, type CodedVector, padded, type StoredForm } from "../vectors/stored-form.ts";
import type { KernelModule } from "../vectors/web-assembly.ts";
import { BlockSigns } from "./block-signs.ts";

/** Rows that lie one after the other in memory. */
export const BLOCK = 1_024;
/** The int8 kernel takes multiples of so many bytes. */
const STEP = 16;
export const HASH_BYTES = 16;
/** By how much the cosine with the signs of a vector is below that with the vector, where its components lie about zero. */
const SIGN_FACTOR = Math.sqrt(Math.PI / 2);

/**
 * Of more vectors the signs come first: 200,000 of 768 bytes are 150 MB, which have to come from memory. They are made block
 * by block as vectors come, eight times as fast as these, so that nobody waits for them and they are there when needed.
 */
const SIGNS_FROM = 100_000;
const SIGNS_MADE_FROM = 80_000;
const SIGNED_EACH = BLOCK / 8;

/** Vectors of one model in one form, in memory, by number. */
export class VectorRows {
  readonly form: StoredForm;
  readonly #kernels: KernelModule | undefined;
  /** Bytes of a row: what a model lacks up to a multiple is zeros. */
  readonly #stride: number;
  readonly #arena: VectorArena;
  readonly #blocks: number[] = [];
  #scales = new Float32Array(BLOCK);
  /** Of a calibrated form: what each vector, less the middles, has in common with them. */
  #biases: Float32Array;
  /** Of signs alone: what the rest of a vector is found by. */
  #hashes: Uint8Array;
  /** Of signs alone: what each dimension is on average. Until there are enough to tell, the int8 codes of all are kept. */
  #middles: Float32Array | undefined;
  readonly #unsigned: Int8Array[] = [];
  #length = 0;
  /** Once there are many. */
  #signs: BlockSigns | undefined;

  constructor(form: StoredForm, kernels: KernelModule | undefined) {
    this.form = form;
    this.#kernels = kernels;
    this.#stride = strideOf(form);
    this.#arena = VectorArena.create(0, kernels);
    this.#biases = new Float32Array(form.kind === "int8-calibrated" ? BLOCK : 0);
    this.#hashes = new Uint8Array(form.kind === "binary" ? BLOCK * HASH_BYTES : 0);
  }

  get length(): number {
    return this.#length;
  }

  /** Whether there are so many that their signs are to rule most of them out. Of signs alone there is nothing to compare then. */
  get areMany(): boolean {
    return this.#length > SIGNS_FROM && this.form.kind !== "binary";
  }

  /** Without a vector. */
  emptied(): VectorRows {
    const empty = new VectorRows(this.form, this.#kernels);
    empty.#middles = this.#middles;
    return empty;
  }

  /**
   * @param codes as they lie on disk
   * @param scale 0 for a text that has no vector
   * @param hash 16 bytes, by which its int8 codes are found
   */
  add(codes: Int8Array, scale: number, hash: Uint8Array): void {
    if (this.form.kind !== "binary") {
      this.#append(codes, scale, hash);
      return;
    }
    const signs = new Uint8Array(this.#stride);
    if (this.#middles) signsAbout(this.#middles, codes, scale, signs);
    else this.#unsigned.push(codes.slice());
    this.#append(new Int8Array(signs.buffer), scale, hash);
    if (this.#unsigned.length === ENOUGH_VECTORS) this.#signUnsigned();
  }

  /** Adds a vector of others in the same form. */
  copy(from: VectorRows, row: number): void {
    if (from.#unsigned.length > 0) {
      this.add(from.#unsigned[row], from.#scales[row], from.hash(row));
      return;
    }
    const at = from.#blocks[Math.floor(row / BLOCK)] + (row % BLOCK) * from.#stride;
    const codes = new Int8Array(from.#arena.memory.buffer, at, from.#stride);
    this.#append(codes, from.#scales[row], from.hash(row));
  }

  hash(row: number): Uint8Array {
    return this.#hashes.subarray(row * HASH_BYTES, (row + 1) * HASH_BYTES);
  }

  /** By row, 0 for a text without a vector; of signs alone an estimate. @param query of this form */
  cosines(query: CodedQuery): Float32Array {
    const { kind } = this.form;
    if (kind === "binary") return this.#estimates(query);
    const whole = this.#whole(query.codes);
    const { unit } = query;
    const cosines = new Float32Array(this.#length);
    const scales = this.#scales;
    for (let block = 0; block < this.#blocks.length; block++) {
      const first = block * BLOCK;
      const count = Math.min(BLOCK, this.#length - first);
      const at = this.#blocks[block];
      const dots = kind === "int4" ? this.#arena.dots4(at, count, whole) : this.#arena.dots(at, count, whole);
      for (let i = 0; i < count; i++) cosines[first + i] = dots[i] * scales[first + i] * unit;
    }
    if (kind === "int8-calibrated") {
      const biases = this.#biases;
      const { base } = query;
      for (let row = 0; row < cosines.length; row++) cosines[row] += scales[row] === 0 ? 0 : base + biases[row];
    }
    return cosines;
  }

  /** What the signs say of the cosines: the vectors differ from their middle by about the same, and share what it has. */
  #estimates({ codes, unit }: CodedQuery): Float32Array {
    const scales = this.#scales;
    const middles = this.#middles;
    if (!middles) return Float32Array.from(this.#unsigned, (own, row) => dot(own, codes) * scales[row] * unit);
    const cosines = new Float32Array(this.#length);
    const apart = new Int8Array(padded(middles.length));
    const step = quantise(
      middles.map((middle, d) => codes[d] * unit - middle),
      apart,
    );
    const common = dot(middles, codes) * unit;
    const spread = Math.sqrt(Math.max(0, 1 - dot(middles, middles)) / middles.length);
    const factor = SIGN_FACTOR * spread * step;
    for (let block = 0; block < this.#blocks.length; block++) {
      const first = block * BLOCK;
      const count = Math.min(BLOCK, this.#length - first);
      const dots = this.#arena.signDots(this.#blocks[block], count, apart);
      for (let i = 0; i < count; i++) {
        cosines[first + i] = scales[first + i] === 0 ? 0 : Math.min(1, common + dots[i] * factor);
      }
    }
    return cosines;
  }

  /** By row, as {@link LikelyCosines} has them; with {@link areMany}. */
  distances(query: CodedQuery): Uint16Array {
    const distances = new Uint16Array(this.#length).fill(COMPARED_ALWAYS);
    this.#signs?.distances(query, distances);
    return distances;
  }

  /** The cosines of some rows, in the order given. */
  cosinesOf(rows: Uint32Array, { codes, unit, base }: CodedQuery): Float32Array {
    // Block by block: `order` has the places in `rows` of those of each block, up to `ends`.
    const ends = new Uint32Array(this.#blocks.length + 1);
    for (let i = 0; i < rows.length; i++) ends[Math.floor(rows[i] / BLOCK) + 1]++;
    for (let block = 1; block < ends.length; block++) ends[block] += ends[block - 1];
    const order = new Uint32Array(rows.length);
    for (let i = 0; i < rows.length; i++) order[ends[Math.floor(rows[i] / BLOCK)]++] = i;
    const { kind } = this.form;
    const whole = this.#whole(codes);
    const cosines = new Float32Array(rows.length);
    for (let block = 0, from = 0; block < this.#blocks.length; from = ends[block++]) {
      if (ends[block] === from) continue;
      const wanted = order.subarray(from, ends[block]);
      const numbers = wanted.map((i) => rows[i] % BLOCK);
      const at = this.#blocks[block];
      const dots = kind === "int4" ? this.#arena.dots4Of(at, numbers, whole) : this.#arena.dotsOf(at, numbers, whole);
      for (let i = 0; i < wanted.length; i++) cosines[wanted[i]] = dots[i] * this.#scales[rows[wanted[i]]] * unit;
    }
    if (kind === "int8-calibrated") {
      for (let i = 0; i < rows.length; i++) if (this.#scales[rows[i]] !== 0) cosines[i] += base + this.#biases[rows[i]];
    }
    return cosines;
  }

  /** A query in as many components as the kernels want. */
  #whole(query: Int8Array): Int8Array {
    const { kind, dims } = this.form;
    const whole = new Int8Array(kind === "int4" ? padded(dims) : this.#stride);
    whole.set(query);
    return whole;
  }

  /** Makes the signs of a block that is full, as long as there are many and some lack them. */
  #sign(): void {
    if (this.#length < SIGNS_MADE_FROM || this.form.kind === "binary") return;
    this.#signs ??= new BlockSigns(this.#arena, this.#learned(), BLOCK);
    const first = this.#signs.blocks * BLOCK;
    if (first + BLOCK <= this.#length) this.#signs.add((row) => this.#coded(first + row));
  }

  /** Of signs alone: there are enough now to learn what is about where. All of them lie in the first block. */
  #signUnsigned(): void {
    const rows = this.#unsigned.splice(0);
    this.#middles = middlesOf(rows.map((codes, row) => ({ codes, scale: this.#scales[row] })));
    for (const [row, codes] of rows.entries()) {
      const at = this.#blocks[0] + row * this.#stride;
      signsAbout(this.#middles, codes, this.#scales[row], new Uint8Array(this.#arena.memory.buffer, at, this.#stride));
    }
  }

  /** What each dimension is on average, as far as some of the rows tell. */
  #learned(): Float32Array {
    const step = Math.floor(this.#length / ENOUGH_VECTORS);
    return middlesOf(Array.from({ length: ENOUGH_VECTORS }, (_, i) => this.#coded(i * step)));
  }

  /** A row in int8. */
  #coded(row: number): CodedVector {
    const at = this.#blocks[Math.floor(row / BLOCK)] + (row % BLOCK) * this.#stride;
    const bytes = new Int8Array(this.#arena.memory.buffer, at, this.#stride);
    const { kind, dims } = this.form;
    const codes = kind === "int4" ? Int8Array.from(int4Values(bytes, 1)) : bytes;
    return { codes: codes.subarray(0, dims), scale: this.#scales[row] };
  }

  #append(bytes: Int8Array, scale: number, hash: Uint8Array): void {
    if (this.#length % SIGNED_EACH === 0) this.#sign();
    const row = this.#length++;
    if (row % BLOCK === 0) this.#blocks.push(this.#arena.place(new Int8Array(BLOCK * this.#stride)));
    if (row === this.#scales.length) {
      const [scales, biases] = [new Float32Array(2 * row), new Float32Array(2 * this.#biases.length)];
      const hashes = new Uint8Array(2 * this.#hashes.length);
      scales.set(this.#scales);
      biases.set(this.#biases);
      hashes.set(this.#hashes);
      [this.#scales, this.#biases, this.#hashes] = [scales, biases, hashes];
    }
    const at = this.#blocks[this.#blocks.length - 1] + (row % BLOCK) * this.#stride;
    new Int8Array(this.#arena.memory.buffer, at, bytes.length).set(bytes);
    this.#scales[row] = scale;
    if (this.form.kind === "int8-calibrated") this.#biases[row] = scale * dot(this.form.calibration.middles, bytes);
    if (this.#hashes.length > 0) this.#hashes.set(hash, row * HASH_BYTES);
  }
}

/** One of many hashes, as 32 hex digits. */
export function hashOf(hashes: Uint8Array, i: number): string {
  return Buffer.from(hashes.buffer, hashes.byteOffset + i * HASH_BYTES, HASH_BYTES).toString("hex");
}

function middlesOf(vectors: readonly CodedVector[]): Float32Array {
  const values = vectors.map(({ codes, scale }) => Float32Array.from(codes, (code) => code * scale));
  return learnCalibration(values, values[0].length).middles;
}

function dot(one: Float32Array | Int8Array, two: Float32Array | Int8Array): number {
  let sum = 0;
  for (let d = 0; d < one.length; d++) sum += one[d] * two[d];
  return sum;
}

function strideOf({ kind, dims }: StoredForm): number {
  if (kind === "int4" || kind === "binary") return padded(dims) / (kind === "int4" ? 2 : 8);
  return Math.ceil(dims / STEP) * STEP;
}
