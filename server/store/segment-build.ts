import { bagOf } from "../text/bag.ts";
import { tokenize } from "../text/tokens.ts";
import { Column, words } from "./columns.ts";
import type { FileRecord } from "./file-record.ts";
import { FIELDS, type Field, type Segment, type SegmentBytes } from "./segment.ts";
import { type Allocate, ownBuffer, SegmentWriter } from "./segment-writer.ts";

/** A file to lay out: its record and one placed unit vector a chunk (codes[i * 256 ...] * scales[i]). */
export interface SegmentFile {
  path: string;
  /** Key of the content, 32 hex digits. */
  content: string;
  record: FileRecord;
  codes: Int8Array;
  scales: Float32Array;
}

/** Lays out a segment of the files, in their order. */
export function buildSegment(files: readonly SegmentFile[], allocate: Allocate = ownBuffer): SegmentBytes {
  const writer = new SegmentWriter();
  const numbers = new Map<string, number>();
  const gathered: Record<Field, Gathered> = {
    body: new Gathered(),
    symbol: new Gathered(),
    doc: new Gathered(),
    path: new Gathered(),
  };
  const number = (term: string) => {
    let known = numbers.get(term);
    if (known === undefined) {
      known = numbers.size;
      numbers.set(term, known);
    }
    return known;
  };

  for (const { path, content, record, codes, scales } of files) {
    let pathLength = 0;
    for (const [term, count] of bagOf(tokenize(path))) {
      gathered.path.add(number(term), writer.fileCount, count);
      pathLength += count;
    }
    writer.file(path, record.language, content, pathLength);
    const termNumbers = Uint32Array.from(record.terms, number);
    for (const chunk of record.chunks) {
      const gather = (field: Field, bag: Uint32Array) => {
        let length = 0;
        for (let at = 0; at < bag.length; at += 2) {
          gathered[field].add(termNumbers[bag[at]], writer.chunkCount, bag[at + 1]);
          length += bag[at + 1];
        }
        return length;
      };
      writer.chunk({
        startLine: chunk.startLine,
        endLine: chunk.endLine,
        kind: chunk.kind,
        name: chunk.name,
        parents: chunk.parents,
        signature: chunk.signature,
        doc: chunk.doc,
        symbols: chunk.symbols,
        bodyLength: gather("body", chunk.body),
        symbolLength: gather("symbol", chunk.symbol),
        docLength: gather("doc", chunk.docTerms),
      });
    }
    writer.vectors(codes, scales);
  }

  for (const field of FIELDS) gathered[field].group(numbers.size);
  for (const term of sortTerms([...numbers.keys()])) {
    const termNumber = numbers.get(term) as number;
    for (const field of FIELDS) gathered[field].emit(writer, field, termNumber);
    writer.term(term);
  }
  return writer.finish(allocate);
}

/** A segment and the files of it that are to be left out (one byte a file). */
export interface SegmentWithDead {
  segment: Segment;
  dead: Uint8Array;
}

/** Merges segments into one, leaving out dead files; files and chunks keep their order. */
export function mergeSegments(inputs: readonly SegmentWithDead[], allocate: Allocate = ownBuffer): SegmentBytes {
  const writer = new SegmentWriter();
  const sources = inputs.map(({ segment, dead }) => copyFiles(writer, segment, dead));

  const numbers = new Map<string, number>();
  for (const { segment, numberOf } of sources) {
    for (let term = 0; term < segment.termCount; term++) {
      const text = segment.term(term);
      let number = numbers.get(text);
      if (number === undefined) {
        number = numbers.size;
        numbers.set(text, number);
      }
      numberOf[term] = number;
    }
  }
  const holders = sourcesByTerm(sources, numbers.size);
  const largest = Math.max(1, ...inputs.map(({ segment }) => Math.max(segment.chunkCount, segment.fileCount)));
  const documents = new Uint32Array(largest);
  const counts = new Uint8Array(largest);
  const all = { documents: new Uint32Array(largest * 2), counts: new Uint8Array(largest * 2) };
  for (const text of sortTerms([...numbers.keys()])) {
    const number = numbers.get(text) as number;
    for (let f = 0; f < FIELDS.length; f++) {
      let length = 0;
      for (let i = holders.starts[number]; i < holders.starts[number + 1]; i++) {
        const { segment, numberOf, cursors, chunkTo, fileTo } = sources[holders.sources[i]];
        const cursor = cursors[f];
        if (cursor.next >= cursor.terms.length || numberOf[cursor.terms[cursor.next]] !== number) continue;
        const count = segment.postingList(FIELDS[f], cursor.next++, documents, counts);
        if (length + count > all.documents.length) {
          all.documents = doubled(all.documents, length + count);
          all.counts = doubled(all.counts, length + count);
        }
        const to = FIELDS[f] === "path" ? fileTo : chunkTo;
        for (let j = 0; j < count; j++) {
          const document = to[documents[j]];
          if (document < 0) continue;
          all.documents[length] = document;
          all.counts[length++] = counts[j];
        }
      }
      writer.postings(FIELDS[f], all.documents, all.counts, 0, length);
    }
    writer.term(text);
  }
  return writer.finish(allocate);
}

/** Copies the living files of a segment and says where its files and chunks went; -1 is nowhere. */
function copyFiles(writer: SegmentWriter, segment: Segment, dead: Uint8Array) {
  const chunkTo = new Int32Array(segment.chunkCount).fill(-1);
  const fileTo = new Int32Array(segment.fileCount).fill(-1);
  const strings = new Map<number, number>();
  for (let file = 0; file < segment.fileCount; file++) {
    if (dead[file] === 1) continue;
    fileTo[file] = writer.fileCount;
    const first = segment.firstChunk[file];
    for (let chunk = first; chunk < segment.firstChunk[file + 1]; chunk++) {
      chunkTo[chunk] = writer.chunkCount + chunk - first;
    }
    writer.copyFile(segment, file, strings);
  }
  const cursors = FIELDS.map((field) => ({ terms: segment.fieldTerms(field), next: 0 }));
  return { segment, chunkTo, fileTo, cursors, numberOf: new Uint32Array(segment.termCount) };
}

/** Which sources have a term, by the term's number: `sources[starts[n] .. starts[n + 1]]`, in their order. */
function sourcesByTerm(sources: readonly { numberOf: Uint32Array }[], terms: number) {
  const starts = new Uint32Array(terms + 1);
  for (const { numberOf } of sources) for (const number of numberOf) starts[number + 1]++;
  for (let n = 0; n < terms; n++) starts[n + 1] += starts[n];
  const next = starts.slice();
  const positions = new Uint32Array(starts[terms]);
  sources.forEach(({ numberOf }, position) => {
    for (const number of numberOf) positions[next[number]++] = position;
  });
  return { starts, sources: positions };
}

function doubled<A extends Uint32Array | Uint8Array>(array: A, least: number): A {
  const size = Math.max(array.length * 2, least);
  const larger = new (array.constructor as new (length: number) => A)(size);
  larger.set(array);
  return larger;
}

/** Sorts terms by their UTF-8 bytes, the order in which segments keep them. UTF-16 order differs only where surrogates occur. */
function sortTerms(terms: string[]): string[] {
  if (terms.some((term) => /[\ud800-\udfff]/.test(term))) {
    return terms.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }
  return terms.sort();
}

/** Postings of one field as they come, grouped by term afterwards with a counting sort. */
class Gathered {
  readonly #terms = words();
  readonly #documents = words();
  readonly #counts = new Column(new Uint8Array(256));
  #starts = new Uint32Array(0);
  #sorted = { documents: new Uint32Array(0), counts: new Uint8Array(0) };

  add(term: number, document: number, count: number): void {
    this.#terms.push(term);
    this.#documents.push(document);
    this.#counts.push(Math.min(count, 255));
  }

  group(terms: number): void {
    const { length } = this.#terms;
    const termOf = this.#terms.view();
    const documents = this.#documents.view();
    const counts = this.#counts.view();
    const starts = new Uint32Array(terms + 1);
    for (let i = 0; i < length; i++) starts[termOf[i] + 1]++;
    for (let i = 0; i < terms; i++) starts[i + 1] += starts[i];
    const next = starts.slice();
    this.#sorted = { documents: new Uint32Array(length), counts: new Uint8Array(length) };
    for (let i = 0; i < length; i++) {
      const at = next[termOf[i]]++;
      this.#sorted.documents[at] = documents[i];
      this.#sorted.counts[at] = counts[i];
    }
    this.#starts = starts;
  }

  emit(writer: SegmentWriter, field: Field, term: number): void {
    const { documents, counts } = this.#sorted;
    writer.postings(field, documents, counts, this.#starts[term], this.#starts[term + 1]);
  }
}
