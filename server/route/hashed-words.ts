import { partsOf } from "./question-parts.ts";

/**
 * The words of questions, as places in a table of fixed size: two may share one, which costs little and keeps the words
 * themselves out of the parameters.
 */
export const WORD_PLACES = 65_536;

/** The distinct places of a question's words: each by itself, and as one before or in the points that it lists. */
export function wordPlaces(question: string): Int32Array {
  const { stem, points } = partsOf(question);
  const [before, listed] = [wordsOf(stem), wordsOf(points.join(" "))];
  const all = [
    ...[...before, ...listed],
    ...before.map((word) => `before ${word}`),
    ...listed.map((word) => `listed ${word}`),
  ];
  return Int32Array.from(new Set(all.map(placeOf)));
}

/** A digit is a word. */
function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z]+|[0-9]/g) ?? [];
}

/** FNV-1a. */
function placeOf(word: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  return ((hash ^ (hash >>> 15)) >>> 0) % WORD_PLACES;
}
