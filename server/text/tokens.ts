/**
 * Splits text into lexical terms; the same function serves documents and queries. Repeats are kept.
 *
 * - Words are runs of letters, digits, `_` and `$` of any script, folded: lower case, no accents, no underscores, so
 *   that `retryRequest`, `retry_request` and `RETRY_REQUEST` meet in `retryrequest`.
 * - An identifier gives itself and its parts: `getHTTPResponse` gives `gethttpresponse`, `get`, `http`, `response`;
 *   `utf16` gives `utf16`, `utf`, `16`. Kebab-case and dotted names are separate words anyway.
 * - Plurals lose their `s` (`queries` and `query` meet), which makes `URLs` one word.
 * - Scripts without spaces (Chinese, Japanese, Korean, Thai...) become pairs of neighbouring letters.
 * - Single ASCII letters and digits say nothing and are left out; words over 64 characters keep only their parts.
 */
export function tokenize(text: string): string[] {
  const terms: string[] = [];
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code < 128 && ASCII_WORD[code] === 0) {
      at++;
      continue;
    }
    const start = at;
    let ascii = true;
    for (; at < text.length; at++) {
      const next = text.charCodeAt(at);
      if (next < 128) {
        if (ASCII_WORD[next] === 0) break;
      } else ascii = false;
    }
    if (!ascii) {
      for (const [word] of text.slice(start, at).normalize("NFKC").matchAll(WORD)) add(word, terms);
    } else if (at - start > 1) add(text.slice(start, at), terms);
  }
  return terms;
}

/**
 * Where the words of a line lie: [start, end) columns in UTF-16 units of every part that yields a term of its own,
 * and the terms it yields. For highlighting; slower than {@link tokenize}.
 */
export function locateTerms(text: string): { start: number; end: number; term: string }[] {
  const found: { start: number; end: number; term: string }[] = [];
  for (const match of text.matchAll(WORD)) {
    const word = match[0];
    if (SCRIPT_WITHOUT_SPACES.test(word)) {
      const letters = [...word];
      let start = match.index;
      for (let i = 0; i < letters.length; i++) {
        const pair = letters[i] + (letters[i + 1] ?? "");
        found.push({ start, end: start + pair.length, term: pair.normalize("NFKC").toLowerCase() });
        start += letters[i].length;
      }
      continue;
    }
    found.push({ start: match.index, end: match.index + word.length, term: fold(word) });
    for (const part of word.matchAll(PARTS)) {
      const start = match.index + part.index;
      found.push({ start, end: start + part[0].length, term: fold(part[0]) });
    }
  }
  return found;
}

/** 1 for the bytes of UTF-8 that a run of word characters may hold; {@link termsOfRun} says what words are in it. */
export const IS_WORD_BYTE = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte > 127 || /[\w$]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

/** The terms of one run between two characters that no word holds, as {@link tokenize} gives them. */
export function termsOfRun(run: string): string[] {
  if (isAscii(run)) return run.length > 1 ? termsOf(run) : [];
  return [...run.normalize("NFKC").matchAll(WORD)].flatMap(([word]) => termsOf(word));
}

/** Folds one word into the form in which {@link tokenize} gives it. */
export function fold(word: string): string {
  if (isAscii(word)) return singular(word.replaceAll(/[_$]+/g, "").toLowerCase());
  return singular(word.normalize("NFKD").replace(DECORATION, "").normalize("NFC").toLowerCase());
}

const LONGEST_TERM = 64;
const LONGEST_WORD = 512;
const CACHED_WORDS = 100_000;

/** 1 for letters, digits, `_` and `$`. */
const ASCII_WORD = Uint8Array.from({ length: 128 }, (_, code) => (/[\w$]/.test(String.fromCharCode(code)) ? 1 : 0));

const WORD = /[\p{L}\p{N}\p{M}_$]+/gu;
/** Underscores, dollar signs, and the accents that decomposition splits off. */
const DECORATION = /[_$\p{M}]+/gu;
const SCRIPT_WITHOUT_SPACES =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
/** Parts of an identifier: `URLs`, `HTTP` before `Server`, `Server`, `server`, `16`. */
const PARTS =
  /\p{Lu}{2,}s(?!\p{Ll})|\p{Lu}[\p{Lu}\p{M}]*(?=\p{Lu}\p{Ll})|\p{Lu}?[\p{Ll}\p{Lo}\p{Lm}\p{M}]+|\p{Lu}+|\p{N}+/gu;

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}

/** Terms of the words met so far: a code base repeats few words often. Emptied when full. */
const cache = new Map<string, readonly string[]>();

function add(word: string, terms: string[]): void {
  let known = cache.get(word);
  if (known === undefined) {
    known = termsOf(word);
    if (cache.size >= CACHED_WORDS) cache.clear();
    cache.set(word, known);
  }
  for (let i = 0; i < known.length; i++) terms.push(known[i]);
}

function termsOf(word: string): string[] {
  if (word.length > LONGEST_WORD) return [];
  if (SCRIPT_WITHOUT_SPACES.test(word)) return pairsOf(word);
  const terms: string[] = [];
  const whole = fold(word);
  if (whole.length > 1 && whole.length <= LONGEST_TERM) terms.push(whole);
  const parts = word.match(PARTS) ?? [];
  if (parts.length > 1) {
    for (const part of parts) {
      const term = fold(part);
      if (term.length > 1 && term.length <= LONGEST_TERM) terms.push(term);
    }
  }
  return terms;
}

/** Neighbouring letters in pairs within scripts without spaces, other parts of the word as they are. */
function pairsOf(word: string): string[] {
  const terms: string[] = [];
  let run: string[] = [];
  let rest = "";
  const flush = () => {
    if (run.length === 1) terms.push(run[0]);
    for (let i = 1; i < run.length; i++) terms.push(run[i - 1] + run[i]);
    run = [];
    if (rest !== "") terms.push(...termsOf(rest));
    rest = "";
  };
  for (const letter of word.toLowerCase()) {
    if (SCRIPT_WITHOUT_SPACES.test(letter)) {
      if (rest !== "") flush();
      run.push(letter);
    } else {
      if (run.length > 0) flush();
      rest += letter;
    }
  }
  flush();
  return terms;
}

/** Words whose singular ends in `ie`, alone or at the end of an identifier. */
const ENDS_IN_IE = /(?:cookie|movie|zombie|genie|calorie|rookie|hoodie|selfie|brownie|pixie|serie|specie)s$/;

/** Takes the plural `s` off an English word: queries -> query, classes -> class, routes -> route; status stays. */
function singular(word: string): string {
  const length = word.length;
  if (length < 4 || word.charCodeAt(length - 1) !== 115) return word;
  const before = word[length - 2];
  if (before === "s" || before === "u" || before === "i") return word;
  if (before === "e") {
    if (length > 4 && word.endsWith("ies") && !ENDS_IN_IE.test(word)) return `${word.slice(0, -3)}y`;
    if (/(?:ss|sh|x|[^a]ch)es$/.test(word)) return word.slice(0, -2);
  }
  return word.slice(0, -1);
}
