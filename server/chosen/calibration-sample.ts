import { type Calibration, ENOUGH_VECTORS, learnCalibration } from "../vectors/calibration.ts";
import { codeBytes, decoded, type StoredForm } from "../vectors/stored-form.ts";
import type { FilesEmbedded, FilesToEmbed } from "../workspace/index-jobs.ts";
import type { IndexedFile } from "./chosen-vectors.ts";
import { hashOf } from "./vector-rows.ts";

/** Fewer do not tell what the dimensions of a model are like. */
const FEWEST_VECTORS = 100;
/** Files whose vectors are looked up at a time. */
const FILES_AT_ONCE = 32;

export interface SampleParts {
  readonly model: string;
  /** As many as the model gives. */
  readonly dims: number;
  readonly textsAtOnce: number;
  lookUp(job: FilesToEmbed): Promise<FilesEmbedded>;
  /** Undefined for a text at which the engine fails. */
  embed(text: string): Promise<Float32Array | undefined>;
  mayGoOn(): boolean;
}

/** Some vectors of a model, of different texts from all over a folder, that its calibration is learned from. */
export class CalibrationSample {
  readonly #parts: SampleParts;
  /** As the engine gave them, by hash: they are coded once it is known how, and not asked for again. */
  readonly #made = new Map<string, Float32Array>();
  /** As they are stored in plain codes, by hash: good enough to learn from, too coarse to be coded anew. */
  readonly #stored = new Map<string, Float32Array>();

  constructor(parts: SampleParts) {
    this.#parts = parts;
  }

  /** Whether so many chunks could be enough to learn from. */
  static canLearnFrom(chunks: number): boolean {
    return chunks >= FEWEST_VECTORS;
  }

  /**
   * Brings together as many vectors as are worth learning from: what is stored first, then what is embedded.
   * @param files of different contents
   * @returns false where it was interrupted; it goes on from there
   */
  async gather(files: readonly IndexedFile[]): Promise<boolean> {
    const { model, dims, lookUp, mayGoOn } = this.#parts;
    const form: StoredForm = { kind: "int8", dims };
    const spread = spreadOut(files);
    for (let from = 0; from < spread.length && !this.#isEnough; from += FILES_AT_ONCE) {
      if (!mayGoOn()) return false;
      const asked = spread.slice(from, from + FILES_AT_ONCE).map(({ path, content }) => ({ path, content }));
      const known = await lookUp({ model, dims, form, files: asked });
      this.#keepStored(known, form);
      await this.#make(known);
    }
    return true;
  }

  /** A vector that the engine has given for the sample. @param hash 32 hex digits */
  remembered(hash: string): Float32Array | undefined {
    return this.#made.get(hash);
  }

  /** Undefined where there are too few. @param dims of which the first are kept */
  learn(dims: number): Calibration | undefined {
    const vectors = [...this.#made.values(), ...this.#stored.values()];
    return vectors.length < FEWEST_VECTORS ? undefined : learnCalibration(vectors, dims);
  }

  /** What was made is coded and stored. */
  clear(): void {
    this.#made.clear();
    this.#stored.clear();
  }

  get #isEnough(): boolean {
    return this.#made.size + this.#stored.size >= ENOUGH_VECTORS;
  }

  #keepStored({ found, hashes, codes, scales }: FilesEmbedded, form: StoredForm): void {
    const bytes = codeBytes(form);
    for (let i = 0; i < found.length && !this.#isEnough; i++) {
      if (found[i] === 0 || scales[i] === 0) continue;
      const coded = { codes: codes.subarray(i * bytes, (i + 1) * bytes), scale: scales[i] };
      this.#stored.set(hashOf(hashes, i), decoded(coded, form));
    }
  }

  async #make({ texts, hashes }: FilesEmbedded): Promise<void> {
    const { textsAtOnce, embed } = this.#parts;
    const lacking = [...new Map(texts.map(({ chunk, text }) => [hashOf(hashes, chunk), text]))];
    for (let at = 0; at < lacking.length && !this.#isEnough; at += textsAtOnce) {
      await Promise.all(
        lacking.slice(at, at + textsAtOnce).map(async ([hash, text]) => {
          const vector = this.#made.get(hash) ?? (await embed(text));
          if (vector) this.#made.set(hash, vector);
        }),
      );
    }
  }
}

/** The same files, those first that lie so far apart that enough of their chunks are from all over the folder. */
function spreadOut(files: readonly IndexedFile[]): IndexedFile[] {
  const chunks = files.reduce((sum, file) => sum + file.chunks, 0);
  const step = Math.max(1, Math.floor(chunks / ENOUGH_VECTORS));
  const isFirst = (_: IndexedFile, i: number) => i % step === 0;
  return [...files.filter(isFirst), ...files.filter((file, i) => !isFirst(file, i))];
}
