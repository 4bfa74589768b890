import type { VectorArena } from "../vectors/arena.ts";
import { signsOf } from "../vectors/signs.ts";
import type { Segment, SegmentView, SignScan, Snapshot } from "./segment.ts";

/** So many segments of like size are merged into one. */
const TIER = 16;

/** Where the vectors of a segment lie for the kernel. */
interface Place {
  arena: VectorArena;
  offset: number;
  /** The whole segment was laid out in the arena's memory, and is what the snapshot file holds. */
  isBase: boolean;
}

class LiveView implements SegmentView {
  readonly segment: Segment;
  readonly dead: Uint8Array;
  readonly deadFiles: number;
  readonly deadChunks: number;
  readonly place: Place;
  readonly signs: SignScan | undefined;

  constructor(segment: Segment, dead: Uint8Array, place: Place) {
    this.segment = segment;
    this.dead = dead;
    this.place = place;
    this.signs = signScanOf(segment, place);
    let files = 0;
    let chunks = 0;
    for (let file = 0; file < dead.length; file++) {
      if (dead[file] === 0) continue;
      files++;
      chunks += segment.firstChunk[file + 1] - segment.firstChunk[file];
    }
    this.deadFiles = files;
    this.deadChunks = chunks;
  }

  dots(query: Int8Array): Int32Array {
    return this.place.arena.dots(this.place.offset, this.segment.chunkCount, query);
  }
}

/** A large segment that is not the base belongs to an index in the making: its signs are not in the arena, and soon it is gone. */
function signScanOf({ vectorSigns, chunkCount }: Segment, { arena, offset, isBase }: Place): SignScan | undefined {
  if (vectorSigns.length === 0 || !isBase) return undefined;
  const { byteOffset } = vectorSigns;
  return {
    nearest: (query, wanted) => arena.nearest(byteOffset, chunkCount, signsOf(query), wanted),
    distances: (query) => arena.distances(byteOffset, chunkCount, signsOf(query)),
    dotsOf: (chunks, query) => arena.dotsOf(offset, chunks, query),
  };
}

/**
 * The index in memory: a base segment, a tail of small ones for what changed since, and marks on what they hide.
 * Every change makes a new snapshot; a query keeps the one it began with.
 */
export class LiveIndex {
  #views: readonly LiveView[] = [];
  #arena: VectorArena;
  #snapshot: Snapshot = { views: [], fileCount: 0, chunkCount: 0 };
  /** Where each findable path lies. */
  readonly #locations = new Map<string, { segment: Segment; file: number }>();
  /** Bytes of vectors placed in the arena beside the base; they are only freed with the whole arena. */
  #placed = 0;

  constructor(arena: VectorArena) {
    this.#arena = arena;
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  has(path: string): boolean {
    return this.#locations.has(path);
  }

  /** Where the path can be found now: a segment and the file's number in it; undefined when it cannot. */
  locate(path: string): { readonly segment: Segment; readonly file: number } | undefined {
    return this.#locations.get(path);
  }

  /** The content key under which the path can be found now, or undefined. */
  contentOf(path: string): string | undefined {
    const location = this.#locations.get(path);
    return location?.segment.content(location.file);
  }

  /** True when the path can be found now with the content whose key lies at an offset of `keys`. */
  holds(path: string, keys: Uint8Array, at: number): boolean {
    const location = this.#locations.get(path);
    if (!location) return false;
    const { content } = location.segment.columns;
    const from = location.file * 16;
    for (let i = 0; i < 16; i++) if (content[from + i] !== keys[at + i]) return false;
    return true;
  }

  paths(): IterableIterator<string> {
    return this.#locations.keys();
  }

  /** Starts from a base segment that lies in the arena's memory. */
  open(base: Segment, arena: VectorArena): void {
    this.clear(arena);
    for (let file = 0; file < base.fileCount; file++) this.#locations.set(base.path(file), { segment: base, file });
    this.#publish([new LiveView(base, new Uint8Array(base.fileCount), basePlace(base, arena))]);
  }

  /** Adds a segment whose files replace those of the same path; `except` names those that are out of date already. */
  add(segment: Segment, except: ReadonlySet<string> = new Set()): void {
    const hidden = new Map<Segment, number[]>();
    const dead = new Uint8Array(segment.fileCount);
    for (let file = 0; file < segment.fileCount; file++) {
      const path = segment.path(file);
      if (except.has(path)) {
        dead[file] = 1;
        continue;
      }
      this.#hide(path, hidden);
      this.#locations.set(path, { segment, file });
    }
    const views = this.#without(hidden);
    this.#publish([...views, new LiveView(segment, dead, this.#place(segment))]);
  }

  remove(paths: Iterable<string>): void {
    const hidden = new Map<Segment, number[]>();
    for (const path of paths) {
      this.#hide(path, hidden);
      this.#locations.delete(path);
    }
    if (hidden.size > 0) this.#publish(this.#without(hidden));
  }

  clear(arena: VectorArena): void {
    this.#arena = arena;
    this.#placed = 0;
    this.#locations.clear();
    this.#publish([]);
  }

  /**
   * Puts a merged segment in the place of those it was made from. What changed while it was being merged stays changed.
   * @param arena the memory in which the merged segment lies, when it becomes the base; undefined adds it to the tail.
   */
  replace(sources: readonly Segment[], merged: Segment, arena?: VectorArena): void {
    const replaced = new Set(sources);
    const dead = new Uint8Array(merged.fileCount);
    for (let file = 0; file < merged.fileCount; file++) {
      const path = merged.path(file);
      const location = this.#locations.get(path);
      if (location && replaced.has(location.segment)) this.#locations.set(path, { segment: merged, file });
      else dead[file] = 1;
    }
    const kept = this.#views.filter((view) => !replaced.has(view.segment));
    if (arena) {
      this.#arena = arena;
      this.#placed = 0;
      const base = new LiveView(merged, dead, basePlace(merged, arena));
      this.#publish([base, ...kept.map((view) => new LiveView(view.segment, view.dead, this.#place(view.segment)))]);
    } else {
      this.#publish([...kept, new LiveView(merged, dead, this.#place(merged))]);
    }
  }

  /**
   * The segments to merge next, with their dead files, or undefined when the index is in good shape.
   * While files still stream in (`settled` false) only segments of like size are merged, so that each chunk is copied
   * a few times at the most; afterwards a tail that has grown goes into the base.
   */
  mergeCandidates(settled: boolean): { views: readonly SegmentView[]; intoBase: boolean } | undefined {
    const views = this.#views;
    if (!settled) {
      const tiers = new Map<number, LiveView[]>();
      for (const view of views) {
        const tier = Math.floor(Math.log2(view.segment.chunkCount + 1) / 5);
        const members = tiers.get(tier);
        if (members) members.push(view);
        else tiers.set(tier, [view]);
      }
      const full = [...tiers.values()].find((members) => members.length >= 2 * TIER);
      return full && { views: full, intoBase: false };
    }
    if (views.length === 0) return undefined;
    const base = views.reduce((a, b) => (b.segment.chunkCount > a.segment.chunkCount ? b : a));
    const changed = views.reduce((sum, view) => sum + (view === base ? view.deadChunks : view.segment.chunkCount), 0);
    const wasted = this.#placed > Math.max(16_000_000, 2 * base.segment.vectorCodes.length);
    const unsaved = !base.place.isBase;
    if (changed > Math.max(500, base.segment.chunkCount / 10) || wasted || unsaved) return { views, intoBase: true };
    const tail = views.filter((view) => view !== base);
    return tail.length >= TIER ? { views: tail, intoBase: false } : undefined;
  }

  #place(segment: Segment): Place {
    this.#placed += segment.vectorCodes.length;
    return { arena: this.#arena, offset: this.#arena.place(segment.vectorCodes), isBase: false };
  }

  #hide(path: string, hidden: Map<Segment, number[]>): void {
    const location = this.#locations.get(path);
    if (!location) return;
    const files = hidden.get(location.segment);
    if (files) files.push(location.file);
    else hidden.set(location.segment, [location.file]);
  }

  #without(hidden: Map<Segment, number[]>): readonly LiveView[] {
    if (hidden.size === 0) return this.#views;
    const views: LiveView[] = [];
    for (const view of this.#views) {
      const files = hidden.get(view.segment);
      if (!files) {
        views.push(view);
        continue;
      }
      const dead = view.dead.slice();
      for (const file of files) dead[file] = 1;
      const next = new LiveView(view.segment, dead, view.place);
      if (next.deadFiles < view.segment.fileCount) views.push(next);
    }
    return views;
  }

  #publish(views: readonly LiveView[]): void {
    this.#views = views;
    let fileCount = 0;
    let chunkCount = 0;
    for (const view of views) {
      fileCount += view.segment.fileCount - view.deadFiles;
      chunkCount += view.segment.chunkCount - view.deadChunks;
    }
    this.#snapshot = { views, fileCount, chunkCount };
  }
}

function basePlace(base: Segment, arena: VectorArena): Place {
  return { arena, offset: base.vectorCodes.byteOffset, isBase: true };
}
