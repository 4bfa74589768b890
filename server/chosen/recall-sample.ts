import type { MeasuredRecall } from "../../shared/search-types.ts";
import { FEWEST_VECTORS, formRecall } from "../measure/form-recall.ts";
import type { KnownVectors } from "../store/store.ts";
import { codeBytes, decoded, type StoredForm } from "../vectors/stored-form.ts";
import type { KernelModule } from "../vectors/web-assembly.ts";
import type { KeptRecalls } from "./kept-recalls.ts";
import { HASH_BYTES } from "./vector-rows.ts";

/** More say nothing else, and take memory until they are measured. */
const MOST_VECTORS = 4_000;

/** What a form of vectors is measured by: some of those that were made here as the engine gave them, and which others there are. */
export class RecallSample {
  readonly #dims: number;
  #made: Float32Array[] = [];
  #hashes: Uint8Array[] = [];
  #isOver = false;

  /** @param dims as many as the model gives */
  constructor(dims: number) {
    this.#dims = dims;
  }

  /** A unit vector that the engine has just made. */
  made(vector: Float32Array): void {
    if (!this.#isOver && this.#made.length < MOST_VECTORS) this.#made.push(vector);
  }

  /** Texts whose vectors can be found, 16 bytes each. */
  met(hashes: Uint8Array): void {
    if (this.#isOver) return;
    for (let at = 0; at < hashes.length && this.#hashes.length < MOST_VECTORS; at += HASH_BYTES) {
      this.#hashes.push(hashes.slice(at, at + HASH_BYTES));
    }
  }

  /**
   * Measures a form by the sample, once, and keeps what comes of it, where there are enough and more than the last time. Nothing is
   * embedded for it; what was stored in smaller forms is compared with what is stored in int8, which says nothing of calibrated
   * codes.
   * @param stored vectors of all dimensions in int8
   */
  async measure(
    { model, form, kernels, kept }: MeasuredForm,
    stored: (hashes: Uint8Array) => Promise<KnownVectors>,
    signal: AbortSignal,
  ): Promise<void> {
    this.#isOver = true;
    const [made, met] = [this.#made, this.#hashes];
    [this.#made, this.#hashes] = [[], []];
    const whole: StoredForm = { kind: "int8", dims: this.#dims };
    const least = Math.max(FEWEST_VECTORS, 2 * (kept.get(model, form)?.vectors ?? 0));
    if (made.length >= least) {
      const vectors = new Float32Array(made.length * this.#dims);
      for (const [i, vector] of made.entries()) vectors.set(vector, i * this.#dims);
      kept.keep(model, form, await this.#of(vectors, "float", form, kernels, signal));
    } else if (
      met.length >= least &&
      form.kind !== "int8-calibrated" &&
      (form.kind !== "int8" || form.dims < this.#dims)
    ) {
      const { found, codes, scales } = await stored(Buffer.concat(met));
      const bytes = codeBytes(whole);
      const there = [...found.keys()].filter((i) => found[i] === 1);
      if (there.length < least) return;
      const vectors = new Float32Array(there.length * this.#dims);
      for (const [at, i] of there.entries()) {
        const coded = { codes: codes.subarray(i * bytes, (i + 1) * bytes), scale: scales[i] };
        vectors.set(decoded(coded, whole), at * this.#dims);
      }
      kept.keep(model, form, await this.#of(vectors, "int8", form, kernels, signal));
    }
  }

  async #of(
    vectors: Float32Array,
    against: MeasuredRecall["against"],
    form: StoredForm,
    kernels: KernelModule | undefined,
    signal: AbortSignal,
  ): Promise<MeasuredRecall> {
    return { ...(await formRecall(vectors, this.#dims, form, kernels, signal)), against };
  }
}

interface MeasuredForm {
  /** Identity of the model. */
  readonly model: string;
  readonly form: StoredForm;
  readonly kernels: KernelModule | undefined;
  readonly kept: KeptRecalls;
}
