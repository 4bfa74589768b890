import { int4Codes, int4Values } from "./int4.ts";
import { quantise } from "./int8.ts";
import { truncated } from "./truncation.ts";

export const FORM_KINDS = ["int8", "int4", "binary"] as const;

/**
 * How the vectors of a model are kept: so many bits of the first so many dimensions. Of `binary` the signs are in memory
 * and say which vectors are worth comparing; these are compared by their int8 codes, which lie on disk.
 */
export interface StoredForm {
  readonly kind: (typeof FORM_KINDS)[number];
  readonly dims: number;
}

/** A unit vector as whole numbers: `codes * scale`, where the codes lie as its form has them. */
export interface CodedVector {
  readonly codes: Int8Array;
  readonly scale: number;
}

/** Four bits and signs come in blocks of so many components; what a vector lacks is zeros. */
const BLOCK = 32;
const SCALE_BYTES = Float32Array.BYTES_PER_ELEMENT;
/** By which a vector is found on disk. */
const HASH_BYTES = 16;

/** What lies on disk of a form: signs alone would have nothing to be compared by in the end. */
export function onDisk(form: StoredForm): StoredForm {
  return form.kind === "binary" ? { kind: "int8", dims: form.dims } : form;
}

/** Bytes of the codes of one vector on disk. */
export function codeBytes(form: StoredForm): number {
  const { kind, dims } = onDisk(form);
  return kind === "int8" ? dims : padded(dims) / 2;
}

/** Bytes of one vector with its scale, and in memory with what finds the rest of it. */
export function bytesOf(form: StoredForm): { memory: number; disk: number } {
  const disk = codeBytes(form) + SCALE_BYTES;
  return { disk, memory: form.kind === "binary" ? padded(form.dims) / 8 + SCALE_BYTES + HASH_BYTES : disk };
}

/** Dimensions up to the next whole block. */
export function padded(dims: number): number {
  return Math.ceil(dims / BLOCK) * BLOCK;
}

/** A unit vector in the form that lies on disk. @param vector of at least as many dimensions */
export function encoded(vector: Float32Array, form: StoredForm): CodedVector {
  const { kind, dims } = onDisk(form);
  const own = truncated(vector, dims);
  const codes = new Int8Array(codeBytes(form));
  if (kind === "int8") return { scale: quantise(own, codes), codes };
  const whole = new Float32Array(padded(dims));
  whole.set(own);
  return { scale: int4Codes(whole, codes), codes };
}

/** The vector again, nearly. */
export function decoded({ codes, scale }: CodedVector, form: StoredForm): Float32Array {
  const { kind, dims } = onDisk(form);
  return kind === "int8" ? Float32Array.from(codes, (code) => code * scale) : int4Values(codes, scale).slice(0, dims);
}

/**
 * The name under which the vectors of a model lie on disk in a form.
 * @param allDims as many as the model gives
 */
export function storedName(model: string, form: StoredForm, allDims: number): string {
  const { kind, dims } = onDisk(form);
  return kind === "int8" && dims === allDims ? model : `${model}#${kind}@${dims}`;
}

/**
 * Of names of stored vectors those that vectors of a form can be made of without embedding, the best first: a vector can
 * lose bits and dimensions, and gains neither.
 * @param names of any models
 */
export function sourcesFor(
  names: readonly string[],
  model: string,
  form: StoredForm,
  allDims: number,
): { readonly name: string; readonly form: StoredForm }[] {
  const wanted = onDisk(form);
  const found = names.flatMap((name) => {
    const source = formNamed(name, model, allDims);
    if (!source || source.dims < wanted.dims || (source.kind === "int4" && wanted.kind === "int8")) return [];
    return name === storedName(model, form, allDims) ? [] : [{ name, form: source }];
  });
  return found.sort(
    (a, b) => Number(a.form.kind === "int4") - Number(b.form.kind === "int4") || b.form.dims - a.form.dims,
  );
}

/** The form that a name says; undefined where it is no name of this model. */
export function formNamed(name: string, model: string, allDims: number): StoredForm | undefined {
  if (name === model) return { kind: "int8", dims: allDims };
  if (!name.startsWith(`${model}#`)) return undefined;
  const [, kind, dims] = /^(int8|int4)@(\d+)$/.exec(name.slice(model.length + 1)) ?? [];
  return kind === "int8" || kind === "int4" ? { kind, dims: Number(dims) } : undefined;
}
