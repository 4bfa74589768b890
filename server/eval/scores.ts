/** A query with the places that answer it. */
export interface LabelledQuery {
  readonly query: string;
  /** What kind of question it is, as the labels name it. */
  readonly category: string;
  readonly targets: readonly Target[];
}

/** A file, or the lines of one. */
export interface Target {
  readonly path: string;
  readonly startLine?: number;
  readonly endLine?: number;
  /** Of the lines (or of the file) as they were labelled, in hexadecimal; line breaks are `\n`, none at the end. */
  readonly sha256?: string;
}

/** A result of a search: a path relative to the folder that was searched, and lines from 1. */
export interface Place {
  readonly path: string;
  readonly startLine: number;
  readonly endLine: number;
}

/** What a search finds, best first. */
export type Search = (query: string) => readonly Place[];

/** What is measured of each query. */
export const MEASURES = ["ndcg10", "recall10", "mrr"] as const;

export type MeasureName = (typeof MEASURES)[number];

/** Means over queries, each from 0 to 1. */
export interface Scores extends Readonly<Record<MeasureName, number>> {
  readonly queries: number;
  /** Normalised discounted cumulative gain of the first ten results; gains are binary, each target counts once. */
  readonly ndcg10: number;
  /** Share of the targets among the first ten results. */
  readonly recall10: number;
  /** One over the rank of the first result that is a target; zero without one among the first ten. */
  readonly mrr: number;
}

/** The mean scores of a search over labelled queries. */
export function evaluate(queries: readonly LabelledQuery[], search: Search): Scores {
  return meanOf(queries.map((labelled) => scoreOf(labelled.targets, search(labelled.query))));
}

/** Scores of one query's results, best first. */
export function scoreOf(targets: readonly Target[], results: readonly Place[]): Scores {
  const top = results.slice(0, 10);
  const ranks = targets.map((target) => top.findIndex((place) => meets(place, target))).filter((rank) => rank >= 0);
  const gain = [...new Set(ranks)].reduce((sum, rank) => sum + discount(rank), 0);
  let ideal = 0;
  for (let rank = 0; rank < Math.min(10, targets.length); rank++) ideal += discount(rank);
  return {
    queries: 1,
    ndcg10: ideal > 0 ? gain / ideal : 0,
    recall10: targets.length > 0 ? ranks.length / targets.length : 0,
    mrr: ranks.length > 0 ? 1 / (Math.min(...ranks) + 1) : 0,
  };
}

/** Plain mean of scores; of repositories' scores it gives each repository the same weight. */
export function meanOf(scores: readonly Scores[]): Scores {
  const mean = (of: (one: Scores) => number) =>
    scores.reduce((sum, one) => sum + of(one), 0) / Math.max(1, scores.length);
  return {
    queries: scores.reduce((sum, one) => sum + one.queries, 0),
    ndcg10: mean((one) => one.ndcg10),
    recall10: mean((one) => one.recall10),
    mrr: mean((one) => one.mrr),
  };
}

/** Paths match when one ends with the other: labels count from the repository's root, results from the indexed folder. */
function meets(place: Place, { path, startLine, endLine }: Target): boolean {
  const samePath = place.path === path || place.path.endsWith(`/${path}`) || path.endsWith(`/${place.path}`);
  if (!samePath || startLine === undefined || endLine === undefined) return samePath;
  return place.endLine >= startLine && place.startLine <= endLine;
}

function discount(rank: number): number {
  return 1 / Math.log2(rank + 2);
}
