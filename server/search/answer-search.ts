import type { SearchAnswer, SearchHit, SearchRequest } from "../../shared/search-types.ts";
import type { Snapshot } from "../store/segment.ts";
import { filterOf } from "./filter.ts";
import { previewOf } from "./preview.ts";
import { type ParsedQuery, parseQuery } from "./query.ts";
import type { ScanHit } from "./scan-rank.ts";
import { type RankedChunk, searchSnapshot } from "./search.ts";

const DEFAULT_LIMIT = 10;
const LARGEST_LIMIT = 100;

/** What a search works on, as it is at one moment. */
export interface SearchSource {
  snapshot: Snapshot;
  /** True when every file of the workspace is in the snapshot. */
  complete: boolean;
  /** True when files are known to be missing from the snapshot: their text is searched. */
  lacking: boolean;
  /** The query's unit vector as int8 codes; undefined when it has no word the model knows. */
  embed(query: string): Int8Array | undefined;
  /** Searches the text of files that are not in the snapshot yet. */
  scan(terms: readonly string[], limit: number, signal?: AbortSignal): Promise<readonly ScanHit[]>;
  /** The text of a file, by its path relative to the root; undefined when it cannot be read any more. */
  readText(path: string): string | undefined;
  /** Cairn's id of the language of a path. */
  languageOf(path: string): string;
  /** Every language id that may be asked for. */
  languages: readonly string[];
}

/**
 * Answers a search from the index, and from the files themselves where the index is not complete yet.
 * @throws CairnError("input") for a filter that is not known; the signal's reason when aborted.
 */
export async function answerSearch(
  source: SearchSource,
  request: SearchRequest,
  signal?: AbortSignal,
): Promise<SearchAnswer> {
  const started = performance.now();
  const query = parseQuery(request.query);
  const limit = Math.max(0, Math.min(Math.floor(request.limit ?? DEFAULT_LIMIT), LARGEST_LIMIT));
  const { snapshot, complete, lacking, languages } = source;
  const filter = filterOf(request, languages);
  const ranked = searchSnapshot(snapshot, { ...request, limit }, source.embed(query.text), { languages }, query);
  const found = ranked.map((hit) => indexedHit(source, query, hit));
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
  return { hits: found.slice(0, limit), complete, note: query.note, tookMs: performance.now() - started };
}

function indexedHit(source: SearchSource, query: ParsedQuery, hit: RankedChunk): SearchHit {
  const { segment } = source.snapshot.views[hit.view];
  const path = segment.path(hit.file);
  const startLine = segment.startLine[hit.chunk];
  const endLine = segment.endLine[hit.chunk];
  const name = segment.name(hit.chunk);
  return {
    path,
    startLine,
    endLine,
    ...shown(source, query, path, startLine, endLine, name),
    score: hit.score,
    language: segment.language(hit.file),
    kind: segment.kind(hit.chunk),
    name,
    parents: segment.parents(hit.chunk),
    reason: hit.reason,
    indexed: true,
  };
}

/**
 * A hit of the text scan stands among those of the index by the share of the query's words that it has: with all of
 * them it comes first, for the best of a part of the index need not be good.
 */
function scannedHit(source: SearchSource, query: ParsedQuery, hit: ScanHit, best: number): SearchHit {
  const share = hit.matchedTerms.length / query.terms.length;
  return {
    path: hit.path,
    startLine: hit.startLine,
    endLine: hit.endLine,
    ...shown(source, query, hit.path, hit.startLine, hit.endLine, ""),
    score: best * (0.5 + 0.6 * share),
    language: source.languageOf(hit.path),
    kind: "text",
    name: "",
    parents: [],
    reason: `not indexed yet · its text has ${hit.matchedTerms.map((term) => `"${term}"`).join(", ")}`,
    indexed: false,
  };
}

function shown(
  source: SearchSource,
  query: ParsedQuery,
  path: string,
  startLine: number,
  endLine: number,
  name: string,
): Pick<SearchHit, "focusLine" | "preview"> {
  const text = source.readText(path);
  if (text === undefined) return { focusLine: startLine, preview: [] };
  return previewOf(text, { startLine, endLine, name }, query);
}
