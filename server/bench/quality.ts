import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

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
}

/** A result of a search: a path relative to the folder that was searched, and lines from 1. */
export interface Place {
  readonly path: string;
  readonly startLine: number;
  readonly endLine: number;
}

export interface LabelledRepository {
  readonly name: string;
  readonly language: string;
  /** The folder to index. */
  readonly folder: string;
  readonly queries: readonly LabelledQuery[];
}

/** Means over queries, each from 0 to 1. */
export interface Scores {
  readonly queries: number;
  /** Normalised discounted cumulative gain of the first ten results; gains are binary, each target counts once. */
  readonly ndcg10: number;
  /** Share of the targets among the first ten results. */
  readonly recall10: number;
  /** One over the rank of the first result that is a target; zero without one. */
  readonly mrr: number;
}

/**
 * Reads a labelled set: `repos.json` (name, language, benchmark_root) and `annotations/NAME.json` (query, category,
 * relevant and secondary targets). Repositories without a folder of their name below `repositories` are left out.
 */
export function readLabels(labels: string, repositories: string): LabelledRepository[] {
  const specs = JSON.parse(readFileSync(join(labels, "repos.json"), "utf8")) as RepositorySpec[];
  const present = new Set(readdirSync(repositories).filter((name) => statSync(join(repositories, name)).isDirectory()));
  return specs
    .filter(({ name }) => present.has(name))
    .map(({ name, language, benchmark_root }) => ({
      name,
      language,
      folder: join(repositories, name, benchmark_root ?? ""),
      queries: (JSON.parse(readFileSync(join(labels, "annotations", `${name}.json`), "utf8")) as Annotation[]).map(
        ({ query, category, relevant, secondary }) => ({
          query,
          category: category ?? "unknown",
          targets: [...relevant, ...(secondary ?? [])].map(targetOf),
        }),
      ),
    }));
}

/** The mean scores of a search over labelled queries. */
export function evaluate(queries: readonly LabelledQuery[], search: (query: string) => readonly Place[]): Scores {
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

interface RepositorySpec {
  name: string;
  language: string;
  benchmark_root: string | null;
}

type AnnotatedTarget = string | { path: string; start_line?: number; end_line?: number };

interface Annotation {
  query: string;
  category?: string;
  relevant: AnnotatedTarget[];
  secondary?: AnnotatedTarget[];
}

function targetOf(target: AnnotatedTarget): Target {
  if (typeof target === "string") return { path: target };
  return { path: target.path, startLine: target.start_line, endLine: target.end_line };
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
