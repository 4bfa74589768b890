import type { BenchRun, Machine, Measure } from "../../shared/bench-types.ts";
import { pairedRatio, type Ratio, ratioOf, summarise } from "./statistics.ts";

/** How a measure stands to another. */
export interface Comparison {
  readonly measure: Measure;
  readonly other: Measure;
  /** The value of the one divided by the other's. */
  readonly ratio: Ratio;
  /** `same` when the bounds of the ratio hold 1: no difference was found. */
  readonly verdict: "better" | "worse" | "same";
}

/** Measures beside what they are set against within their run: peers, and the way it was done before. */
export function withinRun({ measures }: BenchRun): Comparison[] {
  return measures.flatMap((measure) => {
    const other = measures.find(({ id }) => id === measure.against);
    if (!other || other.values.length !== measure.values.length) return [];
    return [comparison(measure, other, pairedRatio(measure.values, other.values))];
  });
}

/** The measures that two runs have in common, the later beside the earlier. */
export function betweenRuns(later: BenchRun, earlier: BenchRun): Comparison[] {
  return later.measures.flatMap((measure) => {
    const other = earlier.measures.find(({ id, unit }) => id === measure.id && unit === measure.unit);
    if (!other) return [];
    return [comparison(measure, other, ratioOf(summarise(measure.values), summarise(other.values)))];
  });
}

/** Why two runs cannot be compared, in words; empty when they can. */
export function differences(one: BenchRun, other: BenchRun): string[] {
  const found: string[] = [];
  const machine = (Object.keys(one.machine) as (keyof Machine)[]).filter(
    (key) => one.machine[key] !== other.machine[key],
  );
  for (const key of machine) {
    const [here, there] = [one.machine[key], other.machine[key]];
    found.push(`${MACHINE_WORDS[key]}: ${there} then, ${here} now`);
  }
  if (one.subject?.folder !== other.subject?.folder) {
    found.push(`the code base: ${other.subject?.folder ?? "none"} then, ${one.subject?.folder ?? "none"} now`);
  } else if (one.subject && other.subject && !isAlike(one.subject.chunks, other.subject.chunks)) {
    found.push(`its size: ${other.subject.chunks} chunks then, ${one.subject.chunks} now`);
  }
  return found;
}

const MACHINE_WORDS: Readonly<Record<keyof Machine, string>> = {
  processor: "the processor",
  cores: "its cores",
  memoryMB: "the memory in MB",
  system: "the system",
  node: "Node",
};

/** By a tenth at most. */
function isAlike(one: number, other: number): boolean {
  return Math.abs(one - other) <= 0.1 * Math.max(one, other);
}

function comparison(measure: Measure, other: Measure, ratio: Ratio): Comparison {
  const isMore = ratio.low > 1;
  const isLess = ratio.high < 1;
  if (!isMore && !isLess) return { measure, other, ratio, verdict: "same" };
  return { measure, other, ratio, verdict: isMore === (measure.better === "more") ? "better" : "worse" };
}
