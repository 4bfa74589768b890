import type { SegmentView } from "../store/segment.ts";
import type { TopList } from "./top-list.ts";

/**
 * Compares the query with every chunk of a view and offers those it comes closest to.
 * @param query unit vector as int8 codes, of the same model as the segment's vectors
 * @param best takes chunks by `first` plus their number, with their cosine
 * @param mayBeFound is only asked for chunks that would be among the best
 * @returns the cosine of any chunk, readable until the next call
 */
export function offerClosest(
  view: SegmentView,
  query: Int8Array,
  best: TopList,
  first: number,
  mayBeFound: (chunk: number) => boolean,
): (chunk: number) => number {
  const dots = view.dots(query);
  const scales = view.segment.vectorScales;
  const unit = 1 / lengthOf(query);
  let least = Math.max(0, best.threshold) / unit;
  for (let chunk = 0; chunk < scales.length; chunk++) {
    const closeness = dots[chunk] * scales[chunk];
    if (closeness <= least || !mayBeFound(chunk)) continue;
    best.offer(first + chunk, closeness * unit);
    least = Math.max(0, best.threshold) / unit;
  }
  return (chunk) => dots[chunk] * scales[chunk] * unit;
}

function lengthOf(codes: Int8Array): number {
  let sum = 0;
  for (let i = 0; i < codes.length; i++) sum += codes[i] * codes[i];
  return Math.sqrt(sum) || 1;
}
