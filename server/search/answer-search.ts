import { joined, type Phrase, phrase } from "../../shared/phrase.ts";
import type { SearchAnswer, SearchHit, SearchRequest } from "../../shared/search-types.ts";
import type { Segment, Snapshot } from "../store/segment.ts";
import { anchored, type Declaration } from "./anchor.ts";
import type { Meaning } from "./candidates.ts";
import { filterOf } from "./filter.ts";
import { previewOf } from "./preview.ts";
import { type ParsedQuery, parseQuery } from "./query.ts";
import type { ScanHit } from "./scan-rank.ts";
import { type RankedChunk, searchSnapshot } from "./search.ts";
import { lineReaderOf } from "./shown-line.ts";

const DEFAULT_LIMIT = 10;
const LARGEST_LIMIT = 100;
/** So many further hits are ranked, for those whose text has gone. */
const SPARE_HITS = 20;

const NOT_INDEXED = phrase("not indexed yet");

/** What a search works on, as it is at one moment. */
export interface SearchSource {
  snapshot: Snapshot;
  /** True when every file of the workspace is in the snapshot. */
  complete: boolean;
  /** True when files are known to be missing from the snapshot: their text is searched. */
  lacking: boolean;
  /** What a question, or a piece of code, means to the model that searches; undefined when it knows no word of it. */
  meaningOf(text: string, signal?: AbortSignal): Meaning | undefined | Promise<Meaning | undefined>;
  /** Searches the text of files that are not in the snapshot yet. */
  scan(terms: readonly string[], limit: number, signal?: AbortSignal): Promise<readonly ScanHit[]>;
  /**
   * A file by its path relative to the root; undefined when it cannot be read any more.
   * @param indexed as what its content is in the snapshot; undefined for a file that is not in it.
   */
  readText(path: string, indexed?: { language: string; content: string }): FileNow | undefined;
  /** Cairn's id of the language of a path. */
  languageOf(path: string): string;
  /** Every language id that may be asked for. */
  languages: readonly string[];
}

/** A file as it is on screen or on disk. */
export interface FileNow {
  text: string;
  /** True when that is not what was indexed. */
  changed: boolean;
}

/**
 * Answers a search from the index, and from the files themselves where the index is not complete yet.
 * @throws CairnError("input") for a filter that is not known; the signal's reason when aborted.
 */
export async function answerSearch(
  source: SearchSource,
  request: SearchRequest,
  signal?: AbortSignal,
): Promise<SearchAnswer<Phrase>> {
  const started = performance.now();
  const query = parseQuery(request.query);
  const notes = [query.note];
  const limit = Math.max(0, Math.min(Math.floor(request.limit ?? DEFAULT_LIMIT), LARGEST_LIMIT));
  const { snapshot, complete, lacking, languages } = source;
  const filter = filterOf(request, languages);
  const wanted = { ...request, limit: limit === 0 ? 0 : limit + SPARE_HITS };
  const meaning = await source.meaningOf(query.text, signal);
  const ranked = searchSnapshot(snapshot, wanted, meaning, { languages }, query);
  const found = indexedHits(source, query, ranked, limit);
  if (lacking && query.terms.length > 0 && (request.kinds ?? []).length === 0) {
    const known = new Set(found.map((hit) => hit.path));
    const scanned = await source.scan(query.terms, limit, signal);
    const fresh = scanned.filter(
      ({ path }) => !known.has(path) && (filter?.file(path, source.languageOf(path)) ?? true),
    );
    const best = found[0]?.score ?? 1;
    for (const hit of fresh) found.push(scannedHit(source, query, hit, best));
    found.sort((a, b) => b.score - a.score);
  }
  signal?.throwIfAborted();
  if (found.length === 0 && query.required.length > 0 && limit > 0) {
    // A pasted error message quotes what was different that time: the code that says it has none of it.
    const without = { ...query, required: [] };
    const near = searchSnapshot(snapshot, wanted, meaning, { languages }, without);
    found.push(...indexedHits(source, without, near, limit));
    if (found.length > 0)
      notes.push(phrase("Nothing has all that stands in quotes: these are the closest without it."));
  }
  const note = joined(notes, " ");
  return { hits: found.slice(0, limit), complete, note, tookMs: performance.now() - started };
}

/**
 * The first hits of the index as the shells show them, with the lines that matched the query. What was changed since it
 * was indexed is shown where it stands now, and left out when it has gone.
 */
export function indexedHits(
  source: SearchSource,
  query: ParsedQuery,
  ranked: readonly RankedChunk[],
  limit: number,
): SearchHit<Phrase>[] {
  const hits: SearchHit<Phrase>[] = [];
  for (const one of ranked) {
    if (hits.length === limit) break;
    const hit = indexedHit(source, query, one);
    if (hit) hits.push(hit);
  }
  return hits;
}

function indexedHit(source: SearchSource, query: ParsedQuery, hit: RankedChunk): SearchHit<Phrase> | undefined {
  const { segment } = source.snapshot.views[hit.view];
  const path = segment.path(hit.file);
  const name = segment.name(hit.chunk);
  const now = source.readText(path, { language: segment.language(hit.file), content: segment.content(hit.file) });
  const chunk = {
    startLine: segment.startLine[hit.chunk],
    endLine: segment.endLine[hit.chunk],
  };
  const place = now?.changed
    ? anchored(now.text, { ...chunk, declared: declarationsOf(segment, hit.chunk) }, query.terms)
    : chunk;
  if (!now || !place) return undefined;
  const { startLine, endLine } = place;
  return {
    path,
    startLine,
    endLine,
    ...previewOf(now.text, { startLine, endLine, name }, query, lineReaderOf(path)),
    score: hit.score,
    language: segment.language(hit.file),
    kind: segment.kind(hit.chunk),
    name,
    parents: segment.parents(hit.chunk),
    reason: hit.reason,
    indexed: true,
  };
}

/** What a chunk declares, with the signature of what it is named after. */
function declarationsOf(segment: Segment, chunk: number): Declaration[] {
  const name = segment.name(chunk);
  const symbols = segment.symbols(chunk);
  const own = symbols.find((symbol) => symbol.name === name);
  const others = symbols.filter((symbol) => symbol !== own).map(({ name, line }) => ({ name, line, signature: "" }));
  return own ? [{ name, line: own.line, signature: segment.signature(chunk) }, ...others] : others;
}

/**
 * A hit of the text scan stands among those of the index by the share of the query's words that it has: with all of
 * them it comes first, for the best of a part of the index need not be good.
 */
export function scannedHit(source: SearchSource, query: ParsedQuery, hit: ScanHit, best: number): SearchHit<Phrase> {
  const share = hit.matchedTerms.length / query.terms.length;
  return {
    path: hit.path,
    startLine: hit.startLine,
    endLine: hit.endLine,
    ...shown(source, query, hit.path, hit.startLine, hit.endLine),
    score: best * (0.5 + 0.6 * share),
    language: source.languageOf(hit.path),
    kind: "text",
    name: "",
    parents: [],
    reason: joined(
      [NOT_INDEXED, phrase("its text has {0}", hit.matchedTerms.map((term) => `"${term}"`).join(", "))],
      " · ",
    ),
    indexed: false,
  };
}

function shown(
  source: SearchSource,
  query: ParsedQuery,
  path: string,
  startLine: number,
  endLine: number,
): Pick<SearchHit, "focusLine" | "preview"> {
  const now = source.readText(path);
  if (now === undefined) return { focusLine: startLine, preview: [] };
  return previewOf(now.text, { startLine, endLine, name: "" }, query, lineReaderOf(path));
}
