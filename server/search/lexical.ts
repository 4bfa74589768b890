import type { Field, Segment, SegmentView, Snapshot } from "../store/segment.ts";
import type { ParsedQuery } from "./query.ts";

/** The constants of BM25F: saturation, and weight and length normalisation of each field. */
const BM25 = {
  k1: 1.5,
  body: { weight: 1, b: 0.5 },
  symbol: { weight: 2, b: 0.5 },
  doc: { weight: 1, b: 0.5 },
  path: { weight: 3, b: 0.5 },
};

/** One word of the query: the index terms that count as it, and what a match is worth (inverse document frequency). */
export interface WeighedTerm {
  readonly variants: readonly string[];
  readonly weight: number;
}

/** Lexical evidence of one view. Its arrays are scratch memory of the segment, valid until the next query. */
export interface LexicalScores {
  /** BM25F by chunk, zero without a match. */
  readonly score: Float32Array;
  /** Which terms match, one bit each; terms beyond the 32nd share the last bit. */
  readonly matched: Uint32Array;
  /** The highest score of each {@link BLOCK} of chunks: most blocks have none of the best. */
  readonly blockBest: Float32Array;
}

/** So many chunks, one after the other, are a block. */
export const BLOCK = 256;

/**
 * The terms of a query with their weights over the whole snapshot. The last word also stands for the words that begin
 * with it while it is not a word of the index itself, so that results come while it is being typed.
 */
export function weighTerms(snapshot: Snapshot, query: ParsedQuery): WeighedTerm[] {
  const total = totals(snapshot);
  return query.terms.map((term) => {
    const unfinished = term === query.prefix && !isKnown(snapshot, term);
    const variants = unfinished ? completions(snapshot, term) : [term];
    return { variants, weight: inverseFrequency(snapshot, variants, total) };
  });
}

/** BM25F of every chunk of every view, in the order of the views, with statistics over the whole snapshot. */
export function lexicalScores(snapshot: Snapshot, terms: readonly WeighedTerm[]): LexicalScores[] {
  const averages = averageLengths(totals(snapshot));
  return snapshot.views.map(({ segment }) => {
    const scratch = scratchOf(segment);
    scratch.score.fill(0);
    scratch.matched.fill(0);
    scratch.blockBest.fill(0);
    terms.forEach(({ variants, weight }, i) => {
      for (const variant of variants) {
        const term = segment.findTerm(variant);
        if (term >= 0) gather(segment, scratch, term, averages);
      }
      settle(scratch, weight, 1 << Math.min(i, 31));
    });
    return scratch;
  });
}

const FIELDS_OF_CHUNKS = ["body", "symbol", "doc"] as const;
const SHORTEST_PREFIX = 2;
/** So many terms of the index are looked at for the completions of a word, and so many taken. */
const MOST_EXAMINED = 2_000;
const MOST_COMPLETIONS = 16;

interface Totals {
  files: number;
  chunks: number;
  length: Record<Field, number>;
}

const FIELDS = [...FIELDS_OF_CHUNKS, "path"] as const;

function totals(snapshot: Snapshot): Totals {
  const sum: Totals = { files: 0, chunks: 0, length: { body: 0, symbol: 0, doc: 0, path: 0 } };
  for (const view of snapshot.views) {
    const { files, chunks, length } = totalsOf(view);
    sum.files += files;
    sum.chunks += chunks;
    for (const field of FIELDS) sum.length[field] += length[field];
  }
  return sum;
}

/** A view never changes, so that what it hides is added up once. */
const totalsOfViews = new WeakMap<SegmentView, Totals>();

/**
 * What of a view is alive. Hidden files would go on weighing words until a merge drops them, and after a few hundred
 * saves of a small folder they are most of it.
 */
function totalsOf(view: SegmentView): Totals {
  const known = totalsOfViews.get(view);
  if (known) return known;
  const { segment, dead } = view;
  const sum: Totals = { files: segment.fileCount, chunks: segment.chunkCount, length: { ...segment.totalLength } };
  for (let file = dead.indexOf(1); file >= 0; file = dead.indexOf(1, file + 1)) {
    const [from, to] = [segment.firstChunk[file], segment.firstChunk[file + 1]];
    sum.files--;
    sum.chunks -= to - from;
    sum.length.path -= segment.pathLength[file];
    for (const field of FIELDS_OF_CHUNKS) {
      const lengths = lengthsOf(segment, field);
      for (let chunk = from; chunk < to; chunk++) sum.length[field] -= lengths[chunk];
    }
  }
  totalsOfViews.set(view, sum);
  return sum;
}

/** Below so many chunks every hidden one is looked at; of more, so small a share may go on weighing words. */
const COUNTED_EXACTLY = 20_000;
const NEGLIGIBLE_SHARE = 0.01;

/** In how many living chunks, or files for the path, a term of the view's segment occurs. */
function frequencyIn(view: SegmentView, field: Field, term: number): number {
  const { segment, dead } = view;
  const { files, chunks } = totalsOf(view);
  const hidden = segment.chunkCount - chunks;
  const isLarge = segment.chunkCount >= COUNTED_EXACTLY;
  if (files === segment.fileCount || (isLarge && hidden < segment.chunkCount * NEGLIGIBLE_SHARE)) {
    return segment.frequency(field, term);
  }
  const { documents, counts } = scratchOf(segment);
  const found = segment.postings(field, term, documents, counts);
  let alive = 0;
  for (let i = 0; i < found; i++) alive += 1 - dead[field === "path" ? documents[i] : segment.chunkFile[documents[i]]];
  return alive;
}

function averageLengths({ files, chunks, length }: Totals): Readonly<Record<Field, number>> {
  const average = (field: Field, count: number) => (length[field] > 0 ? length[field] / count : 1);
  return {
    body: average("body", chunks),
    symbol: average("symbol", chunks),
    doc: average("doc", chunks),
    path: average("path", files),
  };
}

/** A term that stands in many paths is as common as the share of files it names. */
function inverseFrequency(snapshot: Snapshot, variants: readonly string[], { files, chunks }: Totals): number {
  let inChunks = 0;
  let inPaths = 0;
  for (const variant of variants) {
    let inBodies = 0;
    let inSymbols = 0;
    for (const view of snapshot.views) {
      const term = view.segment.findTerm(variant);
      if (term < 0) continue;
      inBodies += frequencyIn(view, "body", term);
      inSymbols += frequencyIn(view, "symbol", term);
      inPaths += frequencyIn(view, "path", term);
    }
    // A chunk that declares a name says it in its body too, as a rule.
    inChunks += Math.max(inBodies, inSymbols);
  }
  const share = Math.min(1, Math.max(inChunks / Math.max(1, chunks), inPaths / Math.max(1, files)));
  const count = share * chunks;
  return Math.log(1 + (chunks - count + 0.5) / (count + 0.5));
}

function isKnown(snapshot: Snapshot, term: string): boolean {
  return snapshot.views.some((view) => {
    const known = view.segment.findTerm(term);
    return known >= 0 && FIELDS.some((field) => frequencyIn(view, field, known) > 0);
  });
}

/** The most frequent terms that begin with the prefix. */
function completions(snapshot: Snapshot, prefix: string): string[] {
  if (prefix.length < SHORTEST_PREFIX) return [];
  const frequency = new Map<string, number>();
  for (const view of snapshot.views) {
    const { segment } = view;
    const [from, to] = segment.prefixRange(prefix);
    const found: [number, number][] = [];
    for (let term = from; term < Math.min(to, from + MOST_EXAMINED); term++) {
      found.push([term, frequencyIn(view, "body", term)]);
    }
    found.sort((a, b) => b[1] - a[1]);
    for (const [term, count] of found.slice(0, MOST_COMPLETIONS)) {
      const text = segment.term(term);
      frequency.set(text, (frequency.get(text) ?? 0) + count);
    }
  }
  const ordered = [...frequency].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return ordered.slice(0, MOST_COMPLETIONS).map(([term]) => term);
}

/** Adds the normalised frequency of one term in all fields to what is pending. */
function gather(segment: Segment, scratch: Scratch, term: number, averages: Readonly<Record<Field, number>>): void {
  const { documents, counts } = scratch;
  for (const field of FIELDS_OF_CHUNKS) {
    const found = segment.postings(field, term, documents, counts);
    const lengths = lengthsOf(segment, field);
    const { weight, b } = BM25[field];
    const perLength = b / averages[field];
    for (let i = 0; i < found; i++) {
      const chunk = documents[i];
      scratch.add(chunk, (weight * counts[i]) / (1 - b + perLength * lengths[chunk]));
    }
  }
  const found = segment.postings("path", term, documents, counts);
  const { weight, b } = BM25.path;
  const perLength = b / averages.path;
  for (let i = 0; i < found; i++) {
    const file = documents[i];
    const gain = (weight * counts[i]) / (1 - b + perLength * segment.pathLength[file]);
    const end = segment.firstChunk[file + 1];
    for (let chunk = segment.firstChunk[file]; chunk < end; chunk++) scratch.add(chunk, gain);
  }
}

/** Turns what is pending for one word of the query into its score. */
function settle(scratch: Scratch, weight: number, bit: number): void {
  const { pending, touched, score, matched, blockBest } = scratch;
  const { k1 } = BM25;
  for (let i = 0; i < scratch.touchedCount; i++) {
    const chunk = touched[i];
    const frequency = pending[chunk];
    pending[chunk] = 0;
    score[chunk] += (weight * frequency) / (k1 + frequency);
    matched[chunk] |= bit;
    const block = Math.floor(chunk / BLOCK);
    if (score[chunk] > blockBest[block]) blockBest[block] = score[chunk];
  }
  scratch.touchedCount = 0;
}

function lengthsOf(segment: Segment, field: "body" | "symbol" | "doc"): Uint16Array {
  if (field === "body") return segment.bodyLength;
  return field === "symbol" ? segment.symbolLength : segment.docLength;
}

/** Working memory of one segment, kept as long as the segment lives so that a query allocates nothing of its size. */
class Scratch implements LexicalScores {
  readonly score: Float32Array;
  readonly matched: Uint32Array;
  readonly blockBest: Float32Array;
  readonly pending: Float32Array;
  readonly touched: Uint32Array;
  touchedCount = 0;
  readonly documents: Uint32Array;
  readonly counts: Uint8Array;

  constructor({ chunkCount, fileCount }: Segment) {
    this.score = new Float32Array(chunkCount);
    this.matched = new Uint32Array(chunkCount);
    this.blockBest = new Float32Array(Math.ceil(chunkCount / BLOCK));
    this.pending = new Float32Array(chunkCount);
    this.touched = new Uint32Array(chunkCount);
    this.documents = new Uint32Array(Math.max(chunkCount, fileCount));
    this.counts = new Uint8Array(Math.max(chunkCount, fileCount));
  }

  add(chunk: number, frequency: number): void {
    if (this.pending[chunk] === 0) this.touched[this.touchedCount++] = chunk;
    this.pending[chunk] += frequency;
  }
}

const scratches = new WeakMap<SegmentView["segment"], Scratch>();

function scratchOf(segment: Segment): Scratch {
  let scratch = scratches.get(segment);
  if (!scratch) {
    scratch = new Scratch(segment);
    scratches.set(segment, scratch);
  }
  return scratch;
}
