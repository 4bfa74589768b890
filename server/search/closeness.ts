import type { TopList } from "./top-list.ts";

/**
 * How close the chunks of one snapshot are to one question, by another model than the one whose vectors lie in the
 * segments. A search takes the cosines of either model, never of both.
 */
export interface Closeness {
  /** Identity of the model. */
  readonly model: string;
  /** By view, then by chunk; 0 for a chunk that has no vector of this model: its words alone speak for it. */
  readonly cosines: readonly Float32Array[];
}

/** Offers the chunks of a view that are closest; parameters as those of `offerClosest`. */
export function offerKnown(
  cosines: Float32Array,
  best: TopList,
  first: number,
  mayBeFound: ((chunk: number) => boolean) | undefined,
): (chunk: number) => number {
  for (let chunk = 0; chunk < cosines.length; chunk++) {
    const cosine = cosines[chunk];
    if (cosine <= 0 || cosine < best.threshold || (mayBeFound && !mayBeFound(chunk))) continue;
    best.offer(first + chunk, cosine);
  }
  return (chunk) => cosines[chunk];
}
