import { partsOf, type QuestionParts } from "./question-parts.ts";

/**
 * What can be seen of a question without understanding it: lengths, numbers, signs, kinds of words, and how the points
 * that it lists differ. All are shares or logarithms, so that a long question is not far from everything else.
 */
const MEASURES = {
  "length in words": (q) => Math.log1p(q.words.length),
  "length in signs": (q) => Math.log1p(q.text.length),
  "length of words": (q) => q.words.reduce((sum, word) => sum + word.length, 0) / Math.max(1, q.words.length),
  "long words": (q) => shareOf(q.words, /^.{9,}$/),
  "different words": (q) => new Set(q.words).size / Math.max(1, q.words.length),
  lines: (q) => Math.log1p(q.text.split("\n").length),
  sentences: (q) => Math.log1p(countOf(q.text, /[.?!](?=\s|$)/g)),
  numbers: (q) => Math.log1p(countOf(q.text, /\d+(?:[.,]\d+)*/g)),
  digits: (q) => countOf(q.text, /\d/g) / Math.max(1, q.text.length),
  "signs of formulas": (q) => Math.log1p(countOf(q.text, /[=+*/^<>|~&∀∃⊃∨∧≡→()[\]{}_\\]/g)),
  "single letters": (q) => shareOf(q.words, /^[b-z]$/),
  names: (q) => countOf(q.text, /(?<=[a-z,;] )[A-Z][a-z]+/g) / Math.max(1, q.words.length),
  acronyms: (q) => countOf(q.text, /\b[A-Z]{2,}\b/g) / Math.max(1, q.words.length),
  quotations: (q) => Math.log1p(countOf(q.text, /["“”`]/g)),
  "code names": (q) => Math.log1p(countOf(q.text, /\b[a-z]+(?:[A-Z]\w*|_\w+)|\w\(\)|\b\w+\.\w{1,4}\b(?=\W)/g)),
  negations: (q) => shareOf(q.words, /^(?:not|no|never|none|except|without|false|neither|nor|cannot|isn|doesn)$/),
  "reasons asked": (q) => shareOf(q.words, /^(?:why|because|explain|reason|reasons|cause|causes|therefore)$/),
  "ways asked": (q) => shareOf(q.words, /^(?:how|steps|way|method|process|procedure)$/),
  "places asked": (q) => shareOf(q.words, /^(?:where|when|who|whose|located|defined|called)$/),
  comparisons: (q) => shareOf(q.words, /^(?:compare|than|versus|difference|better|best|most|least|more|less|worse)$/),
  conditions: (q) => shareOf(q.words, /^(?:if|suppose|assume|assuming|given|let|unless|whether|then)$/),
  amounts: (q) =>
    shareOf(q.words, /^(?:many|much|calculate|compute|find|determine|total|sum|rate|percent|probability)$/),
  blanks: (q) => countOf(q.text, /_{2,}/g),
  asks: (q) => Math.log1p(countOf(q.text, /\?/g)),
  years: (q) => Math.log1p(countOf(q.stem, /\b(?:1\d|20)\d\d\b/g)),
  "length before its points": (q) => Math.log1p(q.stem.length),
  "words before its points": (q) => Math.log1p(wordsOf(q.stem).length),
  "sentences before its points": (q) => Math.log1p(countOf(q.stem, /[.?!](?=\s|$)/g)),
  "lines before its points": (q) => Math.log1p(countOf(q.stem, /\n/g)),
  "ends with a question": (q) => Number(/\?$/.test(q.stem)),
  "ends with a colon": (q) => Number(/:$/.test(q.stem)),
  "ends in the middle": (q) => Number(/_{2,}|\b(?:an?|the|of|is|are|to|as)$/.test(q.stem)),
  "all or both": (q) => Number(/\b(?:all of the|both)\b/i.test(q.text)),
  "none or neither": (q) => Number(/\b(?:none of the|neither)\b/i.test(q.text)),
} as const satisfies Readonly<Record<string, (question: Words) => number>>;

/** The same of the points that a question lists. */
const MEASURES_OF_POINTS = {
  points: (q) => q.points.length,
  "length of its points": (q) => Math.log1p(meanOf(q.points.map(({ length }) => length))),
  "longest point": (q) => Math.log1p(Math.max(...q.points.map(({ length }) => length))),
  "longest beside shortest point": (q) => spreadOf(q.points.map(({ length }) => Math.log1p(length))),
  "points alike": (q) => meanOf(q.alike),
  "most alike points": (q) => Math.max(...q.alike),
  "points that repeat it": (q) => meanOf(q.repeated),
  "points that repeat it more": (q) => spreadOf(q.repeated),
  "points that are numbers": (q) => meanOf(q.points.map((point) => Number(/^[-\d.,/%$ ]+$/.test(point)))),
  "points with digits": (q) => meanOf(q.points.map((point) => Number(/\d/.test(point)))),
  "points of one word": (q) => meanOf(q.points.map((point) => Number(!/\s/.test(point)))),
} as const satisfies Readonly<Record<string, (question: Words) => number>>;

interface Words extends QuestionParts {
  readonly text: string;
  /** In small letters. */
  readonly words: readonly string[];
  /** Of each two points, the share of the words of both that is in both. */
  readonly alike: readonly number[];
  /** Of each point, the share of its words that stands before the points. */
  readonly repeated: readonly number[];
}

export const FEATURE_NAMES: readonly string[] = [...Object.keys(MEASURES), ...Object.keys(MEASURES_OF_POINTS)];

/** One number for each of {@link FEATURE_NAMES}; not a number where that says nothing of a question that lists no points. */
export function questionFeatures(question: string): Float64Array {
  const { stem, points } = partsOf(question);
  const text = [stem, ...points].join("\n");
  const [before, sets] = [new Set(wordsOf(stem)), points.map((point) => new Set(wordsOf(point)))];
  const alike = sets.flatMap((one, i) => sets.slice(i + 1).map((other) => sharedBy(one, other)));
  const repeated = sets.map((one) => sharedWords(one, before) / Math.max(1, one.size));
  const said: Words = { stem, points, text, words: wordsOf(text), alike, repeated };
  return Float64Array.from([
    ...Object.values(MEASURES).map((measure) => measure(said)),
    ...Object.values(MEASURES_OF_POINTS).map((measure) => (points.length > 0 ? measure(said) : Number.NaN)),
  ]);
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

function sharedBy(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  const shared = sharedWords(one, other);
  return shared / Math.max(1, one.size + other.size - shared);
}

function sharedWords(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  return [...one].filter((word) => other.has(word)).length;
}

function countOf(text: string, what: RegExp): number {
  return text.match(what)?.length ?? 0;
}

function shareOf(words: readonly string[], what: RegExp): number {
  return words.filter((word) => what.test(word)).length / Math.max(1, words.length);
}

/** 0 of none. */
function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function spreadOf(values: readonly number[]): number {
  return Math.max(...values) - Math.min(...values);
}
