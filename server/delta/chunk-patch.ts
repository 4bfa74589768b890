import { findRow, type RowIndex } from "./row-index.ts";
import type { PatchStep } from "./row-patch.ts";
import { RowScanner, rowStart } from "./rows.ts";

/**
 * How bytes are made from those of a base: chunks that the base has too, each as far as the bytes around it are the same.
 */
export function chunkPatch(index: RowIndex, bytes: Uint8Array): PatchStep[] {
  const steps: PatchStep[] = [];
  /** The last copy, up to where it goes in the base and here, and how it is written. */
  let last = { baseEnd: 0, end: 0, skip: 0, copy: 0 };
  const close = (from: number) =>
    steps.push({ skip: last.skip, copy: last.copy, insert: bytes.subarray(last.end, from) });
  let start = 0;
  const onChunk = (end: number) => {
    const from = start;
    start = end;
    if (from < last.end) return;
    const place = placeOf(index, bytes, from, end, last.baseEnd + from - last.end);
    if (place < 0) return;
    let before = 0;
    while (from - before > last.end && place > before && same(index, place - before - 1, bytes, from - before - 1))
      before++;
    let after = end - from;
    while (from + after < bytes.length && same(index, place + after, bytes, from + after)) after++;
    close(from - before);
    last = {
      baseEnd: place + after,
      end: from + after,
      skip: place - before - last.baseEnd,
      copy: before + after,
    };
  };
  new RowScanner("chunks").scan(bytes, onChunk);
  if (start < bytes.length) onChunk(bytes.length);
  close(bytes.length);
  return steps;
}

/** Where the base has a chunk: where it would be if only the bytes between had changed, else where it is first; or -1. */
function placeOf(index: RowIndex, bytes: Uint8Array, start: number, end: number, expected: number): number {
  let at = 0;
  while (at < end - start && same(index, expected + at, bytes, start + at)) at++;
  if (at === end - start) return expected;
  const row = findRow(index, bytes, start, end);
  return row < 0 ? -1 : rowStart(index, row);
}

function same({ bytes: base }: RowIndex, place: number, bytes: Uint8Array, at: number): boolean {
  return place < base.length && base[place] === bytes[at];
}
