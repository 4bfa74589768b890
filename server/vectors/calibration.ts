import { createHash } from "node:crypto";
import { truncated } from "./truncation.ts";

/**
 * Where the vectors of a model lie, learned from some of them. Models such as E5 have a few dimensions that are large in
 * every vector, and nearly the same: without them the codes' steps need to reach only as far as vectors differ.
 */
export interface Calibration {
  /** What each dimension is on average. */
  readonly middles: Float32Array;
  /** 16 hex digits of the SHA-256 of the middles: part of the name of what is coded by them. */
  readonly digest: string;
}

/** So many vectors tell what the dimensions of a model are like; more say nothing else. */
export const ENOUGH_VECTORS = 500;

/** @param middles finite, one a dimension */
export function calibrationBy(middles: Float32Array): Calibration {
  const bytes = new Uint8Array(middles.buffer, middles.byteOffset, middles.byteLength);
  return { middles, digest: createHash("sha256").update(bytes).digest("hex").slice(0, 16) };
}

/**
 * Learns from unit vectors.
 * @param vectors one and more, of at least as many dimensions
 * @param dims of which the first are kept
 */
export function learnCalibration(vectors: readonly Float32Array[], dims: number): Calibration {
  const sums = new Float64Array(dims);
  for (const vector of vectors) for (const [d, value] of truncated(vector, dims).entries()) sums[d] += value;
  return calibrationBy(Float32Array.from(sums, (sum) => sum / vectors.length));
}
