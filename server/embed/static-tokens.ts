import { EMPTY_HASH, hashByte, LOWER_CASE, Vocabulary, type VocabularyShared } from "./vocabulary.ts";

/**
 * Texts are read up to this many UTF-16 units. The model was trained on chunks of 1,500, and what follows hardly moves
 * a sum of so many words.
 */
export const TEXT_LIMIT = 2_000;

/** Longer words are cut: they are data, not names. */
const WORD_LIMIT = 40;

/** Longer runs of digits are dropped. */
const DIGITS_LIMIT = 4;

const UTF8_BYTES_PER_UNIT = 3;

/**
 * Splits text into the tokens of the static model. Runs of ASCII letters are split where camel case does
 * (`getHTTPResponse`: get, http, response), the plural of an acronym stays whole (`URLs`), runs of digits are words,
 * and all else separates. A word outside the vocabulary becomes the longest pieces that are in it, from the left.
 */
export class StaticTokeniser {
  readonly #vocabulary: Vocabulary;
  readonly #encoder = new TextEncoder();
  /** The text in UTF-8: there a byte is an ASCII character or part of a separator. */
  readonly #bytes = new Uint8Array(TEXT_LIMIT * UTF8_BYTES_PER_UNIT);
  readonly #tokens = new Int32Array(TEXT_LIMIT);
  readonly #pieceHashes = new Int32Array(WORD_LIMIT + 1);
  #count = 0;

  constructor(vocabulary: VocabularyShared) {
    this.#vocabulary = new Vocabulary(vocabulary);
  }

  /** The tokens in the order of the text: a view that is valid until the next call. */
  tokens(text: string): Int32Array {
    const start = text.length > TEXT_LIMIT ? text.slice(0, TEXT_LIMIT) : text;
    const { written } = this.#encoder.encodeInto(start, this.#bytes);
    this.#count = 0;
    this.#scan(written);
    return this.#tokens.subarray(0, this.#count);
  }

  #scan(length: number): void {
    const bytes = this.#bytes;
    let at = 0;
    while (at < length) {
      const from = at;
      switch (CLASS[bytes[at]]) {
        case LOWER:
          at = endOfRun(bytes, at + 1, length, LOWER);
          this.#word(from, at);
          break;
        case UPPER:
          at = endOfCapitalised(bytes, at, length);
          this.#word(from, at);
          break;
        case DIGIT:
          at = endOfRun(bytes, at + 1, length, DIGIT);
          if (at - from <= DIGITS_LIMIT) this.#word(from, at);
          break;
        default:
          at++;
      }
    }
  }

  #word(from: number, runEnd: number): void {
    const bytes = this.#bytes;
    const to = Math.min(runEnd, from + WORD_LIMIT);
    let hash = EMPTY_HASH;
    for (let i = from; i < to; i++) hash = hashByte(hash, bytes[i] | LOWER_CASE);
    const token = this.#vocabulary.find(bytes, from, to, hash);
    if (token >= 0) this.#tokens[this.#count++] = token;
    else this.#pieces(from, to);
  }

  /** Greedy longest match; pieces have two characters or more, a character that begins none is skipped. */
  #pieces(from: number, to: number): void {
    let at = from;
    while (to - at >= 2) at += this.#piece(at, Math.min(to, at + this.#vocabulary.longest)) || 1;
  }

  /** Adds the longest token that begins at `from` and returns its length, 0 when there is none. */
  #piece(from: number, limit: number): number {
    const hashes = this.#pieceHashes;
    hashes[0] = EMPTY_HASH;
    for (let i = from; i < limit; i++) {
      hashes[i - from + 1] = hashByte(hashes[i - from], this.#bytes[i] | LOWER_CASE);
    }
    for (let length = limit - from; length >= 2; length--) {
      const token = this.#vocabulary.find(this.#bytes, from, from + length, hashes[length]);
      if (token >= 0) {
        this.#tokens[this.#count++] = token;
        return length;
      }
    }
    return 0;
  }
}

const LOWER = 1;
const UPPER = 2;
const DIGIT = 3;
const SMALL_S = "s".charCodeAt(0);

/** The class of each byte; 0 separates. */
const CLASS = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  if (/[a-z]/.test(character)) return LOWER;
  if (/[A-Z]/.test(character)) return UPPER;
  return /[0-9]/.test(character) ? DIGIT : 0;
});

function endOfRun(bytes: Uint8Array, from: number, length: number, kind: number): number {
  let at = from;
  while (at < length && CLASS[bytes[at]] === kind) at++;
  return at;
}

/** The end of the word that begins with the capital at `from`. */
function endOfCapitalised(bytes: Uint8Array, from: number, length: number): number {
  const end = endOfRun(bytes, from + 1, length, UPPER);
  const lowerFollows = end < length && CLASS[bytes[end]] === LOWER;
  if (!lowerFollows) return end;
  if (end - from === 1) return endOfRun(bytes, end, length, LOWER);
  const plural = bytes[end] === SMALL_S && !(end + 1 < length && CLASS[bytes[end + 1]] === LOWER);
  // The last capital of "HTTPServer" begins the next word.
  return plural ? end + 1 : end - 1;
}
