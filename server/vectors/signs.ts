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
