import { type Phrase, phrase } from "../../shared/phrase.ts";
import { type AskedFor, type Evidence, shareAsked, shareNamed } from "./evidence.ts";

/** What each term is worth; the unit is the best lexical and semantic evidence together. */
export const WEIGHTS = {
  definition: 1,
  definitionInProse: 0.5,
  /** Of a definition, for a chunk that holds others too, or a later part of it. */
  partOfDefinition: 0.5,
  fileName: 0.5,
  path: 1,
  coherence: 0.5,
  asides: 0.6,
  documents: 0.6,
  /** For each folder on the way to the file. */
  depth: 0.02,
  /** For each chunk of the same file before this one. */
  repeats: 0.5,
};

const DEEPEST = 6;

const FILE_NAME_MATCHES = phrase("file name matches");
const PATH_MATCHES = phrase("path matches");

/** Adds to the evidence of one chunk. */
export interface Boost {
  readonly name: string;
  value(evidence: Evidence, asked: AskedFor): number;
  /** For people. */
  reason(evidence: Evidence): Phrase | undefined;
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
      return defines.whole ? whole : whole * WEIGHTS.partOfDefinition;
    },
    reason: ({ defines }) => defines && phrase("defines `{0}`", defines.name),
  },
  {
    // Authors name files after what they do. Of `retry.ts` and `retry-budget-report.ts` the first is about retries alone.
    name: "file-name",
    value: ({ facts }, asked) =>
      WEIGHTS.fileName * shareNamed(facts.stemWords, asked) * (1 + shareAsked(facts.stemWords, asked)),
    reason: () => FILE_NAME_MATCHES,
  },
  {
    // A path, or the end or a part of one, means that file.
    name: "path",
    value: ({ facts }, { query }) => (query.kind === "path" ? WEIGHTS.path * shareOfPath(facts.path, query.text) : 0),
    reason: () => PATH_MATCHES,
  },
];

export const PENALTIES: readonly Penalty[] = [
  {
    // Tests, examples and vendored copies repeat the words of what they try or show, and do not do it.
    name: "asides",
    factor: ({ facts }, asked) => ((facts.isTest && !asked.forTests) || facts.isAside ? WEIGHTS.asides : 1),
  },
  {
    // A search for code; prose about it comes after it.
    name: "documents",
    factor: ({ facts }, asked) => (facts.isDocument && !asked.forDocuments ? WEIGHTS.documents : 1),
  },
  {
    // What is central lies near the root, special cases lie deeper.
    name: "depth",
    factor: ({ facts }) => 1 - WEIGHTS.depth * Math.min(facts.depth, DEEPEST),
  },
];

/** 1 when the path ends with what was asked, half when it only contains it; `:12` behind a path is a line. */
function shareOfPath(path: string, asked: string): number {
  const wanted = asked
    .toLowerCase()
    .replaceAll("\\", "/")
    .replace(/(?::\d+)+$/, "")
    .replace(/^\.?\//, "");
  const at = path.toLowerCase().lastIndexOf(wanted);
  if (at < 0) return 0;
  return at + wanted.length === path.length && (at === 0 || path[at - 1] === "/") ? 1 : 0.5;
}
