/**
 * What can be seen of a question without understanding it: lengths, numbers, signs, kinds of words. All are shares or
 * logarithms, so that a long question is not far from everything else.
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
} as const satisfies Readonly<Record<string, (question: Words) => number>>;

interface Words {
  readonly text: string;
  /** In small letters. */
  readonly words: readonly string[];
}

export const FEATURE_NAMES: readonly string[] = Object.keys(MEASURES);

/** Longer questions are judged by their beginning: a log that was pasted is not what makes a question hard. */
const LONGEST = 8_000;

/** One number for each of {@link FEATURE_NAMES}. */
export function questionFeatures(question: string): Float64Array {
  const text = question.slice(0, LONGEST);
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return Float64Array.from(Object.values(MEASURES), (measure) => measure({ text, words }));
}

function countOf(text: string, what: RegExp): number {
  return text.match(what)?.length ?? 0;
}

function shareOf(words: readonly string[], what: RegExp): number {
  return words.filter((word) => what.test(word)).length / Math.max(1, words.length);
}
