import type { Calibration } from "./calibration.ts";
import { int4Codes, int4Values } from "./int4.ts";
import { quantise } from "./int8.ts";
import { truncated } from "./truncation.ts";

export const FORM_KINDS = ["int8", "int8-calibrated", "int4", "binary"] as const;

/** How the vectors of a model are to be kept: so many bits of the first so many dimensions. */
export interface AskedForm {
  readonly kind: (typeof FORM_KINDS)[number];
  readonly dims: number;
}

/**
 * How they are kept. Of `binary` the signs are in memory and say which vectors are worth comparing; these are compared by
 * their int8 codes, which lie on disk. `int8-calibrated` is nothing without its calibration: there is no such form that
 * vectors of two calibrations could come together in.
 */
export type StoredForm =
  | { readonly kind: "int8" | "int4" | "binary"; readonly dims: number }
  | { readonly kind: "int8-calibrated"; readonly dims: number; readonly calibration: Calibration };

/**
 * A unit vector as whole numbers: `codes * scale`, where the codes lie as its form has them; of a calibrated form what is
 * left when the middles are taken off. The scale is 0 for what is no vector.
 */
export interface CodedVector {
  readonly codes: Int8Array;
  readonly scale: number;
}

/**
 * A question for vectors of one form, in int8 whatever that is: its cosine with one of them is about
 * `base + dot product of the codes * scale of the vector * unit`, and of a calibrated one `codes * scale * middles` more.
 */
export interface CodedQuery {
  readonly codes: Int8Array;
  readonly unit: number;
  readonly base: number;
}

/** Four bits and signs come in blocks of so many components; what a vector lacks is zeros. */
const BLOCK = 32;
const FLOAT_BYTES = Float32Array.BYTES_PER_ELEMENT;
/** By which a vector is found on disk. */
const HASH_BYTES = 16;
/** Of a vector that is the middle of all, so that it is not taken for none. */
const LEAST_SCALE = 1e-30;

/** What lies on disk of a form: signs alone would have nothing to be compared by in the end. */
export function onDisk(form: StoredForm): StoredForm {
  return form.kind === "binary" ? { kind: "int8", dims: form.dims } : form;
}

/** The form that is wanted; undefined where that needs a calibration and there is none. */
export function settledForm({ kind, dims }: AskedForm, calibration: Calibration | undefined): StoredForm | undefined {
  if (kind !== "int8-calibrated") return { kind, dims };
  return calibration && { kind, dims, calibration };
}

/** Bytes of the codes of one vector on disk. */
export function codeBytes({ kind, dims }: AskedForm): number {
  return kind === "int4" ? padded(dims) / 2 : dims;
}

/** Bytes of one vector with its scale, and in memory with what finds or completes the rest of it. */
export function bytesOf(form: AskedForm): { memory: number; disk: number } {
  const disk = codeBytes(form) + FLOAT_BYTES;
  if (form.kind === "binary") return { disk, memory: padded(form.dims) / 8 + FLOAT_BYTES + HASH_BYTES };
  return { disk, memory: form.kind === "int8-calibrated" ? disk + FLOAT_BYTES : disk };
}

/** Dimensions up to the next whole block. */
export function padded(dims: number): number {
  return Math.ceil(dims / BLOCK) * BLOCK;
}

/** A unit vector in the form that lies on disk. @param vector of at least as many dimensions */
export function encoded(vector: Float32Array, form: StoredForm): CodedVector {
  const own = truncated(vector, form.dims);
  const codes = new Int8Array(codeBytes(form));
  if (form.kind === "int4") {
    const whole = new Float32Array(padded(form.dims));
    whole.set(own);
    return { scale: int4Codes(whole, codes), codes };
  }
  if (form.kind !== "int8-calibrated") return { scale: quantise(own, codes), codes };
  const length = Math.hypot(...own);
  if (!(length > 0 && Number.isFinite(length))) return { scale: 0, codes };
  return { scale: quantise(without(own, form.calibration), codes) || LEAST_SCALE, codes };
}

/** The vector again, nearly. */
export function decoded({ codes, scale }: CodedVector, form: StoredForm): Float32Array {
  if (form.kind === "int4") return int4Values(codes, scale).slice(0, form.dims);
  if (form.kind !== "int8-calibrated") return Float32Array.from(codes, (code) => code * scale);
  const { middles } = form.calibration;
  return Float32Array.from(codes, (code, d) => (scale === 0 ? 0 : middles[d] + code * scale));
}

/** The unit vector of a question, for vectors of a form. @param vector of at least as many dimensions */
export function encodedQuery(vector: Float32Array, form: StoredForm): CodedQuery {
  const own = truncated(vector, form.dims);
  const codes = new Int8Array(form.dims);
  if (form.kind !== "int8-calibrated") {
    quantise(own, codes);
    return { codes, unit: unitOf(codes), base: 0 };
  }
  const { middles } = form.calibration;
  // What the vectors' middles have in common with the question's own is in the dot product of the vector and the middles.
  const unit = quantise(without(own, form.calibration), codes);
  return { codes, unit, base: own.reduce((sum, value, d) => sum + value * middles[d], 0) };
}

function without(vector: Float32Array, { middles }: Calibration): Float32Array {
  return vector.map((value, d) => value - middles[d]);
}

/** 1 over the length of what the codes say; 0 for none. */
function unitOf(codes: Int8Array): number {
  let squares = 0;
  for (const code of codes) squares += code * code;
  return squares === 0 ? 0 : 1 / Math.sqrt(squares);
}

/** What tells a form from all others, as text. */
export function formName(form: StoredForm): string {
  return `${form.kind === "int8-calibrated" ? `int8c-${form.calibration.digest}` : form.kind}@${form.dims}`;
}

/**
 * The name under which the vectors of a model lie on disk in a form.
 * @param allDims as many as the model gives
 */
export function storedName(model: string, form: StoredForm, allDims: number): string {
  const own = onDisk(form);
  return own.kind === "int8" && own.dims === allDims ? model : `${model}#${formName(own)}`;
}

/** Whose stored vectors: as many dimensions as the model gives, and the calibrations that are known of it. */
export interface StoredModel {
  readonly model: string;
  readonly dims: number;
  readonly calibrations?: readonly Calibration[];
}

/**
 * Of names of stored vectors those that vectors of a form can be made of without embedding, the best first: a vector can
 * lose bits and dimensions, and gains neither. Calibrated codes are made of such alone: of plain ones they would have what
 * these have lost, and nothing would be won.
 * @param names of any models
 */
export function sourcesFor(
  names: readonly string[],
  stored: StoredModel,
  form: StoredForm,
): { readonly name: string; readonly form: StoredForm }[] {
  const own = storedName(stored.model, form, stored.dims);
  const usable = SOURCES[onDisk(form).kind];
  const found = names.flatMap((name) => {
    const source = formNamed(name, stored);
    if (!source || source.dims < form.dims || !usable.includes(source.kind)) return [];
    return name === own ? [] : [{ name, form: source }];
  });
  return found.sort((a, b) => usable.indexOf(a.form.kind) - usable.indexOf(b.form.kind) || b.form.dims - a.form.dims);
}

/** What each kind can be made of, the best first. */
const SOURCES: Readonly<Record<StoredForm["kind"], readonly StoredForm["kind"][]>> = {
  int8: ["int8", "int8-calibrated"],
  "int8-calibrated": ["int8-calibrated"],
  int4: ["int8", "int8-calibrated", "int4"],
  binary: [],
};

/** The form that a name says; undefined where it is no name of this model, and where its calibration is not known. */
export function formNamed(
  name: string,
  { model, dims: allDims, calibrations = [] }: StoredModel,
): StoredForm | undefined {
  if (name === model) return { kind: "int8", dims: allDims };
  if (!name.startsWith(`${model}#`)) return undefined;
  const [, kind, digest, text] = /^(int8|int4|int8c-([0-9a-f]+))@(\d+)$/.exec(name.slice(model.length + 1)) ?? [];
  const dims = Number(text);
  if (kind === "int8" || kind === "int4") return { kind, dims };
  const calibration = calibrations.find((one) => one.digest === digest && one.middles.length === dims);
  return calibration && settledForm({ kind: "int8-calibrated", dims }, calibration);
}
