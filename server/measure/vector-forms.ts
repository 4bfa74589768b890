import { type Phrase, phrase } from "../../shared/phrase.ts";
import { VectorRows } from "../chosen/vector-rows.ts";
import { TopList } from "../search/top-list.ts";
import { VectorArena } from "../vectors/arena.ts";
import { ENOUGH_VECTORS, learnCalibration } from "../vectors/calibration.ts";
import { int4Codes } from "../vectors/int4.ts";
import { quantise, stepCodes, stepQuery, stepsOf } from "../vectors/int8.ts";
import { signsOf } from "../vectors/signs.ts";
import { bytesOf, encoded, encodedQuery, type StoredForm } from "../vectors/stored-form.ts";
import { truncated } from "../vectors/truncation.ts";
import type { KernelModule } from "../vectors/web-assembly.ts";

/** Vectors of one model, one after the other: exact, and as the index keeps them. */
export interface VectorSet {
  readonly dims: number;
  readonly count: number;
  /** Unit vectors. */
  readonly exact: Float32Array;
  /** `codes * scale` is nearly the same. */
  readonly codes: Int8Array;
  readonly scales: Float32Array;
}

/** A query's unit vector, exact and as a search has it. */
export interface QueryForms {
  readonly exact: Float32Array;
  readonly codes: Int8Array;
}

/** One way to keep vectors, with all of a set in it. */
export interface VectorForm {
  readonly id: string;
  readonly name: Phrase;
  /** Of one vector, its scale included. */
  readonly bytes: number;
  /** Numbers of the closest vectors, the closest first. */
  closest(query: QueryForms, wanted: number): number[];
}

/** So many times the wanted ones are compared again, where signs come first. */
const RESCORED = 20;
/** Bytes of a scale. */
const SCALE = Float32Array.BYTES_PER_ELEMENT;
const NO_HASH = new Uint8Array(16);
/** Parts of all dimensions that are kept. */
const PARTS = [2, 4] as const;

/** All ways to keep a set of vectors, those as exact as they come first. */
export function vectorForms(set: VectorSet, kernels: KernelModule | undefined): VectorForm[] {
  return [
    exact(set),
    int8(set, kernels),
    stepped(set, kernels),
    calibrated(set, kernels),
    int4(set, kernels),
    ...PARTS.map((part) => firstDimensions(set, set.dims / part, kernels)),
    signsThenInt8(set, kernels),
    signsWithCodes(set, kernels),
    signs(set, kernels),
  ];
}

/** @param set of which the exact vectors count */
export function exact({ dims, count, exact: vectors }: Pick<VectorSet, "dims" | "count" | "exact">): VectorForm {
  return {
    id: "float",
    name: phrase("float, all {0} dimensions", dims),
    bytes: dims * Float32Array.BYTES_PER_ELEMENT,
    closest: ({ exact: query }, wanted) =>
      best(count, wanted, (row) => {
        let dot = 0;
        for (let d = 0, at = row * dims; d < dims; d++) dot += vectors[at + d] * query[d];
        return dot;
      }),
  };
}

function int8({ dims, count, codes, scales }: VectorSet, kernels: KernelModule | undefined): VectorForm {
  const { arena, at } = placed(codes, kernels);
  return {
    id: "int8",
    name: phrase("int8, a scale for each vector"),
    bytes: dims + SCALE,
    closest(query, wanted) {
      const dots = arena.dots(at, count, query.codes);
      return best(count, wanted, (row) => dots[row] * scales[row]);
    },
  };
}

function stepped({ dims, count, exact: vectors }: VectorSet, kernels: KernelModule | undefined): VectorForm {
  const steps = stepsOf(vectors, dims);
  const codes = new Int8Array(count * dims);
  eachRow(vectors, dims, (vector, row) => stepCodes(vector, steps, codes.subarray(row * dims, (row + 1) * dims)));
  const { arena, at } = placed(codes, kernels);
  const queryCodes = new Int8Array(dims);
  return {
    id: "int8-steps",
    name: phrase("int8, a step for each dimension"),
    bytes: dims,
    closest(query, wanted) {
      stepQuery(query.exact, steps, queryCodes);
      const dots = arena.dots(at, count, queryCodes);
      return best(count, wanted, (row) => dots[row]);
    },
  };
}

/** As a chosen model's vectors can be kept. */
function calibrated({ dims, count, exact: vectors }: VectorSet, kernels: KernelModule | undefined): VectorForm {
  const sample: Float32Array[] = [];
  const step = Math.max(1, Math.floor(count / ENOUGH_VECTORS));
  eachRow(vectors, dims, (vector, row) => {
    if (row % step === 0) sample.push(vector);
  });
  const form: StoredForm = { kind: "int8-calibrated", dims, calibration: learnCalibration(sample, dims) };
  const rows = new VectorRows(form, kernels);
  eachRow(vectors, dims, (vector) => {
    const { codes, scale } = encoded(vector, form);
    rows.add(codes, scale, NO_HASH);
  });
  return {
    id: "int8-calibrated",
    name: phrase("int8, around the middle of each dimension"),
    bytes: bytesOf(form).memory,
    closest(query, wanted) {
      const cosines = rows.cosines(encodedQuery(query.exact, form));
      return best(count, wanted, (row) => cosines[row]);
    },
  };
}

function int4({ dims, count, exact: vectors }: VectorSet, kernels: KernelModule | undefined): VectorForm {
  const bytes = dims / 2;
  const codes = new Int8Array(count * bytes);
  const scales = new Float32Array(count);
  eachRow(vectors, dims, (vector, row) => {
    scales[row] = int4Codes(vector, codes.subarray(row * bytes, (row + 1) * bytes));
  });
  const { arena, at } = placed(codes, kernels);
  return {
    id: "int4",
    name: phrase("int4, a scale for each vector"),
    bytes: bytes + SCALE,
    closest(query, wanted) {
      const dots = arena.dots4(at, count, query.codes);
      return best(count, wanted, (row) => dots[row] * scales[row]);
    },
  };
}

/** The model in the package was trained so that the first dimensions carry most, of 128 and of 64. */
function firstDimensions(
  { dims, count, exact: vectors }: VectorSet,
  kept: number,
  kernels: KernelModule | undefined,
): VectorForm {
  const codes = new Int8Array(count * kept);
  const scales = new Float32Array(count);
  eachRow(vectors, dims, (vector, row) => {
    scales[row] = quantise(truncated(vector, kept), codes.subarray(row * kept, (row + 1) * kept));
  });
  const { arena, at } = placed(codes, kernels);
  const queryCodes = new Int8Array(kept);
  return {
    id: `int8-${kept}`,
    name: phrase("int8, the first {0} dimensions", kept),
    bytes: kept + SCALE,
    closest(query, wanted) {
      quantise(truncated(query.exact, kept), queryCodes);
      const dots = arena.dots(at, count, queryCodes);
      return best(count, wanted, (row) => dots[row] * scales[row]);
    },
  };
}

/** As searches do in large indexes: signs tell which vectors are worth comparing. */
function signsThenInt8({ dims, count, codes, scales }: VectorSet, kernels: KernelModule | undefined): VectorForm {
  const { arena, at } = placed(codes, kernels);
  const rows = arena.place(new Int8Array(signsOf(codes).buffer));
  return {
    id: "binary-int8",
    name: phrase("binary, and int8 of the closest {0}", 10 * RESCORED),
    bytes: dims / 8 + dims + SCALE,
    closest(query, wanted) {
      const nearest = arena.nearest(rows, count, signsOf(query.codes), wanted * RESCORED);
      const dots = arena.dotsOf(at, nearest, query.codes);
      return best(nearest.length, wanted, (i) => dots[i] * scales[nearest[i]]).map((i) => nearest[i]);
    },
  };
}

function signsWithCodes({ dims, count, codes }: VectorSet, kernels: KernelModule | undefined): VectorForm {
  const { arena, at } = placed(new Int8Array(signsOf(codes).buffer), kernels);
  return {
    id: "binary-asymmetric",
    name: phrase("binary, the query as it is"),
    bytes: dims / 8,
    closest(query, wanted) {
      const dots = arena.signDots(at, count, query.codes);
      return best(count, wanted, (row) => dots[row]);
    },
  };
}

function signs({ dims, count, codes }: VectorSet, kernels: KernelModule | undefined): VectorForm {
  const { arena, at } = placed(new Int8Array(signsOf(codes).buffer), kernels);
  return {
    id: "binary",
    name: phrase("binary, the query too"),
    bytes: dims / 8,
    closest(query, wanted) {
      const distances = arena.distances(at, count, signsOf(query.codes));
      return best(count, wanted, (row) => -distances[row]);
    },
  };
}

function placed(codes: Int8Array, kernels: KernelModule | undefined): { arena: VectorArena; at: number } {
  const arena = VectorArena.create(codes.length, kernels);
  return { arena, at: arena.place(codes) };
}

function eachRow(vectors: Float32Array, dims: number, see: (vector: Float32Array, row: number) => void): void {
  for (let row = 0; row * dims < vectors.length; row++) see(vectors.subarray(row * dims, (row + 1) * dims), row);
}

function best(count: number, wanted: number, scoreOf: (row: number) => number): number[] {
  const top = new TopList(wanted);
  for (let row = 0; row < count; row++) {
    const score = scoreOf(row);
    if (score >= top.threshold) top.offer(row, score);
  }
  return top.sorted().map(({ item }) => item);
}
