import type { NumberWriter } from "./numbers.ts";

/** Skip so many bytes of the base row (may be negative), copy some, then insert others. */
export interface PatchStep {
  skip: number;
  copy: number;
  insert: Uint8Array;
}

/** Writes steps as their count and three numbers each, and gathers what they insert. */
export function writeSteps(steps: readonly PatchStep[], numbers: NumberWriter, fresh: Uint8Array[]): void {
  numbers.unsigned(steps.length);
  for (const { skip, copy, insert } of steps) {
    numbers.signed(skip);
    numbers.unsigned(copy);
    numbers.unsigned(insert.length);
    fresh.push(insert);
  }
}

/** Matches shorter than this are inserted instead. */
const SHORTEST_MATCH = 8;
/** Of very long rows only the beginning and the end are compared. */
const LONGEST_COMPARED = 1 << 16;

/** How a row is made from another: greedy matches of eight bytes and more. */
export function patchOf(base: Uint8Array, row: Uint8Array): PatchStep[] {
  const shorter = Math.min(base.length, row.length);
  let prefix = 0;
  while (prefix < shorter && base[prefix] === row[prefix]) prefix++;
  let suffix = 0;
  while (suffix < shorter - prefix && base[base.length - 1 - suffix] === row[row.length - 1 - suffix]) suffix++;
  const steps: PatchStep[] = [];
  let basePlace = 0;
  const step = (from: number, copy: number, insert: Uint8Array) => {
    steps.push({ skip: from - basePlace, copy, insert });
    basePlace = from + copy;
  };
  const matches = matchesBetween(
    base.subarray(prefix, base.length - suffix),
    row.subarray(prefix, row.length - suffix),
  );
  let rowPlace = prefix;
  let pending = { from: 0, copy: prefix };
  for (const { inBase, inRow, length } of [
    ...matches,
    { inBase: base.length - suffix - prefix, inRow: row.length - suffix - prefix, length: suffix },
  ]) {
    step(pending.from, pending.copy, row.subarray(rowPlace, prefix + inRow));
    pending = { from: prefix + inBase, copy: length };
    rowPlace = prefix + inRow + length;
  }
  if (pending.copy > 0) step(pending.from, pending.copy, row.subarray(rowPlace));
  return steps;
}

function matchesBetween(base: Uint8Array, row: Uint8Array): { inBase: number; inRow: number; length: number }[] {
  if (base.length < SHORTEST_MATCH || row.length < SHORTEST_MATCH) return [];
  if (base.length > LONGEST_COMPARED || row.length > LONGEST_COMPARED) return [];
  const places = new Map<number, number>();
  for (let at = base.length - SHORTEST_MATCH; at >= 0; at--) places.set(keyAt(base, at), at);
  const matches: { inBase: number; inRow: number; length: number }[] = [];
  for (let at = 0; at + SHORTEST_MATCH <= row.length; ) {
    const found = places.get(keyAt(row, at));
    let length = 0;
    if (found !== undefined)
      while (found + length < base.length && at + length < row.length && base[found + length] === row[at + length])
        length++;
    if (found !== undefined && length >= SHORTEST_MATCH) {
      matches.push({ inBase: found, inRow: at, length });
      at += length;
    } else at++;
  }
  return matches;
}

/** Eight bytes as one number; a collision is seen when the match is extended. */
function keyAt(bytes: Uint8Array, at: number): number {
  let low = 0;
  for (let i = 0; i < SHORTEST_MATCH; i++) low = Math.imul(low ^ bytes[at + i], 0x01000193) + 0x9e3779b9;
  return low >>> 0;
}
