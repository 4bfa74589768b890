import { lettersOf } from "../text/letters.ts";

/** What matches: the whole name, its beginning, the beginning of a word in it, any part of it, scattered letters. */
const WHOLE = 5;
const BEGINNING = 4;
const WORD = 3;
const INSIDE = 2;
const SCATTERED = 1;

/** Longer names are compared by their first characters. */
const LONGEST_NAME = 256;

/** ASCII in lower case, by code; what is not ASCII is zero. */
const LOWER = Uint8Array.from({ length: 256 }, (_, code) =>
  code > 127 ? 0 : String.fromCharCode(code).toLowerCase().charCodeAt(0),
);

const DECODER = new TextDecoder();

/** Says how well names answer what is asked, whatever the case: `rWB` finds `retryWithBackoff`. */
export class NameMatcher {
  /** Code units in lower case, without spaces. */
  readonly #asked: Uint16Array;
  /** The letters that a name must have (see text/letters.ts). */
  readonly letters: number;
  readonly #name = new Uint16Array(LONGEST_NAME);
  readonly #lower = new Uint16Array(LONGEST_NAME);

  constructor(query: string) {
    const asked = query.replace(/\s+/g, "").toLowerCase();
    this.letters = lettersOf(asked);
    this.#asked = Uint16Array.from({ length: Math.min(asked.length, LONGEST_NAME + 1) }, (_, i) => asked.charCodeAt(i));
  }

  /**
   * Zero without a match, else more the better: first by how it matches, then the shorter the name. Names come as
   * UTF-8, because most do not match and then need no string.
   * @param least what is worth less may be called worthless
   */
  worth(bytes: Uint8Array, start: number, end: number, least: number): number {
    const asked = this.#asked;
    const length = Math.min(end - start, LONGEST_NAME);
    let found = 0;
    for (let i = 0; i < length; i++) {
      const lower = LOWER[bytes[start + i]];
      if (lower === 0) return this.#worthOfText(DECODER.decode(bytes.slice(start, end)));
      if (lower === asked[found]) found++;
    }
    if (found < asked.length || this.#mostWorth(LOWER[bytes[start]], length) < least) return 0;
    for (let i = 0; i < length; i++) {
      this.#name[i] = bytes[start + i];
      this.#lower[i] = LOWER[bytes[start + i]];
    }
    return this.#compare(length);
  }

  /** What a name can be worth by its first letter and its length. */
  #mostWorth(first: number, length: number): number {
    const asked = this.#asked;
    const tier = first !== asked[0] ? WORD : length === asked.length ? WHOLE : BEGINNING;
    return Math.fround(tier + 1 / (1 + length));
  }

  #worthOfText(text: string): number {
    const name = text.slice(0, LONGEST_NAME);
    for (let i = 0; i < name.length; i++) {
      this.#name[i] = name.charCodeAt(i);
      this.#lower[i] = name[i].toLowerCase().charCodeAt(0);
    }
    return this.#hasAllInOrder(name.length) ? this.#compare(name.length) : 0;
  }

  #compare(length: number): number {
    const asked = this.#asked;
    const short = 1 / (1 + length);
    const at = this.#find(0, length);
    if (at === 0) return (length === asked.length ? WHOLE : BEGINNING) + short;
    for (let next = at; next > 0; next = this.#find(next + 1, length)) if (this.#isWordStart(next)) return WORD + short;
    return (at > 0 ? INSIDE : SCATTERED) + short;
  }

  #hasAllInOrder(length: number): boolean {
    const asked = this.#asked;
    let found = 0;
    for (let i = 0; i < length && found < asked.length; i++) if (this.#lower[i] === asked[found]) found++;
    return found === asked.length;
  }

  /** Where all letters stand together, from a place on; -1 when nowhere. */
  #find(from: number, length: number): number {
    const asked = this.#asked;
    for (let at = from; at + asked.length <= length; at++) {
      let same = 0;
      while (same < asked.length && this.#lower[at + same] === asked[same]) same++;
      if (same === asked.length) return at;
    }
    return -1;
  }

  #isWordStart(at: number): boolean {
    const isUpper = (i: number) => this.#name[i] !== this.#lower[i];
    return !isLetterOrDigit(this.#name[at - 1]) || (isUpper(at) && !isUpper(at - 1));
  }
}

function isLetterOrDigit(code: number): boolean {
  return code > 127 || (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57);
}
