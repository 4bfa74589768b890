import { median, percentile } from "../measure/statistics.ts";

/** One measured number. */
export interface Figure {
  name: string;
  value: number;
  /** `ms`, `s`, `MB/s`, `MB`, `x`, or a plural noun for counts. */
  unit: string;
  /** Between these the true number lies in 95 of 100 cases. */
  bounds?: { readonly low: number; readonly high: number };
  /** What the number should reach; without one it only informs. */
  target?: { atMost: number } | { atLeast: number };
}

export interface BenchmarkOptions {
  /** A small code base and short waits: shows that a benchmark works, not what Cairn can do. */
  quick: boolean;
  /** For `quality`: a folder of checked-out repositories, and that of the labelled queries; without, what ships. */
  repos?: string;
  labels?: string;
  /** For `delta`: a folder of models to measure besides those it makes. For `routing`: one of labelled questions. */
  data?: string;
}

export interface Benchmark {
  name: string;
  /** One line: what is measured, on what. */
  about: string;
  /**
   * @param note tells the user what goes on; the figures come at the end.
   * @param skip says of what could not be measured here why.
   */
  run(
    options: BenchmarkOptions,
    note: (what: string) => void,
    skip: (what: string, reason: string) => void,
  ): Promise<Figure[]>;
}

/** The 95th percentile of times in milliseconds, with its aim; beside it the median, and of how many. */
export function spread(name: string, times: readonly number[], atMost?: number): Figure[] {
  return [
    { name: `${name}, p95`, value: percentile(times, 0.95), unit: "ms", ...(atMost && { target: { atMost } }) },
    { name: "  p50", value: median(times), unit: "ms" },
    { name: "  n", value: times.length, unit: "" },
  ];
}

export function reached({ value, target }: Figure): boolean | undefined {
  if (target === undefined) return undefined;
  return "atMost" in target ? value <= target.atMost : value >= target.atLeast;
}
