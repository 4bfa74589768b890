/** By which components are told apart from their middles. */
const FINE = 1e9;
/** Dimensions of the vectors whose signs are kept, and bytes they take. */
const DIMS = 256;
export const SIGN_BYTES = DIMS / 8;

/**
 * One bit for each component of vectors of 256 dimensions that lie one after the other: set when it is negative. The
 * fewer bits of two vectors differ, the smaller, as a rule, the angle between them; so a scan over an eighth of the
 * bytes tells which vectors are worth comparing exactly.
 */
export function signsOf(codes: Int8Array): Uint8Array {
  const signs = new Uint8Array(codes.length / 8);
  for (let i = 0, at = 0; i < signs.length; i++) {
    let bits = 0;
    for (let bit = 0; bit < 8; bit++) bits |= (codes[at++] >>> 31) << bit;
    signs[i] = bits;
  }
  return signs;
}

/**
 * The same of one vector of any length, about the middle of many: a model that puts all texts into one corner gives them
 * the same signs about zero.
 * @param codes `codes * scale` is the vector
 * @param middles what each dimension is on average
 * @param signs what it is written to; a bit that no dimension has stays as it is
 */
export function signsAbout(middles: Float32Array, codes: Int8Array, scale: number, signs: Uint8Array): void {
  for (let byte = 0, d = 0; d < middles.length; byte++) {
    let bits = 0;
    const end = Math.min(d + 8, middles.length);
    // Without a branch, which half of the components would take: at most 2 times this is a whole number of 32 bits.
    for (; d < end; d++) bits |= (((codes[d] * scale - middles[d]) * FINE) >>> 31) << (d & 7);
    signs[byte] = bits;
  }
}
