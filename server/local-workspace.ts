import { join } from "node:path";
import { CairnError } from "../shared/errors.ts";
import type { IndexStatus, SearchAnswer, SearchRequest, SkippedFile, SymbolHit } from "../shared/search-types.ts";
import type { Settings } from "../shared/settings.ts";
import type { Workspace } from "./core-api.ts";
import { StaticEncoder } from "./embed/static.ts";
import type { StaticModelShared } from "./embed/static-model.ts";
import type { Host } from "./host.ts";
import { walkOptionsOf } from "./opening.ts";
import { ripgrepPath } from "./package-files.ts";
import { answerSearch, type SearchSource } from "./search/answer-search.ts";
import { scanFiles } from "./search/scan.ts";
import type { ScanHit } from "./search/scan-rank.ts";
import { findSymbols } from "./search/symbols.ts";
import { LiveIndex } from "./store/live-index.ts";
import type { Base } from "./store/snapshot-file.ts";
import type { StoredFiles } from "./store/store.ts";
import { VectorArena } from "./vectors/arena.ts";
import { classifyContent, classifyName } from "./workspace/classify.ts";
import { decode } from "./workspace/decode.ts";
import { fixedRules, openRules } from "./workspace/ignore-rules.ts";
import { IndexWorkers } from "./workspace/index-workers.ts";
import { Indexer } from "./workspace/indexer.ts";
import { LANGUAGES, languageOf } from "./workspace/languages.ts";
import { relativePath } from "./workspace/relative-path.ts";
import type { RootThread } from "./workspace/root-thread.ts";
import type { TreeScan } from "./workspace/tree-scan.ts";
import type { WalkOptions } from "./workspace/walk.ts";

const LANGUAGE_IDS = LANGUAGES.map((language) => language.id);

/** Room for the vectors of an index that is still empty. */
const FIRST_ARENA_BYTES = 2 ** 20;

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
  /** What had to be repaired to open the store; empty when nothing. */
  repaired: string;
}

/** A root that this process indexes. */
export class LocalWorkspace implements Workspace {
  readonly root: string;
  readonly #parts: LocalParts;
  readonly #live: LiveIndex;
  readonly #workers: IndexWorkers;
  readonly #indexer: Indexer;
  readonly #encoder: StaticEncoder;
  readonly #walkOptions: WalkOptions;
  readonly #listeners = new Set<() => void>();

  private constructor(parts: LocalParts) {
    const { host, settings, root, store, model } = parts;
    const emptyArena = () => VectorArena.create(FIRST_ARENA_BYTES, model.kernels);
    this.root = root;
    this.#parts = parts;
    this.#encoder = new StaticEncoder(model);
    this.#live = new LiveIndex(emptyArena());
    this.#walkOptions = walkOptionsOf(settings);
    this.#workers = new IndexWorkers(store, { count: parts.threads, root, ...this.#walkOptions, model });
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
        onChange: () => {
          for (const listener of this.#listeners) listener();
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
    return workspace;
  }

  async search(request: SearchRequest, signal?: AbortSignal): Promise<SearchAnswer> {
    const source: SearchSource = {
      snapshot: this.#live.snapshot,
      complete: this.#indexer.complete,
      lacking: this.#indexer.lacking,
      embed: (query) => this.#encoder.query(query)?.codes,
      scan: (terms, limit, stop) => this.#scan(terms, limit, stop),
      readText: (path) => this.#readText(path),
      languageOf: (path) => languageOf(path).id,
      languages: LANGUAGE_IDS,
    };
    return answerSearch(source, request, signal);
  }

  async symbols(query: string, limit: number): Promise<readonly SymbolHit[]> {
    return findSymbols(this.#live.snapshot, query, limit);
  }

  async status(): Promise<IndexStatus> {
    const sizes = await this.#parts.store.call("sizes", null);
    return { ...this.#status(), ...sizes };
  }

  onStatus(listener: (status: IndexStatus) => void): { dispose(): void } {
    const notify = throttled(async () => listener(await this.status().catch(() => this.#status())));
    this.#listeners.add(notify.call);
    return {
      dispose: () => {
        this.#listeners.delete(notify.call);
        notify.cancel();
      },
    };
  }

  async skipped(): Promise<readonly SkippedFile[]> {
    return this.#indexer.skipped();
  }

  changed(paths: readonly string[]): void {
    this.#indexer.changed(paths);
  }

  prioritise(paths: readonly string[]): void {
    const inside = paths.map((path) => relativePath(this.root, path)).filter((path) => path !== undefined);
    this.#indexer.prioritise(inside);
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

  async idle(signal?: AbortSignal): Promise<IndexStatus> {
    await this.#indexer.idle(signal);
    return this.status().catch(() => this.#status());
  }

  /** Ends indexing after what is under way and gives the lease back. */
  async close(): Promise<void> {
    await this.#indexer.close();
    await this.#workers.close();
    await this.#parts.store.close();
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
      exclude: (path) => this.#indexer.isSettled(path) || classifyName(path) !== undefined,
      admit: (path) =>
        rules.leavesOut(path, false) === undefined && classifyContent(path, this.#readText(path)) === undefined,
      maxFileBytes: this.#walkOptions.maxFileBytes,
      log: host.log,
      signal,
    });
  }

  #readText(path: string): string | undefined {
    try {
      return decode(this.#parts.host.files.read(join(this.root, path), this.#walkOptions.maxFileBytes))?.text;
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

  #status(): IndexStatus {
    const { fileCount, chunkCount } = this.#live.snapshot;
    const { phase, done, total, message } = this.#indexer.progress;
    return {
      root: this.root,
      phase,
      files: fileCount,
      chunks: chunkCount,
      done,
      total,
      skipped: this.#indexer.skippedCounts(),
      message: [message, this.#indexer.hint].filter(Boolean).join(" "),
      holder: true,
      holderPid: process.pid,
      embedded: 0,
      indexBytes: 0,
      vectorBytes: 0,
    };
  }
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
