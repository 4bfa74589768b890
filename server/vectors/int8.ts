/** The largest code: -128 is left out, so that a vector and its opposite have opposite codes. */
const TOP = 127;

/**
 * Writes a vector as whole numbers from -127 to 127; `codes * scale` is the vector.
 * @returns the scale; 0 for a vector of zeros
 */
export function quantise(vector: Float32Array, codes: Int8Array): number {
  let largest = 0;
  for (const value of vector) largest = Math.max(largest, Math.abs(value));
  if (!(largest > 0 && Number.isFinite(largest))) return 0;
  for (let d = 0; d < vector.length; d++) codes[d] = Math.round((vector[d] * TOP) / largest);
  return largest / TOP;
}

/**
 * What one step of the codes of each dimension is worth, so that the codes of all of a sample fit: dimensions that vary
 * little get as many steps as those that vary much, and a vector needs no scale of its own.
 * @param vectors of a sample, one after the other
 * @param dims components of each
 */
export function stepsOf(vectors: Float32Array, dims: number): Float32Array {
  const steps = new Float32Array(dims);
  for (let i = 0; i < vectors.length; i++) steps[i % dims] = Math.max(steps[i % dims], Math.abs(vectors[i]));
  return steps.map((largest) => largest / TOP);
}

/** Writes a vector in the steps of {@link stepsOf}; what is larger than all of the sample is cut to the largest code. */
export function stepCodes(vector: Float32Array, steps: Float32Array, codes: Int8Array): void {
  for (let d = 0; d < vector.length; d++) {
    codes[d] = steps[d] > 0 ? Math.max(-TOP, Math.min(TOP, Math.round(vector[d] / steps[d]))) : 0;
  }
}

/**
 * The codes of a query that is compared with such codes: the steps are multiplied into it, so that the dot products of
 * the codes are as the vectors' are, but for one factor.
 */
export function stepQuery(query: Float32Array, steps: Float32Array, codes: Int8Array): void {
  quantise(
    query.map((value, d) => value * steps[d]),
    codes,
  );
}
