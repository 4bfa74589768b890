import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { RowCounts } from "../../shared/delta-types.ts";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { concat } from "./planes.ts";
import { equalRows, findRow, findSimilarRow, type RowIndex } from "./row-index.ts";
import { patchOf } from "./row-patch.ts";
import { type RowKind, RowScanner, type RowTable, rowStart } from "./rows.ts";

/** The first byte of a block of rows; blocks of values have those of {@link Codec}. */
export const ROWS = 6;
/** Bytes of rows in a block, at most, unless a single row is longer. */
export const ROW_BLOCK_BYTES = 8 << 20;
export const LONGEST_ROW_BLOCK = 64 << 20;

/** What the numbers of a block begin with. */
const Action = { copy: 0, literal: 1, patch: 2 } as const;
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 19 } };

/**
 * Codes rows as references to rows of a base, as patches of them, or as they are. Three streams, each compressed: what
 * to do, numbers for it, and bytes that are new.
 */
export function encodeRows(index: RowIndex, bytes: Uint8Array, kind: RowKind): Uint8Array<ArrayBuffer> {
  const actions = new NumberWriter();
  const numbers = new NumberWriter();
  const fresh: Uint8Array[] = [];
  let next = 0;
  let run = { start: 0, count: 0 };
  let literal = 0;
  const flush = () => {
    if (run.count > 0) {
      actions.unsigned(Action.copy);
      numbers.signed(run.start - next);
      numbers.unsigned(run.count);
      next = run.start + run.count;
      run = { start: 0, count: 0 };
    }
    if (literal > 0) {
      actions.unsigned(Action.literal);
      numbers.unsigned(literal);
      literal = 0;
    }
  };
  let start = 0;
  const onRow = (end: number) => {
    const expected = run.count > 0 ? run.start + run.count : next;
    const isNext = expected < index.ends.length && equalRows(index, expected, bytes, start, end);
    const found = isNext ? expected : findRow(index, bytes, start, end);
    if (found >= 0) {
      if (literal > 0 || (run.count > 0 && found !== run.start + run.count)) flush();
      if (run.count === 0) run.start = found;
      run.count++;
    } else {
      const patched = bestPatch(index, bytes.subarray(start, end), [
        expected,
        findSimilarRow(index, bytes, start, end),
      ]);
      if (patched) {
        flush();
        actions.unsigned(Action.patch);
        numbers.signed(patched.row - next);
        next = patched.row + 1;
        numbers.unsigned(patched.steps.length);
        for (const { skip, copy, insert } of patched.steps) {
          numbers.signed(skip);
          numbers.unsigned(copy);
          numbers.unsigned(insert.length);
          fresh.push(insert);
        }
      } else {
        if (run.count > 0) flush();
        literal += end - start;
        fresh.push(bytes.subarray(start, end));
      }
    }
    start = end;
  };
  new RowScanner(kind).scan(bytes, onRow);
  if (start < bytes.length) onRow(bytes.length);
  flush();
  const streams = [actions.bytes(), numbers.bytes(), concat(fresh)].map((stream) => zstdCompressSync(stream, ZSTD));
  const lengths = new Uint8Array(13);
  lengths[0] = ROWS;
  streams.forEach((stream, i) => {
    new DataView(lengths.buffer).setUint32(1 + 4 * i, stream.length, true);
  });
  return concat([lengths, ...streams]);
}

/**
 * The rows that a block holds, `length` bytes of them.
 *
 * @throws {CairnError} `corrupt` when the block is not what the encoder writes, or the base is another one
 */
export function decodeRows(table: RowTable, block: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const [actions, numbers, fresh] = streamsOf(block, length);
  const out = new Uint8Array(length);
  let at = 0;
  let next = 0;
  let used = 0;
  const put = (source: Uint8Array, from: number, count: number) => {
    if (!(from >= 0 && from + count <= source.length && at + count <= length))
      throw damaged("it refers to bytes that are not there");
    out.set(source.subarray(from, from + count), at);
    at += count;
  };
  const rowAt = (row: number): number => {
    if (!(row >= 0 && row < table.ends.length)) throw damaged("it refers to a row that is not there");
    return row;
  };
  while (!actions.isAtEnd) {
    const action = actions.unsigned();
    if (action === Action.copy) {
      const first = rowAt(next + numbers.signed());
      const last = rowAt(first + numbers.unsigned() - 1);
      const from = rowStart(table, first);
      put(table.bytes, from, table.ends[last] - from);
      next = last + 1;
    } else if (action === Action.literal) {
      const count = numbers.unsigned();
      put(fresh, used, count);
      used += count;
    } else if (action === Action.patch) {
      const row = rowAt(next + numbers.signed());
      let from = rowStart(table, row);
      for (let steps = numbers.unsigned(); steps > 0; steps--) {
        from += numbers.signed();
        const copy = numbers.unsigned();
        put(table.bytes, from, copy);
        from += copy;
        const insert = numbers.unsigned();
        put(fresh, used, insert);
        used += insert;
      }
      next = row + 1;
    } else throw damaged("it says what no block says");
  }
  if (at !== length || used !== fresh.length || !numbers.isAtEnd) throw damaged("its streams do not end together");
  return out;
}

/**
 * How many rows a block of `length` bytes has of each kind; the base is not needed.
 *
 * @throws {CairnError} `corrupt` when the block is not what the encoder writes
 */
export function countRows(block: Uint8Array, kind: RowKind, length: number): RowCounts {
  const [actions, numbers, fresh] = streamsOf(block, length);
  const counts = { kept: 0, changed: 0, added: 0 };
  let used = 0;
  while (!actions.isAtEnd) {
    const action = actions.unsigned();
    if (action === Action.copy) {
      numbers.signed();
      counts.kept += numbers.unsigned();
    } else if (action === Action.literal) {
      const count = numbers.unsigned();
      counts.added += rowsIn(fresh.subarray(used, used + count), kind);
      used += count;
    } else if (action === Action.patch) {
      numbers.signed();
      for (let steps = numbers.unsigned(); steps > 0; steps--) {
        numbers.signed();
        numbers.unsigned();
        used += numbers.unsigned();
      }
      counts.changed++;
    } else throw damaged("it says what no block says");
  }
  if (counts.kept + counts.changed + counts.added > length) throw damaged("it has more rows than bytes");
  return counts;
}

/** The last row need not end. */
function rowsIn(bytes: Uint8Array, kind: RowKind): number {
  let rows = 0;
  let last = 0;
  new RowScanner(kind).scan(bytes, (end) => {
    rows++;
    last = end;
  });
  return last < bytes.length ? rows + 1 : rows;
}

/** The shorter of the patches of some rows of the base, when it keeps at least half of one. */
function bestPatch(index: RowIndex, row: Uint8Array, candidates: readonly number[]) {
  let best: { row: number; steps: ReturnType<typeof patchOf>; fresh: number } | undefined;
  for (const candidate of new Set(candidates)) {
    if (candidate < 0 || candidate >= index.ends.length) continue;
    const steps = patchOf(index.bytes.subarray(rowStart(index, candidate), index.ends[candidate]), row);
    const fresh = steps.reduce((sum, { insert }) => sum + insert.length, 0) + 3 * steps.length;
    if (fresh < row.length / 2 && (!best || fresh < best.fresh)) best = { row: candidate, steps, fresh };
  }
  return best;
}

function streamsOf(block: Uint8Array, length: number): [NumberReader, NumberReader, Uint8Array] {
  if (block.length < 13 || block[0] !== ROWS) throw damaged("it holds no rows");
  const view = new DataView(block.buffer, block.byteOffset, block.length);
  let at = 13;
  const streams = [1, 5, 9].map((place) => {
    const packed = block.subarray(at, at + view.getUint32(place, true));
    at += view.getUint32(place, true);
    try {
      // Numbers take a few bytes for each row at the most, and a row has at least one.
      return zstdDecompressSync(packed, { maxOutputLength: 16 * length + 64 });
    } catch {
      throw damaged("a stream of it cannot be unpacked");
    }
  });
  if (at !== block.length) throw damaged("its streams do not fill it");
  return [new NumberReader(streams[0]), new NumberReader(streams[1]), streams[2]];
}

/** Whole numbers below 2^53, seven bits a byte, the lowest first, the highest bit set on all but the last. */
class NumberWriter {
  readonly #bytes: number[] = [];

  unsigned(value: number): void {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#bytes.push(128 + (rest % 128));
    this.#bytes.push(rest);
  }

  /** Twice the value, or twice minus the value less one. */
  signed(value: number): void {
    this.unsigned(value < 0 ? -2 * value - 1 : 2 * value);
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

class NumberReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  unsigned(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      if (this.#at >= this.#bytes.length || factor > 2 ** 49) throw damaged("a number of it is cut off");
      const byte = this.#bytes[this.#at++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  signed(): number {
    const value = this.unsigned();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}

function damaged(why: string): CairnError {
  return new CairnError(
    "corrupt",
    phrase("A block of rows cannot be decoded: {0}.", why),
    phrase("Get the delta again; this copy is damaged."),
  );
}
