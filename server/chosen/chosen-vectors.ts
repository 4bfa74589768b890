import type { Closeness } from "../search/closeness.ts";
import type { Segment, Snapshot } from "../store/segment.ts";
import { VectorArena } from "../vectors/arena.ts";
import type { KernelModule } from "../vectors/web-assembly.ts";
import { type ChosenQuery, codesFor } from "./chosen-codes.ts";

/** Rows that lie one after the other in memory. */
const BLOCK = 1_024;
/** Fewer rows that nothing needs any more are not worth laying out anew. */
const WORTH_COMPACTING = 4 * BLOCK;
/** The average of fewer cosines than this says little about what any code has in common. */
const ENOUGH_COSINES = 50;

/** Of a file without chunks. */
const NOWHERE = { first: 0, count: 0 };

/** Unit vectors of one model for the chunks of a file, in their order: `codes[i * dims ...] * scales[i]`. */
export interface FileVectors {
  readonly codes: Int8Array;
  /** 0 for a chunk that has none: it is found by its words. */
  readonly scales: Float32Array;
}

/** A file that can be found. */
export interface IndexedFile {
  readonly path: string;
  readonly content: string;
  readonly chunks: number;
}

/**
 * The vectors of the chosen model in memory, beside the segments and not in them: what is merged, moved or renamed there
 * has the same vectors here, for they are kept by the content of the file.
 */
export class ChosenVectors {
  /** Identity of the model. */
  readonly model: string;
  readonly dims: number;
  /** Bytes of a row: the kernel takes multiples of 16, and what a model lacks is zeros. */
  readonly #stride: number;
  readonly #kernels: KernelModule | undefined;
  #arena: VectorArena;
  #blocks: number[] = [];
  #scales = new Float32Array(BLOCK);
  #rows = 0;
  /** Where the rows of a content begin, and how many they are. */
  #places = new Map<string, { first: number; count: number }>();
  /** Of each segment by file: its first row; -1 for a file without. */
  #ofSegment = new WeakMap<Segment, { rows: Int32Array; version: number; lacking: number }>();
  #version = 0;

  constructor(model: string, dims: number, kernels: KernelModule | undefined) {
    this.model = model;
    this.dims = dims;
    this.#stride = Math.ceil(dims / 16) * 16;
    this.#kernels = kernels;
    this.#arena = VectorArena.create(0, kernels);
  }

  /** Vectors in memory. */
  get rows(): number {
    return this.#rows;
  }

  /** Keeps the vectors of a file's content; those that are kept already stay. */
  add(content: string, { codes, scales }: FileVectors): void {
    if (this.#places.has(content)) return;
    const first = this.#rows;
    this.#places.set(content, { first, count: scales.length });
    for (let i = 0; i < scales.length; i++) this.#append(codes.subarray(i * this.dims, (i + 1) * this.dims), scales[i]);
    this.#version++;
  }

  /** What can be found and has no vectors here, and how many chunks can be found. */
  lackingIn({ views }: Snapshot): { files: IndexedFile[]; chunks: number } {
    const files: IndexedFile[] = [];
    let chunks = 0;
    for (const { segment, dead } of views) {
      const rows = this.#rowsOf(segment);
      for (let file = 0; file < segment.fileCount; file++) {
        if (dead[file] === 1) continue;
        const count = segment.firstChunk[file + 1] - segment.firstChunk[file];
        chunks += count;
        if (rows[file] < 0) files.push({ path: segment.path(file), content: segment.content(file), chunks: count });
      }
    }
    return { files, chunks };
  }

  /** Forgets what the snapshot does not need, once that is much. */
  compact({ views, chunkCount }: Snapshot): void {
    // Each chunk needs one row at the most: as long as there are not many more, there is nothing to look for.
    if (this.#rows < 2 * chunkCount + WORTH_COMPACTING) return;
    const needed = new Set<string>();
    for (const { segment, dead } of views) {
      for (let file = 0; file < segment.fileCount; file++) if (dead[file] === 0) needed.add(segment.content(file));
    }
    const before = { arena: this.#arena, blocks: this.#blocks, scales: this.#scales, places: this.#places };
    this.#arena = VectorArena.create(0, this.#kernels);
    this.#blocks = [];
    this.#scales = new Float32Array(BLOCK);
    this.#rows = 0;
    this.#places = new Map();
    this.#ofSegment = new WeakMap();
    for (const [content, { first, count }] of before.places) {
      if (!needed.has(content)) continue;
      this.#places.set(content, { first: this.#rows, count });
      for (let row = first; row < first + count; row++) {
        const at = before.blocks[Math.floor(row / BLOCK)] + (row % BLOCK) * this.#stride;
        this.#append(new Int8Array(before.arena.memory.buffer, at, this.dims), before.scales[row]);
      }
    }
  }

  /**
   * How close the chunks of a snapshot are to a question. Models differ in how alike they find any two texts, from next to
   * nothing to 0.8: what the question has in common with code on average counts as none.
   */
  compare({ views }: Snapshot, query: ChosenQuery): Closeness {
    const byRow = this.#cosines(codesFor(this.model, query));
    const cosines = views.map(({ segment, dead }) => {
      const own = new Float32Array(segment.chunkCount);
      const rows = this.#rowsOf(segment);
      const { firstChunk } = segment;
      for (let file = 0; file < rows.length; file++) {
        if (dead[file] === 1 || rows[file] < 0) continue;
        const shift = rows[file] - firstChunk[file];
        for (let chunk = firstChunk[file]; chunk < firstChunk[file + 1]; chunk++) own[chunk] = byRow[chunk + shift];
      }
      return own;
    });
    const common = commonCosine(cosines);
    for (const own of cosines) takeOff(own, common);
    return { model: this.model, cosines };
  }

  /** By row. */
  #cosines(query: Int8Array): Float32Array {
    const padded = new Int8Array(this.#stride);
    padded.set(query);
    let squares = 0;
    for (const code of query) squares += code * code;
    const unit = squares === 0 ? 0 : 1 / Math.sqrt(squares);
    const cosines = new Float32Array(this.#rows);
    const scales = this.#scales;
    for (let block = 0; block < this.#blocks.length; block++) {
      const first = block * BLOCK;
      const count = Math.min(BLOCK, this.#rows - first);
      const dots = this.#arena.dots(this.#blocks[block], count, padded);
      for (let i = 0; i < count; i++) cosines[first + i] = dots[i] * scales[first + i] * unit;
    }
    return cosines;
  }

  #rowsOf(segment: Segment): Int32Array {
    const known = this.#ofSegment.get(segment);
    if (known && (known.version === this.#version || known.lacking === 0)) return known.rows;
    const rows = known?.rows ?? new Int32Array(segment.fileCount).fill(-1);
    let lacking = 0;
    for (let file = 0; file < rows.length; file++) {
      if (rows[file] >= 0) continue;
      const count = segment.firstChunk[file + 1] - segment.firstChunk[file];
      const place = count === 0 ? NOWHERE : this.#places.get(segment.content(file));
      // The same content is always cut alike, but by the same version of the chunker.
      if (place?.count === count) rows[file] = place.first;
      else lacking++;
    }
    this.#ofSegment.set(segment, { rows, version: this.#version, lacking });
    return rows;
  }

  #append(codes: Int8Array, scale: number): void {
    const row = this.#rows++;
    if (row % BLOCK === 0) this.#blocks.push(this.#arena.place(new Int8Array(BLOCK * this.#stride)));
    if (row === this.#scales.length) {
      const longer = new Float32Array(2 * row);
      longer.set(this.#scales);
      this.#scales = longer;
    }
    const at = this.#blocks[this.#blocks.length - 1] + (row % BLOCK) * this.#stride;
    new Int8Array(this.#arena.memory.buffer, at, codes.length).set(codes);
    this.#scales[row] = scale;
  }
}

/** What any chunk has in common with the question, 0 and above; less of it where few chunks tell. */
function commonCosine(cosines: readonly Float32Array[]): number {
  let sum = 0;
  let count = 0;
  for (const own of cosines) {
    for (let i = 0; i < own.length; i++) {
      sum += own[i];
      if (own[i] !== 0) count++;
    }
  }
  return count === 0 ? 0 : Math.max(0, sum) / (count + ENOUGH_COSINES);
}

/** A chunk that is the same stays the same; one that has as much in common as any has none. */
function takeOff(cosines: Float32Array, common: number): void {
  const scale = 1 / (1 - common);
  for (let i = 0; i < cosines.length; i++) if (cosines[i] !== 0) cosines[i] = (cosines[i] - common) * scale;
}
