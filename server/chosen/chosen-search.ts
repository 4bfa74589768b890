import { CairnError } from "../../shared/errors.ts";
import { type Phrase, phrase, SILENCE } from "../../shared/phrase.ts";
import type { EmbeddingPhase, EmbeddingStatus } from "../../shared/search-types.ts";
import type { Log } from "../host.ts";
import type { Closeness } from "../search/closeness.ts";
import type { Snapshot } from "../store/segment.ts";
import type { Batch, KnownVectors, StoreMethods } from "../store/store.ts";
import { vectorBatch } from "../store/vector-batch.ts";
import type { Calibration } from "../vectors/calibration.ts";
import {
  type CodedVector,
  codeBytes,
  decoded,
  encoded,
  onDisk,
  type StoredForm,
  settledForm,
  storedName,
} from "../vectors/stored-form.ts";
import type { KernelModule } from "../vectors/web-assembly.ts";
import type { FilesEmbedded, FilesToEmbed } from "../workspace/index-jobs.ts";
import type { UnsavedFile } from "../workspace/unsaved-files.ts";
import { CalibrationSample } from "./calibration-sample.ts";
import { chosenQuery } from "./chosen-codes.ts";
import type { ChosenEngine } from "./chosen-engine.ts";
import { ChosenVectors, type IndexedFile } from "./chosen-vectors.ts";
import type { KeptCalibrations } from "./kept-calibrations.ts";
import type { KeptRecalls } from "./kept-recalls.ts";
import { RecallSample } from "./recall-sample.ts";
import type { SharedVectors } from "./shared-vectors.ts";
import { UnsavedVectors } from "./unsaved-vectors.ts";
import { HASH_BYTES, hashOf } from "./vector-rows.ts";
import { vectorsStatus } from "./vectors-status.ts";

/** Files whose vectors are looked up, and then made, at a time. */
const FILES_AT_ONCE = 32;
/** Once complete, the vectors go on serving while no more than this share of the chunks lacks one. */
const MOST_LACKING = 0.05;

export interface ChosenSearchParts {
  engine: ChosenEngine;
  kernels: KernelModule | undefined;
  log: Log;
  /** Whether the bundled model answers while this one cannot. */
  fallback: boolean;
  /** What is indexed now. */
  snapshot(): Snapshot;
  /** The same with what is on screen and not saved in the place of what is on disk, and those files. */
  onScreen(): Snapshot;
  unsaved(): readonly UnsavedFile[];
  /** True while the index is up to date and may work: nothing is embedded meanwhile. */
  isSettled(): boolean;
  /** Of a path: whether its file may not be sent to where the engine is. */
  isWithheld(path: string): boolean;
  /** Looks up vectors, and cuts the files of the rest; away from this thread. */
  lookUp(job: FilesToEmbed): Promise<FilesEmbedded>;
  /** Stores vectors durably. */
  store(batch: Batch): Promise<unknown>;
  /** What is stored under some hashes. */
  stored(query: Parameters<StoreMethods["vectors"]>[0]): Promise<KnownVectors>;
  /** What forms of vectors were found to keep. */
  recalls: KeptRecalls;
  /** What the vectors of models are like, where their form needs that. */
  calibrations: KeptCalibrations;
  /** Vectors that others of a team have made; undefined for who has nothing to do with them. */
  shared?: SharedVectors;
  /** Called after every change of what `status` and `notice` say. */
  onChange(): void;
}

/**
 * Search by the model that the user chose. Its vectors are made in the background and searched once they are complete;
 * until then, and whenever its engine cannot answer, the bundled model's serve.
 */
export class ChosenSearch {
  readonly #parts: ChosenSearchParts;
  /** In int8 as long as the form needs a calibration that is not learned yet: never two forms in one. */
  #vectors: ChosenVectors;
  readonly #listening: { dispose(): void };
  readonly #ending = new AbortController();
  /** Contents of a snapshot that cannot be embedded: the file is no longer what was indexed. */
  readonly #gone = new Set<string>();
  #goneFrom: Snapshot | undefined;
  /** The snapshot for which everything was made that could be. */
  #done: Snapshot | undefined;
  #pass: Promise<void> | undefined;
  /** Something that is not stored was met since this was opened. */
  #embeds = false;
  #inUse = false;
  #lacking = 0;
  #total = 0;
  /** Of those that lack one: chunks whose vector is stored, of files of which others are still made. */
  #halfway = 0;
  /** Chunks that may not be sent to where the engine is: they are found by their words, and nothing waits for them. */
  #withheld = 0;
  #failure: CairnError | undefined;
  #notice: Phrase = SILENCE;
  /** What the notice is about. */
  #told: CairnError | undefined;
  readonly #sample: RecallSample;
  readonly #calibrating: CalibrationSample;
  #calibrations: readonly Calibration[];
  readonly #unsaved: UnsavedVectors;

  constructor(parts: ChosenSearchParts) {
    this.#parts = parts;
    const { engine, calibrations, lookUp, isSettled } = parts;
    const { model, dims, textsAtOnce, form } = engine;
    this.#calibrations = calibrations.of(model);
    const calibration = this.#calibrations.find(({ middles }) => middles.length === form.dims);
    this.#vectors = this.#emptied(settledForm(form, calibration) ?? { kind: "int8", dims: form.dims });
    this.#calibrating = new CalibrationSample({
      model,
      dims,
      textsAtOnce,
      lookUp,
      embed: (text) => {
        this.#embeds = true;
        return this.#vectorOf(text);
      },
      mayGoOn: () => isSettled() && !this.#ending.signal.aborted,
    });
    this.#sample = new RecallSample(engine.dims);
    this.#unsaved = new UnsavedVectors({
      engine,
      vectors: () => this.#vectors,
      log: parts.log,
      files: parts.unsaved,
      // What is typed costs nothing at a server of one's own; elsewhere only what is saved is paid for.
      isWanted: (path) => this.#inUse && !engine.server?.remote && !parts.isWithheld(path),
      stored: (hashes) => this.#stored(hashes, this.#vectors.form),
      compact: () => this.#compact(),
    });
    this.#listening = engine.onChange(() => {
      this.advance();
      this.#unsaved.engineChanged();
    });
  }

  get status(): EmbeddingStatus {
    const { engine } = this.#parts;
    return {
      model: engine.name,
      phase: this.#phase(),
      inUse: this.#inUse && engine.isRunning,
      done: this.#total - this.#lacking + this.#halfway,
      total: this.#total,
      ...(this.#withheld > 0 && { withheld: this.#withheld }),
      vectors: vectorsStatus({ model: engine.model, dims: engine.dims, form: this.#vectors.form }, this.#parts.recalls),
      engine: engine.status,
    };
  }

  /** What a user should know of it; nothing when all is well. */
  get notice(): Phrase {
    return this.#notice;
  }

  /** Goes on; to be called when the index has changed. */
  advance(): void {
    const { engine, snapshot, isSettled, onChange } = this.#parts;
    // A process is started again before anyone need know of it; a server may stay away.
    if ((engine.hasGivenUp || engine.server) && engine.failure) this.#tell(engine.failure);
    else if (engine.server && engine.isRunning) this.#notice = SILENCE;
    const has = this.#done === snapshot() && this.#failure === undefined;
    if (!has && this.#pass === undefined && isSettled() && !this.#ending.signal.aborted) {
      this.#pass = this.#fill()
        .catch((error) => this.#failed(error))
        .finally(() => {
          this.#pass = undefined;
          // What came meanwhile, unless it has just failed.
          if (this.#failure === undefined && !this.#ending.signal.aborted) this.advance();
          else onChange();
        });
    }
    onChange();
  }

  /** Something else is on screen and not saved: its vectors are made, in memory. */
  edited(): void {
    this.#unsaved.advance();
  }

  /** Resolves when what is on screen has its vectors, as far as they can be made now. */
  unsavedSettled(): Promise<void> {
    return this.#unsaved.settled();
  }

  /**
   * How close the chunks of a snapshot are to a text; undefined when the bundled model is to be asked instead.
   * @throws {CairnError} `unavailable` where it cannot be told and the bundled model is not wanted; the signal's reason
   */
  async compare(snapshot: Snapshot, text: string, signal?: AbortSignal): Promise<Closeness | undefined> {
    if (text === "") return undefined;
    const { engine, fallback } = this.#parts;
    try {
      if (!this.#inUse) throw this.#incomplete();
      const vectors = this.#vectors;
      const question = chosenQuery(engine.model, vectors.form, await engine.question(text, signal));
      const closeness = await vectors.compareStored(snapshot, question, (hashes) => this.#storedOrShown(hashes));
      this.#notice = SILENCE;
      return closeness;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof CairnError)) throw error;
      // While it is started for the first time nothing has gone wrong.
      if (this.#inUse && (engine.failure || engine.isRunning)) this.#tell(error);
      if (fallback) return undefined;
      throw new CairnError(
        "unavailable",
        phrase("{0} cannot be asked: {1}", engine.name, error.said),
        phrase("Try again later, or turn on cairn.embedding.fallback.enabled."),
        { cause: error },
      );
    }
  }

  /** Embeds nothing more and waits for what is under way, so that nothing is half-written. */
  async close(): Promise<void> {
    this.#ending.abort();
    this.#listening.dispose();
    await this.#unsaved.close();
    await this.#pass;
  }

  #phase(): EmbeddingPhase {
    const { engine, snapshot, isSettled } = this.#parts;
    if (engine.isLost || this.#failure) return "failed";
    if (this.#done === snapshot() && this.#pass === undefined) {
      if (engine.isRunning) return "ready";
      return engine.failure ? "failed" : "loading";
    }
    if (!isSettled()) return "waiting";
    return this.#embeds ? "embedding" : "loading";
  }

  /** Brings the vectors to what is indexed: those that are stored first, then those that have to be made. */
  async #fill(): Promise<void> {
    const { snapshot, isSettled, isWithheld, onChange } = this.#parts;
    this.#failure = undefined;
    for (;;) {
      const wanted = snapshot();
      if (this.#done === wanted) return;
      if (this.#goneFrom !== wanted) this.#gone.clear();
      this.#goneFrom = wanted;
      if (!(await this.#calibrate(wanted))) return;
      this.#compact();
      const { files: lacking, chunks } = this.#vectors.lackingIn(wanted);
      const files = lacking.filter(({ path }) => !isWithheld(path));
      this.#withheld = chunksOf(lacking) - chunksOf(files);
      this.#count(files, chunks - this.#withheld);
      const todo = distinct(files.filter(({ content }) => !this.#gone.has(content)));
      if (todo.length === 0) {
        this.#done = wanted;
        this.#calibrating.clear();
        this.#inUse = this.#lacking <= MOST_LACKING * this.#total;
        onChange();
        this.#unsaved.advance();
        await this.#measure();
        return;
      }
      for (let from = 0; from < todo.length; from += FILES_AT_ONCE) {
        if (!isSettled() || this.#ending.signal.aborted) return;
        await this.#embed(todo.slice(from, from + FILES_AT_ONCE));
        onChange();
      }
    }
  }

  /**
   * Learns what the form needs to know of the model's vectors, once there are enough chunks to learn from; until then all of
   * them are kept in int8.
   * @returns false where it was interrupted
   */
  async #calibrate(snapshot: Snapshot): Promise<boolean> {
    const { engine, calibrations, isWithheld, onChange } = this.#parts;
    const { model } = engine;
    const { kind, dims: kept } = engine.form;
    if (kind !== "int8-calibrated" || this.#vectors.form.kind === kind) return true;
    let calibration = calibrations.get(model, kept);
    if (!calibration) {
      const { files, chunks } = this.#emptied(this.#whole).lackingIn(snapshot);
      if (!CalibrationSample.canLearnFrom(chunks)) return true;
      const open = files.filter(({ path, content }) => !isWithheld(path) && !this.#gone.has(content));
      if (!this.#inUse) this.#count(open, chunksOf(open));
      onChange();
      if (!(await this.#calibrating.gather(distinct(open)))) return false;
      const learned = this.#calibrating.learn(kept);
      if (!learned) return true;
      calibration = calibrations.keep(model, learned);
    }
    this.#calibrations = calibrations.of(model);
    this.#vectors = this.#emptied({ kind, dims: kept, calibration });
    this.#inUse = false;
    this.#unsaved.formChanged();
    return true;
  }

  #emptied(form: StoredForm): ChosenVectors {
    return new ChosenVectors(this.#parts.engine.model, form, this.#parts.kernels);
  }

  #compact(): void {
    const { snapshot, onScreen } = this.#parts;
    this.#vectors.compact(snapshot(), onScreen());
  }

  /** What comes later must not throw out what serves; much of it does, for it would be found by its words alone. */
  #count(files: readonly IndexedFile[], chunks: number): void {
    this.#total = chunks;
    this.#lacking = chunksOf(files);
    this.#halfway = 0;
    if (this.#lacking > MOST_LACKING * chunks) this.#inUse = false;
  }

  async #embed(files: readonly IndexedFile[]): Promise<void> {
    const { engine, lookUp } = this.#parts;
    const { model, dims } = engine;
    const { form } = this.#vectors;
    const bytes = codeBytes(form);
    const known = await lookUp({
      model,
      dims,
      form,
      calibrations: this.#calibrations,
      files: files.map(({ path, content }) => ({ path, content })),
    });
    if (known.texts.length > 0) this.#embeds = true;
    await this.#make(files, known);
    this.#halfway = 0;
    let first = 0;
    for (const [i, { content, chunks }] of files.entries()) {
      const end = first + known.counts[i];
      if (known.gone[i] === 1 || known.counts[i] !== chunks) this.#gone.add(content);
      else {
        const hashes = known.hashes.subarray(first * HASH_BYTES, end * HASH_BYTES);
        const codes = known.codes.subarray(first * bytes, end * bytes);
        this.#vectors.add(content, { hashes, codes, scales: known.scales.subarray(first, end) });
        this.#sample.met(hashes);
        // Another file of the same content is counted when the next round begins.
        this.#lacking -= known.counts[i];
      }
      first = end;
    }
  }

  /** Makes the vectors that are lacking, stores them, and puts them in their places. */
  async #make(files: readonly IndexedFile[], { texts, counts, hashes, codes, scales }: FilesEmbedded): Promise<void> {
    const { engine, store, shared } = this.#parts;
    const { model, dims, textsAtOnce } = engine;
    const { form } = this.#vectors;
    const bytes = codeBytes(form);
    const paths = files.flatMap(({ path }, i) => new Array<string>(counts[i]).fill(path));
    const chunksWith = new Map<string, number[]>();
    const distinctTexts: TextToEmbed[] = [];
    for (const { chunk, text } of texts) {
      const hash = hashOf(hashes, chunk);
      const isPrivate = shared?.isPrivate(paths[chunk]) ?? true;
      const same = chunksWith.get(hash);
      if (same) same.push(chunk);
      else {
        chunksWith.set(hash, [chunk]);
        distinctTexts.push({ text, hash, isPrivate });
      }
    }
    for (let from = 0; from < distinctTexts.length; from += textsAtOnce) {
      // Each such piece is stored before the next begins.
      const piece = distinctTexts.slice(from, from + textsAtOnce);
      const made = await this.#vectorsOf(piece);
      const batch = batchOf(storedName(model, form, dims), bytes, made);
      await store(batch);
      for (const [i, { hash }] of made.entries()) {
        const chunks = chunksWith.get(hash) ?? [];
        this.#halfway += chunks.length;
        for (const chunk of chunks) {
          codes.set(batch.codes.subarray(i * bytes, (i + 1) * bytes), chunk * bytes);
          scales[chunk] = batch.scales[i];
        }
      }
      this.#parts.onChange();
    }
  }

  /**
   * From the team's cache, or else from the engine, and then into that cache. Calibrated codes are not made of the plain ones
   * that lie there.
   */
  async #vectorsOf(texts: readonly TextToEmbed[]): Promise<MadeVector[]> {
    const { shared } = this.#parts;
    const { form } = this.#vectors;
    const open = form.kind === "int8-calibrated" ? [] : texts.filter(({ isPrivate }) => !isPrivate);
    const theirs = (await shared?.get(open.map(({ hash }) => hash))) ?? [];
    const found = new Map(open.flatMap(({ hash }, i) => (theirs[i] ? [[hash, theirs[i]] as const] : [])));
    const lacking = texts.filter(({ hash }) => !found.has(hash));
    const vectors = await Promise.all(
      lacking.map(
        ({ hash, text }) =>
          this.#calibrating.remembered(hash) ?? this.#unsaved.remembered(hash) ?? this.#vectorOf(text),
      ),
    );
    const made = lacking.flatMap(({ hash, isPrivate }, i) =>
      vectors[i] ? [{ hash, isPrivate, exact: vectors[i] }] : [],
    );
    if (shared) {
      const given = made.filter(({ isPrivate }) => !isPrivate);
      await shared.put(given.map(({ hash, exact }) => ({ hash, ...encoded(exact, this.#whole) })));
    }
    for (const { exact } of made) this.#sample.made(exact);
    return [
      ...[...found].map(([hash, vector]) => ({ hash, ...this.#inForm(vector) })),
      ...made.map(({ hash, exact }) => ({ hash, ...encoded(exact, form) })),
    ];
  }

  /** As others of the team have it, and as it lies on disk without a choice: int8, all dimensions. */
  get #whole(): StoredForm {
    return { kind: "int8", dims: this.#parts.engine.dims };
  }

  #inForm(vector: CodedVector): CodedVector {
    const { form } = this.#vectors;
    const { kind, dims } = onDisk(form);
    return kind === "int8" && dims === this.#parts.engine.dims ? vector : encoded(decoded(vector, this.#whole), form);
  }

  #stored(hashes: Uint8Array, form: StoredForm): Promise<KnownVectors> {
    const { engine, stored } = this.#parts;
    return stored({ model: storedName(engine.model, form, engine.dims), dims: codeBytes(form), hashes });
  }

  /** The same, and of what is on screen: no store has that. */
  async #storedOrShown(hashes: Uint8Array): Promise<KnownVectors> {
    const { form } = this.#vectors;
    const known = await this.#stored(hashes, form);
    for (let i = 0; i < known.found.length; i++) {
      const vector = known.found[i] === 0 ? this.#unsaved.remembered(hashOf(hashes, i)) : undefined;
      if (!vector) continue;
      const own = encoded(vector, form);
      known.found[i] = 1;
      known.codes.set(own.codes, i * codeBytes(form));
      known.scales[i] = own.scale;
    }
    return known;
  }

  /** What cannot be measured is not said, and nothing else is lost. */
  async #measure(): Promise<void> {
    const { engine, kernels, recalls: kept, log } = this.#parts;
    const { model } = engine;
    const { form } = this.#vectors;
    try {
      const stored = (hashes: Uint8Array) => this.#stored(hashes, this.#whole);
      await this.#sample.measure({ model, form, kernels, kept }, stored, this.#ending.signal);
    } catch (error) {
      if (!this.#ending.signal.aborted) log.warn(`measuring vectors of ${engine.name}: ${error}`);
    }
  }

  /** Undefined for a text at which the engine fails: its chunk is found by its words, and tried again at the next start. */
  async #vectorOf(text: string): Promise<Float32Array | undefined> {
    try {
      return await this.#parts.engine.passage(text, this.#ending.signal);
    } catch (error) {
      if (!(error instanceof CairnError) || error.kind !== "output" || this.#parts.engine.hasGivenUp) throw error;
      this.#parts.log.warn(`embedding with ${this.#parts.engine.name}: ${error.message} ${error.cause}`);
      return undefined;
    }
  }

  #failed(error: unknown): void {
    if (this.#ending.signal.aborted) return;
    this.#failure =
      error instanceof CairnError ? error : new CairnError("unavailable", String(error), SILENCE, { cause: error });
    this.#tell(this.#failure);
  }

  #tell(error: CairnError): void {
    const { engine, fallback, log, onChange } = this.#parts;
    const { said, message, advice } = error;
    // What was said while it was to be started again no longer holds once it is not.
    const isLast = engine.hasGivenUp && error === engine.failure && error !== this.#told;
    if (this.#notice.text !== "" && !isLast) return;
    this.#told = error;
    this.#notice = fallback
      ? phrase("{0} cannot be asked: {1} The model in the package searches. {2}", engine.name, said, advice)
      : phrase("{0} cannot be asked: {1} {2}", engine.name, said, advice);
    log.warn(`embedding with ${engine.name}: ${message}`);
    onChange();
  }

  #incomplete(): CairnError {
    const done = this.#total - this.#lacking + this.#halfway;
    return new CairnError(
      "unavailable",
      phrase("{0} of {1} chunks have their vector so far.", done, this.#total),
      phrase("Wait until the rest is embedded."),
    );
  }
}

interface TextToEmbed {
  readonly text: string;
  readonly hash: string;
  /** Of a file of which nothing may leave the machine. */
  readonly isPrivate: boolean;
}

type MadeVector = { readonly hash: string } & CodedVector;

function chunksOf(files: readonly IndexedFile[]): number {
  return files.reduce((sum, file) => sum + file.chunks, 0);
}

/** The first file of each content: the others get the same vectors. */
function distinct(files: readonly IndexedFile[]): IndexedFile[] {
  return [...new Map(files.toReversed().map((file) => [file.content, file])).values()].reverse();
}

/** @param bytes of the codes of one vector */
function batchOf(name: string, bytes: number, made: readonly MadeVector[]): Batch {
  const codes = new Int8Array(made.length * bytes);
  for (const [i, vector] of made.entries()) codes.set(vector.codes, i * bytes);
  const hashes = new Uint8Array(Buffer.from(made.map(({ hash }) => hash).join(""), "hex"));
  return vectorBatch(
    name,
    hashes,
    codes,
    Float32Array.from(made, ({ scale }) => scale),
  );
}
