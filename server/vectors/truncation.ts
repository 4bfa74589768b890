/**
 * The first dimensions of a vector, at length 1 again. Models that were trained for it (Matryoshka) put what matters most
 * there; of others it is the part of the vector that chance put first.
 * @returns zeros where nothing is left
 */
export function truncated(vector: Float32Array, dims: number): Float32Array {
  const first = vector.slice(0, dims);
  const length = Math.hypot(...first);
  return length > 0 ? first.map((value) => value / length) : first;
}
