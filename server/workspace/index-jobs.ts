import type { MessagePort } from "node:worker_threads";
import type { Phrase } from "../../shared/phrase.ts";
import type { StaticModelShared } from "../embed/static-model.ts";
import type { SegmentBytes } from "../store/segment.ts";
import type { SharedMemory } from "../vectors/web-assembly.ts";
import type { WantedVectors } from "./derived-vectors.ts";
import type { WalkBatch, WalkedFile } from "./walk.ts";

/** What an index worker is started with. */
export interface IndexWorkerData {
  root: string;
  exclude: readonly string[];
  maxFileBytes: number;
  /** Lets other programs go before it. */
  lowPriority: boolean;
  store: MessagePort;
  model: StaticModelShared;
}

/** A file to read: `content` is the key under which it can be found now, so that nothing is done when it still holds. */
export interface FileToProcess extends WalkedFile {
  content: string;
}

export interface FileOnScreen {
  path: string;
  text: string;
  /** Key of the content under which the path can be found now; undefined when it cannot. */
  indexed: string | undefined;
}

/** A file as it is on screen, laid out. */
export interface LaidOutFile {
  segment: SegmentBytes;
  /** Of its chunks: 16 bytes each, by which their vectors are known. */
  hashes: Uint8Array;
  texts: string[];
}

/** What became of one file. */
export interface ProcessedFile {
  path: string;
  size: number;
  /** -1 when the time cannot be trusted and the file must be read again at the next scan. */
  mtimeMs: number;
  /** Empty when the file is left out. */
  content: string;
  skip?: { code: string; reason: Phrase };
  /** The file vanished before it was read. */
  gone: boolean;
}

/** What another model's vectors of some files are asked by. */
export interface FilesToEmbed extends WantedVectors {
  files: readonly { path: string; content: string }[];
}

/** What the store has of another model's vectors of some files, and the texts of the rest. */
export interface FilesEmbedded {
  /** Chunks of each file, in the order asked. */
  counts: Uint32Array;
  /** One byte a file: 1 when a chunk has no vector, and the file is no longer what it was. */
  gone: Uint8Array;
  /** Of all their chunks, one after the other: 16 bytes each. */
  hashes: Uint8Array;
  /** One byte a chunk: 1 when its vector is there. */
  found: Uint8Array;
  /** In the form that was asked for. */
  codes: Int8Array;
  scales: Float32Array;
  /** By the number of the chunk: the text of each that has no vector. */
  texts: { chunk: number; text: string }[];
}

/** A merged segment; a base lies in a memory of its own, in which the vector kernel scans it. */
export interface MergedSegment {
  bytes: SegmentBytes;
  memory?: SharedMemory;
  /** Why the snapshot file could not be written; empty when it was, or was not asked for. */
  problem: string;
}

/** The verdict on paths from file events. */
export interface Admitted extends WalkBatch {
  /** Paths that no longer exist, relative to the root. */
  gone: string[];
  /** Folders that were walked: what was known below them and is not among the files has gone. */
  folders: string[];
}

/** The heavy work, done in worker threads. */
export interface IndexWorkerMethods {
  /** Loads the grammars' runtime, so that the first saved file does not wait for it. */
  warm(argument: null): null;
  /** Absolute paths of files and folders that changed. */
  admit(paths: readonly string[]): Admitted;
  /** Reads, chunks, embeds what is new, stores the batch durably, and lays out its segment. */
  process(files: readonly FileToProcess[]): { files: ProcessedFile[]; segment: SegmentBytes | null };
  /** Lays out a segment from what the store has; `missing` are those it has no longer. */
  restore(files: readonly { path: string; content: string }[]): { segment: SegmentBytes | null; missing: string[] };
  /** Lays out a file as it is on screen; null when there is nothing to lay out. Nothing of it is stored. */
  overlay(file: FileOnScreen): LaidOutFile | null;
  /** Another model's vectors of the files' chunks, as far as they were made, and the texts to make the rest of. */
  embedded(job: FilesToEmbed): FilesEmbedded;
  merge(job: {
    inputs: readonly { bytes: SegmentBytes; dead: Uint8Array }[];
    /** The file to write the base to, or undefined to make a part of the tail. */
    snapshotPath?: string;
  }): MergedSegment;
}
