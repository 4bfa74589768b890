import {
  BENCH_AREAS,
  type BenchComparison,
  type BenchReport,
  type BenchRun,
  type Measure,
  type MeasureRatio,
  type MeasureSummary,
  type QualityReport,
  type RunSummary,
  type VectorReport,
  type Weighed,
} from "../../shared/bench-types.ts";
import { betweenRuns, type Comparison, differences, withinRun } from "./compare.ts";
import { paretoFront } from "./pareto.ts";
import { summarise } from "./statistics.ts";
import { verdictBetween, verdictOf } from "./verdict.ts";

/** A run as people read it: every value of it summed up. */
export function reportOf(run: BenchRun): BenchReport {
  const { skipped, warnings, measures } = run;
  const [quality, vectors] = [qualityOf(run), vectorsOf(run)];
  return {
    run: summaryOf(run),
    verdict: verdictOf(run),
    measures: measures.map(summedUp),
    compared: withinRun(run).flatMap(ratioOf),
    ...(quality && { quality }),
    ...(vectors && { vectors }),
    skipped,
    warnings,
  };
}

/** Quality beside speed: the points whose time was measured, and which of them are on the Pareto front. */
export function qualityOf({ quality, measures }: BenchRun): QualityReport | undefined {
  return quality && { ...quality, points: weighed(quality.points, "quality/", measures, ({ ndcg10 }) => ndcg10) };
}

/** The same of ways to keep vectors: what they find beside how long a scan takes. */
export function vectorsOf({ vectors, measures }: BenchRun): VectorReport | undefined {
  return vectors && { ...vectors, points: weighed(vectors.points, VECTORS, measures, ({ recall10 }) => recall10) };
}

/** Ids of the measures of {@link vectorsOf} begin so. */
export const VECTORS = "search/vectors-";

function weighed<Point extends { readonly id: string }>(
  points: readonly Point[],
  prefix: string,
  measures: readonly Measure[],
  worthOf: (point: Point) => number,
): (Point & Weighed)[] {
  const timed = points.flatMap((point) => {
    const measure = measures.find(({ id }) => id === prefix + point.id);
    if (!measure) return [];
    const { median: ms, low: msLow, high: msHigh } = summarise(measure.values);
    return [{ ...point, ms, msLow, msHigh }];
  });
  const front = paretoFront(timed.map((point) => ({ cost: point.ms, worth: worthOf(point) })));
  return timed.map((point, i) => ({ ...point, onFront: front[i] }));
}

/** Two runs side by side, whichever is given first. */
export function comparisonOf(one: BenchRun, other: BenchRun): BenchComparison {
  const [earlier, later] = one.started < other.started ? [one, other] : [other, one];
  const compared = betweenRuns(later, earlier);
  const alike = differences(later, earlier).length === 0;
  return {
    earlier: summaryOf(earlier),
    later: summaryOf(later),
    verdict: verdictBetween(later, earlier, compared),
    compared: alike ? compared.flatMap(ratioOf) : [],
  };
}

export function summaryOf({
  record: _,
  measures,
  skipped: _skipped,
  warnings: _warnings,
  quality: _quality,
  vectors: _vectors,
  ...run
}: BenchRun): RunSummary {
  return { ...run, areas: BENCH_AREAS.filter((area) => measures.some((one) => one.area === area)) };
}

/** @param measure has at least one value */
export function summedUp({ values, ...measure }: Measure): MeasureSummary {
  const { count: rounds, median, low, high, p95, p99, outliers } = summarise(values);
  return { ...measure, rounds, median, low, high, p95, p99, outliers };
}

/** None where a value is zero: nothing is so many times as much as that. */
function ratioOf({ measure, other, ratio, verdict }: Comparison): MeasureRatio[] {
  if (![ratio.ratio, ratio.low, ratio.high].every((value) => Number.isFinite(value) && value > 0)) return [];
  const { id, name, unit, better } = measure;
  const [median, otherMedian] = [measure, other].map(({ values }) => summarise(values).median);
  return [{ id, name, unit, better, otherName: other.name, median, otherMedian, ...ratio, verdict }];
}
