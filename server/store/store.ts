import type { Phrase } from "../../shared/phrase.ts";
/** What the durable store keeps and answers. Columns instead of rows, so that they cross threads without a copy each. */

/** Every file that was looked at, in one answer. */
export interface StoredFiles {
  /** Paths joined by NUL. */
  paths: string;
  sizes: Float64Array;
  /** Modification times in ms; -1 where the file must be read again because its time could not be trusted. */
  mtimes: Float64Array;
  /** 16 bytes a file: the key of its content, zeros when the file is left out. */
  contents: Uint8Array;
  /** By position: why a file is left out after it was read. */
  skips: { at: number; code: string; reason: Phrase }[];
}

export interface StoredFile {
  path: string;
  size: number;
  mtimeMs: number;
  /** Key of the content, 32 hex digits; empty when the file is left out. */
  content: string;
  skip?: { code: string; reason: Phrase };
}

/** What is known of some chunks, in the order asked. */
export interface KnownVectors {
  /** One byte a chunk: 1 when its vector is there. */
  found: Uint8Array;
  codes: Int8Array;
  scales: Float32Array;
}

/** Everything one batch adds; it is stored whole or not at all, vectors first. */
export interface Batch {
  files: StoredFile[];
  records: PackedRecords;
  model: string;
  /** 16 bytes a chunk. */
  hashes: Uint8Array;
  codes: Int8Array;
  scales: Float32Array;
  /** The vectors were made of others that are stored: nothing was embedded. */
  derived?: boolean;
}

/** Records one after the other: the i-th ends before `ends[i]`. One buffer crosses threads without a copy. */
export interface PackedRecords {
  contents: readonly string[];
  ends: Uint32Array;
  data: Uint8Array<ArrayBuffer>;
}

export interface StoreSizes {
  indexBytes: number;
  vectorBytes: number;
  /** Vectors ever added to the user's vector store. */
  embedded: number;
}

/** The store as its clients see it. All methods throw {@link CairnError} `unavailable` (disk full, read-only) or `corrupt`. */
export interface StoreMethods {
  files(argument: null): StoredFiles;
  /** Packed records by content key; unknown keys are absent. */
  records(contents: readonly string[]): { content: string; data: Uint8Array }[];
  vectors(query: { model: string; dims: number; hashes: Uint8Array }): KnownVectors;
  /** The names of models, and of forms of theirs, that vectors were ever kept under. */
  vectorNames(argument: null): string[];
  put(batch: Batch): null;
  remove(paths: readonly string[]): null;
  /** Forgets every file and record of this root; vectors stay. */
  clear(argument: null): null;
  /** Drops the oldest records that no file uses beyond as many as files exist, and folds the write-ahead logs in. */
  tidy(argument: null): null;
  sizes(argument: null): StoreSizes;
}

/** Whether this process holds the root, and what had to be repaired to open it. */
export type LeaseAnswer = { held: false } | { held: true; repaired: Phrase };

/** What only the owner of the store's thread may ask. */
export interface StoreControl extends StoreMethods {
  /** Tries to become the one process that indexes this root, and opens the databases if so. */
  acquire(argument: null): LeaseAnswer;
  /** Checks both databases, sets what is damaged aside and goes on with empty ones in their place. */
  replace(argument: null): null;
  /** Lets another thread of this process ask the store directly through a port. */
  attach(port: import("node:worker_threads").MessagePort): null;
  close(argument: null): null;
}
