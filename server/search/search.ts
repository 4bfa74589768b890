import type { Phrase } from "../../shared/phrase.ts";
import type { SearchRequest } from "../../shared/search-types.ts";
import type { Snapshot } from "../store/segment.ts";
import { type Meaning, retrieve } from "./candidates.ts";
import { filterOf } from "./filter.ts";
import { type ParsedQuery, parseQuery } from "./query.ts";
import { type RankOptions, rank } from "./rank.ts";

export interface SearchOptions extends RankOptions {
  /** Language ids that may be filtered by; an id that is not among them is an error. Without it any id is accepted. */
  readonly languages?: readonly string[];
}

/** A hit as numbers of the snapshot it was found in. */
export interface RankedChunk {
  /** Position of the view in the snapshot. */
  readonly view: number;
  /** Numbers within the view's segment. */
  readonly chunk: number;
  readonly file: number;
  readonly score: number;
  /** One line: why this is here. */
  readonly reason: Phrase;
}

const DEFAULT_LIMIT = 10;
const LARGEST_LIMIT = 100;

/**
 * Searches one snapshot; synchronous and without side effects but scratch memory, so one call at a time per thread.
 * @param query the request's query, when the caller has parsed it already
 * @param meaning what `parseQuery(...).text` means; undefined when that is not known: words alone decide then
 * @throws CairnError("input") for a filter by an unknown language or kind
 */
export function searchSnapshot(
  snapshot: Snapshot,
  request: SearchRequest,
  meaning: Meaning | undefined,
  options: SearchOptions = {},
  query: ParsedQuery = parseQuery(request.query),
): RankedChunk[] {
  const filter = filterOf(request, options.languages);
  const limit = Math.max(0, Math.min(request.limit ?? DEFAULT_LIMIT, LARGEST_LIMIT));
  if (query.text === "" || limit === 0) return [];
  const found = retrieve(snapshot, query, meaning, filter);
  const ranked = rank(snapshot, query, found, request.diverse === false ? withoutRepeats(options) : options);
  return ranked.slice(0, limit).map(({ candidate, score, reason }) => ({
    view: candidate.view,
    chunk: candidate.chunk,
    file: candidate.file,
    score,
    reason,
  }));
}

function withoutRepeats({ disable, ...options }: SearchOptions): SearchOptions {
  return { ...options, disable: new Set([...(disable ?? []), "repeats"]) };
}
