/**
 * The words of the static model, as one block of shared memory: a hash table over the words' bytes that every thread
 * reads in place. Starting a thread costs nothing, and finding a word creates no string.
 *
 * Layout, little-endian: u32 slots[SLOTS * 2] of (hash, word + 1), u32 starts[words + 1], bytes of all words in order.
 */
export interface VocabularyShared {
  readonly buffer: SharedArrayBuffer;
  readonly words: number;
  /** Length of the longest word. */
  readonly longest: number;
}

/** What a packed vocabulary's file holds behind the shared block: SHA-256 of the word list, words, longest. */
const TRAILER = 32 + 4 + 4;

/** The bit that turns an ASCII capital into its small letter; small letters and digits have it already. */
export const LOWER_CASE = 0x20;

const SLOTS_PER_WORD = 2;
const NEWLINE = 0x0a;
const ZERO = 0x30;
const NINE = 0x39;
const SMALL_A = 0x61;
const SMALL_Z = 0x7a;
const FNV_OFFSET = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;

/** The hash of no bytes, to be continued with {@link hashByte}. */
export const EMPTY_HASH: number = FNV_OFFSET;

/** The hash (FNV-1a, 32 bits) of a word and one more byte. */
export function hashByte(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, FNV_PRIME);
}

/**
 * Packs a list of words, one a line, each line ended; a word's line is its number, from 0. Undefined unless the words
 * are distinct and of small ASCII letters and digits.
 */
export function packVocabulary(list: Uint8Array): VocabularyShared | undefined {
  let words = 0;
  for (let at = list.indexOf(NEWLINE); at >= 0; at = list.indexOf(NEWLINE, at + 1)) words++;
  const slots = slotCount(words);
  const buffer = new SharedArrayBuffer((slots * 2 + words + 1) * 4 + list.length - words);
  const table = new Uint32Array(buffer, 0, slots * 2);
  const starts = new Uint32Array(buffer, slots * 8, words + 1);
  const text = new Uint8Array(buffer, slots * 8 + starts.byteLength);
  const vocabulary = new Vocabulary({ buffer, words, longest: 0 });
  let end = 0;
  let longest = 0;
  for (let word = 0, at = 0; word < words; word++, at++) {
    const start = end;
    let hash = EMPTY_HASH;
    for (; list[at] !== NEWLINE; at++) {
      const byte = list[at];
      if (!((byte >= SMALL_A && byte <= SMALL_Z) || (byte >= ZERO && byte <= NINE))) return undefined;
      hash = hashByte(hash, byte);
      text[end++] = byte;
    }
    let slot = firstSlot(hash, slots);
    let seen = false;
    for (; table[slot + 1] !== 0; slot = nextSlot(slot, slots)) seen ||= table[slot] === hash >>> 0;
    if (end === start || (seen && vocabulary.find(text, start, end, hash) >= 0)) return undefined;
    starts[word + 1] = end;
    longest = Math.max(longest, end - start);
    table[slot] = hash;
    table[slot + 1] = word + 1;
  }
  return words > 0 && list.at(-1) === NEWLINE ? { buffer, words, longest } : undefined;
}

/** A packed vocabulary as a file; `sha256` (hexadecimal) is that of the list it was made from. */
export function packedVocabularyFile({ buffer, words, longest }: VocabularyShared, sha256: string): Uint8Array {
  const file = Buffer.alloc(buffer.byteLength + TRAILER);
  file.set(new Uint8Array(buffer));
  file.write(sha256, buffer.byteLength, "hex");
  file.writeUInt32LE(words, buffer.byteLength + 32);
  file.writeUInt32LE(longest, buffer.byteLength + 36);
  return file;
}

/** The vocabulary in such a file, without a copy; undefined when it was made from another list or is not whole. */
export function openPackedVocabulary(file: Uint8Array, sha256: string): VocabularyShared | undefined {
  const { buffer, byteOffset, length } = file;
  if (length < TRAILER || byteOffset !== 0 || !(buffer instanceof SharedArrayBuffer)) return undefined;
  const trailer = Buffer.from(buffer, length - TRAILER, TRAILER);
  const words = trailer.readUInt32LE(32);
  const tables = slotCount(words) * 8 + (words + 1) * 4;
  if (trailer.toString("hex", 0, 32) !== sha256 || length - TRAILER < tables) return undefined;
  const textLength = new Uint32Array(buffer, tables - 4, 1)[0];
  return length - TRAILER === tables + textLength ? { buffer, words, longest: trailer.readUInt32LE(36) } : undefined;
}

export class Vocabulary {
  readonly longest: number;
  readonly #slots: Uint32Array;
  readonly #starts: Uint32Array;
  readonly #text: Uint8Array;

  constructor({ buffer, words, longest }: VocabularyShared) {
    const slots = slotCount(words);
    this.longest = longest;
    this.#slots = new Uint32Array(buffer, 0, slots * 2);
    this.#starts = new Uint32Array(buffer, slots * 8, words + 1);
    this.#text = new Uint8Array(buffer, slots * 8 + (words + 1) * 4);
  }

  /**
   * The number of the word that `bytes[from .. to)` spell in either case, -1 when it is none. `hash` is that of the
   * bytes in lower case.
   */
  find(bytes: Uint8Array, from: number, to: number, hash: number): number {
    const table = this.#slots;
    const unsigned = hash >>> 0;
    let slot = firstSlot(hash, table.length / 2);
    for (;;) {
      const word = table[slot + 1] - 1;
      if (word < 0) return -1;
      if (table[slot] === unsigned && this.#is(word, bytes, from, to)) return word;
      slot = nextSlot(slot, table.length / 2);
    }
  }

  #is(word: number, bytes: Uint8Array, from: number, to: number): boolean {
    const start = this.#starts[word];
    if (this.#starts[word + 1] - start !== to - from) return false;
    for (let i = from; i < to; i++) if (this.#text[start + i - from] !== (bytes[i] | LOWER_CASE)) return false;
    return true;
  }
}

function slotCount(words: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, words) * SLOTS_PER_WORD));
}

/** Index of the pair of cells where the search for a hash begins. */
function firstSlot(hash: number, slots: number): number {
  return ((hash ^ (hash >>> 15)) & (slots - 1)) * 2;
}

function nextSlot(slot: number, slots: number): number {
  return (slot + 2) & (slots * 2 - 1);
}
