import { type AskedFor, type Evidence, shareAsked, shareNamed } from "./evidence.ts";

/** What each term is worth; the unit is the best lexical and semantic evidence together. */
export const WEIGHTS = {
  definition: 1,
  definitionInProse: 0.3,
  sharedDefinition: 0.6,
  fileName: 0.5,
  wholeFileName: 0.5,
  coherence: 0.5,
  tests: 0.5,
  asides: 0.5,
  documents: 0.6,
  depth: 0.02,
  repeats: 0.5,
};

/** Adds to the evidence of one chunk. */
export interface Boost {
  readonly name: string;
  value(evidence: Evidence, asked: AskedFor): number;
  /** For people; undefined when a boost of this kind needs no word. */
  reason(evidence: Evidence): string | undefined;
}

/** Multiplies the score of one chunk; 1 leaves it alone. */
export interface Penalty {
  readonly name: string;
  factor(evidence: Evidence, asked: AskedFor): number;
}

export const BOOSTS: readonly Boost[] = [
  {
    // Who types a name wants its definition; a name within a question is a hint at most.
    name: "definition",
    value({ defines }, { query }) {
      if (!defines) return 0;
      const whole = query.kind === "symbol" ? WEIGHTS.definition : WEIGHTS.definitionInProse;
      return defines.whole ? whole : whole * WEIGHTS.sharedDefinition;
    },
    reason: ({ defines }) => defines && `defines \`${defines.name}\``,
  },
  {
    // Authors name files after what they do.
    name: "file-name",
    value: ({ facts }, asked) => WEIGHTS.fileName * shareNamed(facts.stemWords, asked),
    reason: () => "file name matches",
  },
  {
    // Of `retry.ts` and `retry-budget-report.ts` the first is about retries alone.
    name: "whole-file-name",
    value: ({ facts }, asked) =>
      WEIGHTS.wholeFileName * shareNamed(facts.stemWords, asked) * shareAsked(facts.stemWords, asked),
    reason: () => undefined,
  },
];

export const PENALTIES: readonly Penalty[] = [
  {
    name: "tests",
    factor: ({ facts }, asked) => (facts.isTest && !asked.forTests ? WEIGHTS.tests : 1),
  },
  {
    name: "asides",
    factor: ({ facts }) => (facts.isAside ? WEIGHTS.asides : 1),
  },
  {
    // A search for code; prose about it comes after it.
    name: "documents",
    factor: ({ facts }, asked) => (facts.isDocument && !asked.forDocuments ? WEIGHTS.documents : 1),
  },
  {
    // What is central lies near the root, special cases lie deeper.
    name: "depth",
    factor: ({ facts }) => 1 - WEIGHTS.depth * Math.min(facts.depth, 6),
  },
];
