import { searchSnapshot } from "../search/search.ts";
import type { Snapshot } from "../store/segment.ts";
import type { Search } from "./scores.ts";

/**
 * Searches an index in memory.
 * @param vectorOf the query's vector, or undefined when it has none
 * @param disable terms of the ranking to leave out
 */
export function searchOf(
  snapshot: Snapshot,
  vectorOf: (query: string) => Int8Array | undefined,
  disable: ReadonlySet<string>,
): Search {
  return (query) =>
    searchSnapshot(snapshot, { query }, vectorOf(query), { disable }).map(({ view, chunk, file }) => {
      const { segment } = snapshot.views[view];
      return { path: segment.path(file), startLine: segment.startLine[chunk], endLine: segment.endLine[chunk] };
    });
}
