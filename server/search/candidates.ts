import type { Segment, Snapshot } from "../store/segment.ts";
import { type Closeness, offerKnown } from "./closeness.ts";
import { definitionsOf } from "./definitions.ts";
import { allowedChunks, type Filter } from "./filter.ts";
import { BLOCK, lexicalScores, type WeighedTerm, weighTerms } from "./lexical.ts";
import type { ParsedQuery } from "./query.ts";
import { offerClosest } from "./semantic.ts";
import { type Precedes, TopList } from "./top-list.ts";

/** A chunk worth ranking, with its raw evidence. */
export interface Candidate {
  /** Position of the view in the snapshot; chunk and file are numbers of its segment. */
  readonly view: number;
  readonly chunk: number;
  readonly file: number;
  /** BM25F; zero without a match. */
  readonly lexical: number;
  /** Cosine with the query; zero when the query has no vector. */
  readonly cosine: number;
  /** Which of the query's terms match, one bit each (see {@link termBit}). */
  readonly matched: number;
}

export interface Candidates {
  readonly terms: readonly WeighedTerm[];
  /** The best lexical and the best semantic matches and the definitions of what the query names, in no order. */
  readonly list: readonly Candidate[];
  /** Cosine of the last of the best semantic matches: what much of this code base comes to. */
  readonly commonCosine: number;
}

/** So many of each side are ranked. More adds noise to the evidence of a file, fewer loses answers. */
const BEST_OF_EACH = 50;
/**
 * From this cosine on, query and chunk are about the same thing. The best chunk for a sensible question reaches 0.4 to
 * 0.9, for one about something else entirely 0.1 to 0.3: without a common word that is no hit.
 */
export const CLOSE_COSINE = 0.3;
/** Names of one query whose definitions are looked up. */
const MOST_SYMBOLS = 8;

/** What is known of a question's meaning: its vector by the bundled model, or what another model says of every chunk. */
export type Meaning = Int8Array | Closeness;

/** Retrieves from every view what the filter allows; hidden files never come. */
export function retrieve(
  snapshot: Snapshot,
  query: ParsedQuery,
  meaning: Meaning | undefined,
  filter: Filter | undefined,
): Candidates {
  const { views } = snapshot;
  const terms = weighTerms(snapshot, query);
  const lexical = lexicalScores(snapshot, terms);
  const allowed = views.map((view) => allowedChunks(view, filter));
  const required = requiredBits(query);
  const mayBeFound = (view: number, chunk: number) =>
    (lexical[view].matched[chunk] & required) === required && allowed[view]?.[chunk] !== 0;

  const places = firstPlaces(snapshot);
  const precedes = orderOf(snapshot, places);
  const bestByWords = new TopList(BEST_OF_EACH, precedes);
  const chosen = views.map(() => new Set<number>());
  const definitions = new TopList(BEST_OF_EACH, precedes);
  views.forEach(({ segment }, view) => {
    const { score, blockBest } = lexical[view];
    let least = Math.max(Number.MIN_VALUE, bestByWords.threshold);
    for (let block = 0; block < blockBest.length; block++) {
      if (blockBest[block] < least) continue;
      const end = Math.min((block + 1) * BLOCK, segment.chunkCount);
      for (let chunk = block * BLOCK; chunk < end; chunk++) {
        if (score[chunk] < least || !mayBeFound(view, chunk)) continue;
        bestByWords.offer(places[view] + chunk, score[chunk]);
        least = Math.max(Number.MIN_VALUE, bestByWords.threshold);
      }
    }
    for (const chunk of definitionsIn(segment, query)) {
      if (mayBeFound(view, chunk)) definitions.offer(places[view] + chunk, 0);
    }
  });
  for (const { item } of [...bestByWords.sorted(), ...definitions.sorted()]) choose(item, places, chosen);

  const cosines = views.map(() => new Map<number, number>());
  let commonCosine = 0;
  if (meaning) {
    const bestByMeaning = new TopList(BEST_OF_EACH, precedes);
    views.forEach((view, v) => {
      const all = required === 0 && allowed[v] === undefined;
      const wanted = all ? undefined : (chunk: number) => mayBeFound(v, chunk);
      const cosine =
        meaning instanceof Int8Array
          ? offerClosest(view, meaning, bestByMeaning, places[v], wanted)
          : offerKnown(meaning.cosines[v], bestByMeaning, places[v], wanted);
      for (const chunk of chosen[v]) cosines[v].set(chunk, cosine(chunk));
    });
    const best = bestByMeaning.sorted();
    commonCosine = best.at(-1)?.score ?? 0;
    for (const { item, score } of best) {
      if (score < CLOSE_COSINE) break;
      const { view, chunk } = choose(item, places, chosen);
      cosines[view].set(chunk, score);
    }
  }

  const list = views.flatMap(({ segment }, view) =>
    [...chosen[view]].map(
      (chunk): Candidate => ({
        view,
        chunk,
        file: segment.chunkFile[chunk],
        lexical: lexical[view].score[chunk],
        cosine: cosines[view].get(chunk) ?? 0,
        matched: lexical[view].matched[chunk],
      }),
    ),
  );
  return { terms, list, commonCosine };
}

/** The bit of a query's term by its position; terms beyond the 32nd share the last. */
export function termBit(position: number): number {
  return 1 << Math.min(position, 31);
}

/** The bits of the terms of quoted phrases. */
function requiredBits({ terms, required }: ParsedQuery): number {
  return terms.reduce((bits, term, i) => (required.includes(term) ? bits | termBit(i) : bits), 0);
}

/** Number of each view's first chunk when all chunks of the snapshot are counted through. */
function firstPlaces({ views }: Snapshot): number[] {
  let next = 0;
  return views.map(({ segment }) => {
    next += segment.chunkCount;
    return next - segment.chunkCount;
  });
}

function choose(
  item: number,
  places: readonly number[],
  chosen: readonly Set<number>[],
): { view: number; chunk: number } {
  const place = placeOf(item, places);
  chosen[place.view].add(place.chunk);
  return place;
}

function placeOf(item: number, places: readonly number[]): { view: number; chunk: number } {
  const view = places.findLastIndex((place) => place <= item);
  return { view, chunk: item - places[view] };
}

/** Chunks that define what the query names: they are ranked however little else speaks for them. */
function definitionsIn(segment: Segment, { symbols }: ParsedQuery): Set<number> {
  return new Set(symbols.slice(0, MOST_SYMBOLS).flatMap((symbol) => definitionsOf(segment, symbol)));
}

/**
 * Which of equally good chunks comes first: what one index finds, another of the same files must find, in whatever order
 * they were indexed. Lines are compared before paths because most differ in them.
 */
function orderOf({ views }: Snapshot, places: readonly number[]): Precedes {
  return (item, other) => {
    const one = placeOf(item, places);
    const two = placeOf(other, places);
    const [segment, otherSegment] = [views[one.view].segment, views[two.view].segment];
    const [line, otherLine] = [segment.startLine[one.chunk], otherSegment.startLine[two.chunk]];
    if (line !== otherLine) return line < otherLine;
    const [path, otherPath] = [pathOf(segment, one.chunk), pathOf(otherSegment, two.chunk)];
    return path === otherPath ? item < other : path < otherPath;
  };
}

function pathOf(segment: Segment, chunk: number): string {
  return segment.path(segment.chunkFile[chunk]);
}
