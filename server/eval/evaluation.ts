import { type Estimate, estimate } from "./bootstrap.ts";
import { type LabelledQuery, MEASURES, type MeasureName, type Scores, type Search, scoreOf } from "./scores.ts";

/** What one configuration of the search does with labelled queries. */
export interface Evaluation {
  readonly overall: Measured;
  readonly byCategory: Readonly<Record<string, Measured>>;
  /** Of each query, in their order. */
  readonly scores: readonly Scores[];
}

export interface Measured extends Readonly<Record<MeasureName, Estimate>> {
  readonly queries: number;
}

/** Two configurations on the same queries, query by query. */
export interface Difference extends Readonly<Record<MeasureName, Estimate>> {
  readonly queries: number;
  /** Queries whose NDCG@10 is higher, or lower, with the first. */
  readonly better: number;
  readonly worse: number;
  /** Whether the first is better or worse by NDCG@10, beyond doubt. */
  readonly verdict: "better" | "worse" | "no difference" | "too few queries";
}

/** So few say nothing, whatever the bounds: each query alone moves the mean by a tenth of its own change. */
export const FEWEST_FOR_VERDICT = 10;

/** Asks all queries. */
export function evaluation(queries: readonly LabelledQuery[], search: Search): Evaluation {
  const scores = queries.map(({ query, targets }) => scoreOf(targets, search(query)));
  const categories = [...new Set(queries.map(({ category }) => category))].sort();
  return {
    overall: measured(scores),
    byCategory: Object.fromEntries(
      categories.map((name) => [name, measured(scores.filter((_, i) => queries[i].category === name))]),
    ),
    scores,
  };
}

/** @param other of the same queries */
export function differenceOf(one: Evaluation, other: Evaluation): Difference {
  const changes = (measure: MeasureName) => one.scores.map((scores, i) => scores[measure] - other.scores[i][measure]);
  const gains = changes("ndcg10");
  const ndcg10 = estimate(gains);
  return {
    queries: gains.length,
    ndcg10,
    recall10: estimate(changes("recall10")),
    mrr: estimate(changes("mrr")),
    better: gains.filter((gain) => gain > LEAST).length,
    worse: gains.filter((gain) => gain < -LEAST).length,
    verdict: verdictOf(gains.length, ndcg10),
  };
}

/** Less than any change of rank makes; more than rounding does. */
const LEAST = 1e-9;

function measured(scores: readonly Scores[]): Measured {
  const [ndcg10, recall10, mrr] = MEASURES.map((measure) => estimate(scores.map((one) => one[measure])));
  return { queries: scores.length, ndcg10, recall10, mrr };
}

function verdictOf(queries: number, { low, high }: Estimate): Difference["verdict"] {
  if (queries < FEWEST_FOR_VERDICT) return "too few queries";
  if (low > LEAST) return "better";
  return high < -LEAST ? "worse" : "no difference";
}
