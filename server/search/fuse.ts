import type { Candidate, Candidates } from "./candidates.ts";
import type { QueryKind } from "./query.ts";

/** How much of the evidence is meaning, the rest being words, by kind of query. */
const SEMANTIC_SHARE: Record<QueryKind, number> = { symbol: 0.3, path: 0.3, words: 0.5, question: 0.5 };

/** So much of the similarity that any chunk of the code base has counts as none. */
const COMMON_SHARE = 0.5;

/**
 * One number from 0 to 1 for each candidate, in their order: both kinds of evidence relative to the best of their kind.
 * Scores, not ranks, are fused: a clear winner stays one.
 * @param useSemantic false leaves lexical evidence alone
 */
export function fuse({ list, commonCosine }: Candidates, kind: QueryKind, useSemantic = true): Float64Array {
  const floor = COMMON_SHARE * Math.max(0, commonCosine);
  let bestLexical = 0;
  let bestCosine = 0;
  for (const candidate of list) {
    bestLexical = Math.max(bestLexical, candidate.lexical);
    bestCosine = Math.max(bestCosine, candidate.cosine);
  }
  const share = bestCosine > floor && useSemantic ? SEMANTIC_SHARE[kind] : 0;
  const meaning = (candidate: Candidate) => Math.max(0, candidate.cosine - floor) / (bestCosine - floor);
  return Float64Array.from(list, (candidate) => {
    const words = bestLexical > 0 ? candidate.lexical / bestLexical : 0;
    return share > 0 ? (1 - share) * words + share * meaning(candidate) : words;
  });
}
