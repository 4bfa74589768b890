import type { Segment } from "../store/segment.ts";
import { fold } from "../text/tokens.ts";
import { plainName } from "./query.ts";

/** What a chunk defines of what a query names. */
export interface Definition {
  /** As written. */
  readonly name: string;
  /** Whether the chunk is about it: its first part, not a later one and not a chunk of several declarations. */
  readonly whole: boolean;
}

/** So many chunks that hold a name among their symbols are looked at; members of a large class all hold its name. */
const MOST_EXAMINED = 4_000;

/**
 * Chunks of the segment in which the symbol is declared.
 * @param symbol a plain name (see `plainName`)
 */
export function definitionsOf(segment: Segment, symbol: string): number[] {
  const term = segment.findTerm(fold(symbol));
  if (term < 0) return [];
  const frequency = segment.frequency("symbol", term);
  const documents = new Uint32Array(frequency);
  const found = segment.postings("symbol", term, documents, new Uint8Array(frequency));
  const asked = [symbol];
  return [...documents.subarray(0, Math.min(found, MOST_EXAMINED))].filter(
    (chunk) => declaredIn(segment, chunk, asked) !== undefined,
  );
}

/** The first of the asked symbols (plain names) that the chunk defines or continues to define. */
export function definitionIn(segment: Segment, chunk: number, asked: readonly string[]): Definition | undefined {
  const declared = declaredIn(segment, chunk, asked);
  const own = segment.name(chunk);
  if (declared !== undefined) return { name: declared, whole: declared === own };
  return own !== "" && asked.includes(plainName(own)) ? { name: own, whole: false } : undefined;
}

function declaredIn(segment: Segment, chunk: number, asked: readonly string[]): string | undefined {
  const end = segment.firstSymbol[chunk + 1];
  for (let symbol = segment.firstSymbol[chunk]; symbol < end; symbol++) {
    const name = segment.string(segment.columns.symbolName[symbol]);
    if (asked.includes(plainName(name))) return name;
  }
  return undefined;
}
