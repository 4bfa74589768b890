import { CHUNK_KINDS, type SymbolHit } from "../../shared/search-types.ts";
import type { SegmentView, Snapshot } from "../store/segment.ts";
import { NameMatcher } from "./name-match.ts";
import { TopList } from "./top-list.ts";

/**
 * The symbols whose names hold the letters of the query in order, whatever their case: `rWB` finds `retryWithBackoff`.
 * Whole names first, then beginnings, then words, then scattered letters; shorter names before longer ones. An empty
 * query gives the first symbols there are. Headings are found only where no declaration is.
 */
export function findSymbols(snapshot: Snapshot, query: string, limit: number): SymbolHit[] {
  const find = query.trim() === "" ? firstSymbols : bestSymbols;
  const declarations = find(snapshot, query, limit, false);
  return declarations.length > 0 ? declarations : find(snapshot, query, limit, true);
}

const HEADING = CHUNK_KINDS.indexOf("section");

function firstSymbols({ views }: Snapshot, _query: string, limit: number, headings: boolean): SymbolHit[] {
  const hits: SymbolHit[] = [];
  for (const view of views) {
    const { segment, dead } = view;
    for (let chunk = 0; chunk < segment.chunkCount; chunk++) {
      if (dead[segment.chunkFile[chunk]] === 1) continue;
      for (let symbol = segment.firstSymbol[chunk]; symbol < segment.firstSymbol[chunk + 1]; symbol++) {
        if (hits.length >= limit) return hits;
        if ((segment.columns.symbolKind[symbol] === HEADING) === headings) hits.push(hitOf(view, symbol));
      }
    }
  }
  return hits;
}

function bestSymbols({ views }: Snapshot, query: string, limit: number, headings: boolean): SymbolHit[] {
  const matcher = new NameMatcher(query);
  const best = new TopList(limit);
  const matches = views.map((view) => matchesIn(view, matcher, headings, best));
  // Each of the best names has a symbol at least, so that worse ones are not needed.
  const least = best.threshold;
  return matches
    .flatMap((match) => symbolsByName(match, least, limit))
    .sort((a, b) => b.worth - a.worth || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .flatMap(({ view, symbols }) => symbols.map((symbol) => ({ view, symbol })))
    .slice(0, limit)
    .map(({ view, symbol }) => hitOf(view, symbol));
}

interface Matches {
  readonly view: SegmentView;
  /** By string number; zero for what is no name of a living symbol, negative for a name that does not match. */
  readonly worths: Float32Array;
  /** Those whose names match. */
  readonly symbols: readonly number[];
}

/** Offers each name that matches to `best`, once. */
function matchesIn(view: SegmentView, matcher: NameMatcher, headings: boolean, best: TopList): Matches {
  const { segment, dead } = view;
  const { chunkFile, firstSymbol } = segment;
  const { bytes, offsets } = segment.strings;
  const { symbolName, symbolKind, symbolLetters } = segment.columns;
  const { letters } = matcher;
  const worths = new Float32Array(offsets.length);
  const symbols: number[] = [];
  for (let symbol = 0, chunk = 0; symbol < symbolName.length; symbol++) {
    // Most symbols end here, before their names are fetched from all over the memory.
    if ((symbolLetters[symbol] & letters) !== letters) continue;
    const name = symbolName[symbol];
    if (worths[name] < 0 || (symbolKind[symbol] === HEADING) !== headings) continue;
    while (firstSymbol[chunk + 1] <= symbol) chunk++;
    if (dead[chunkFile[chunk]] === 1) continue;
    if (worths[name] === 0) {
      worths[name] = matcher.worth(bytes, offsets[name], offsets[name + 1], best.threshold) || -1;
      if (worths[name] < 0) continue;
      best.offer(name, worths[name]);
    }
    symbols.push(symbol);
  }
  return { view, worths, symbols };
}

interface NamedSymbols {
  readonly view: SegmentView;
  readonly name: string;
  readonly worth: number;
  readonly symbols: number[];
}

/** The symbols of the best names, at most `limit` of each. */
function symbolsByName({ view, worths, symbols }: Matches, least: number, limit: number): NamedSymbols[] {
  const { segment } = view;
  const found = new Map<number, NamedSymbols>();
  for (const symbol of symbols) {
    const name = segment.columns.symbolName[symbol];
    if (worths[name] < least) continue;
    const known = found.get(name);
    if (!known) found.set(name, { view, name: segment.string(name), worth: worths[name], symbols: [symbol] });
    else if (known.symbols.length < limit) known.symbols.push(symbol);
  }
  return [...found.values()];
}

function hitOf({ segment }: SegmentView, symbol: number): SymbolHit {
  const { name, kind, parents, line, endLine } = segment.symbol(symbol);
  const path = segment.path(segment.chunkFile[chunkOf(segment.firstSymbol, symbol)]);
  return { path, name, kind, parents, startLine: line, endLine };
}

/** The chunk whose range of symbols holds the symbol. */
function chunkOf(firstSymbol: Uint32Array, symbol: number): number {
  let low = 0;
  let high = firstSymbol.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (firstSymbol[middle + 1] <= symbol) low = middle + 1;
    else high = middle;
  }
  return low;
}
