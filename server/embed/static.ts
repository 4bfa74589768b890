import { setImmediate as nextTurn } from "node:timers/promises";
import { createKernels, type Kernels } from "../vectors/kernels.ts";
import { reserve } from "../vectors/shared-memory.ts";
import type { SharedMemory } from "../vectors/web-assembly.ts";
import type { Embedder, Vectors } from "./embedder.ts";
import type { StaticModelShared } from "./static-model.ts";
import { StaticTokeniser, TEXT_LIMIT } from "./static-tokens.ts";

/** How much more a word of the path counts than one of the text. */
const PATH_WEIGHT = 4;

/** Only the last components tell files apart. */
const PATH_COMPONENTS = 3;

/** Bodies that are placed in one call of the kernel. */
const BATCH = 64;

/** A unit vector: `codes * scale`. */
export interface QueryVector {
  readonly codes: Int8Array;
  /** `1 / |codes|`. */
  readonly scale: number;
}

/**
 * The static model of one thread. The model itself is shared; an encoder adds one page of scratch memory and the
 * tokeniser's buffers, about 150 KB.
 *
 * A text's vector is `Σ (1 + ln count) * weight * row` over its distinct tokens. A chunk is kept as its body alone,
 * unnormalised, under the hash of its text; where the chunk lies is added when it is placed. So a renamed file costs
 * no embedding.
 */
export class StaticEncoder {
  /** Identity of the vectors: the model's id, with the dimensions when they are not all of the model's. */
  readonly model: string;
  readonly dims: number;
  readonly #shared: StaticModelShared;
  readonly #kernels: Kernels;
  readonly #tokeniser: StaticTokeniser;
  readonly #weights: Float32Array;
  /** How often each token occurs in the text at hand; all zero between texts. */
  readonly #counts: Uint16Array;
  readonly #scratch: Scratch;

  /** `dims`: the first dimensions to use, a multiple of 32; fewer make smaller, slightly worse vectors. */
  constructor(shared: StaticModelShared, dims: number = shared.dims) {
    if (!(dims > 0 && dims <= shared.dims && dims % 32 === 0)) {
      throw new RangeError(`The model ${shared.id} cannot give ${dims} dimensions.`);
    }
    this.model = dims === shared.dims ? shared.id : `${shared.id}/${dims}`;
    this.dims = dims;
    this.#shared = shared;
    this.#kernels = createKernels(shared.memory, shared.kernels);
    this.#tokeniser = new StaticTokeniser(shared.vocabulary);
    this.#weights = new Float32Array(shared.memory.buffer, shared.weights, shared.vocabulary.words);
    this.#counts = new Uint16Array(shared.vocabulary.words);
    this.#scratch = new Scratch(shared.memory, dims);
  }

  /** The numbers of the text's tokens, in order; texts are read up to {@link TEXT_LIMIT}. */
  tokens(text: string): Int32Array {
    return this.#tokeniser.tokens(text).slice();
  }

  /** The bodies of texts, unnormalised. A text without any token gets a zero scale. */
  bodies(texts: readonly string[]): Vectors {
    const { dims } = this;
    const { table } = this.#shared;
    const codes = new Int8Array(texts.length * dims);
    const scales = new Float32Array(texts.length);
    for (let i = 0; i < texts.length; i++) {
      const tokens = this.#countTokens(texts[i]);
      if (tokens === 0) continue;
      const { at, bodyCodes } = this.#scratch;
      scales[i] = this.#kernels.body(
        table,
        this.#shared.dims,
        at.tokens,
        at.weights,
        tokens,
        dims,
        at.sum,
        at.bodyCodes,
      );
      codes.set(bodyCodes.subarray(0, dims), i * dims);
    }
    return { model: this.model, dims, codes, scales };
  }

  /** What a place adds to a body, unnormalised: the vector of the last components of a path with forward slashes. */
  path(path: string): Float32Array {
    const { at, sum } = this.#scratch;
    const tokens = this.#countTokens(lastComponents(path));
    this.#kernels.pool(this.#shared.table, this.#shared.dims, at.tokens, at.weights, tokens, this.dims, at.sum);
    const vector = sum.slice();
    for (let d = 0; d < vector.length; d++) vector[d] *= PATH_WEIGHT;
    return vector;
  }

  /**
   * Places bodies under one path: writes unit vectors from number `first` on, codes at `first * dims`. A zero body
   * under a path without tokens stays zero.
   */
  place(bodies: Vectors, path: Float32Array, outCodes: Int8Array, outScales: Float32Array, first: number): void {
    if (bodies.model !== this.model) throw new TypeError(`Vectors of ${bodies.model} met the model ${this.model}.`);
    const { dims } = this;
    const { at, bodyCodes, bodyScales, placedCodes, placedScales } = this.#scratch;
    this.#scratch.path.set(path);
    for (let from = 0; from < bodies.scales.length; from += BATCH) {
      const to = Math.min(from + BATCH, bodies.scales.length);
      const count = to - from;
      bodyCodes.set(bodies.codes.subarray(from * dims, to * dims));
      bodyScales.set(bodies.scales.subarray(from, to));
      this.#kernels.place(at.bodyCodes, at.bodyScales, at.path, count, dims, at.sum, at.placedCodes, at.placedScales);
      outCodes.set(placedCodes.subarray(0, count * dims), (first + from) * dims);
      outScales.set(placedScales.subarray(0, count), first + from);
    }
  }

  /**
   * The unit vector of a text at a place before it becomes codes: what codes lose is measured against it. Zeros when
   * neither has a token the model knows.
   * @param path as {@link path} gives it; without it the text is a query
   */
  exact(text: string, path?: Float32Array): Float32Array {
    const { at, sum } = this.#scratch;
    const tokens = this.#countTokens(text);
    this.#kernels.pool(this.#shared.table, this.#shared.dims, at.tokens, at.weights, tokens, this.dims, at.sum);
    const vector = sum.slice();
    if (path) for (let d = 0; d < vector.length; d++) vector[d] += path[d];
    const length = Math.hypot(...vector);
    return length > 0 ? vector.map((value) => value / length) : vector;
  }

  /** The unit vector of a query; undefined when it has no token the model knows. */
  query(text: string): QueryVector | undefined {
    const body = this.bodies([text]);
    if (body.scales[0] === 0) return undefined;
    const codes = new Int8Array(this.dims);
    const scales = new Float32Array(1);
    this.place(body, new Float32Array(this.dims), codes, scales, 0);
    return { codes, scale: scales[0] };
  }

  /** Writes the distinct tokens of the text, in order of appearance, and their weights; returns how many. */
  #countTokens(text: string): number {
    const { tokens, weights } = this.#scratch;
    const counts = this.#counts;
    let distinct = 0;
    for (const token of this.#tokeniser.tokens(text)) {
      if (counts[token]++ === 0) tokens[distinct++] = token;
    }
    for (let i = 0; i < distinct; i++) {
      const token = tokens[i];
      weights[i] = (1 + Math.log(counts[token])) * this.#weights[token];
      counts[token] = 0;
    }
    return distinct;
  }
}

/** How many texts are embedded before others get their turn on this thread: about 10 ms of work. */
const TURN = 256;

/** The static engine behind the interface that all engines share: its vectors are bodies, not placed yet. */
export function createStaticEmbedder(encoder: StaticEncoder): Embedder {
  const { model, dims } = encoder;
  return {
    model,
    dims,
    async embed(texts, signal) {
      const codes = new Int8Array(texts.length * dims);
      const scales = new Float32Array(texts.length);
      for (let from = 0; from < texts.length; from += TURN) {
        signal?.throwIfAborted();
        const part = encoder.bodies(texts.slice(from, from + TURN));
        codes.set(part.codes, from * dims);
        scales.set(part.scales, from);
        if (from + TURN < texts.length) await nextTurn();
      }
      return { model, dims, codes, scales };
    },
    async embedQuery(query, signal) {
      signal?.throwIfAborted();
      return encoder.query(query)?.codes;
    },
  };
}

function lastComponents(path: string): string {
  let start = path.length;
  for (let i = 0; i < PATH_COMPONENTS && start >= 0; i++) start = path.lastIndexOf("/", start - 1);
  return path.slice(start + 1);
}

/** One thread's working memory within the shared memory, for it alone; a thread that ends leaves its page behind. */
class Scratch {
  readonly tokens: Int32Array;
  readonly weights: Float32Array;
  readonly sum: Float32Array;
  readonly path: Float32Array;
  readonly bodyScales: Float32Array;
  readonly placedScales: Float32Array;
  readonly bodyCodes: Int8Array;
  readonly placedCodes: Int8Array;
  /** Where each of them lies, for the kernels. */
  readonly at: Readonly<Record<Exclude<keyof Scratch, "at">, number>>;

  constructor(memory: SharedMemory, dims: number) {
    const start = reserve(memory, 4 * (2 * TEXT_LIMIT + 2 * dims + 2 * BATCH) + 2 * BATCH * dims);
    const { buffer } = memory;
    this.tokens = new Int32Array(buffer, start, TEXT_LIMIT);
    this.weights = new Float32Array(buffer, endOf(this.tokens), TEXT_LIMIT);
    this.sum = new Float32Array(buffer, endOf(this.weights), dims);
    this.path = new Float32Array(buffer, endOf(this.sum), dims);
    this.bodyScales = new Float32Array(buffer, endOf(this.path), BATCH);
    this.placedScales = new Float32Array(buffer, endOf(this.bodyScales), BATCH);
    this.bodyCodes = new Int8Array(buffer, endOf(this.placedScales), BATCH * dims);
    this.placedCodes = new Int8Array(buffer, endOf(this.bodyCodes), BATCH * dims);
    this.at = {
      tokens: this.tokens.byteOffset,
      weights: this.weights.byteOffset,
      sum: this.sum.byteOffset,
      path: this.path.byteOffset,
      bodyScales: this.bodyScales.byteOffset,
      placedScales: this.placedScales.byteOffset,
      bodyCodes: this.bodyCodes.byteOffset,
      placedCodes: this.placedCodes.byteOffset,
    };
  }
}

function endOf(view: Int32Array | Float32Array | Int8Array): number {
  return view.byteOffset + view.byteLength;
}
