import { setImmediate as nextTurn } from "node:timers/promises";
import type { QueryForms, VectorForm, VectorSet } from "./vector-forms.ts";

/** What a form finds of each query's closest vectors: shares from 0 to 1, one a query. */
export interface RecallOfForm<Form> {
  readonly form: Form;
  readonly shares: readonly number[];
}

type ExactVectors = Pick<VectorSet, "dims" | "exact">;

/** Scores that are closer than this are of vectors that are the same. */
const SAME = 1e-6;

/**
 * Recall of each form against the exact vectors. A vector counts as found when it is as close as the last of the truly
 * closest: copies of one text are as good as each other.
 */
export async function recallOf<Form extends Pick<VectorForm, "closest">>(
  set: ExactVectors,
  forms: readonly Form[],
  queries: readonly QueryForms[],
  wanted: number,
  signal: AbortSignal,
): Promise<RecallOfForm<Form>[]> {
  const [exact] = forms;
  const shares: number[][] = forms.map(() => []);
  for (const query of queries) {
    await nextTurn();
    signal.throwIfAborted();
    const truly = exact.closest(query, wanted);
    const least = closeness(set, query, truly[truly.length - 1]) - SAME;
    for (const [i, form] of forms.entries()) {
      const found = form.closest(query, wanted).filter((row) => closeness(set, query, row) >= least);
      shares[i].push(found.length / truly.length);
    }
  }
  return forms.map((form, i) => ({ form, shares: shares[i] }));
}

function closeness({ dims, exact }: ExactVectors, query: QueryForms, row: number): number {
  let dot = 0;
  for (let d = 0, at = row * dims; d < dims; d++) dot += exact[at + d] * query.exact[d];
  return dot;
}
