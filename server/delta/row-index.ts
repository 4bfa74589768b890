import type { Model } from "./model-files.ts";
import { rowFilesOf } from "./row-files.ts";
import { type RowKind, type RowTable, readRows, rowStart } from "./rows.ts";

/** Finds rows of a base by their bytes, and rows that are like one by the cells that they share. */
export interface RowIndex extends RowTable {
  /** Open addressing: number of a row plus one, at its hash; the first row of equal ones. */
  rows: Uint32Array;
  /** The same for cells: the last row that has a cell of that hash. Collisions only cost a bad guess. */
  cells: Uint32Array;
}

/** Cells shorter than this are in too many rows to tell anything. */
const SHORTEST_CELL = 8;
const MOST_CELL_SLOTS = 1 << 23;
/** Cells of a row that are looked up. */
const MOST_LOOKUPS = 64;

function indexRows(table: RowTable, kind: RowKind): RowIndex {
  const rows = new Uint32Array(new SharedArrayBuffer(4 * powerAbove(2 * table.ends.length)));
  const cells = new Uint32Array(
    new SharedArrayBuffer(4 * (kind === "chunks" ? 1 : Math.min(MOST_CELL_SLOTS, powerAbove(table.bytes.length / 16)))),
  );
  const index = { ...table, rows, cells };
  for (let row = 0; row < table.ends.length; row++) {
    const [start, end] = [rowStart(table, row), table.ends[row]];
    let slot = hashOf(table.bytes, start, end) & (rows.length - 1);
    while (rows[slot] !== 0 && !equalRows(index, rows[slot] - 1, table.bytes, start, end))
      slot = (slot + 1) & (rows.length - 1);
    if (rows[slot] === 0) rows[slot] = row + 1;
    if (kind === "chunks") continue;
    eachCell(table.bytes, start, end, (hash) => {
      cells[hash & (cells.length - 1)] = row + 1;
    });
  }
  return index;
}

/** The index of a base's rows of each kind, made when it is first asked for. */
export function rowIndexes(base: Model): (kind: RowKind) => RowIndex {
  const known = new Map<RowKind, RowIndex>();
  return (kind) => {
    const index = known.get(kind) ?? indexRows(readRows(rowFilesOf(base, kind), kind), kind);
    known.set(kind, index);
    return index;
  };
}

/** The row of the base with these bytes, or -1. */
export function findRow(index: RowIndex, bytes: Uint8Array, start: number, end: number): number {
  const { rows } = index;
  let slot = hashOf(bytes, start, end) & (rows.length - 1);
  for (; rows[slot] !== 0; slot = (slot + 1) & (rows.length - 1)) {
    if (equalRows(index, rows[slot] - 1, bytes, start, end)) return rows[slot] - 1;
  }
  return -1;
}

/** The row of the base that shares the most cells with these bytes, or -1. */
export function findSimilarRow({ cells }: RowIndex, bytes: Uint8Array, start: number, end: number): number {
  const votes = new Map<number, number>();
  let looked = 0;
  eachCell(bytes, start, end, (hash) => {
    const row = cells[hash & (cells.length - 1)] - 1;
    if (row >= 0 && looked++ < MOST_LOOKUPS) votes.set(row, (votes.get(row) ?? 0) + 1);
  });
  let best = -1;
  for (const [row, count] of votes) if (best < 0 || count > (votes.get(best) ?? 0)) best = row;
  return best;
}

export function equalRows(table: RowTable, row: number, bytes: Uint8Array, start: number, end: number): boolean {
  const from = rowStart(table, row);
  if (table.ends[row] - from !== end - start) return false;
  for (let i = 0; i < end - start; i++) if (table.bytes[from + i] !== bytes[start + i]) return false;
  return true;
}

/** What stands between commas, quotes, tabs, colons and braces, hashed. */
export function eachCell(bytes: Uint8Array, start: number, end: number, onCell: (hash: number) => void): void {
  let from = start;
  for (let at = start; at <= end; at++) {
    if (at < end && !isBorder(bytes[at])) continue;
    if (at - from >= SHORTEST_CELL) onCell(hashOf(bytes, from, at));
    from = at + 1;
  }
}

function isBorder(byte: number): boolean {
  return byte === 44 || byte === 34 || byte === 9 || byte === 58 || byte === 123 || byte === 125 || byte === 10;
}

/** FNV-1a as an unsigned 32-bit number, its bits mixed once more, since mostly the low ones are used. */
export function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

function powerAbove(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(16, count)));
}
