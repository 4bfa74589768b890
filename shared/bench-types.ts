import type { Phrase, Wording } from "./phrase.ts";

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
  /** For people: records are exchanged between machines, whose users speak other languages. */
  readonly name: Wording;
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
  readonly name: Wording;
  readonly reason: Wording;
}

/** How well one way to search finds; how long it takes is the measure `quality/<id>` of the same run. */
export interface QualityPoint {
  readonly id: string;
  readonly name: Wording;
  /** The mean over the queries, from 0 to 1, and its bounds (95 %). */
  readonly ndcg10: number;
  readonly low: number;
  readonly high: number;
  readonly recall10: number;
  readonly mrr: number;
}

/** Ways to search, asked the same labelled queries. */
export interface QualityFigures {
  /** Which queries these were. */
  readonly set: Wording;
  readonly queries: number;
  readonly points: readonly QualityPoint[];
}

/** One way to keep vectors; how long a scan over all of them takes is the measure `search/vectors-<id>` of the same run. */
export interface VectorPoint {
  readonly id: string;
  readonly name: Wording;
  /** Of one vector, its scale included. */
  readonly bytes: number;
  /** Of the ten vectors closest to a query, how many it finds: the mean over the queries, from 0 to 1, and its bounds (95 %). */
  readonly recall10: number;
  readonly low: number;
  readonly high: number;
}

/** Ways to keep the vectors of a code base, each beside the exact ones. */
export interface VectorFigures {
  readonly model: string;
  readonly dims: number;
  readonly vectors: number;
  readonly queries: number;
  readonly points: readonly VectorPoint[];
}

/** The version of {@link BenchRun}. The first had English in the place of phrases; it is read all the same. */
export const BENCH_RECORD = 2;

/** One run of the benchmark, as it is kept and exchanged. */
export interface BenchRun {
  readonly record: 1 | typeof BENCH_RECORD;
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
  readonly vectors?: VectorFigures;
  /** What may have disturbed the figures: a busy machine, a battery, a laptop that slept. */
  readonly warnings: readonly Wording[];
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
  readonly otherName: Wording;
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
export interface RunSummary
  extends Omit<BenchRun, "record" | "measures" | "skipped" | "warnings" | "quality" | "vectors"> {
  readonly areas: readonly BenchArea[];
}

/** A run as people read it. */
export interface BenchReport extends Pick<BenchRun, "skipped" | "warnings"> {
  readonly run: RunSummary;
  /** Without the capital and the full stop of a sentence. */
  readonly verdict: Phrase;
  readonly measures: readonly MeasureSummary[];
  readonly compared: readonly MeasureRatio[];
  readonly quality?: QualityReport;
  readonly vectors?: VectorReport;
}

/** Quality beside speed. */
export interface QualityReport extends Omit<QualityFigures, "points"> {
  readonly points: readonly WeighedPoint[];
}

export interface VectorReport extends Omit<VectorFigures, "points"> {
  readonly points: readonly (VectorPoint & Weighed)[];
}

export type WeighedPoint = QualityPoint & Weighed;

/** What something is worth beside its time. */
export interface Weighed {
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
  /** What has changed, or why the two cannot be compared; without the capital and the full stop of a sentence. */
  readonly verdict: Phrase;
  /** The later beside the earlier; empty when they cannot be compared. */
  readonly compared: readonly MeasureRatio[];
}

/** The ends of the names of files that a run is written to. */
export const EXPORT_FORMATS = ["json", "csv", "md"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
