import type { Batch } from "./store.ts";

/**
 * A batch of vectors alone, as the store takes it.
 * @param name of the model, and of the form that its vectors are in
 * @param hashes 16 bytes each
 */
export function vectorBatch(name: string, hashes: Uint8Array, codes: Int8Array, scales: Float32Array): Batch {
  const records = { contents: [], ends: new Uint32Array(), data: new Uint8Array() };
  return { files: [], records, model: name, hashes, codes, scales };
}
