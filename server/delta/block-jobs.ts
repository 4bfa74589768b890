import type { KernelModule } from "../vectors/web-assembly.ts";
import type { PackedStream } from "./packed-rows.ts";
import type { Span } from "./read-file.ts";
import type { RowIndex } from "./row-index.ts";
import type { RowKind, RowTable } from "./rows.ts";

/** What a thread of the pool can do. */
export interface BlockWorkerMethods {
  /** Codes one block; its bytes come back with their CRC-32. */
  encode(job: EncodeJob): Promise<EncodedBlock>;
  /** Decodes one block after checking its CRC-32; throws `corrupt`. */
  decode(job: DecodeJob): Promise<Uint8Array<ArrayBuffer>>;
  /** Finds factors that predict a tensor; a record without bytes says that there are none worth having. */
  fit(job: FitJob): Promise<EncodedBlock>;
  /** Codes a block to see how long it becomes and how far it is from its base. */
  sample(job: EncodeJob): Promise<SampledBlock>;
  /** Codes rows of a dataset against an index of its base's, and decodes them after checking their CRC-32. */
  encodeRows(job: EncodeRowsJob): Promise<EncodedBlock>;
  decodeRows(job: DecodeRowsJob): Promise<Uint8Array<ArrayBuffer>>;
  /** SHA-256 of a range of a file, in hexadecimal. */
  hash(span: Span): Promise<string>;
}

export interface EncodeJob {
  fine: readonly Span[];
  /** As many bytes as `fine`; undefined for a block without a base. */
  base: readonly Span[] | undefined;
  dtype: string;
  rows: number;
  cols: number;
  prediction?: Prediction;
  /** Memory for the result, as in {@link DecodeJob}. */
  room?: ArrayBuffer;
}

/** What a block's base is replaced by before anything is compared with it. */
export interface Prediction {
  /** A record of factors, the same object for all blocks of a tensor. */
  record: Uint8Array;
  /** Tells records apart without comparing their bytes. */
  key: string;
  /** The block's first row in the tensor. */
  fromRow: number;
}

export interface FitJob {
  fine: Span;
  base: Span;
  dtype: string;
  rows: number;
  cols: number;
  /** Rows of the tensor, when these are only some of them: factors are weighed as if they were for all. */
  rowsInAll?: number;
}

export interface EncodedBlock {
  bytes: Uint8Array<ArrayBuffer>;
  crc: number;
}

export interface SampledBlock {
  bytes: number;
  /** What of them does not grow with the block: tables of frequencies. */
  headerBytes: number;
  codec: number;
  /** Sums of squares: of the base's values, and of the differences. Zero for what is no float, or has no base. */
  baseEnergy: number;
  changeEnergy: number;
}

export interface DecodeJob {
  /** Where the block is. */
  block: Span;
  crc: number;
  base: readonly Span[] | undefined;
  dtype: string;
  rows: number;
  cols: number;
  prediction?: Prediction;
  /** Memory for the result, moved to the thread and back: made anew for each block, it would pile up. */
  room?: ArrayBuffer;
}

export interface EncodeRowsJob {
  fine: Span;
  kind: RowKind;
  /** What in it is compressed, from its beginning. */
  packed?: readonly PackedStream[];
  /** In shared memory. */
  index: RowIndex;
}

export interface DecodeRowsJob {
  block: Span;
  crc: number;
  /** Of the rows. */
  bytes: number;
  /** In shared memory. */
  table: RowTable;
}

export interface BlockWorkerData {
  kernels: KernelModule | undefined;
}
