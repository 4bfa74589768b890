import { isStopWord } from "../search/query.ts";
import { tokenize } from "../text/tokens.ts";
import type { Source } from "./source.ts";

/**
 * The line of a source that a sentence speaks of: where one of the sentence's identifiers stands, else where two of its
 * words stand side by side, as text or inside a name.
 * @returns its number in the file; undefined when the source says nothing of the kind
 */
export function supportingLine(sentence: string, source: Source): number | undefined {
  const lines = source.text.split("\n");
  for (const identifier of identifiersIn(sentence)) {
    const at = lines.findIndex((line) => wordsOf(line).includes(identifier));
    if (at >= 0) return source.startLine + at;
  }
  const phrases = new Set(pairs(meaningful(sentence)));
  if (phrases.size === 0) return undefined;
  let before: string | undefined;
  for (const [at, line] of lines.entries()) {
    const terms = meaningful(line);
    // A phrase may begin on one line of a comment and end on the next.
    const found = pairs(before === undefined ? terms : [before, ...terms]).some((pair) => phrases.has(pair));
    if (found) return source.startLine + at;
    before = terms.at(-1) ?? before;
  }
  return undefined;
}

/** Names in backticks, and words that only code is spelled like. */
function identifiersIn(sentence: string): string[] {
  const quoted = [...sentence.matchAll(/`([^`]+)`/g)].flatMap(([, code]) => wordsOf(code));
  const spelled = wordsOf(sentence.replace(/`[^`]*`/g, " ")).filter((word) => LIKE_CODE.test(word));
  return [...new Set([...quoted, ...spelled])].filter((word) => word.length >= SHORTEST && !COMMON.has(word));
}

const SHORTEST = 3;
const LIKE_CODE = /\p{Ll}\p{Lu}|\p{L}_\p{L}|^_+\p{L}|\p{Lu}{2,}\p{Ll}{2,}/u;

function wordsOf(text: string): string[] {
  return text.match(/[\p{L}_$][\p{L}\p{N}_$]*/gu) ?? [];
}

function meaningful(text: string): string[] {
  return tokenize(text).filter((term) => !isStopWord(term));
}

function pairs(terms: readonly string[]): string[] {
  // A name gives itself and its parts: `retryRequest` is no phrase with its own `retry`.
  return terms.slice(1).flatMap((term, i) => (terms[i].startsWith(term) ? [] : [`${terms[i]} ${term}`]));
}

/** Words that nearly every piece of code holds: they show nothing. */
const COMMON: ReadonlySet<string> = new Set(
  `abstract any array async await bool boolean break case catch class const continue def default del delete else enum
   err error except export extends false final finally float for from func function get global goto idx if implements
   import index int interface key let list long loop map match mut name new nil none None not null number object package
   pass private protected pub public raise return self set static str string struct super switch then this throw throws
   true True False try type undefined unsigned use val value values var void while with yield`.split(/\s+/),
);
