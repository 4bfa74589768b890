import { createHash } from "node:crypto";
import picomatch from "picomatch";
import type { SharedCache } from "../shared-cache/shared-cache.ts";
import type { CodedVector } from "../vectors/stored-form.ts";

/** A vector that nobody has asked to keep for so long is made again. */
const KEPT_SECONDS = 90 * 24 * 60 * 60;
const SCALE_BYTES = 4;

/**
 * Vectors of one model in the cache of a team, by the hash of the text, so that each text is embedded by one of them: as
 * int8 codes of all dimensions, of which each makes the form that it keeps. A
 * vector tells something of its text: those of files of which nothing may leave the machine are neither looked for nor kept.
 */
export class SharedVectors {
  readonly #cache: SharedCache;
  readonly #prefix: string;
  readonly #dims: number;
  readonly #isPrivate: (path: string) => boolean;

  /**
   * @param model identity of the model
   * @param neverSend globs relative to the root
   */
  constructor(cache: SharedCache, model: string, dims: number, neverSend: readonly string[]) {
    this.#cache = cache;
    this.#prefix = `vector:${createHash("sha256").update(model).digest("hex").slice(0, 32)}:`;
    this.#dims = dims;
    this.#isPrivate = neverSend.length === 0 ? () => false : picomatch([...neverSend], { dot: true, nocase: true });
  }

  isPrivate(path: string): boolean {
    return this.#isPrivate(path);
  }

  /** In the order of the hashes; undefined for each that is not there, or is no vector of this model. */
  async get(hashes: readonly string[]): Promise<(CodedVector | undefined)[]> {
    const values = await this.#cache.get(hashes.map((hash) => this.#prefix + hash));
    return values.map((value) => this.#read(value));
  }

  async put(vectors: readonly ({ readonly hash: string } & CodedVector)[]): Promise<void> {
    if (vectors.length === 0) return;
    const entries = vectors.map(({ hash, codes, scale }) => {
      const value = Buffer.alloc(SCALE_BYTES + codes.length);
      value.writeFloatLE(scale);
      value.set(new Uint8Array(codes.buffer, codes.byteOffset, codes.length), SCALE_BYTES);
      return { key: this.#prefix + hash, value };
    });
    await this.#cache.set(entries, KEPT_SECONDS);
  }

  #read(value: Uint8Array | undefined): CodedVector | undefined {
    if (value?.length !== SCALE_BYTES + this.#dims) return undefined;
    // A copy: whose memory it lies in is the client's business.
    const codes = new Int8Array(Uint8Array.from(value.subarray(SCALE_BYTES)).buffer);
    const scale = new DataView(value.buffer, value.byteOffset, SCALE_BYTES).getFloat32(0, true);
    // What is no unit vector would be closer to everything than all others.
    const length = scale * Math.hypot(...codes);
    return Math.abs(length - 1) < UNIT_SLACK ? { codes, scale } : undefined;
  }
}

/** What rounding to whole numbers takes from the length of a vector at the most. */
const UNIT_SLACK = 0.05;
