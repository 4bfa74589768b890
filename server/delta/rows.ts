import { closeSync, openSync, readSync } from "node:fs";
import { type PackedStream, unpack } from "./packed-rows.ts";

/**
 * How a file is cut into rows: at every line feed; for CSV, at those that are not within double quotes; and where a
 * format has no such rows, where the bytes themselves say so, wherever in the file they lie.
 */
export type RowKind = "lines" | "quoted" | "chunks";

/** A file whose rows are read, and what in it is compressed. */
export interface RowFile {
  path: string;
  bytes: number;
  packed?: readonly PackedStream[];
}

/** The bytes of one or several files, and where their rows end. Threads share it without a copy. */
export interface RowTable {
  bytes: Uint8Array;
  /** Row i lies from `ends[i - 1]` (0 for the first) to `ends[i]`; its line feed belongs to it. */
  ends: Uint32Array;
}

/** The kind of a dataset by its name; undefined for other files. */
export function rowKindOf(name: string): RowKind | undefined {
  if (/\.(jsonl|ndjson|tsv)$/i.test(name)) return "lines";
  if (/\.csv$/i.test(name)) return "quoted";
  return /\.(parquet|arrow|feather)$/i.test(name) ? "chunks" : undefined;
}

const LINE_FEED = 10;
const QUOTE = 34;
/** Chunks are at least, and at most, so long. */
const SHORTEST_CHUNK = 16;
const LONGEST_CHUNK = 4096;
/** A chunk ends where the highest bits of the hash are zero: after 32 bytes more, on average. */
const CHUNK_SHIFT = 27;

/** What each byte adds to the hash of the bytes before it: the bits of its number, well mixed. */
const GEAR = Uint32Array.from({ length: 256 }, (_, byte) => {
  let mixed = Math.imul(byte + 1, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
  return mixed ^ (mixed >>> 13);
});

/** Finds the ends of rows in bytes that come piece by piece. */
export class RowScanner {
  readonly #kind: RowKind;
  #quoted = false;
  /** Of a chunk: the hash of the last 32 bytes, and how long it is already. */
  #hash = 0;
  #length = 0;

  constructor(kind: RowKind) {
    this.#kind = kind;
  }

  /** Calls back with the place behind each row's last byte. A doubled quote toggles twice, so it needs no care. */
  scan(bytes: Uint8Array, onEnd: (end: number) => void): void {
    if (this.#kind === "lines") {
      for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) onEnd(at + 1);
      return;
    }
    if (this.#kind === "chunks") {
      this.#scanChunks(bytes, onEnd);
      return;
    }
    let quoted = this.#quoted;
    for (let at = 0; at < bytes.length; at++) {
      if (bytes[at] === QUOTE) quoted = !quoted;
      else if (bytes[at] === LINE_FEED && !quoted) onEnd(at + 1);
    }
    this.#quoted = quoted;
  }

  #scanChunks(bytes: Uint8Array, onEnd: (end: number) => void): void {
    let hash = this.#hash;
    let length = this.#length;
    for (let at = 0; at < bytes.length; at++) {
      hash = ((hash << 1) + GEAR[bytes[at]]) | 0;
      length++;
      if (length >= SHORTEST_CHUNK && (hash >>> CHUNK_SHIFT === 0 || length === LONGEST_CHUNK)) {
        onEnd(at + 1);
        length = 0;
      }
    }
    this.#hash = hash;
    this.#length = length;
  }
}

/**
 * Reads files, one after the other, what is compressed in them unpacked; each begins a row of its own.
 *
 * @throws {CairnError} `corrupt` when something compressed is not what it is said to be
 */
export function readRows(files: readonly RowFile[], kind: RowKind): RowTable {
  const unpacked = files.map(({ path, bytes, packed = [] }) =>
    packed.length > 0 ? unpack(readWhole(path, new Uint8Array(bytes)), packed) : undefined,
  );
  const total = files.reduce((sum, { bytes }, i) => sum + (unpacked[i]?.length ?? bytes), 0);
  const all = new Uint8Array(new SharedArrayBuffer(total));
  const ends: number[] = [];
  let start = 0;
  files.forEach(({ path, bytes }, i) => {
    const from = start;
    start += unpacked[i]?.length ?? bytes;
    const own = all.subarray(from, start);
    if (unpacked[i]) own.set(unpacked[i]);
    else readWhole(path, own);
    unpacked[i] = undefined;
    new RowScanner(kind).scan(own, (end) => ends.push(from + end));
    if (start > from && ends.at(-1) !== start) ends.push(start);
  });
  const shared = new Uint32Array(new SharedArrayBuffer(4 * ends.length));
  shared.set(ends);
  return { bytes: all, ends: shared };
}

function readWhole(path: string, into: Uint8Array): Uint8Array {
  const file = openSync(path, "r");
  try {
    for (let done = 0; done < into.length; ) {
      const count = readSync(file, into, done, into.length - done, done);
      if (count === 0) break;
      done += count;
    }
  } finally {
    closeSync(file);
  }
  return into;
}

/** Where row i begins. */
export function rowStart({ ends }: RowTable, row: number): number {
  return row === 0 ? 0 : ends[row - 1];
}
