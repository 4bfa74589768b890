import { join } from "node:path";
import { asCairnError, CairnError } from "../shared/errors.ts";
import type { FileStatus, IndexedFolder } from "../shared/index-contents.ts";
import { joined, type Phrase, phrase, SILENCE } from "../shared/phrase.ts";
import type {
  CodeExcerpt,
  EmbeddingStatus,
  EngineStatus,
  IndexStatus,
  ReadRequest,
  SearchAnswer,
  SearchRequest,
  SimilarRequest,
  SkippedFile,
  SymbolHit,
} from "../shared/search-types.ts";
import type { Settings } from "../shared/settings.ts";
import type { ChosenEngine } from "./chosen/chosen-engine.ts";
import type { ChosenSearch } from "./chosen/chosen-search.ts";
import { chosenName } from "./chosen/model-choice.ts";
import type { SharedVectors } from "./chosen/shared-vectors.ts";
import type { HeldWorkspace } from "./core-api.ts";
import { StaticEncoder } from "./embed/static.ts";
import type { StaticModelShared } from "./embed/static-model.ts";
import { FileError, type Host } from "./host.ts";
import { cacheDirectoryOf, walkOptionsOf } from "./opening.ts";
import { ripgrepPath } from "./package-files.ts";
import { answerSearch, type FileNow, type SearchSource } from "./search/answer-search.ts";
import { readCode } from "./search/read-code.ts";
import { scanFiles } from "./search/scan.ts";
import type { ScanHit } from "./search/scan-rank.ts";
import { answerSimilar } from "./search/similar.ts";
import { findSymbols } from "./search/symbols.ts";
import type { SharedCache } from "./shared-cache/shared-cache.ts";
import { LiveIndex } from "./store/live-index.ts";
import type { Snapshot } from "./store/segment.ts";
import type { Base } from "./store/snapshot-file.ts";
import type { StoredFiles } from "./store/store.ts";
import { VectorArena } from "./vectors/arena.ts";
import { classifyContent, classifyName } from "./workspace/classify.ts";
import { decode } from "./workspace/decode.ts";
import { fixedRules, type IgnoreRules, openRules } from "./workspace/ignore-rules.ts";
import { fileStatus, indexedIn } from "./workspace/index-contents.ts";
import { contentKey } from "./workspace/index-file.ts";
import { IndexWorkers } from "./workspace/index-workers.ts";
import { Indexer } from "./workspace/indexer.ts";
import { LANGUAGES, languageOf } from "./workspace/languages.ts";
import { givenPath, relativePath } from "./workspace/relative-path.ts";
import type { RootThread } from "./workspace/root-thread.ts";
import type { TreeScan } from "./workspace/tree-scan.ts";
import { UnsavedFiles } from "./workspace/unsaved-files.ts";
import { admits, type WalkOptions } from "./workspace/walk.ts";

const LANGUAGE_IDS = LANGUAGES.map((language) => language.id);

/** Room for the vectors of an index that is still empty. */
const FIRST_ARENA_BYTES = 2 ** 20;

/** An engine of which nothing is known yet. */
const NOT_STARTED: EngineStatus = {
  pid: 0,
  depth: 0,
  texts: 0,
  batches: 0,
  fill: 0,
  tokensPerSecond: 0,
  rejected: 0,
  questionMs: 0,
  questionP95Ms: 0,
  errorRate: 0,
  memoryBytes: 0,
  restarts: 0,
};
/** Before a chosen model's server that was never reached is tried again; doubled each time. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 30_000;

export interface LocalParts {
  host: Host;
  settings: Settings;
  root: string;
  snapshotPath: string;
  /** The snapshot, being read. */
  base: Promise<Base | undefined>;
  /** Holds the lease. */
  store: RootThread;
  model: StaticModelShared;
  /** What the store knows, and a walk of the root: both under way. */
  files: Promise<StoredFiles>;
  scan: TreeScan;
  threads: number;
  /** The user's cache is kept below so many bytes; 0 means no cap. */
  maxCacheBytes: number;
  /** The engine of the model that the user chose for a root, once that is held; undefined when none was chosen. */
  chosen: (root: string) => Promise<ChosenEngine> | undefined;
  /** The cache of the user's team; undefined without one. */
  shared: SharedCache | undefined;
  /** What had to be repaired to open the store; nothing when nothing. */
  repaired: Phrase;
}

/** A root that this process indexes. */
export class LocalWorkspace implements HeldWorkspace {
  readonly root: string;
  readonly #parts: LocalParts;
  readonly #live: LiveIndex;
  readonly #workers: IndexWorkers;
  readonly #indexer: Indexer;
  readonly #unsaved: UnsavedFiles;
  readonly #encoder: StaticEncoder;
  readonly #walkOptions: WalkOptions;
  #rules: IgnoreRules | undefined;
  readonly #listeners = new Set<() => void>();
  /** What could be found when the status was told last, and how often that has changed. */
  #told: Snapshot | undefined;
  #changes = 0;
  #chosen: ChosenSearch | undefined;
  /** Its name, while it is looked into. */
  #choosing: string | undefined;
  /** Of a path: whether its file may not be sent to where the chosen model runs. */
  #isWithheld: (path: string) => boolean = () => false;
  /** Until the model that the user chose is tried once more, and how often that was so. */
  #starting: NodeJS.Timeout | undefined;
  #starts = 0;
  /** Why the model that the user chose is not used. */
  #notChosen: Phrase = SILENCE;
  #closed = false;

  private constructor(parts: LocalParts) {
    const { host, settings, root, store, model } = parts;
    const emptyArena = () => VectorArena.create(FIRST_ARENA_BYTES, model.kernels);
    this.root = root;
    this.#parts = parts;
    this.#encoder = new StaticEncoder(model);
    this.#live = new LiveIndex(emptyArena());
    this.#walkOptions = walkOptionsOf(settings);
    this.#workers = new IndexWorkers(store, {
      count: parts.threads,
      lowPriority: settings["index.priority"] === "low",
      maxMemoryBytes: settings["index.maxMemoryMb"] * 1e6,
      root,
      ...this.#walkOptions,
      model,
    });
    const onChange = () => this.#tell();
    this.#unsaved = new UnsavedFiles(this.#live, this.#workers, this.#walkOptions.maxFileBytes, () => {
      onChange();
      this.#chosen?.edited();
    });
    this.#indexer = new Indexer(
      {
        host,
        root,
        live: this.#live,
        store,
        workers: this.#workers,
        scan: () => store.scan(this.#walkOptions),
        snapshotPath: parts.snapshotPath,
        adopt: (memory) => VectorArena.adopt(memory, model.kernels),
        emptyArena,
        onBattery: settings["index.pauseOnBattery"] ? () => host.onBattery() : undefined,
        limitCache: () => this.#limitCache(),
        onChange: () => {
          onChange();
          this.#chosen?.advance();
        },
      },
      parts.repaired,
    );
  }

  /** Loads the snapshot and starts bringing the index up to date. */
  static async open(parts: LocalParts): Promise<LocalWorkspace> {
    const workspace = new LocalWorkspace(parts);
    await workspace.#openSnapshot();
    workspace.#indexer.start(parts.files, parts.scan);
    const engine = parts.chosen(workspace.root);
    if (engine) await soon(workspace.#searchBy(engine));
    return workspace;
  }

  async search(request: SearchRequest, signal?: AbortSignal): Promise<SearchAnswer<Phrase>> {
    await this.#unsaved.soonSettled();
    return answerSearch(this.#source(), request, signal);
  }

  async similar(request: SimilarRequest, signal?: AbortSignal): Promise<SearchAnswer<Phrase>> {
    await this.#unsaved.soonSettled();
    const withheld = request.path !== undefined && this.#isWithheld(request.path);
    return answerSimilar(this.#source(withheld), request, signal);
  }

  async read(request: ReadRequest): Promise<CodeExcerpt> {
    const path = givenPath(this.root, request.path);
    return readCode(
      this.#admittedText(path),
      { ...request, path },
      this.#unsaved.locate(path) ?? this.#live.locate(path),
    );
  }

  async symbols(query: string, limit: number): Promise<readonly SymbolHit[]> {
    await this.#unsaved.soonSettled();
    return findSymbols(this.#unsaved.snapshot, query, limit);
  }

  async status(): Promise<IndexStatus<Phrase>> {
    const sizes = await this.#parts.store.call("sizes", null);
    return { ...this.#status(), ...sizes };
  }

  onStatus(listener: (status: IndexStatus<Phrase>) => void): { dispose(): void } {
    const notify = throttled(async () => {
      const now = await this.status().catch(() => this.#status());
      if (this.#listeners.has(notify.call)) listener(now);
    });
    this.#listeners.add(notify.call);
    return {
      dispose: () => {
        this.#listeners.delete(notify.call);
        notify.cancel();
      },
    };
  }

  async skipped(): Promise<readonly SkippedFile<Phrase>[]> {
    return this.#indexer.skips.all();
  }

  async fileStatus(path: string): Promise<FileStatus<Phrase> | undefined> {
    const inside = relativePath(this.root, path);
    return inside === undefined ? undefined : fileStatus(this.#live, this.#indexer, inside);
  }

  async indexedIn(folder: string): Promise<IndexedFolder> {
    return indexedIn(this.#live, folder);
  }

  changed(paths: readonly string[]): void {
    this.#indexer.changed(paths);
  }

  prioritise(paths: readonly string[]): void {
    const inside = paths.map((path) => relativePath(this.root, path)).filter((path) => path !== undefined);
    this.#indexer.prioritise(inside);
  }

  edited(path: string, text: string | undefined): void {
    this.editedIn(this, path, text);
  }

  editedIn(window: object, path: string, text: string | undefined): void {
    const inside = relativePath(this.root, path);
    if (inside !== undefined) this.#unsaved.edited(window, inside, text);
  }

  forgetEdits(window: object): void {
    this.#unsaved.forget(window);
  }

  rescan(): void {
    this.#indexer.rescan("asked for");
  }

  pause(): void {
    this.#indexer.pause();
  }

  resume(): void {
    this.#indexer.resume();
  }

  rebuild(): void {
    this.#indexer.rebuild();
  }

  async idle(signal?: AbortSignal): Promise<IndexStatus<Phrase>> {
    await this.#indexer.idle(signal);
    await this.#unsaved.settled();
    await this.#chosen?.unsavedSettled();
    return this.status().catch(() => this.#status());
  }

  /** Ends indexing after what is under way and gives the lease back. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#starting);
    await this.#chosen?.close();
    await this.#indexer.close();
    await this.#workers.close();
    await this.#parts.store.close();
  }

  /** A cache that cannot be made smaller is no reason to stop: the index is as it should be. */
  async #limitCache(): Promise<void> {
    const { host, maxCacheBytes, store } = this.#parts;
    if (maxCacheBytes === 0) return;
    try {
      for (const root of await store.limitCache(maxCacheBytes)) {
        host.log.info(`cache: removed the index of ${root}, to stay below cairn.cache.maxSizeMb`);
      }
    } catch (error) {
      host.log.warn(`cache: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** @param withheld what is asked may not leave this machine */
  #source(withheld = false): SearchSource {
    const { snapshot } = this.#unsaved;
    return {
      snapshot,
      complete: this.#indexer.complete,
      lacking: this.#indexer.lacking,
      meaningOf: this.#meaningIn(snapshot, withheld),
      scan: (terms, limit, stop) => this.#scan(terms, limit, stop),
      readText: (path, indexed) => this.#readNow(path, indexed),
      languageOf: (path) => languageOf(path).id,
      languages: LANGUAGE_IDS,
    };
  }

  /** The chosen model's word on the chunks of a snapshot where it can be had, else the bundled model's vector of the text. */
  #meaningIn(snapshot: Snapshot, withheld: boolean): SearchSource["meaningOf"] {
    const bundled = (text: string) => this.#encoder.query(text)?.codes;
    const chosen = this.#chosen;
    if (!chosen || withheld) return bundled;
    return async (text, signal) => (await chosen.compare(snapshot, text, signal)) ?? bundled(text);
  }

  /** Begins to search by the chosen model, whose code is loaded here and only here; the bundled one answers until it can. */
  async #searchBy(starting: Promise<ChosenEngine>): Promise<void> {
    const { host, settings, store, model } = this.#parts;
    this.#choosing = chosenName(settings, cacheDirectoryOf(settings, host.env));
    try {
      const [engine, { ChosenSearch }, { KeptRecalls }, { KeptCalibrations }] = await Promise.all([
        starting,
        import("./chosen/chosen-search.ts"),
        import("./chosen/kept-recalls.ts"),
        import("./chosen/kept-calibrations.ts"),
      ]);
      const shared = await this.#sharedVectors(engine);
      const { withheldBy } = await import("./answer/never-send.ts");
      if (this.#closed) return;
      this.#notChosen = SILENCE;
      if (engine.server?.remote) this.#isWithheld = withheldBy(settings.neverSend);
      this.#chosen = new ChosenSearch({
        engine,
        kernels: model.kernels,
        log: host.log,
        fallback: settings["embedding.fallback.enabled"],
        snapshot: () => this.#live.snapshot,
        onScreen: () => this.#unsaved.snapshot,
        unsaved: () => this.#unsaved.files,
        isSettled: () => this.#indexer.progress.phase === "ready",
        isWithheld: this.#isWithheld,
        lookUp: (job) => this.#workers.run("embedded", job),
        store: (batch) => store.call("put", batch),
        stored: (query) => store.call("vectors", query),
        recalls: new KeptRecalls(cacheDirectoryOf(settings, host.env)),
        calibrations: new KeptCalibrations(cacheDirectoryOf(settings, host.env), host.log),
        shared,
        onChange: () => this.#tell(),
      });
      this.#chosen.advance();
    } catch (error) {
      if (this.#closed) return;
      const { kind, said, advice, message, hint } = asCairnError(error);
      this.#notChosen = phrase("{0} The model in the package searches. {1}", said, advice);
      host.log.warn(`embedding: ${message} ${hint}`);
      // A server that was reached before is tried again by its engine; this one has none yet.
      if (kind === "unavailable") this.#searchByLater();
    } finally {
      this.#choosing = undefined;
      if (!this.#closed) this.#tell();
    }
  }

  #searchByLater(): void {
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#starts++);
    this.#starting = setTimeout(() => {
      const engine = this.#parts.chosen(this.root);
      if (engine) void this.#searchBy(engine);
    }, wait).unref();
  }

  /** Of the model that the user chose; undefined without one, and when it cannot be used. */
  #embedding(): EmbeddingStatus | undefined {
    if (this.#chosen) return this.#chosen.status;
    if (this.#choosing === undefined) return undefined;
    return { model: this.#choosing, phase: "loading", inUse: false, done: 0, total: 0, engine: NOT_STARTED };
  }

  /** Undefined where no team shares its vectors. */
  async #sharedVectors({ model, dims }: ChosenEngine): Promise<SharedVectors | undefined> {
    const { settings, shared } = this.#parts;
    if (!shared) return undefined;
    const { SharedVectors } = await import("./chosen/shared-vectors.ts");
    return new SharedVectors(shared, model, dims, settings.neverSend);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  #scan(terms: readonly string[], limit: number, signal?: AbortSignal): Promise<ScanHit[]> {
    const { host } = this.#parts;
    const rules = openRules(host, this.root, this.#walkOptions.exclude);
    return scanFiles({
      ripgrep: ripgrepPath(),
      root: this.root,
      terms,
      limit,
      only: this.#indexer.missing,
      leaveOut: fixedRules(this.#walkOptions.exclude),
      exclude: (path) => this.#unsaved.has(path) || this.#indexer.isSettled(path) || classifyName(path) !== undefined,
      admit: (path) =>
        rules.leavesOut(path, false) === undefined && classifyContent(path, this.#readText(path)) === undefined,
      maxFileBytes: this.#walkOptions.maxFileBytes,
      log: host.log,
      signal,
    });
  }

  /** The text of a file that is in the index, or will be once it is read. */
  #admittedText(path: string): string {
    const { host } = this.#parts;
    const verdict = admits(host, this.root, path, this.#walkOptions, this.#rulesNow());
    if (verdict === undefined)
      throw new CairnError(
        "input",
        phrase("There is no file {0} in {1}.", path, this.root),
        phrase("Check the name; a path is relative to that folder."),
      );
    if (verdict === "folder")
      throw new CairnError("input", phrase("{0} is a folder.", path), phrase("Give the path of a file."));
    const text = "code" in verdict ? undefined : (this.#unsaved.shown(path)?.text ?? this.#requireText(path));
    const left = "code" in verdict ? verdict : classifyContent(path, text);
    if (left || text === undefined) {
      const reason = left?.reason ?? SILENCE;
      throw new CairnError("input", phrase("{0} is left out of the index and is not read: {1}.", path, reason));
    }
    return text;
  }

  /** The rules as they are now: an answer reads twenty files in one turn of the event loop, and rule files once. */
  #rulesNow(): IgnoreRules {
    if (this.#rules) return this.#rules;
    setImmediate(() => {
      this.#rules = undefined;
    });
    this.#rules = openRules(this.#parts.host, this.root, this.#walkOptions.exclude);
    return this.#rules;
  }

  /** A file as it is now, on screen or on disk, and whether that is what was indexed. */
  #readNow(path: string, indexed?: { language: string; content: string }): FileNow | undefined {
    const shown = this.#unsaved.shown(path);
    if (shown) return { text: shown.text, changed: shown.content !== indexed?.content };
    const bytes = this.#readBytes(path);
    const text = bytes && decode(bytes)?.text;
    if (bytes === undefined || text === undefined) return undefined;
    return { text, changed: indexed !== undefined && contentKey(indexed.language, bytes) !== indexed.content };
  }

  /** @throws CairnError("input") where the file may not be read; undefined when what it holds is no text. */
  #requireText(path: string): string | undefined {
    try {
      return decode(this.#parts.host.files.read(join(this.root, path), this.#walkOptions.maxFileBytes))?.text;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      throw new CairnError(
        "input",
        phrase("{0} cannot be read ({1}).", path, error.code),
        phrase("Check its permissions, or run Cairn as a user who may read it."),
      );
    }
  }

  #readText(path: string): string | undefined {
    const bytes = this.#readBytes(path);
    return bytes && decode(bytes)?.text;
  }

  #readBytes(path: string): Uint8Array | undefined {
    try {
      return this.#parts.host.files.read(join(this.root, path), this.#walkOptions.maxFileBytes);
    } catch {
      return undefined;
    }
  }

  /** A snapshot that is damaged is as good as none: the store has all that is in it. */
  async #openSnapshot(): Promise<void> {
    try {
      const base = await this.#parts.base;
      if (base) this.#live.open(base.segment, VectorArena.adopt(base.memory, this.#parts.model.kernels));
    } catch (error) {
      if (!(error instanceof CairnError)) throw error;
      this.#parts.host.log.warn(`${error.message} ${error.hint}`);
    }
  }

  #status(): IndexStatus<Phrase> {
    const { fileCount, chunkCount } = this.#live.snapshot;
    const { snapshot } = this.#unsaved;
    if (snapshot !== this.#told) this.#changes++;
    this.#told = snapshot;
    const { phase, walking, done, total, message } = this.#indexer.progress;
    const embedding = this.#embedding();
    return {
      root: this.root,
      phase,
      walking,
      files: fileCount,
      chunks: chunkCount,
      changes: this.#changes,
      done,
      total,
      skipped: this.#indexer.skips.counts(),
      message: joined([message, this.#indexer.advice, this.#chosen?.notice ?? this.#notChosen], " "),
      holder: true,
      holderPid: process.pid,
      embedded: 0,
      indexBytes: 0,
      vectorBytes: 0,
      ...(embedding && { embedding }),
    };
  }
}

/** Longer than that nobody waits for the model that the user chose: one that is seen for the first time is read and loaded. */
const PATIENCE_MS = 1_000;

/** Resolves when the work is done, and at the latest when nobody should wait for it any longer. */
async function soon(work: Promise<void>): Promise<void> {
  const enough = Promise.withResolvers<void>();
  const timer = setTimeout(enough.resolve, PATIENCE_MS);
  await Promise.race([work, enough.promise]);
  clearTimeout(timer);
}

/** At most ten calls a second; the last state is always told. */
function throttled(work: () => Promise<void>): { call: () => void; cancel: () => void } {
  const INTERVAL_MS = 100;
  let timer: NodeJS.Timeout | undefined;
  let again = false;
  const run = () => {
    again = false;
    timer = setTimeout(() => {
      timer = undefined;
      if (again) run();
    }, INTERVAL_MS);
    timer.unref();
    void work();
  };
  return {
    call() {
      if (timer === undefined) run();
      else again = true;
    },
    cancel() {
      clearTimeout(timer);
    },
  };
}
