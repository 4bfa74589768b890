/** What can be measured. */
export const BENCH_AREAS = ["search", "embed", "answer", "delta", "quality"] as const;
export type BenchArea = (typeof BENCH_AREAS)[number];

/** Where a run took place: figures of different machines are not compared. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryMB: number;
  /** `linux-x64`. */
  readonly system: string;
  readonly node: string;
}

/** One thing that was measured many times. */
export interface Measure {
  /** The same for the same thing in every run: `search/name`. */
  readonly id: string;
  readonly area: BenchArea;
  /** For people, in English: records are exchanged between machines. */
  readonly name: string;
  readonly unit: string;
  readonly better: "less" | "more";
  /** One value a round, in the order in which they were taken; outliers are among them. */
  readonly values: readonly number[];
  /** The measure of the same run that it is set against: a peer, or the way it was done before. Taken in turns with it. */
  readonly against?: string;
}

/** Something that was asked for and could not be measured here. */
export interface SkippedMeasure {
  readonly area: BenchArea;
  readonly name: string;
  readonly reason: string;
}

/** How well one way to search finds; how long it takes is the measure `quality/<id>` of the same run. */
export interface QualityPoint {
  readonly id: string;
  /** For people, in English. */
  readonly name: string;
  /** The mean over the queries, from 0 to 1, and its bounds (95 %). */
  readonly ndcg10: number;
  readonly low: number;
  readonly high: number;
  readonly recall10: number;
  readonly mrr: number;
}

/** Ways to search, asked the same labelled queries. */
export interface QualityFigures {
  /** Which queries these were, in English. */
  readonly set: string;
  readonly queries: number;
  readonly points: readonly QualityPoint[];
}

/** The version of {@link BenchRun}. */
export const BENCH_RECORD = 1;

/** One run of the benchmark, as it is kept and exchanged. */
export interface BenchRun {
  readonly record: typeof BENCH_RECORD;
  /** Unique, and the name of its file: letters, digits, `-` and `_`. */
  readonly id: string;
  readonly cairn: string;
  /** ISO 8601. */
  readonly started: string;
  readonly seconds: number;
  /** Fewer rounds: to see that it works. */
  readonly quick: boolean;
  readonly machine: Machine;
  /** The code base that search, embedding and answers were measured on. */
  readonly subject?: { readonly folder: string; readonly files: number; readonly chunks: number };
  readonly measures: readonly Measure[];
  readonly skipped: readonly SkippedMeasure[];
  readonly quality?: QualityFigures;
  /** What may have disturbed the figures: a busy machine, a battery, a laptop that slept. */
  readonly warnings: readonly string[];
  /** Ended by the user: what was complete by then is there. */
  readonly cancelled: boolean;
}

/** A measure summed up; times and bounds in its unit. */
export interface MeasureSummary extends Omit<Measure, "values"> {
  readonly rounds: number;
  readonly median: number;
  /** The median lies between these with a confidence of at least 95 %. */
  readonly low: number;
  readonly high: number;
  readonly p95: number;
  readonly p99: number;
  readonly outliers: number;
}

/** A measure beside another: of a peer, of the way it was done before, or of an earlier run. */
export interface MeasureRatio extends Pick<Measure, "id" | "name" | "unit" | "better"> {
  readonly otherName: string;
  readonly median: number;
  readonly otherMedian: number;
  /** The one divided by the other, above zero, with its bounds. */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  /** `same` when the bounds hold 1. */
  readonly verdict: "better" | "worse" | "same";
}

/** A run as a list shows it. */
export interface RunSummary extends Omit<BenchRun, "record" | "measures" | "skipped" | "warnings" | "quality"> {
  readonly areas: readonly BenchArea[];
}

/** A run as people read it. */
export interface BenchReport extends Pick<BenchRun, "skipped" | "warnings"> {
  readonly run: RunSummary;
  readonly verdict: string;
  readonly measures: readonly MeasureSummary[];
  readonly compared: readonly MeasureRatio[];
  readonly quality?: QualityReport;
}

/** Quality beside speed. */
export interface QualityReport extends Omit<QualityFigures, "points"> {
  readonly points: readonly WeighedPoint[];
}

export interface WeighedPoint extends QualityPoint {
  /** Milliseconds a query: the median and its bounds. */
  readonly ms: number;
  readonly msLow: number;
  readonly msHigh: number;
  /** No other finds at least as well in at most the time, and better or faster. */
  readonly onFront: boolean;
}

/** What has changed between two runs. */
export interface BenchComparison {
  readonly earlier: RunSummary;
  readonly later: RunSummary;
  /** What has changed, or why the two cannot be compared. */
  readonly verdict: string;
  /** The later beside the earlier; empty when they cannot be compared. */
  readonly compared: readonly MeasureRatio[];
}

/** The ends of the names of files that a run is written to. */
export const EXPORT_FORMATS = ["json", "csv", "md"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
