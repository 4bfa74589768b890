import type { WalkedFile } from "./walk.ts";

/** A batch ends at so many bytes or files: long enough to be efficient, short enough for a saved file to overtake. */
const BATCH_BYTES = 256 * 1024;
const BATCH_FILES = 48;

/**
 * The files that wait to be read and those that are being read, and how much of the round is done. A path is read by
 * one thread at a time; what changes meanwhile waits for its turn.
 */
export class FileQueue {
  readonly #ordinary = new WaitingLine();
  readonly #urgent = new WaitingLine();
  readonly #inFlight = new Set<string>();
  /** Files that were deleted or left out while they were in flight. */
  readonly #doubtful = new Set<string>();
  /** Files that are tried alone because a thread died with them. */
  readonly #suspects = new Set<string>();
  #done = 0;
  #total = 0;

  /** Files of this round that are done, and that there are. */
  get progress(): { done: number; total: number } {
    return { done: this.#done, total: this.#total };
  }

  get waiting(): number {
    return this.#ordinary.size + this.#urgent.size;
  }

  get isEmpty(): boolean {
    return this.waiting + this.#inFlight.size === 0;
  }

  /** True while the path waits or is being read. */
  has(path: string): boolean {
    return this.#waits(path) || this.#inFlight.has(path);
  }

  /** Every path that waits or is being read. */
  *paths(): Generator<string> {
    yield* this.#inFlight;
    yield* this.#urgent.keys();
    yield* this.#ordinary.keys();
  }

  isInFlight(path: string): boolean {
    return this.#inFlight.has(path);
  }

  /** Adds a file, or its newer version in place of one that waits. */
  add(file: WalkedFile, urgent: boolean): void {
    if (!this.#waits(file.path)) this.#total++;
    this.#ordinary.delete(file.path);
    this.#urgent.delete(file.path);
    (urgent ? this.#urgent : this.#ordinary).append(file);
  }

  /** Moves files that wait to the front. */
  hurry(paths: Iterable<string>): void {
    for (const path of paths) {
      const file = this.#ordinary.delete(path);
      if (file) this.#urgent.append(file);
    }
  }

  /** Takes files out that need not be read any more. */
  drop(which: (path: string) => boolean): void {
    for (const queue of [this.#ordinary, this.#urgent]) {
      for (const path of queue.keys()) {
        if (!which(path)) continue;
        queue.delete(path);
        this.#done++;
      }
    }
  }

  /** Notes that files which are being read may have gone: `finish` names them again. */
  doubt(which: (path: string) => boolean): void {
    for (const path of this.#inFlight) if (which(path)) this.#doubtful.add(path);
  }

  /** The next batch, which is in flight from now on; empty when nothing can be read now. Urgent files never wait for others. */
  next(): WalkedFile[] {
    const batch: WalkedFile[] = [];
    let bytes = 0;
    const take = (file: WalkedFile) => {
      if (this.#inFlight.has(file.path)) return "later";
      const suspect = this.#suspects.has(file.path);
      const full = bytes + file.size > BATCH_BYTES || batch.length === BATCH_FILES;
      if (batch.length > 0 && (suspect || full || this.#suspects.has(batch[0].path))) return "stop";
      batch.push(file);
      bytes += file.size;
      return "taken";
    };
    this.#urgent.take(take);
    if (batch.length === 0) this.#ordinary.take(take);
    for (const { path } of batch) this.#inFlight.add(path);
    return batch;
  }

  /** Ends the flight of a batch that was read; returns the paths that became doubtful meanwhile. */
  finish(batch: readonly WalkedFile[]): string[] {
    const doubtful: string[] = [];
    for (const { path } of batch) {
      this.#inFlight.delete(path);
      this.#suspects.delete(path);
      if (this.#doubtful.delete(path)) doubtful.push(path);
    }
    this.#done += batch.length;
    return doubtful;
  }

  /** Puts a batch back that could not be read or stored. */
  putBack(batch: readonly WalkedFile[]): void {
    for (const file of batch) {
      this.#inFlight.delete(file.path);
      // A newer version waits already: the old one counts as done.
      if (this.#waits(file.path)) this.#done++;
      else this.#ordinary.append(file);
    }
  }

  /** A thread died with this batch: returns the file that must be to blame, if it was alone; the others are tried alone. */
  blame(batch: readonly WalkedFile[]): WalkedFile | undefined {
    if (batch.length === 1 && this.#suspects.has(batch[0].path)) {
      this.finish(batch);
      return batch[0];
    }
    for (const { path } of batch) this.#suspects.add(path);
    this.putBack(batch);
    return undefined;
  }

  /** Begins a new round. */
  reset(): void {
    this.#done = 0;
    this.#total = this.waiting;
  }

  /** Forgets everything that waits. */
  clear(): void {
    this.#ordinary.clear();
    this.#urgent.clear();
    this.reset();
  }

  #waits(path: string): boolean {
    return this.#ordinary.has(path) || this.#urgent.has(path);
  }
}

/**
 * Files in the order in which they came, of which any may leave early. A map alone would do, but taking its first entry
 * again and again means stepping over all that were deleted before it.
 */
class WaitingLine {
  readonly #files = new Map<string, WalkedFile>();
  #order: string[] = [];
  #next = 0;

  get size(): number {
    return this.#files.size;
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  keys(): IterableIterator<string> {
    return this.#files.keys();
  }

  append(file: WalkedFile): void {
    this.#files.set(file.path, file);
    this.#order.push(file.path);
  }

  delete(path: string): WalkedFile | undefined {
    const file = this.#files.get(path);
    this.#files.delete(path);
    return file;
  }

  clear(): void {
    this.#files.clear();
    this.#order = [];
    this.#next = 0;
  }

  /** Offers the files in order until one is refused with "stop"; one that is put off goes to the end of the line. */
  take(offer: (file: WalkedFile) => "taken" | "later" | "stop"): void {
    const end = this.#order.length;
    for (; this.#next < end; this.#next++) {
      const path = this.#order[this.#next];
      const file = this.#files.get(path);
      if (!file) continue;
      const verdict = offer(file);
      if (verdict === "stop") break;
      if (verdict === "taken") this.#files.delete(path);
      else this.#order.push(path);
    }
    if (this.#next > 1000 && this.#next > this.#order.length / 2) {
      this.#order = this.#order.slice(this.#next);
      this.#next = 0;
    }
  }
}
