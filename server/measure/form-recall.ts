import { chosenQuery, codesFor } from "../chosen/chosen-codes.ts";
import { VectorRows } from "../chosen/vector-rows.ts";
import { TopList } from "../search/top-list.ts";
import { encoded, type StoredForm } from "../vectors/stored-form.ts";
import type { KernelModule } from "../vectors/web-assembly.ts";
import { exact, type QueryForms } from "./vector-forms.ts";
import { recallOf } from "./vector-recall.ts";

/** Of fewer vectors, ten are too large a part. */
export const FEWEST_VECTORS = 500;
const QUERIES = 50;
const WANTED = 10;
/** So many times the wanted ones are compared again where signs come first, as in a search. */
const RESCORED = 10;
const NO_HASH = new Uint8Array(16);

/** How many of the ten closest vectors a form finds. */
export interface FormRecall {
  /** 0 to 1, on average. */
  readonly recall10: number;
  /** Of how many vectors, asked by how many others of the same kind. */
  readonly vectors: number;
  readonly queries: number;
}

/**
 * Sets a form of vectors against what they were before, with some of them for questions.
 * @param vectors unit vectors of `dims` dimensions, one after the other, at least {@link FEWEST_VECTORS}
 */
export async function formRecall(
  vectors: Float32Array,
  dims: number,
  form: StoredForm,
  kernels: KernelModule | undefined,
  signal: AbortSignal,
): Promise<FormRecall> {
  const step = Math.floor(vectors.length / dims / QUERIES);
  const queries: QueryForms[] = [];
  const others: number[] = [];
  for (let row = 0; row < vectors.length / dims; row++) {
    if (row % step > 0 || queries.length === QUERIES) others.push(row);
    else queries.push({ exact: vectors.subarray(row * dims, (row + 1) * dims), codes: new Int8Array() });
  }
  const rows = new VectorRows(form, kernels);
  const set = { dims, count: others.length, exact: new Float32Array(others.length * dims) };
  const stored = others.map((row, i) => {
    const vector = vectors.subarray(row * dims, (row + 1) * dims);
    set.exact.set(vector, i * dims);
    const coded = encoded(vector, form);
    rows.add(coded.codes, coded.scale, NO_HASH);
    return coded;
  });
  const own = {
    closest: (query: QueryForms, wanted: number) => {
      const coded = codesFor("", form, chosenQuery("", form, query.exact));
      const { codes, unit } = coded;
      const cosines = rows.cosines(coded);
      if (form.kind !== "binary") return best(cosines, cosines.keys(), wanted);
      const likely = best(cosines, cosines.keys(), RESCORED * wanted);
      for (const row of likely) cosines[row] = dot(stored[row].codes, codes) * stored[row].scale * unit;
      return best(cosines, likely, wanted);
    },
  };
  const [, { shares }] = await recallOf(set, [exact(set), own], queries, WANTED, signal);
  const recall10 = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  return { recall10, vectors: others.length, queries: queries.length };
}

function best(scores: Float32Array, rows: Iterable<number>, wanted: number): number[] {
  const top = new TopList(wanted);
  for (const row of rows) if (scores[row] >= top.threshold) top.offer(row, scores[row]);
  return top.sorted().map(({ item }) => item);
}

function dot(one: Int8Array, two: Int8Array): number {
  let sum = 0;
  for (let d = 0; d < two.length; d++) sum += one[d] * two[d];
  return sum;
}
