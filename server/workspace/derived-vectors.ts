import type { KnownVectors, StoreMethods } from "../store/store.ts";
import { vectorBatch } from "../store/vector-batch.ts";
import type { Caller } from "../thread-rpc.ts";
import {
  codeBytes,
  decoded,
  encoded,
  type StoredForm,
  type StoredModel,
  sourcesFor,
  storedName,
} from "../vectors/stored-form.ts";

/** Whose vectors, and the form that is wanted. */
export interface WantedVectors extends StoredModel {
  readonly form: StoredForm;
}

const HASH_BYTES = 16;

/**
 * What the store knows of some texts in a form. What is there in one with more bits or more dimensions only is made of
 * that, and stored: nothing is embedded for it.
 * @param hashes of the texts, 16 bytes each
 */
export async function knownVectors(
  store: Caller<StoreMethods>,
  { form, ...stored }: WantedVectors,
  hashes: Uint8Array,
): Promise<KnownVectors> {
  const bytes = codeBytes(form);
  const name = storedName(stored.model, form, stored.dims);
  const known = await store.call("vectors", { model: name, dims: bytes, hashes });
  if (!known.found.includes(0)) return known;
  for (const source of sourcesFor(await store.call("vectorNames", null), stored, form)) {
    const lacking = [...known.found.keys()].filter((i) => known.found[i] === 0);
    if (lacking.length === 0) break;
    const wanted = new Uint8Array(lacking.length * HASH_BYTES);
    for (const [at, i] of lacking.entries()) {
      wanted.set(hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES), at * HASH_BYTES);
    }
    const size = codeBytes(source.form);
    const theirs = await store.call("vectors", { model: source.name, dims: size, hashes: wanted });
    const made: number[] = [];
    for (const [at, i] of lacking.entries()) {
      if (theirs.found[at] === 0) continue;
      const codes = theirs.codes.subarray(at * size, (at + 1) * size);
      const own = encoded(decoded({ codes, scale: theirs.scales[at] }, source.form), form);
      known.found[i] = 1;
      known.codes.set(own.codes, i * bytes);
      known.scales[i] = own.scale;
      made.push(i);
    }
    if (made.length > 0) await store.call("put", batchOf(name, made, hashes, known, bytes));
  }
  return known;
}

function batchOf(
  name: string,
  made: readonly number[],
  hashes: Uint8Array,
  { codes, scales }: KnownVectors,
  bytes: number,
) {
  const [ownHashes, ownCodes] = [new Uint8Array(made.length * HASH_BYTES), new Int8Array(made.length * bytes)];
  for (const [at, i] of made.entries()) {
    ownHashes.set(hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES), at * HASH_BYTES);
    ownCodes.set(codes.subarray(i * bytes, (i + 1) * bytes), at * bytes);
  }
  const ownScales = Float32Array.from(made, (i) => scales[i]);
  return { ...vectorBatch(name, ownHashes, ownCodes, ownScales), derived: true };
}
