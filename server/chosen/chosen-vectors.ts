import { type Closeness, type LikelyCosines, NO_VECTOR } from "../search/closeness.ts";
import { TopList } from "../search/top-list.ts";
import type { Segment, Snapshot } from "../store/segment.ts";
import type { KnownVectors } from "../store/store.ts";
import { type CodedQuery, codeBytes, type StoredForm } from "../vectors/stored-form.ts";
import type { KernelModule } from "../vectors/web-assembly.ts";
import { type ChosenQuery, codesFor } from "./chosen-codes.ts";
import { BLOCK, HASH_BYTES, VectorRows } from "./vector-rows.ts";

/** Fewer rows that nothing needs any more are not worth laying out anew. */
const WORTH_COMPACTING = 4 * BLOCK;
/** The average of fewer cosines than this says little about what any code has in common. */
const ENOUGH_COSINES = 50;

/**
 * Of vectors whose signs alone are in memory so many are compared by their int8 codes: ten times what a search ranks.
 */
const RESCORED = 500;

/** Of many chunks about so many tell what any has in common with a question. */
const SAMPLED = 4_000;

/** Of a file without chunks. */
const NOWHERE = { first: 0, count: 0 };

/** Unit vectors of one model for the chunks of a file, in their order, in the form that lies on disk. */
export interface FileVectors {
  /** 16 bytes a chunk, by which the store knows its vector. */
  readonly hashes: Uint8Array;
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
  readonly form: StoredForm;
  #rows: VectorRows;
  /** Where the rows of a content begin, and how many they are. */
  #places = new Map<string, { first: number; count: number }>();
  /** Of each segment by file: its first row; -1 for a file without. */
  #ofSegment = new WeakMap<Segment, { rows: Int32Array; version: number; lacking: number }>();
  #version = 0;

  constructor(model: string, form: StoredForm, kernels: KernelModule | undefined) {
    this.model = model;
    this.form = form;
    this.#rows = new VectorRows(form, kernels);
  }

  /** Vectors in memory. */
  get rows(): number {
    return this.#rows.length;
  }

  /** Whether a file's content has its vectors, for so many chunks. */
  has(content: string, chunks: number): boolean {
    return chunks === 0 || this.#places.get(content)?.count === chunks;
  }

  /** Keeps the vectors of a file's content; those that are kept already stay. */
  add(content: string, { hashes, codes, scales }: FileVectors): void {
    if (this.#places.has(content)) return;
    const bytes = codeBytes(this.form);
    this.#places.set(content, { first: this.rows, count: scales.length });
    for (let i = 0; i < scales.length; i++) {
      const hash = hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES);
      this.#rows.add(codes.subarray(i * bytes, (i + 1) * bytes), scales[i], hash);
    }
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

  /** Forgets what no snapshot needs, once that is much. */
  compact(...snapshots: readonly Snapshot[]): void {
    // Each chunk needs one row at the most: as long as there are not many more, there is nothing to look for.
    const most = Math.max(...snapshots.map(({ chunkCount }) => chunkCount));
    if (this.rows < 2 * most + WORTH_COMPACTING) return;
    const needed = new Set<string>();
    for (const { segment, dead } of snapshots.flatMap(({ views }) => views)) {
      for (let file = 0; file < segment.fileCount; file++) if (dead[file] === 0) needed.add(segment.content(file));
    }
    const before = { rows: this.#rows, places: this.#places };
    this.#rows = before.rows.emptied();
    this.#places = new Map();
    this.#ofSegment = new WeakMap();
    for (const [content, { first, count }] of before.places) {
      if (!needed.has(content)) continue;
      this.#places.set(content, { first: this.rows, count });
      for (let row = first; row < first + count; row++) this.#rows.copy(before.rows, row);
    }
  }

  /**
   * How close the chunks of a snapshot are to a question; of vectors whose signs alone are in memory an estimate. Models
   * differ in how alike they find any two texts, from next to nothing to 0.8: what the question has in common with code
   * on average counts as none.
   */
  compare(snapshot: Snapshot, query: ChosenQuery): Closeness {
    const coded = codesFor(this.model, this.form, query);
    if (this.#rows.areMany) return this.#likely(snapshot, coded);
    return this.#closeness(snapshot, this.#rowsIn(snapshot), this.#rows.cosines(coded));
  }

  /**
   * The same, where the closest of those whose signs are in memory are compared by their int8 codes.
   * @param stored what the store has under hashes of 16 bytes; a vector that it has no longer keeps its estimate
   */
  async compareStored(
    snapshot: Snapshot,
    query: ChosenQuery,
    stored: (hashes: Uint8Array) => Promise<KnownVectors>,
  ): Promise<Closeness> {
    if (this.form.kind !== "binary") return this.compare(snapshot, query);
    const coded = codesFor(this.model, this.form, query);
    const { codes, unit } = coded;
    const byRow = this.#rows.cosines(coded);
    // What comes to lie in memory while the store is read has no part in this.
    const rowsIn = this.#rowsIn(snapshot).map((rows) => rows.slice());
    const closest = new TopList(RESCORED);
    eachChunk(snapshot, rowsIn, (row) => {
      if (byRow[row] >= closest.threshold) closest.offer(row, byRow[row]);
    });
    const likely = [...new Set(closest.sorted().map(({ item }) => item))];
    const hashes = new Uint8Array(likely.length * HASH_BYTES);
    for (const [i, row] of likely.entries()) hashes.set(this.#rows.hash(row), i * HASH_BYTES);
    const known = await stored(hashes);
    for (const [i, row] of likely.entries()) {
      if (known.found[i] === 0) continue;
      let dot = 0;
      for (let d = 0, at = i * codes.length; d < codes.length; d++) dot += known.codes[at + d] * codes[d];
      byRow[row] = dot * known.scales[i] * unit;
    }
    return this.#closeness(snapshot, rowsIn, byRow);
  }

  /** Of so many that most are ruled out by their signs; which may be found is known when they are asked for. */
  #likely(snapshot: Snapshot, query: CodedQuery): Closeness {
    // What is laid out anew meanwhile is not what these numbers are of.
    const rows = this.#rows;
    const byRow = rows.distances(query);
    const rowOf = snapshot.views.map(({ segment }) => new Uint32Array(segment.chunkCount));
    const distances = snapshot.views.map(({ segment }) => new Uint16Array(segment.chunkCount).fill(NO_VECTOR));
    const sampled: number[] = [];
    const step = Math.ceil(snapshot.chunkCount / SAMPLED);
    let count = 0;
    eachChunk(snapshot, this.#rowsIn(snapshot), (row, view, chunk) => {
      rowOf[view][chunk] = row;
      distances[view][chunk] = byRow[row];
      if (count++ % step === 0) sampled.push(row);
    });
    const common = commonCosine([rows.cosinesOf(Uint32Array.from(sampled), query)]);
    const cosines = distances.map((own, view): LikelyCosines => {
      const of = (chunks: Uint32Array) => {
        const found = rows.cosinesOf(
          chunks.map((chunk) => rowOf[view][chunk]),
          query,
        );
        takeOff(found, common);
        return found;
      };
      return { distances: own, of };
    });
    return { model: this.model, cosines };
  }

  #closeness(snapshot: Snapshot, rowsIn: readonly Int32Array[], byRow: Float32Array): Closeness {
    const cosines = snapshot.views.map(({ segment }) => new Float32Array(segment.chunkCount));
    eachChunk(snapshot, rowsIn, (row, view, chunk) => {
      cosines[view][chunk] = byRow[row];
    });
    const common = commonCosine(cosines);
    for (const own of cosines) takeOff(own, common);
    return { model: this.model, cosines };
  }

  #rowsIn({ views }: Snapshot): Int32Array[] {
    return views.map(({ segment }) => this.#rowsOf(segment));
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
}

/** Calls back with each chunk of a snapshot that can be found and has a row. @param rowsIn by view, then by file */
function eachChunk(
  { views }: Snapshot,
  rowsIn: readonly Int32Array[],
  see: (row: number, view: number, chunk: number) => void,
): void {
  for (const [view, { segment, dead }] of views.entries()) {
    const { firstChunk } = segment;
    const rows = rowsIn[view];
    for (let file = 0; file < rows.length; file++) {
      if (dead[file] === 1 || rows[file] < 0) continue;
      const shift = rows[file] - firstChunk[file];
      for (let chunk = firstChunk[file]; chunk < firstChunk[file + 1]; chunk++) see(chunk + shift, view, chunk);
    }
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
