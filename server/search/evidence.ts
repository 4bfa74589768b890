import type { Snapshot } from "../store/segment.ts";
import type { Candidate, Candidates } from "./candidates.ts";
import { type Definition, definitionIn } from "./definitions.ts";
import { type FileFacts, fileFacts } from "./file-facts.ts";
import { nearness } from "./nearness.ts";
import type { ParsedQuery } from "./query.ts";

/** The query as the ranking terms see it. */
export interface AskedFor {
  readonly query: ParsedQuery;
  /** Share of each of `query.words` in what the query says, rare words more; they sum to 1. */
  readonly wordShares: readonly number[];
  readonly forTests: boolean;
  readonly forDocuments: boolean;
}

/** What is known of one candidate before its terms are added up. */
export interface Evidence {
  readonly candidate: Candidate;
  readonly facts: FileFacts;
  /** Fused lexical and semantic evidence, 0 to 1. */
  readonly fused: number;
  readonly defines?: Definition;
}

export function askedFor(query: ParsedQuery, { terms }: Candidates): AskedFor {
  const weights = query.words.map((word) => terms[query.terms.indexOf(word)]?.weight ?? 1);
  const total = weights.reduce((sum, weight) => sum + weight, 0) || 1;
  return {
    query,
    wordShares: weights.map((weight) => weight / total),
    forTests: query.words.some((word) => TEST_WORDS.has(word)),
    forDocuments: query.words.some((word) => DOCUMENT_WORDS.has(word)),
  };
}

export function evidenceOf(snapshot: Snapshot, query: ParsedQuery, candidate: Candidate, fused: number): Evidence {
  const { segment } = snapshot.views[candidate.view];
  return {
    candidate,
    facts: fileFacts(segment, candidate.file),
    fused,
    defines: query.symbols.length === 0 ? undefined : definitionIn(segment, candidate.chunk, query.symbols),
  };
}

/** How much of what is asked the words name, 0 to 1. */
export function shareNamed(words: readonly string[], { query, wordShares }: AskedFor): number {
  let share = 0;
  for (let i = 0; i < wordShares.length; i++) {
    let best = 0;
    for (const word of words) best = Math.max(best, nearness(query.words[i], word));
    share += wordShares[i] * best;
  }
  return share;
}

/** How much of the words is asked for, 0 to 1: `retry.ts` says less beside the question than `retry-policy.ts`. */
export function shareAsked(words: readonly string[], { query }: AskedFor): number {
  if (words.length === 0) return 0;
  let sum = 0;
  for (const word of words) {
    let best = 0;
    for (const asked of query.words) best = Math.max(best, nearness(asked, word));
    sum += best;
  }
  return sum / words.length;
}

const TEST_WORDS = new Set(["test", "testing", "tested", "spec", "fixture"]);
const DOCUMENT_WORDS = new Set(["doc", "readme", "changelog", "guide", "tutorial"]);
