/**
 * A question whose answer is in the opened folder, made from the name of something that is defined there:
 * `retryWithBackoff` becomes "retry with backoff". Undefined when no name says enough.
 */
export function questionFrom(names: readonly string[]): string | undefined {
  const questions = names.map(wordsOf).filter((words) => words.length >= 3 && words.length <= 5 && words.every(isWord));
  return questions[0]?.join(" ");
}

function wordsOf(name: string): string[] {
  const spaced = name.replace(/([a-z\d])([A-Z])/g, "$1 $2").replace(/([A-Z])([A-Z][a-z])/g, "$1 $2");
  return spaced
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter(Boolean);
}

/** Short forms and tests would not be asked about. */
function isWord(word: string): boolean {
  return /^[a-z]+$/.test(word) && word !== "test" && (word.length >= 4 || SHORT_WORDS.has(word));
}

const SHORT_WORDS: ReadonlySet<string> = new Set(
  "a add all an and as at by do end for from get has if in is it key map new not of on or out put run set the to up url use".split(
    " ",
  ),
);
