import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { ChunkKind } from "../../shared/search-types.ts";
import { CHUNK_KINDS } from "../../shared/search-types.ts";
import { SIGN_BYTES } from "../vectors/signs.ts";
import type { SymbolRecord } from "./file-record.ts";
import { PostingLists } from "./posting-lists.ts";

/** `body`, `symbol` and `doc` index chunks, `path` indexes files. */
export type Field = "body" | "symbol" | "doc" | "path";

export const FIELDS: readonly Field[] = ["body", "symbol", "doc", "path"];

/** Dimensions of the vectors that a segment carries. */
export const SEGMENT_DIMS = 256;

/**
 * From so many chunks on a segment also carries the signs of its vectors (see vectors/signs.ts). Fewer vectors are all
 * compared in 2 ms, and exactly.
 */
export const SIGNS_FROM_CHUNKS = 50_000;

/** An immutable, flat piece of the index over one shared buffer. Chunk and file numbers are local to the segment. */
export interface Segment {
  readonly fileCount: number;
  readonly chunkCount: number;
  readonly termCount: number;
  /** Where the segment lies: a shared buffer, so that worker threads read it without a copy. */
  readonly bytes: SegmentBytes;
  /** Number of the term, or -1. */
  findTerm(term: string): number;
  /** Numbers [from, to) of the terms that start with the prefix, in sorted order. */
  prefixRange(prefix: string): readonly [number, number];
  term(term: number): string;
  /** In how many chunks (or files, for `path`) the term occurs in the field. */
  frequency(field: Field, term: number): number;
  /** Writes the postings in ascending order into the two arrays (length >= frequency) and returns how many. Counts are capped at 255. */
  postings(field: Field, term: number, documents: Uint32Array, counts: Uint8Array): number;
  /** Terms of each field, repeats included, by chunk number (by file number for `path`): the lengths BM25 needs. */
  readonly bodyLength: Uint16Array;
  readonly symbolLength: Uint16Array;
  readonly docLength: Uint16Array;
  readonly pathLength: Uint16Array;
  /** Sums of the lengths above, for averages. */
  readonly totalLength: Readonly<Record<Field, number>>;
  /** By chunk number. */
  readonly chunkFile: Uint32Array;
  readonly startLine: Uint32Array;
  readonly endLine: Uint32Array;
  kind(chunk: number): ChunkKind;
  name(chunk: number): string;
  parents(chunk: number): readonly string[];
  signature(chunk: number): string;
  doc(chunk: number): string;
  /** Every declaration that begins in the chunk, in file order; empty for a later part of a long one. */
  symbols(chunk: number): readonly SymbolRecord[];
  /** Symbols of chunk c are firstSymbol[c] .. firstSymbol[c + 1]. */
  readonly firstSymbol: Uint32Array;
  symbol(symbol: number): SymbolRecord;
  /** Chunks of file f are firstChunk[f] .. firstChunk[f + 1]. */
  readonly firstChunk: Uint32Array;
  path(file: number): string;
  language(file: number): string;
  /** Key of the file's content (see file-record.ts), 32 hex digits. */
  content(file: number): string;
  /** Unit vectors: codes[c * 256 ...] * scales[c]. */
  readonly vectorCodes: Int8Array;
  readonly vectorScales: Float32Array;
  /** Signs of those vectors (see vectors/signs.ts), 32 bytes a chunk; empty in a segment of fewer than {@link SIGNS_FROM_CHUNKS}. */
  readonly vectorSigns: Uint8Array;
  /** The columns that hold numbers of strings, kinds or keys, for merging. */
  readonly columns: SegmentColumns;
  /** The string of a number in those columns. */
  string(reference: number): string;
  /** All strings as UTF-8: string s is bytes[offsets[s] .. offsets[s + 1]]. */
  readonly strings: { readonly bytes: Uint8Array; readonly offsets: Uint32Array };
  /** The terms that occur in a field, ascending: the n-th has the n-th posting list. */
  fieldTerms(field: Field): Uint32Array;
  /** The n-th posting list of a field, as {@link Segment.postings} gives it. */
  postingList(field: Field, n: number, documents: Uint32Array, counts: Uint8Array): number;
}

export interface SegmentColumns {
  readonly kind: Uint8Array;
  readonly name: Uint32Array;
  readonly parents: Uint32Array;
  readonly signature: Uint32Array;
  readonly doc: Uint32Array;
  /** By symbol number. */
  readonly symbolName: Uint32Array;
  /** The letters of the name (see text/letters.ts). */
  readonly symbolLetters: Uint32Array;
  readonly symbolParents: Uint32Array;
  readonly symbolKind: Uint8Array;
  readonly symbolLine: Uint32Array;
  readonly symbolEndLine: Uint32Array;
  /** By file number. */
  readonly path: Uint32Array;
  readonly language: Uint32Array;
  /** 16 bytes a file. */
  readonly content: Uint8Array;
}

export interface SegmentBytes {
  readonly buffer: SharedArrayBuffer;
  readonly offset: number;
  readonly length: number;
}

/** A segment as one snapshot sees it. */
export interface SegmentView {
  readonly segment: Segment;
  /** One byte a file: 1 when a newer version or a deletion hides it. */
  readonly dead: Uint8Array;
  /** Dot products of the query's codes with all vectors of the segment, in chunk order (raw int32; multiply by the scale). Valid until the next call. */
  dots(query: Int8Array): Int32Array;
  /** What spares a query comparing all vectors; undefined where there are too few for that. */
  readonly signs?: SignScan;
}

/**
 * The vectors of a large segment, first by their signs alone: in how many a chunk and the query differ says roughly how
 * far apart they are. Chunks are given by their numbers; what is returned is valid until the next call.
 */
export interface SignScan {
  /** About so many of the chunks that differ least, ascending. */
  nearest(query: Int8Array, wanted: number): Uint32Array;
  /** How much each chunk differs, at most 255, in chunk order. */
  distances(query: Int8Array): Uint8Array;
  /** Dot products as {@link SegmentView.dots} gives them, of some chunks. */
  dotsOf(chunks: Uint32Array, query: Int8Array): Int32Array;
}

/** What a query holds from its start to its end. */
export interface Snapshot {
  readonly views: readonly SegmentView[];
  /** Alive files and chunks. */
  readonly fileCount: number;
  readonly chunkCount: number;
}

/** Between the strings of one list in the string pool. */
export const LIST_SEPARATOR = "\u001f";

/** Written into every segment; another number means another layout, and the segment is rebuilt. */
export const SEGMENT_VERSION = 5;
export const SEGMENT_MAGIC = 0x4e524143;

/** The sections of a segment in the order in which they are laid out, each 16-byte aligned. */
export const SECTIONS = [
  "termOffsets",
  "termBytes",
  "bodyTerms",
  "bodyStarts",
  "bodyPostings",
  "symbolTerms",
  "symbolStarts",
  "symbolPostings",
  "docTerms",
  "docStarts",
  "docPostings",
  "pathTerms",
  "pathStarts",
  "pathPostings",
  "chunkFile",
  "startLine",
  "endLine",
  "kind",
  "bodyLength",
  "symbolLength",
  "docLength",
  "pathLength",
  "name",
  "parents",
  "signature",
  "doc",
  "firstSymbol",
  "symbolName",
  "symbolLetters",
  "symbolParents",
  "symbolKind",
  "symbolLine",
  "symbolEndLine",
  "firstChunk",
  "path",
  "language",
  "content",
  "stringOffsets",
  "stringBytes",
  "vectorScales",
  "vectorSigns",
  "vectorCodes",
] as const;

export type Section = (typeof SECTIONS)[number];

/** Header: magic, version, file, chunk and term counts, four total lengths, then offset and length of each section; all u32. */
export const HEADER_BYTES = align((9 + SECTIONS.length * 2) * 4);

/** How many bytes the signs of a segment of so many chunks take. */
function signBytes(chunks: number): number {
  return chunks < SIGNS_FROM_CHUNKS ? 0 : chunks * SIGN_BYTES;
}

/** The next multiple of 16. Bitwise operators would end at two gigabytes, the header's numbers end at four. */
export function align(offset: number): number {
  return Math.ceil(offset / 16) * 16;
}

/**
 * Opens a segment over its bytes without copying.
 * @throws CairnError("corrupt") when the header does not describe the bytes.
 */
export function openSegment(bytes: SegmentBytes): Segment {
  return new FlatSegment(bytes);
}

class FlatSegment implements Segment {
  readonly bytes: SegmentBytes;
  readonly fileCount: number;
  readonly chunkCount: number;
  readonly termCount: number;
  readonly totalLength: Readonly<Record<Field, number>>;
  readonly bodyLength: Uint16Array;
  readonly symbolLength: Uint16Array;
  readonly docLength: Uint16Array;
  readonly pathLength: Uint16Array;
  readonly chunkFile: Uint32Array;
  readonly startLine: Uint32Array;
  readonly endLine: Uint32Array;
  readonly firstChunk: Uint32Array;
  readonly firstSymbol: Uint32Array;
  readonly vectorCodes: Int8Array;
  readonly vectorScales: Float32Array;
  readonly vectorSigns: Uint8Array;
  readonly #header: Uint32Array;
  readonly #termOffsets: Uint32Array;
  readonly #termBytes: Buffer;
  readonly strings: { readonly bytes: Buffer; readonly offsets: Uint32Array };
  readonly columns: SegmentColumns & { readonly content: Buffer };
  readonly #fields: Readonly<Record<Field, PostingLists>>;

  constructor(bytes: SegmentBytes) {
    this.bytes = bytes;
    if (bytes.length < HEADER_BYTES) throw damaged("it is shorter than its header");
    const header = new Uint32Array(bytes.buffer, bytes.offset, HEADER_BYTES / 4);
    if (header[0] !== SEGMENT_MAGIC || header[1] !== SEGMENT_VERSION) throw damaged("its layout is not known");
    this.#header = header;
    this.fileCount = header[2];
    this.chunkCount = header[3];
    this.termCount = header[4];
    this.totalLength = { body: header[5], symbol: header[6], doc: header[7], path: header[8] };
    this.#termOffsets = this.#u32("termOffsets", this.termCount + 1);
    this.#termBytes = this.#raw("termBytes");
    this.#fields = {
      body: this.#postingLists("bodyTerms", "bodyStarts", "bodyPostings"),
      symbol: this.#postingLists("symbolTerms", "symbolStarts", "symbolPostings"),
      doc: this.#postingLists("docTerms", "docStarts", "docPostings"),
      path: this.#postingLists("pathTerms", "pathStarts", "pathPostings"),
    };
    this.chunkFile = this.#u32("chunkFile", this.chunkCount);
    this.startLine = this.#u32("startLine", this.chunkCount);
    this.endLine = this.#u32("endLine", this.chunkCount);
    this.bodyLength = this.#u16("bodyLength", this.chunkCount);
    this.symbolLength = this.#u16("symbolLength", this.chunkCount);
    this.docLength = this.#u16("docLength", this.chunkCount);
    this.pathLength = this.#u16("pathLength", this.fileCount);
    this.firstChunk = this.#u32("firstChunk", this.fileCount + 1);
    this.firstSymbol = this.#u32("firstSymbol", this.chunkCount + 1);
    const symbolCount = this.firstSymbol[this.chunkCount];
    this.columns = {
      kind: this.#raw("kind"),
      name: this.#u32("name", this.chunkCount),
      parents: this.#u32("parents", this.chunkCount),
      signature: this.#u32("signature", this.chunkCount),
      doc: this.#u32("doc", this.chunkCount),
      symbolName: this.#u32("symbolName", symbolCount),
      symbolLetters: this.#u32("symbolLetters", symbolCount),
      symbolParents: this.#u32("symbolParents", symbolCount),
      symbolKind: this.#raw("symbolKind"),
      symbolLine: this.#u32("symbolLine", symbolCount),
      symbolEndLine: this.#u32("symbolEndLine", symbolCount),
      path: this.#u32("path", this.fileCount),
      language: this.#u32("language", this.fileCount),
      content: this.#raw("content"),
    };
    const offsets = this.#section("stringOffsets");
    this.strings = {
      bytes: this.#raw("stringBytes"),
      offsets: new Uint32Array(bytes.buffer, offsets.at, offsets.length / 4),
    };
    const scales = this.#section("vectorScales", this.chunkCount * 4);
    this.vectorScales = new Float32Array(bytes.buffer, scales.at, this.chunkCount);
    this.vectorSigns = this.#raw("vectorSigns");
    if (this.vectorSigns.length !== signBytes(this.chunkCount)) throw damaged("its vectorSigns have the wrong length");
    const codes = this.#section("vectorCodes", this.chunkCount * SEGMENT_DIMS);
    this.vectorCodes = new Int8Array(bytes.buffer, codes.at, codes.length);
  }

  findTerm(term: string): number {
    const key = Buffer.from(term, "utf8");
    const at = this.#lowerBound(key);
    return at < this.termCount && this.#compareTerm(at, key) === 0 ? at : -1;
  }

  prefixRange(prefix: string): readonly [number, number] {
    const key = Buffer.from(prefix, "utf8");
    const from = this.#lowerBound(key);
    let low = from;
    let high = this.termCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const start = this.#termOffsets[middle];
      const end = Math.min(this.#termOffsets[middle + 1], start + key.length);
      if (this.#termBytes.compare(key, 0, key.length, start, end) === 0) low = middle + 1;
      else high = middle;
    }
    return [from, low];
  }

  term(term: number): string {
    return this.#termBytes.toString("utf8", this.#termOffsets[term], this.#termOffsets[term + 1]);
  }

  frequency(field: Field, term: number): number {
    const lists = this.#fields[field];
    const at = lists.find(term);
    return at < 0 ? 0 : lists.frequency(at);
  }

  postings(field: Field, term: number, documents: Uint32Array, counts: Uint8Array): number {
    const lists = this.#fields[field];
    const at = lists.find(term);
    return at < 0 ? 0 : lists.read(at, documents, counts);
  }

  kind(chunk: number): ChunkKind {
    return CHUNK_KINDS[this.columns.kind[chunk]];
  }

  name(chunk: number): string {
    return this.string(this.columns.name[chunk]);
  }

  parents(chunk: number): readonly string[] {
    return this.#list(this.columns.parents[chunk]);
  }

  signature(chunk: number): string {
    return this.string(this.columns.signature[chunk]);
  }

  doc(chunk: number): string {
    return this.string(this.columns.doc[chunk]);
  }

  symbols(chunk: number): readonly SymbolRecord[] {
    const first = this.firstSymbol[chunk];
    return Array.from({ length: this.firstSymbol[chunk + 1] - first }, (_, i) => this.symbol(first + i));
  }

  symbol(symbol: number): SymbolRecord {
    const { symbolName, symbolKind, symbolParents, symbolLine, symbolEndLine } = this.columns;
    return {
      name: this.string(symbolName[symbol]),
      kind: CHUNK_KINDS[symbolKind[symbol]],
      parents: this.#list(symbolParents[symbol]),
      line: symbolLine[symbol],
      endLine: symbolEndLine[symbol],
    };
  }

  path(file: number): string {
    return this.string(this.columns.path[file]);
  }

  language(file: number): string {
    return this.string(this.columns.language[file]);
  }

  content(file: number): string {
    return this.columns.content.toString("hex", file * 16, file * 16 + 16);
  }

  string(reference: number): string {
    const { bytes, offsets } = this.strings;
    return bytes.toString("utf8", offsets[reference], offsets[reference + 1]);
  }

  fieldTerms(field: Field): Uint32Array {
    return this.#fields[field].terms;
  }

  postingList(field: Field, n: number, documents: Uint32Array, counts: Uint8Array): number {
    return this.#fields[field].read(n, documents, counts);
  }

  #list(reference: number): readonly string[] {
    const joined = this.string(reference);
    return joined === "" ? [] : joined.split(LIST_SEPARATOR);
  }

  #lowerBound(key: Buffer): number {
    let low = 0;
    let high = this.termCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compareTerm(middle, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #compareTerm(term: number, key: Buffer): number {
    return this.#termBytes.compare(key, 0, key.length, this.#termOffsets[term], this.#termOffsets[term + 1]);
  }

  #section(section: Section, expected?: number): { at: number; length: number } {
    const index = 9 + SECTIONS.indexOf(section) * 2;
    const offset = this.#header[index];
    const length = this.#header[index + 1];
    if (offset + length > this.bytes.length) throw damaged(`its ${section} lie outside it`);
    if (expected !== undefined && length !== expected) throw damaged(`its ${section} have the wrong length`);
    return { at: this.bytes.offset + offset, length };
  }

  #u32(section: Section, count: number): Uint32Array {
    return new Uint32Array(this.bytes.buffer, this.#section(section, count * 4).at, count);
  }

  #u16(section: Section, count: number): Uint16Array {
    return new Uint16Array(this.bytes.buffer, this.#section(section, count * 2).at, count);
  }

  #raw(section: Section): Buffer {
    const { at, length } = this.#section(section);
    return Buffer.from(this.bytes.buffer, at, length);
  }

  #postingLists(terms: Section, starts: Section, postings: Section): PostingLists {
    const { at, length } = this.#section(terms);
    const count = length / 4;
    return new PostingLists(
      new Uint32Array(this.bytes.buffer, at, count),
      this.#u32(starts, count + 1),
      this.#raw(postings),
    );
  }
}

function damaged(how: string): CairnError {
  return new CairnError(
    "corrupt",
    phrase("An index segment is damaged: {0}.", how),
    phrase("It is rebuilt from the store."),
  );
}
