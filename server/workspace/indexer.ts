import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { asCairnError, type CairnError } from "../../shared/errors.ts";
import { joined, type Phrase, phrase, SILENCE } from "../../shared/phrase.ts";
import type { IndexPhase, SkippedFile } from "../../shared/search-types.ts";
import { type FileState, isSameTime, statesOf } from "../store/file-state.ts";
import { openSegment, type SegmentView } from "../store/segment.ts";
import type { Batch, StoredFile, StoredFiles } from "../store/store.ts";
import { collectGarbage } from "./collect-garbage.ts";
import { FileQueue } from "./file-queue.ts";
import type { IndexWorkerMethods } from "./index-jobs.ts";
import { WorkerDied } from "./index-workers.ts";
import type { IndexerParts } from "./indexer-parts.ts";
import { isAtOrBelow } from "./relative-path.ts";
import { SkipList } from "./skip-list.ts";
import type { TreeScan } from "./tree-scan.ts";
import type { WalkedFile } from "./walk.ts";
import { WorkGate } from "./work-gate.ts";

/** Files whose records are laid out at once when the snapshot lacks them. */
const RESTORE_FILES = 400;
/** More file events than this are cheaper to answer with a walk. */
const MANY_EVENTS = 1_000;
/** More files than this are not searched by name: a command line has no room for them. */
const MANY_MISSING = 100;
/** Tidying the store takes it some 50 ms, which the next saved file would wait for: not after every one. */
const WORTH_TIDYING = 500;
/** So often a damaged store is replaced before it is a failure. */
const MOST_REPAIRS = 3;

/** Tasks of which there is one at a time. */
type TaskKind = "open" | "admit" | "scan" | "merge" | "finish" | "rebuild" | "repair";

export interface Progress {
  phase: IndexPhase;
  /** True until the whole tree has been looked at once. */
  walking: boolean;
  done: number;
  total: number;
  message: Phrase;
}

/**
 * Keeps the live index and the store in step with the files. It does the next thing whenever something has finished
 * or was asked for, and never wakes on its own.
 */
export class Indexer {
  readonly #parts: IndexerParts;
  /** Every file that was looked at. */
  readonly #states = new Map<string, FileState>();
  /** What is left out, and why. */
  readonly skips: SkipList = new SkipList(this.#states);
  readonly #queue = new FileQueue();
  /** Relative paths of open files, looked at first. */
  #open: ReadonlySet<string> = new Set();
  readonly #events = new Set<string>();
  #scanCause = "";
  /** Paths that the walk under way found to differ, and those that were told to have changed meanwhile. */
  #seen: Set<string> | undefined;
  #firstScan: TreeScan | undefined;
  #rebuildWanted = false;
  /** Files that the store has and the snapshot lacks, and batches of them under way. */
  #restoring: { path: string; content: string }[] = [];
  #restoringNow = 0;
  #running = 0;
  readonly #kinds = new Set<TaskKind>();
  #batches = 0;
  readonly #gate: WorkGate;
  #failure: CairnError | undefined;
  /** Looks for the folder while it is away. */
  #looking: { dispose(): void } | undefined;
  #repairs = 0;
  #note: Phrase;
  #opened = false;
  #scanned = false;
  #settled = false;
  /** Files written to or removed from the store since it was tidied. */
  #untidied = 0;
  /** Files that the threads have read or laid out since they rested. */
  #laboured = 0;
  /** The cache was looked at since this root was opened. */
  #limited = false;
  #closed = false;
  #waiters: (() => void)[] = [];

  constructor(parts: IndexerParts, note: Phrase = SILENCE) {
    this.#parts = parts;
    this.#gate = new WorkGate(parts.onBattery, () => this.#advance());
    this.#note = note;
  }

  /** Takes in what the store knows, then looks at the whole tree; both are under way already. */
  start(stored: Promise<StoredFiles>, scan: TreeScan): void {
    this.#firstScan = scan;
    this.#scanCause = "opened";
    this.#gate.ask();
    this.#start("open", async () => {
      const files = await stored;
      // Questions that waited for the snapshot go first.
      await nextTurn();
      this.#load(files);
    });
  }

  get progress(): Progress {
    return {
      phase: this.#phase(),
      walking: !this.#scanned,
      ...this.#queue.progress,
      message: this.#failure?.said ?? this.#gate.message ?? this.#note,
    };
  }

  /** What the failure's hint says to do; nothing when nothing failed. */
  get advice(): Phrase {
    return this.#failure?.advice ?? SILENCE;
  }

  /** True when every file is in the index. */
  get complete(): boolean {
    return this.#scanned && this.#queue.isEmpty && !this.#isRestoring;
  }

  /**
   * True when files are missing from the index, as far as is known: some wait, or nothing is indexed and the walk is not
   * over. An index that was complete when it was closed is taken for complete until the walk has found otherwise.
   */
  get lacking(): boolean {
    if (this.complete) return false;
    return !this.#queue.isEmpty || this.#isRestoring || this.#parts.live.snapshot.fileCount === 0;
  }

  /** The files that are not indexed as they are on disk; undefined while the walk may still find more, or they are many. */
  get missing(): readonly string[] | undefined {
    const known = this.#scanned && !this.#isRestoring;
    return known && this.#queue.waiting <= MANY_MISSING ? [...new Set(this.#queue.paths())] : undefined;
  }

  /** True when the path is known and need not be looked at again: it can be found as it is, or is left out. */
  isSettled(path: string): boolean {
    const state = this.#states.get(path);
    if (state === undefined || this.#queue.has(path)) return false;
    return state.skip !== undefined || this.#parts.live.has(path);
  }

  /** True when the file waits to be read. */
  isQueued(path: string): boolean {
    return this.#queue.has(path);
  }

  /** Absolute paths that changed. */
  changed(paths: readonly string[]): void {
    for (const path of paths) {
      if (/[\\/](\.gitignore|\.ignore|\.cairnignore)$/.test(path)) this.rescan("an ignore file changed");
      this.#events.add(path);
    }
    if (this.#events.size > MANY_EVENTS) {
      this.#events.clear();
      this.rescan("many files changed");
    }
    this.#retry();
  }

  /** Relative paths to index before all others. */
  prioritise(paths: readonly string[]): void {
    this.#open = new Set(paths);
    this.#queue.hurry(paths);
    this.#advance();
  }

  rescan(cause: string): void {
    this.#scanCause = cause;
    // A walk that began before it was asked for may not have seen what it is asked for.
    this.#firstScan?.stop();
    this.#firstScan = undefined;
    this.#retry();
  }

  rebuild(): void {
    this.#rebuildWanted = true;
    this.#gate.resume();
    this.#retry();
  }

  pause(): void {
    this.#gate.pause();
    this.#advance();
  }

  resume(): void {
    this.#gate.resume();
    this.#retry();
  }

  /** Resolves when there is nothing left to do, or nothing that can be done. */
  async idle(signal?: AbortSignal): Promise<void> {
    if (this.#isIdle()) return;
    await new Promise<void>((resolve, reject) => {
      const aborted = () => reject(signal?.reason);
      signal?.addEventListener("abort", aborted, { once: true });
      this.#waiters.push(() => {
        signal?.removeEventListener("abort", aborted);
        resolve();
      });
    });
  }

  /** Starts nothing more and waits for what is under way, so that nothing is half-written. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#gate.close();
    this.#looking?.dispose();
    this.#firstScan?.stop();
    while (this.#running > 0) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
    this.#wake();
  }

  #phase(): IndexPhase {
    if (this.#closed) return "closed";
    if (this.#failure) return "failed";
    if (!this.#opened) return "opening";
    if (this.#gate.isPaused) return "paused";
    if (this.#settled) return "ready";
    return this.#queue.isEmpty ? "scanning" : "indexing";
  }

  #isIdle(): boolean {
    return this.#closed || (this.#running === 0 && (this.#settled || this.#gate.isShut || this.#failure !== undefined));
  }

  /** What was asked for is worth another try after a failure. */
  #retry(): void {
    this.#failure = undefined;
    this.#looking?.dispose();
    this.#settled = false;
    this.#gate.ask();
    this.#advance();
  }

  /** Does all that can be done now. Everything that happens ends here. */
  #advance(): void {
    if (!this.#closed && this.#failure === undefined && this.#opened) {
      if (this.#rebuildWanted) {
        if (this.#running === 0) this.#start("rebuild", () => this.#rebuild());
      } else if (this.#gate.isOpen) {
        if (this.#events.size > 0) this.#start("admit", () => this.#admit());
        if (this.#scanCause !== "") this.#start("scan", () => this.#scan());
        while (this.#batches < this.#parts.workers.capacity && this.#startBatch());
        this.#merge(false);
        if (this.#running === 0 && !this.#settled && !this.#merge(true)) {
          this.#start("finish", () => this.#finish());
        }
      }
    }
    if (this.#isIdle() || (this.#closed && this.#running === 0)) this.#wake();
    this.#parts.onChange();
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }

  /** Runs a task of which there is one at a time. */
  #start(kind: TaskKind, task: () => Promise<void>): void {
    if (this.#kinds.has(kind)) return;
    this.#kinds.add(kind);
    void this.#run(task, () => this.#kinds.delete(kind));
  }

  async #run(task: () => Promise<void>, after: () => void): Promise<void> {
    this.#running++;
    try {
      await task();
    } catch (error) {
      this.#fail(error);
    }
    this.#running--;
    after();
    if (!this.#settled) this.#gate.look();
    this.#advance();
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    if (error instanceof WorkerDied && this.#repairs++ < MOST_REPAIRS) {
      this.#scanCause ||= "a thread died";
      return;
    }
    const failure = asCairnError(error);
    const { kind, message, hint, said, advice } = failure;
    if (this.#failure?.message !== message) this.#parts.host.log.error(`indexing: ${message} ${hint}`);
    if (kind === "corrupt" && this.#repairs < MOST_REPAIRS) {
      this.#repairs++;
      this.#note = joined([said, advice], " ");
      this.#start("repair", () => this.#repair());
      return;
    }
    this.#failure = failure;
    if (kind !== "gone") return;
    // What was told while the folder went away says little: when it is back, all of it is looked at.
    this.#scanCause ||= "the folder was away";
    this.#looking?.dispose();
    this.#looking = this.#parts.host.onFolder(this.#parts.root, () => this.rescan("the folder is back"));
  }

  /** Brings the live index to what the store knows: the snapshot first, then what it lacks. */
  #load(stored: StoredFiles): void {
    const { live } = this.#parts;
    let findable = 0;
    for (const state of statesOf(stored)) {
      this.#states.set(state.path, state);
      if (state.skip) continue;
      if (live.holds(state.path, state.keys, state.keyAt)) findable++;
      else this.#restoring.push({ path: state.path, content: state.content });
    }
    if (findable < live.snapshot.fileCount) {
      const stale: string[] = [];
      for (const path of live.paths()) if (!this.#states.get(path)?.content) stale.push(path);
      live.remove(stale);
    }
    this.#opened = true;
  }

  async #scan(): Promise<void> {
    const cause = this.#scanCause;
    this.#scanCause = "";
    const { host, live } = this.#parts;
    const seen = new Set<string>();
    this.#seen = seen;
    const leftOut = new Map<string, SkippedFile<Phrase>>();
    const scan = this.#firstScan ?? this.#parts.scan();
    this.#firstScan = undefined;
    for await (const batch of scan) {
      for (const skip of batch.skipped) leftOut.set(skip.path, skip);
      for (const file of batch.files) {
        seen.add(file.path);
        this.#consider(file);
      }
      this.#advance();
      if (this.#closed || this.#gate.isPaused || this.#rebuildWanted) {
        this.#scanCause ||= cause;
        return;
      }
    }
    const { met, gone } = await scan.result;
    this.skips.replace(leftOut);
    const missing = new Set(gone.filter((path) => !seen.has(path)));
    const isGone = (path: string) => missing.has(path) || !(seen.has(path) || this.#states.has(path));
    this.#queue.doubt(isGone);
    this.#queue.drop(isGone);
    this.#seen = undefined;
    await this.#remove([...missing].filter((path) => !this.#queue.isInFlight(path)));
    this.#scanned = true;
    host.log.info(
      `walked (${cause}): ${met} files, ${this.#queue.waiting} to read, ${missing.size} gone, ${live.snapshot.fileCount} findable`,
    );
  }

  /** Queues a file unless it is known as it is. */
  #consider(file: WalkedFile, urgent = this.#open.has(file.path)): void {
    const state = this.#states.get(file.path);
    const same = state !== undefined && state.size === file.size && isSameTime(state.mtimeMs, file.mtimeMs);
    if (same && (state.skip || this.#isRestoring || this.#parts.live.has(file.path))) return;
    this.#queue.add(file, urgent);
  }

  async #admit(): Promise<void> {
    const paths = [...this.#events];
    this.#events.clear();
    const { files, skipped, gone, folders } = await this.#parts.workers.run("admit", paths);
    const leftOut = new Set(skipped.map(({ path }) => path));
    const vanished = new Set([...gone, ...leftOut]);
    const walked = new Set(folders);
    const present = new Set(files.map(({ path }) => path));
    // A folder may stand where a file was, and a file where a folder was.
    const noFolders = new Set([...vanished, ...present]);
    const isNoFile = (path: string) => !present.has(path) && (walked.has(path) || isAtOrBelow(path, noFolders));
    this.skips.update(skipped, (path) => present.has(path) || isAtOrBelow(path, vanished) || isAtOrBelow(path, walked));
    this.#queue.drop((path) => isAtOrBelow(path, leftOut) || isNoFile(path));
    this.#queue.doubt(isNoFile);
    for (const file of files) {
      this.#seen?.add(file.path);
      this.#consider(file, true);
    }
    const below: string[] = [];
    for (const path of this.#states.keys()) {
      if (isNoFile(path)) below.push(path);
      // Not in a folder that was walked: it has gone, or it came after the walk. Asked for alone, it is certain.
      else if (!present.has(path) && isAtOrBelow(path, walked)) this.#events.add(join(this.#parts.root, path));
    }
    await this.#remove(below);
  }

  async #remove(paths: readonly string[]): Promise<void> {
    if (paths.length === 0) return;
    this.#untidied += paths.length;
    this.#parts.live.remove(paths);
    for (const path of paths) this.#states.delete(path);
    await this.#parts.store.call("remove", paths);
  }

  /** Starts the next batch of work; false when there is none that can start. */
  #startBatch(): boolean {
    if (this.#restoring.length > 0) {
      const files = this.#restoring.splice(0, RESTORE_FILES);
      this.#restoringNow++;
      this.#batches++;
      void this.#run(
        () => this.#restore(files),
        () => {
          this.#batches--;
          this.#restoringNow--;
        },
      );
      return true;
    }
    const files = this.#queue.next();
    if (files.length === 0) return false;
    this.#batches++;
    void this.#run(
      () => this.#process(files),
      () => this.#batches--,
    );
    return true;
  }

  async #process(batch: readonly WalkedFile[]): Promise<void> {
    this.#untidied += batch.length;
    this.#laboured += batch.length;
    const { live, workers, store } = this.#parts;
    const files = batch.map((file) => ({ ...file, content: live.contentOf(file.path) ?? "" }));
    let result: Awaited<ReturnType<IndexWorkerMethods["process"]>>;
    try {
      result = await workers.run("process", files);
    } catch (error) {
      if (this.#closed) return;
      if (error instanceof WorkerDied) await this.#leaveOut(this.#queue.blame(batch));
      else {
        this.#queue.putBack(batch);
        throw error;
      }
      return;
    }
    if (result.segment) live.add(openSegment(result.segment));
    const hidden: string[] = [];
    const gone: string[] = [];
    for (const { path, size, mtimeMs, content, skip, gone: hasGone } of result.files) {
      if (hasGone) {
        this.#states.delete(path);
        gone.push(path);
      } else this.#states.set(path, { size, mtimeMs, content, skip });
      if (hasGone || skip) hidden.push(path);
    }
    live.remove(hidden);
    for (const path of this.#queue.finish(batch)) this.#events.add(join(this.#parts.root, path));
    if (gone.length > 0) await store.call("remove", gone);
  }

  /** Reading or parsing this file ends the thread that does it, even when it is alone. */
  async #leaveOut(file: WalkedFile | undefined): Promise<void> {
    if (file === undefined) return;
    const skip = { code: "unreadable", reason: phrase("reading or parsing it stopped the indexing thread") };
    this.#states.set(file.path, { size: file.size, mtimeMs: file.mtimeMs, content: "", skip });
    this.#parts.live.remove([file.path]);
    // Without a time: the next start tries it again.
    await this.#parts.store.call("put", batchOf({ path: file.path, size: file.size, mtimeMs: -1, content: "", skip }));
  }

  async #restore(files: { path: string; content: string }[]): Promise<void> {
    this.#laboured += files.length;
    const { segment, missing } = await this.#parts.workers.run("restore", files);
    const changed = files.filter(({ path, content }) => this.#states.get(path)?.content !== content);
    const outdated = new Set(changed.map(({ path }) => path));
    if (segment) this.#parts.live.add(openSegment(segment), outdated);
    for (const path of missing) {
      const state = this.#states.get(path);
      if (state && !outdated.has(path)) this.#queue.add({ path, size: state.size, mtimeMs: state.mtimeMs }, false);
    }
  }

  /** Starts a merge if one is worth while; false when none is under way or needed. */
  #merge(settled: boolean): boolean {
    if (this.#kinds.has("merge")) return true;
    const candidates = this.#parts.live.mergeCandidates(settled);
    if (!candidates) return false;
    this.#start("merge", () => this.#mergeViews(candidates.views, candidates.intoBase));
    return true;
  }

  async #mergeViews(views: readonly SegmentView[], intoBase: boolean): Promise<void> {
    const { live, workers, snapshotPath, adopt, host } = this.#parts;
    // The last merge has one thread busy for a second: the store tidies itself meanwhile.
    const tidied = intoBase ? this.#tidy() : undefined;
    const merged = await workers.run("merge", {
      inputs: views.map(({ segment, dead }) => ({ bytes: segment.bytes, dead })),
      snapshotPath: intoBase ? snapshotPath : undefined,
    });
    await tidied;
    if (merged.problem) host.log.warn(merged.problem);
    const sources = views.map((view) => view.segment);
    live.replace(sources, openSegment(merged.bytes), merged.memory && adopt(merged.memory));
  }

  /** The round is over: everything known is indexed. */
  async #finish(): Promise<void> {
    await this.#tidy();
    const afterMuch = this.#laboured >= WORTH_TIDYING;
    if (afterMuch || (this.#laboured > 0 && !this.#limited)) {
      this.#limited = true;
      await this.#parts.limitCache();
    }
    if (afterMuch) this.#laboured = 0;
    await this.#parts.workers.rest(afterMuch);
    if (this.#hasWork()) return;
    this.#settled = true;
    this.#gate.finish();
    this.#queue.reset();
    // Who waits for the index need not wait for this.
    if (afterMuch) void collectGarbage();
  }

  /** Tidies the store once enough was written to it. */
  async #tidy(): Promise<void> {
    if (this.#untidied < WORTH_TIDYING) return;
    this.#untidied = 0;
    await this.#parts.store.call("tidy", null);
  }

  /** True while files that the store knows are not all findable. */
  get #isRestoring(): boolean {
    return this.#restoring.length + this.#restoringNow > 0;
  }

  #hasWork(): boolean {
    return (
      this.#events.size + this.#queue.waiting + this.#restoring.length > 0 ||
      this.#scanCause !== "" ||
      this.#rebuildWanted
    );
  }

  async #rebuild(): Promise<void> {
    this.#rebuildWanted = false;
    await this.#parts.store.call("clear", null);
    this.#empty("rebuild");
  }

  /** Goes on with an empty index where the store was damaged; vectors that are sound are found again by content. */
  async #repair(): Promise<void> {
    await this.#parts.store.call("replace", null);
    this.#empty("the index was damaged");
    this.#opened = true;
  }

  #empty(cause: string): void {
    this.#parts.live.clear(this.#parts.emptyArena());
    this.#states.clear();
    this.#queue.clear();
    this.#restoring = [];
    this.skips.replace(new Map());
    this.#scanned = false;
    this.#settled = false;
    this.#scanCause = cause;
  }
}

/** A batch of one file that has nothing to find in it. */
function batchOf(file: StoredFile): Batch {
  const records = { contents: [], ends: new Uint32Array(), data: new Uint8Array() };
  const nothing = { hashes: new Uint8Array(), codes: new Int8Array(), scales: new Float32Array() };
  return { files: [file], records, model: "", ...nothing };
}
