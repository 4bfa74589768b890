import type { SegmentView } from "../store/segment.ts";

/**
 * Compares the query with every chunk of the view. The cosines are read by chunk number, and only until the next call.
 * @param query unit vector as int8 codes, of the same model as the segment's vectors
 */
export function semanticScores(view: SegmentView, query: Int8Array): (chunk: number) => number {
  const dots = view.dots(query);
  const scales = view.segment.vectorScales;
  const unit = 1 / lengthOf(query);
  return (chunk) => dots[chunk] * scales[chunk] * unit;
}

function lengthOf(codes: Int8Array): number {
  let sum = 0;
  for (let i = 0; i < codes.length; i++) sum += codes[i] * codes[i];
  return Math.sqrt(sum) || 1;
}
