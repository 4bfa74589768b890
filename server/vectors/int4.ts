/** The largest code of four bits; -8 is left out. */
const TOP = 7;
/** Components whose codes lie in one block of 16 bytes. */
const BLOCK = 32;

/**
 * Writes a vector as whole numbers from -7 to 7, two a byte: a block of 16 bytes has 32 components, the first 16 in the low
 * halves of its bytes and the others in the high ones. `codes * scale` is the vector.
 * @param vector a multiple of 32 components
 * @param packed half as many bytes
 * @returns the scale; 0 for a vector of zeros
 */
export function int4Codes(vector: Float32Array, packed: Int8Array): number {
  let largest = 0;
  for (const value of vector) largest = Math.max(largest, Math.abs(value));
  if (!(largest > 0 && Number.isFinite(largest))) return 0;
  const code = (d: number) => Math.round((vector[d] * TOP) / largest);
  for (let byte = 0; byte < packed.length; byte++) {
    const d = BLOCK * (byte >> 4) + (byte & 15);
    packed[byte] = (code(d + BLOCK / 2) << 4) | (code(d) & 15);
  }
  return largest / TOP;
}

/** The components of such a vector, back from its codes. */
export function int4Values(packed: Int8Array, scale: number): Float32Array {
  const vector = new Float32Array(2 * packed.length);
  for (let byte = 0; byte < packed.length; byte++) {
    const d = BLOCK * (byte >> 4) + (byte & 15);
    vector[d] = ((packed[byte] << 28) >> 28) * scale;
    vector[d + BLOCK / 2] = (packed[byte] >> 4) * scale;
  }
  return vector;
}
