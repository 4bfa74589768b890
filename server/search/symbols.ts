import type { SymbolHit } from "../../shared/search-types.ts";
import type { Segment, Snapshot } from "../store/segment.ts";

interface Match {
  segment: Segment;
  chunk: number;
  name: string;
  worth: number;
}

/**
 * The symbols whose names hold the letters of the query in order, whatever their case: `rWB` finds `retryWithBackoff`.
 * Whole names first, then beginnings, then words, then scattered letters; shorter names before longer ones.
 * An empty query gives the first symbols there are.
 */
export function findSymbols(snapshot: Snapshot, query: string, limit: number): SymbolHit[] {
  const asked = query.trim().toLowerCase();
  const matches: Match[] = [];
  for (const { segment, dead } of snapshot.views) {
    const worths = new Map<number, { name: string; worth: number }>();
    for (let chunk = 0; chunk < segment.chunkCount; chunk++) {
      if (dead[segment.chunkFile[chunk]] === 1) continue;
      const kind = segment.kind(chunk);
      if (kind === "text" || kind === "section") continue;
      const reference = segment.columns.name[chunk];
      let known = worths.get(reference);
      if (known === undefined) {
        const name = segment.string(reference);
        known = { name, worth: name === "" ? 0 : worthOf(name, asked) };
        worths.set(reference, known);
      }
      if (known.worth > 0) matches.push({ segment, chunk, name: known.name, worth: known.worth });
    }
  }
  matches.sort((a, b) => b.worth - a.worth || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return distinct(matches, limit);
}

/** Zero without a match, else more the better; a name's length breaks ties. */
function worthOf(name: string, asked: string): number {
  if (asked === "") return 1;
  const lower = name.toLowerCase();
  const short = 1 / (1 + name.length);
  if (lower === asked) return 4 + short;
  const at = lower.indexOf(asked);
  if (at === 0) return 3 + short;
  if (at > 0) return 2 + short + (isWordStart(name, at) ? 0.5 : 0);
  let from = 0;
  for (const letter of asked) {
    if (letter === " ") continue;
    const found = lower.indexOf(letter, from);
    if (found < 0) return 0;
    from = found + 1;
  }
  return 1 + short;
}

function isWordStart(name: string, at: number): boolean {
  return /[^\p{L}\p{N}]/u.test(name[at - 1]) || (/\p{Lu}/u.test(name[at]) && !/\p{Lu}/u.test(name[at - 1]));
}

/** A long function is several chunks: its symbol counts once, from its first line to its last. */
function distinct(matches: readonly Match[], limit: number): SymbolHit[] {
  const hits = new Map<string, SymbolHit>();
  for (const { segment, chunk, name } of matches) {
    const path = segment.path(segment.chunkFile[chunk]);
    const parents = segment.parents(chunk);
    const startLine = segment.startLine[chunk];
    const endLine = segment.endLine[chunk];
    const key = [path, ...parents, name, segment.signature(chunk)].join("\0");
    const known = hits.get(key);
    if (known) {
      known.startLine = Math.min(known.startLine, startLine);
      known.endLine = Math.max(known.endLine, endLine);
    } else {
      if (hits.size === limit) break;
      hits.set(key, { path, name, kind: segment.kind(chunk), parents, startLine, endLine });
    }
  }
  return [...hits.values()];
}
