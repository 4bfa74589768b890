import { setTimeout as delay } from "node:timers/promises";
import type { LiveIndex } from "../store/live-index.ts";
import { overlaid } from "../store/overlaid.ts";
import { openSegment, type Segment, type Snapshot } from "../store/segment.ts";
import type { IndexWorkers } from "./index-workers.ts";

/** A search waits so long for the text on screen while the threads are busy; then it answers from what it has. */
const LONGEST_WAIT_MS = 500;

/** A file on screen, with what another model than the bundled one needs to embed it. */
export interface UnsavedFile {
  readonly path: string;
  /** The key of its content. */
  readonly content: string;
  /** Of its chunks: 16 bytes each, by which their vectors are known. */
  readonly hashes: Uint8Array;
  readonly texts: readonly string[];
}

interface ShownFile extends UnsavedFile {
  readonly text: string;
  readonly segment: Segment;
}

/**
 * Files as they are on screen where that is not what is on disk. They lie over the index in this process's memory
 * alone: nothing of them is ever written.
 */
export class UnsavedFiles {
  readonly #live: LiveIndex;
  readonly #workers: IndexWorkers;
  readonly #maxFileBytes: number;
  readonly #onChange: () => void;
  /** The texts of each path by whose window they are on; the last is the newest. */
  readonly #texts = new Map<string, Map<object, string>>();
  readonly #shown = new Map<string, ShownFile>();
  /** Paths whose newest text is being laid out. */
  readonly #underWay = new Map<string, Promise<void>>();
  #composed: { below: Snapshot; snapshot: Snapshot } | undefined;

  constructor(live: LiveIndex, workers: IndexWorkers, maxFileBytes: number, onChange: () => void) {
    this.#live = live;
    this.#workers = workers;
    this.#maxFileBytes = maxFileBytes;
    this.#onChange = onChange;
  }

  /** The index with what is on screen in the place of what is on disk. */
  get snapshot(): Snapshot {
    const below = this.#live.snapshot;
    if (this.#shown.size === 0) return below;
    if (this.#composed?.below !== below) {
      const segments = [...this.#shown.values()].map(({ segment }) => segment);
      this.#composed = { below, snapshot: overlaid(below, segments, (path) => this.#live.locate(path)) };
    }
    return this.#composed.snapshot;
  }

  /** What is on screen and not on disk; the same objects as long as it stays. */
  get files(): readonly UnsavedFile[] {
    return [...this.#shown.values()];
  }

  has(path: string): boolean {
    return this.#shown.has(path);
  }

  /** The text on screen and the key of its content; undefined where the file is what is on disk. */
  shown(path: string): { text: string; content: string } | undefined {
    const file = this.#shown.get(path);
    return file && { text: file.text, content: file.segment.content(0) };
  }

  /** Where the file as it is on screen lies; undefined where it is what is on disk. */
  locate(path: string): { segment: Segment; file: number } | undefined {
    const file = this.#shown.get(path);
    return file && { segment: file.segment, file: 0 };
  }

  /**
   * @param window whose edit it is; the last edit of a file wins.
   * @param path relative to the root.
   * @param text all of the file; undefined when it is as on disk again.
   */
  edited(window: object, path: string, text: string | undefined): void {
    const texts = this.#texts.get(path) ?? new Map<object, string>();
    texts.delete(window);
    if (text !== undefined && !this.#isTooLarge(text)) texts.set(window, text);
    if (texts.size > 0) this.#texts.set(path, texts);
    else this.#texts.delete(path);
    this.#bringUp(path);
  }

  /** A window has gone, and its edits with it. */
  forget(window: object): void {
    for (const [path, texts] of [...this.#texts]) if (texts.has(window)) this.edited(window, path, undefined);
  }

  /** Resolves when all that was edited can be found. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay.values());
  }

  /** The same for a question, which does not wait for long. */
  async soonSettled(): Promise<void> {
    if (this.#underWay.size === 0) return;
    const enough = new AbortController();
    const waited = delay(LONGEST_WAIT_MS, undefined, { signal: enough.signal, ref: false }).catch(() => {});
    await Promise.race([this.settled(), waited]);
    enough.abort();
  }

  #bringUp(path: string): void {
    const text = this.#newest(path);
    if (text === undefined) this.#show(path, undefined);
    else if (!this.#underWay.has(path) && this.#shown.get(path)?.text !== text) {
      this.#underWay.set(path, this.#layOut(path, text));
    }
  }

  /** One job at a time for a path: what was typed meanwhile is the next one, and only the last of it. */
  async #layOut(path: string, first: string): Promise<void> {
    let next: string | undefined = first;
    while (next !== undefined) {
      const text: string = next;
      // A thread that ends over the text leaves the file as it is on disk.
      const laidOut = await this.#workers
        .run("overlay", { path, text, indexed: this.#live.contentOf(path) })
        .catch(() => null);
      next = this.#newest(path);
      if (next !== text) continue;
      if (laidOut) {
        const { hashes, texts } = laidOut;
        const segment = openSegment(laidOut.segment);
        this.#show(path, { path, text, segment, content: segment.content(0), hashes, texts });
        break;
      }
      // A window that shows what is indexed has no edit: another one's counts.
      this.#dropNewest(path);
      next = this.#newest(path);
      if (next === undefined) this.#show(path, undefined);
      else if (next === this.#shown.get(path)?.text) break;
    }
    this.#underWay.delete(path);
  }

  #show(path: string, file: ShownFile | undefined): void {
    if (file) this.#shown.set(path, file);
    else if (!this.#shown.delete(path)) return;
    this.#composed = undefined;
    this.#onChange();
  }

  #newest(path: string): string | undefined {
    return [...(this.#texts.get(path)?.values() ?? [])].at(-1);
  }

  #dropNewest(path: string): void {
    const texts = this.#texts.get(path);
    const newest = [...(texts?.keys() ?? [])].at(-1);
    if (newest) texts?.delete(newest);
    if (texts?.size === 0) this.#texts.delete(path);
  }

  #isTooLarge(text: string): boolean {
    return text.length > this.#maxFileBytes || Buffer.byteLength(text) > this.#maxFileBytes;
  }
}
