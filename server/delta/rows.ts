import { closeSync, openSync, readSync } from "node:fs";

/** How a file is cut into rows: at every line feed, or, for CSV, at those that are not within double quotes. */
export type RowKind = "lines" | "quoted";

/** The bytes of one or several files, and where their rows end. Threads share it without a copy. */
export interface RowTable {
  bytes: Uint8Array;
  /** Row i lies from `ends[i - 1]` (0 for the first) to `ends[i]`; its line feed belongs to it. */
  ends: Uint32Array;
}

/** The kind of a dataset by its name; undefined for other files. */
export function rowKindOf(name: string): RowKind | undefined {
  if (/\.(jsonl|ndjson|tsv)$/i.test(name)) return "lines";
  return /\.csv$/i.test(name) ? "quoted" : undefined;
}

const LINE_FEED = 10;
const QUOTE = 34;

/** Finds the ends of rows in bytes that come piece by piece. */
export class RowScanner {
  readonly #kind: RowKind;
  #quoted = false;

  constructor(kind: RowKind) {
    this.#kind = kind;
  }

  /** Calls back with the place behind each row's last byte. A doubled quote toggles twice, so it needs no care. */
  scan(bytes: Uint8Array, onEnd: (end: number) => void): void {
    if (this.#kind === "lines") {
      for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) onEnd(at + 1);
      return;
    }
    let quoted = this.#quoted;
    for (let at = 0; at < bytes.length; at++) {
      if (bytes[at] === QUOTE) quoted = !quoted;
      else if (bytes[at] === LINE_FEED && !quoted) onEnd(at + 1);
    }
    this.#quoted = quoted;
  }
}

/** Reads files, one after the other; each begins a row of its own. */
export function readRows(files: readonly { path: string; bytes: number }[], kind: RowKind): RowTable {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const all = new Uint8Array(new SharedArrayBuffer(total));
  const ends: number[] = [];
  let start = 0;
  for (const { path, bytes } of files) {
    const own = all.subarray(start, start + bytes);
    const file = openSync(path, "r");
    try {
      for (let done = 0; done < bytes; ) {
        const count = readSync(file, own, done, bytes - done, done);
        if (count === 0) break;
        done += count;
      }
    } finally {
      closeSync(file);
    }
    const from = start;
    new RowScanner(kind).scan(own, (end) => ends.push(from + end));
    start += bytes;
    if (bytes > 0 && ends.at(-1) !== start) ends.push(start);
  }
  const shared = new Uint32Array(new SharedArrayBuffer(4 * ends.length));
  shared.set(ends);
  return { bytes: all, ends: shared };
}

/** Where row i begins. */
export function rowStart({ ends }: RowTable, row: number): number {
  return row === 0 ? 0 : ends[row - 1];
}
