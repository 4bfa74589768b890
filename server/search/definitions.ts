import type { Segment } from "../store/segment.ts";
import { fold } from "../text/tokens.ts";
import { plainName } from "./query.ts";

/** So many chunks that hold a name among their symbols are looked at; members of a large class all hold its name. */
const MOST_EXAMINED = 4_000;

/**
 * Chunks of the segment whose own name is the symbol.
 * @param symbol a plain name
 */
export function definitionsOf(segment: Segment, symbol: string): number[] {
  const term = segment.findTerm(fold(symbol));
  if (term < 0) return [];
  const frequency = segment.frequency("symbol", term);
  const documents = new Uint32Array(frequency);
  const found = segment.postings("symbol", term, documents, new Uint8Array(frequency));
  return [...documents.subarray(0, Math.min(found, MOST_EXAMINED))].filter(
    (chunk) => plainName(segment.name(chunk)) === symbol,
  );
}

/**
 * Whether a chunk's signature declares the symbol beside the chunk's own name: small declarations share a chunk.
 * @param symbol a plain name
 */
export function declares(signature: string, symbol: string): boolean {
  for (const [, name] of signature.matchAll(DECLARED)) if (plainName(name) === symbol) return true;
  return false;
}

/** A name after a keyword that declares, or before a parameter list at the start of a signature. */
const DECLARED =
  /(?:\b(?:class|struct|trait|interface|enum|type|function|func|fn|fun|def|module|const|macro|object|protocol|namespace)\s+|(?:^|; )(?:[\w<>[\],.*&?]+\s+)*)([\p{L}_$][\p{L}\p{N}_$]*)/gu;
