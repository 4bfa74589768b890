import type { TopList } from "./top-list.ts";

/**
 * How close the chunks of one snapshot are to one question, by another model than the one whose vectors lie in the
 * segments. A search takes the cosines of either model, never of both.
 */
export interface Closeness {
  /** Identity of the model. */
  readonly model: string;
  /** By view. */
  readonly cosines: readonly ViewCosines[];
}

/** By chunk; 0 for a chunk that has no vector of this model: its words alone speak for it. */
export type ViewCosines = Float32Array | LikelyCosines;

/** Cosines of a view that has so many chunks that most of them are ruled out by their signs. */
export interface LikelyCosines {
  /**
   * By chunk, 1 and more: the greater, the less likely it is close. {@link COMPARED_ALWAYS} for one of which nothing is
   * known before it is compared, {@link NO_VECTOR} for one that has none.
   */
  readonly distances: Uint16Array;
  of(chunks: Uint32Array): Float32Array;
}

export const COMPARED_ALWAYS = 0;
export const NO_VECTOR = 65_535;

/** So many chunks of a view, or such a share of them, are compared after their signs, as in the base of an index. */
const COMPARED = 10_000;
const COMPARED_SHARE = 0.01;

/** Offers the chunks of a view that are closest; parameters as those of `offerClosest`. */
export function offerKnown(
  cosines: ViewCosines,
  best: TopList,
  first: number,
  mayBeFound: ((chunk: number) => boolean) | undefined,
): (chunk: number) => number {
  if (!(cosines instanceof Float32Array)) {
    const likely = likeliest(cosines.distances, mayBeFound);
    const found = cosines.of(likely);
    for (let i = 0; i < likely.length; i++) {
      if (found[i] > 0 && found[i] >= best.threshold) best.offer(first + likely[i], found[i]);
    }
    return (chunk) => (cosines.distances[chunk] === NO_VECTOR ? 0 : cosines.of(Uint32Array.of(chunk))[0]);
  }
  for (let chunk = 0; chunk < cosines.length; chunk++) {
    const cosine = cosines[chunk];
    if (cosine <= 0 || cosine < best.threshold || (mayBeFound && !mayBeFound(chunk))) continue;
    best.offer(first + chunk, cosine);
  }
  return (chunk) => cosines[chunk];
}

/** Of the chunks that may be found those whose signs differ least, ascending: all where they are not many. */
function likeliest(distances: Uint16Array, mayBeFound: ((chunk: number) => boolean) | undefined): Uint32Array {
  const spread = new Uint32Array(NO_VECTOR + 1);
  const admitted = mayBeFound ? new Uint8Array(distances.length) : undefined;
  for (let chunk = 0; chunk < distances.length; chunk++) {
    if (admitted && mayBeFound?.(chunk)) admitted[chunk] = 1;
    if (!admitted || admitted[chunk] === 1) spread[distances[chunk]]++;
  }
  const wanted = Math.max(COMPARED, Math.ceil(distances.length * COMPARED_SHARE));
  let [limit, count] = [COMPARED_ALWAYS, 0];
  while (count < wanted && limit < NO_VECTOR - 1) count += spread[++limit];
  const likely = new Uint32Array(count + spread[COMPARED_ALWAYS]);
  let next = 0;
  for (let chunk = 0; chunk < distances.length; chunk++) {
    if (distances[chunk] <= limit && (!admitted || admitted[chunk] === 1)) likely[next++] = chunk;
  }
  return likely;
}
