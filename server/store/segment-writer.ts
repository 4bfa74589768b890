import { CHUNK_KINDS } from "../../shared/search-types.ts";
import { lettersOf } from "../text/letters.ts";
import { signsOf } from "../vectors/signs.ts";
import { ByteWriter, Column, halves, words } from "./columns.ts";
import type { ChunkRecord } from "./file-record.ts";
import {
  align,
  FIELDS,
  type Field,
  HEADER_BYTES,
  LIST_SEPARATOR,
  SECTIONS,
  SEGMENT_DIMS,
  SEGMENT_MAGIC,
  SEGMENT_VERSION,
  type Section,
  type Segment,
  type SegmentBytes,
  SIGNS_FROM_CHUNKS,
} from "./segment.ts";

/** Gives the place where a segment of so many bytes is laid out; the offset must be a multiple of 16. */
export type Allocate = (bytes: number) => { buffer: SharedArrayBuffer; offset: number };

/** What a segment keeps of a chunk beside its postings; the lengths count terms with their repeats. */
export interface ChunkEntry extends Omit<ChunkRecord, "hash" | "body" | "symbol" | "docTerms"> {
  bodyLength: number;
  symbolLength: number;
  docLength: number;
}

/** A buffer of its own for a segment. */
export const ownBuffer: Allocate = (bytes) => ({ buffer: new SharedArrayBuffer(bytes), offset: 0 });

/**
 * Lays out one segment: files with their chunks first, then every term in ascending byte order with its postings,
 * then `finish`. Numbers of files and chunks are given in the order of the calls.
 */
export class SegmentWriter {
  readonly #columns = {
    chunkFile: words(),
    startLine: words(),
    endLine: words(),
    kind: new Column(new Uint8Array(256)),
    bodyLength: halves(),
    symbolLength: halves(),
    docLength: halves(),
    pathLength: halves(),
    name: words(),
    parents: words(),
    signature: words(),
    doc: words(),
    firstSymbol: words(),
    symbolName: words(),
    symbolLetters: words(),
    symbolParents: words(),
    symbolKind: new Column(new Uint8Array(256)),
    symbolLine: words(),
    symbolEndLine: words(),
    firstChunk: words(),
    path: words(),
    language: words(),
    content: new Column(new Uint8Array(256)),
    vectorScales: new Column(new Float32Array(256)),
    vectorCodes: new Column(new Int8Array(16 * SEGMENT_DIMS)),
    termOffsets: words(),
  };
  readonly #strings = new StringPool();
  readonly #termBytes = new ByteWriter();
  readonly #fields: Record<Field, FieldWriter> = {
    body: new FieldWriter(),
    symbol: new FieldWriter(),
    doc: new FieldWriter(),
    path: new FieldWriter(),
  };
  #termCount = 0;

  get chunkCount(): number {
    return this.#columns.startLine.length;
  }

  get fileCount(): number {
    return this.#columns.path.length;
  }

  /** Begins a file; `content` is its key as 32 hex digits. */
  file(path: string, language: string, content: string, pathLength: number): void {
    const columns = this.#columns;
    columns.firstChunk.push(this.chunkCount);
    columns.path.push(this.#strings.add(path));
    columns.language.push(this.#strings.add(language));
    columns.content.append(Buffer.from(content, "hex"));
    columns.pathLength.push(short(pathLength));
    this.#fields.path.total += pathLength;
  }

  /** Adds a chunk to the file begun last; its vector follows with `vectors`. */
  chunk(entry: ChunkEntry): void {
    const columns = this.#columns;
    columns.chunkFile.push(this.fileCount - 1);
    columns.startLine.push(entry.startLine);
    columns.endLine.push(entry.endLine);
    columns.kind.push(CHUNK_KINDS.indexOf(entry.kind));
    columns.bodyLength.push(short(entry.bodyLength));
    columns.symbolLength.push(short(entry.symbolLength));
    columns.docLength.push(short(entry.docLength));
    columns.name.push(this.#strings.add(entry.name));
    columns.parents.push(this.#strings.add(entry.parents.join(LIST_SEPARATOR)));
    columns.signature.push(this.#strings.add(entry.signature));
    columns.doc.push(this.#strings.add(entry.doc));
    columns.firstSymbol.push(columns.symbolLine.length);
    for (const symbol of entry.symbols) {
      columns.symbolName.push(this.#strings.add(symbol.name));
      columns.symbolLetters.push(lettersOf(symbol.name));
      columns.symbolParents.push(this.#strings.add(symbol.parents.join(LIST_SEPARATOR)));
      columns.symbolKind.push(CHUNK_KINDS.indexOf(symbol.kind));
      columns.symbolLine.push(symbol.line);
      columns.symbolEndLine.push(symbol.endLine);
    }
    this.#fields.body.total += entry.bodyLength;
    this.#fields.symbol.total += entry.symbolLength;
    this.#fields.doc.total += entry.docLength;
  }

  /** The unit vectors of the chunks of a file, in their order. */
  vectors(codes: Int8Array, scales: Float32Array): void {
    this.#columns.vectorCodes.append(codes);
    this.#columns.vectorScales.append(scales);
  }

  /** Copies a file with its chunks and vectors from another segment. `strings` remembers what was copied before. */
  copyFile(from: Segment, file: number, strings: Map<number, number>): void {
    const { columns } = from;
    const copied = (reference: number) => {
      let known = strings.get(reference);
      if (known === undefined) {
        known = this.#strings.add(from.string(reference));
        strings.set(reference, known);
      }
      return known;
    };
    const first = from.firstChunk[file];
    const end = from.firstChunk[file + 1];
    const to = this.#columns;
    to.firstChunk.push(this.chunkCount);
    to.path.push(copied(columns.path[file]));
    to.language.push(copied(columns.language[file]));
    to.content.append(columns.content.subarray(file * 16, file * 16 + 16));
    to.pathLength.push(from.pathLength[file]);
    this.#fields.path.total += from.pathLength[file];
    const number = this.fileCount - 1;
    const firstSymbol = from.firstSymbol[first];
    const endSymbol = from.firstSymbol[end];
    const symbolShift = to.symbolLine.length - firstSymbol;
    for (let symbol = firstSymbol; symbol < endSymbol; symbol++) {
      to.symbolName.push(copied(columns.symbolName[symbol]));
      to.symbolParents.push(copied(columns.symbolParents[symbol]));
    }
    to.symbolLetters.append(columns.symbolLetters.subarray(firstSymbol, endSymbol));
    to.symbolKind.append(columns.symbolKind.subarray(firstSymbol, endSymbol));
    to.symbolLine.append(columns.symbolLine.subarray(firstSymbol, endSymbol));
    to.symbolEndLine.append(columns.symbolEndLine.subarray(firstSymbol, endSymbol));
    for (let chunk = first; chunk < end; chunk++) {
      to.firstSymbol.push(from.firstSymbol[chunk] + symbolShift);
      to.chunkFile.push(number);
      to.name.push(copied(columns.name[chunk]));
      to.parents.push(copied(columns.parents[chunk]));
      to.signature.push(copied(columns.signature[chunk]));
      to.doc.push(copied(columns.doc[chunk]));
      this.#fields.body.total += from.bodyLength[chunk];
      this.#fields.symbol.total += from.symbolLength[chunk];
      this.#fields.doc.total += from.docLength[chunk];
    }
    to.startLine.append(from.startLine.subarray(first, end));
    to.endLine.append(from.endLine.subarray(first, end));
    to.kind.append(columns.kind.subarray(first, end));
    to.bodyLength.append(from.bodyLength.subarray(first, end));
    to.symbolLength.append(from.symbolLength.subarray(first, end));
    to.docLength.append(from.docLength.subarray(first, end));
    to.vectorScales.append(from.vectorScales.subarray(first, end));
    to.vectorCodes.append(from.vectorCodes.subarray(first * SEGMENT_DIMS, end * SEGMENT_DIMS));
  }

  /** Adds postings of the term that the next call of `term` names; documents ascend. */
  postings(field: Field, documents: ArrayLike<number>, counts: ArrayLike<number>, from: number, to: number): void {
    if (to > from) this.#fields[field].add(this.#termCount, documents, counts, from, to);
  }

  /** Names the term of the postings that were added since the last call; a term without postings leaves no trace. */
  term(text: string): void {
    if (!FIELDS.some((name) => this.#fields[name].lastTerm === this.#termCount)) return;
    this.#columns.termOffsets.push(this.#termBytes.length);
    this.#termBytes.text(text);
    this.#termCount++;
  }

  finish(allocate: Allocate = ownBuffer): SegmentBytes {
    const columns = this.#columns;
    const fields = this.#fields;
    columns.firstChunk.push(this.chunkCount);
    columns.firstSymbol.push(columns.symbolLine.length);
    columns.termOffsets.push(this.#termBytes.length);
    for (const name of FIELDS) fields[name].close();
    const parts: Record<Section, ArrayBufferView> = {
      termOffsets: columns.termOffsets.view(),
      termBytes: this.#termBytes.view(),
      bodyTerms: fields.body.terms.view(),
      bodyStarts: fields.body.starts.view(),
      bodyPostings: fields.body.bytes.view(),
      symbolTerms: fields.symbol.terms.view(),
      symbolStarts: fields.symbol.starts.view(),
      symbolPostings: fields.symbol.bytes.view(),
      docTerms: fields.doc.terms.view(),
      docStarts: fields.doc.starts.view(),
      docPostings: fields.doc.bytes.view(),
      pathTerms: fields.path.terms.view(),
      pathStarts: fields.path.starts.view(),
      pathPostings: fields.path.bytes.view(),
      chunkFile: columns.chunkFile.view(),
      startLine: columns.startLine.view(),
      endLine: columns.endLine.view(),
      kind: columns.kind.view(),
      bodyLength: columns.bodyLength.view(),
      symbolLength: columns.symbolLength.view(),
      docLength: columns.docLength.view(),
      pathLength: columns.pathLength.view(),
      name: columns.name.view(),
      parents: columns.parents.view(),
      signature: columns.signature.view(),
      doc: columns.doc.view(),
      firstSymbol: columns.firstSymbol.view(),
      symbolName: columns.symbolName.view(),
      symbolLetters: columns.symbolLetters.view(),
      symbolParents: columns.symbolParents.view(),
      symbolKind: columns.symbolKind.view(),
      symbolLine: columns.symbolLine.view(),
      symbolEndLine: columns.symbolEndLine.view(),
      firstChunk: columns.firstChunk.view(),
      path: columns.path.view(),
      language: columns.language.view(),
      content: columns.content.view(),
      stringOffsets: this.#strings.offsets(),
      stringBytes: this.#strings.bytes(),
      vectorScales: columns.vectorScales.view(),
      vectorSigns: this.chunkCount < SIGNS_FROM_CHUNKS ? new Uint8Array() : signsOf(columns.vectorCodes.view()),
      vectorCodes: columns.vectorCodes.view(),
    };

    let length = HEADER_BYTES;
    for (const section of SECTIONS) length += align(parts[section].byteLength);
    const place = allocate(length);
    const header = new Uint32Array(place.buffer, place.offset, HEADER_BYTES / 4);
    const counts = [SEGMENT_MAGIC, SEGMENT_VERSION, this.fileCount, this.chunkCount, this.#termCount];
    header.set([...counts, ...FIELDS.map((name) => fields[name].total)]);
    const bytes = new Uint8Array(place.buffer, place.offset, length);
    let at = HEADER_BYTES;
    SECTIONS.forEach((section, i) => {
      const part = parts[section];
      header[9 + i * 2] = at;
      header[10 + i * 2] = part.byteLength;
      bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
      at += align(part.byteLength);
    });
    return { buffer: place.buffer, offset: place.offset, length };
  }
}

/** The posting lists of one field as they are written; posting-lists.ts says how they are laid out. */
class FieldWriter {
  readonly terms = words();
  readonly starts = words();
  readonly bytes = new ByteWriter();
  total = 0;
  lastTerm = -1;

  add(term: number, documents: ArrayLike<number>, counts: ArrayLike<number>, from: number, to: number): void {
    this.terms.push(term);
    this.lastTerm = term;
    this.starts.push(this.bytes.length);
    this.bytes.varint(to - from);
    let before = -1;
    for (let i = from; i < to; i++) {
      const distance = documents[i] - before;
      before = documents[i];
      if (counts[i] === 1) this.bytes.varint((distance << 1) | 1);
      else {
        this.bytes.varint(distance << 1);
        this.bytes.byte(counts[i]);
      }
    }
  }

  close(): void {
    this.starts.push(this.bytes.length);
  }
}

/** Distinct strings, numbered as they come. */
class StringPool {
  readonly #numbers = new Map<string, number>();
  readonly #bytes = new ByteWriter();
  readonly #offsets = words();

  add(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    this.#numbers.set(text, number);
    this.#offsets.push(this.#bytes.length);
    this.#bytes.text(text);
    return number;
  }

  offsets(): Uint32Array {
    this.#offsets.push(this.#bytes.length);
    return this.#offsets.view();
  }

  bytes(): Uint8Array {
    return this.#bytes.view();
  }
}

function short(length: number): number {
  return Math.min(length, 65_535);
}
