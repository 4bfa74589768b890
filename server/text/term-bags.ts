import { IS_WORD_BYTE, termsOfRun } from "./tokens.ts";

/**
 * Counts the terms of one file after another: the same terms as `tokenize` gives, without a string for each. A code
 * base repeats few words often, so that a word that was met before costs one look into a table of its bytes. One for
 * each thread; it holds a few megabytes.
 */
export class TermBags {
  readonly #words = new WordTable();
  /** Every term met so far and its number. */
  readonly #numbers = new Map<string, number>();
  readonly #names: string[] = [];
  /** By number of the term: how often it is in the text at hand, zero between texts. */
  #counts = new Uint32Array(FIRST_TERMS);
  /** By number of the term: its position in the file's terms plus one, zero when it is not among them. */
  #positions = new Uint32Array(FIRST_TERMS);
  /** Numbers of the terms of the text at hand, in order of first occurrence. */
  #distinct = new Uint32Array(FIRST_TERMS);
  #fileTerms: number[] = [];
  #bytes = Buffer.alloc(FIRST_BYTES);

  /** Begins a file: forgets the terms of the one before. */
  begin(): void {
    for (const number of this.#fileTerms) this.#positions[number] = 0;
    this.#fileTerms = [];
    if (this.#words.size >= MOST_WORDS) this.#forget();
  }

  /** Pairs [position in the file's terms, count] of a text's terms, flat, in order of first occurrence. */
  bag(text: string): Uint32Array {
    const length = this.#encode(text);
    const distinct = this.#count(length);
    const bag = new Uint32Array(2 * distinct);
    for (let i = 0; i < distinct; i++) {
      const number = this.#distinct[i];
      if (this.#positions[number] === 0) this.#positions[number] = this.#fileTerms.push(number);
      bag[2 * i] = this.#positions[number] - 1;
      bag[2 * i + 1] = this.#counts[number];
      this.#counts[number] = 0;
    }
    return bag;
  }

  /** The distinct terms of all texts of the file so far; the bags hold positions in this list. */
  terms(): string[] {
    return this.#fileTerms.map((number) => this.#names[number]);
  }

  /** Writes the text as UTF-8 with a zero behind it and returns its length in bytes. */
  #encode(text: string): number {
    const most = 3 * text.length + 1;
    if (this.#bytes.length < most) this.#bytes = Buffer.alloc(2 * most);
    const length = this.#bytes.write(text, 0, "utf8");
    this.#bytes[length] = 0;
    return length;
  }

  /** Counts the terms of the encoded text and returns how many are distinct. */
  #count(length: number): number {
    const bytes = this.#bytes;
    const words = this.#words;
    let { refs, refStarts } = words;
    let counts = this.#counts;
    let found = this.#distinct;
    let distinct = 0;
    for (let at = 0; at < length; ) {
      let byte = bytes[at];
      if (IS_WORD_BYTE[byte] === 0) {
        at++;
        continue;
      }
      const start = at;
      let hash = HASH_SEED;
      do {
        hash = Math.imul(hash ^ byte, HASH_FACTOR);
        byte = bytes[++at];
      } while (IS_WORD_BYTE[byte] === 1);
      let word = words.find(bytes, start, at, hash);
      if (word < 0) {
        word = this.#learn(start, at, hash);
        ({ refs, refStarts } = words);
        counts = this.#counts;
        found = this.#distinct;
      }
      for (let i = refStarts[word]; i < refStarts[word + 1]; i++) {
        const number = refs[i];
        if (counts[number]++ === 0) found[distinct++] = number;
      }
    }
    return distinct;
  }

  /** Takes a word up that is met for the first time. */
  #learn(start: number, end: number, hash: number): number {
    const terms = termsOfRun(this.#bytes.toString("utf8", start, end));
    const numbers = terms.map((term) => {
      let number = this.#numbers.get(term);
      if (number === undefined) {
        number = this.#names.push(term) - 1;
        this.#numbers.set(term, number);
      }
      return number;
    });
    if (this.#names.length > this.#counts.length) {
      this.#counts = doubled(this.#counts);
      this.#positions = doubled(this.#positions);
      this.#distinct = doubled(this.#distinct);
    }
    return this.#words.add(this.#bytes, start, end, hash, numbers);
  }

  #forget(): void {
    this.#words.clear();
    this.#numbers.clear();
    this.#names.length = 0;
  }
}

const FIRST_TERMS = 16_384;
const FIRST_BYTES = 16_384;
const MOST_WORDS = 100_000;

/** FNV-1a, 32 bits. */
const HASH_SEED = 0x811c9dc5;
const HASH_FACTOR = 0x01000193;

/** Words by their bytes, each with the numbers of its terms: open addressing over flat arrays. */
class WordTable {
  size = 0;
  /** Numbers of the terms of all words: those of word w are refs[refStarts[w] .. refStarts[w + 1]]. */
  refs = new Uint32Array(FIRST_TERMS);
  refStarts = new Uint32Array(FIRST_TERMS);
  /** Number of the word plus one by slot, zero for a free one; at most half of the slots are taken. */
  #slots = new Uint32Array(2 * FIRST_TERMS);
  #hashes = new Int32Array(FIRST_TERMS);
  #starts = new Uint32Array(FIRST_TERMS);
  #pool = new Uint8Array(8 * FIRST_TERMS);

  /** Number of the word that is these bytes, or -1. */
  find(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = spread(hash) & mask; ; slot = (slot + 1) & mask) {
      const word = slots[slot] - 1;
      if (word < 0) return -1;
      if (this.#hashes[word] === hash && this.#is(word, bytes, start, end)) return word;
    }
  }

  /** Adds a word that is not there yet and returns its number. */
  add(bytes: Uint8Array, start: number, end: number, hash: number, numbers: readonly number[]): number {
    const word = this.size++;
    if (word + 2 > this.#hashes.length) this.#grow();
    const poolStart = this.#starts[word];
    while (poolStart + end - start > this.#pool.length) this.#pool = doubled(this.#pool);
    this.#pool.set(bytes.subarray(start, end), poolStart);
    this.#starts[word + 1] = poolStart + end - start;
    const refStart = this.refStarts[word];
    while (refStart + numbers.length > this.refs.length) this.refs = doubled(this.refs);
    this.refs.set(numbers, refStart);
    this.refStarts[word + 1] = refStart + numbers.length;
    this.#hashes[word] = hash;
    this.#occupy(word);
    return word;
  }

  clear(): void {
    this.size = 0;
    this.#slots.fill(0);
  }

  #is(word: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = this.#starts[word];
    if (this.#starts[word + 1] - from !== end - start) return false;
    const pool = this.#pool;
    for (let i = start, j = from; i < end; i++, j++) if (bytes[i] !== pool[j]) return false;
    return true;
  }

  #occupy(word: number): void {
    const mask = this.#slots.length - 1;
    let slot = spread(this.#hashes[word]) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = word + 1;
  }

  #grow(): void {
    const before = this.#hashes.length;
    this.#hashes = doubled(this.#hashes);
    this.#starts = doubled(this.#starts);
    this.refStarts = doubled(this.refStarts);
    this.#slots = new Uint32Array(4 * before);
    for (let word = 0; word < this.size - 1; word++) this.#occupy(word);
  }
}

/** The low bits of the hash alone say little about the last bytes. */
function spread(hash: number): number {
  return hash ^ (hash >>> 15);
}

function doubled<A extends Uint32Array | Int32Array | Uint8Array>(array: A): A {
  const larger = new (array.constructor as new (length: number) => A)(2 * array.length);
  larger.set(array);
  return larger;
}
