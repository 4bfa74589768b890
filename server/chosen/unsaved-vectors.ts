import { CairnError } from "../../shared/errors.ts";
import type { Log } from "../host.ts";
import type { KnownVectors } from "../store/store.ts";
import { codeBytes, encoded } from "../vectors/stored-form.ts";
import type { UnsavedFile } from "../workspace/unsaved-files.ts";
import type { ChosenEngine } from "./chosen-engine.ts";
import type { ChosenVectors } from "./chosen-vectors.ts";
import { hashOf } from "./vector-rows.ts";

/** Of one file on screen no more new pieces are embedded: a pasted program waits until it is saved. */
const MOST_OF_FILE = 64;
/** Vectors of text that was on screen, kept in case it is saved or comes back. */
const MOST_REMEMBERED = 1_000;

export interface UnsavedParts {
  readonly engine: ChosenEngine;
  /** Where the vectors are put: memory alone. They may be in another form from one time to the next. */
  vectors(): ChosenVectors;
  readonly log: Log;
  /** What is on screen now and not on disk, by the same objects as long as it stays. */
  files(): readonly UnsavedFile[];
  /** Whether a file's vectors would serve, and its text may go to where the engine is. */
  isWanted(path: string): boolean;
  /** What the store has under hashes, in the form that `vectors` has. */
  stored(hashes: Uint8Array): Promise<KnownVectors>;
  /** Called before vectors are put in, to make room. */
  compact(): void;
}

/**
 * The chosen model's vectors of what is on screen and not saved. Most of a file is as it was: only pieces that are new are
 * embedded, before what is indexed, one file at a time and its newest text alone. Nothing of them is written anywhere.
 */
export class UnsavedVectors {
  readonly #parts: UnsavedParts;
  readonly #remembered = new Map<string, Float32Array>();
  #tried = new WeakSet<UnsavedFile>();
  #running: Promise<void> | undefined;
  #underWay: { readonly file: UnsavedFile; readonly stop: AbortController } | undefined;
  #closed = false;

  constructor(parts: UnsavedParts) {
    this.#parts = parts;
  }

  /** Goes on; to be called when something else is on screen, or its vectors would serve now. */
  advance(): void {
    const { file, stop } = this.#underWay ?? {};
    if (file && !this.#parts.files().includes(file)) stop?.abort();
    if (this.#running || this.#closed) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      // What came on screen just when there was nothing more to do.
      if (this.#next()) this.advance();
    });
  }

  /** The engine runs again, or no longer: what was given up is tried again, and what waits for it is given up. */
  engineChanged(): void {
    this.#tried = new WeakSet();
    if (!this.#parts.engine.isRunning) this.#underWay?.stop.abort();
    this.advance();
  }

  /** The vectors are kept in another form, and there are none yet. */
  formChanged(): void {
    this.#tried = new WeakSet();
  }

  /** Resolves when there is nothing left that can be embedded now. */
  async settled(): Promise<void> {
    while (this.#running) await this.#running;
  }

  /** The vector of a text that was on screen. @param hash 32 hex digits */
  remembered(hash: string): Float32Array | undefined {
    return this.#remembered.get(hash);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#underWay?.stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let file = this.#next(); file; file = this.#next()) {
      const stop = new AbortController();
      this.#underWay = { file, stop };
      try {
        await this.#embed(file, stop.signal);
      } catch (error) {
        if (!stop.signal.aborted) this.#parts.log.warn(`embedding what is on screen: ${error}`);
      } finally {
        this.#tried.add(file);
        this.#underWay = undefined;
      }
    }
  }

  #next(): UnsavedFile | undefined {
    const { engine, vectors, files, isWanted } = this.#parts;
    if (this.#closed || !engine.isRunning) return undefined;
    return files().find((file) => {
      const { path, content, texts } = file;
      return !this.#tried.has(file) && isWanted(path) && !vectors().has(content, texts.length);
    });
  }

  async #embed({ content, hashes, texts }: UnsavedFile, signal: AbortSignal): Promise<void> {
    const { stored, compact } = this.#parts;
    const vectors = this.#parts.vectors();
    const { found, codes, scales } = await stored(hashes);
    const bytes = codeBytes(vectors.form);
    const lacking = [...found.keys()].filter((i) => found[i] === 0).slice(0, MOST_OF_FILE);
    const made = await Promise.all(lacking.map((i) => this.#vectorOf(hashOf(hashes, i), texts[i], signal)));
    for (const [at, i] of lacking.entries()) {
      const vector = made[at];
      if (!vector) continue;
      const own = encoded(vector, vectors.form);
      codes.set(own.codes, i * bytes);
      scales[i] = own.scale;
    }
    signal.throwIfAborted();
    compact();
    vectors.add(content, { hashes, codes, scales });
  }

  /** Undefined for a text at which the engine fails: it is found by its words. */
  async #vectorOf(hash: string, text: string, signal: AbortSignal): Promise<Float32Array | undefined> {
    const known = this.#remembered.get(hash);
    if (known) return known;
    try {
      const vector = await this.#parts.engine.passage(text, signal, { ahead: true });
      this.#remembered.set(hash, vector);
      const [oldest] = this.#remembered.keys();
      if (this.#remembered.size > MOST_REMEMBERED) this.#remembered.delete(oldest);
      return vector;
    } catch (error) {
      if (!signal.aborted && error instanceof CairnError && error.kind === "output") return undefined;
      throw error;
    }
  }
}
