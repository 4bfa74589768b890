import type { BenchRun, Machine, Measure } from "../../shared/bench-types.ts";
import { type Phrase, phrase, verbatim } from "../../shared/phrase.ts";
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
export function differences(one: BenchRun, other: BenchRun): Phrase[] {
  const found: Phrase[] = [];
  const machine = (Object.keys(one.machine) as (keyof Machine)[]).filter(
    (key) => one.machine[key] !== other.machine[key],
  );
  for (const key of machine) {
    const [here, there] = [one.machine[key], other.machine[key]];
    found.push(phrase("{0}: {1} then, {2} now", MACHINE_WORDS[key], there, here));
  }
  if (one.subject?.folder !== other.subject?.folder) {
    const [then, now] = [other, one].map(({ subject }) => (subject ? verbatim(subject.folder) : phrase("none")));
    found.push(phrase("the code base: {0} then, {1} now", then, now));
  } else if (one.subject && other.subject && !isAlike(one.subject.chunks, other.subject.chunks)) {
    found.push(phrase("its size: {0} chunks then, {1} now", other.subject.chunks, one.subject.chunks));
  }
  return found;
}

const MACHINE_WORDS: Readonly<Record<keyof Machine, Phrase>> = {
  processor: phrase("the processor"),
  cores: phrase("its cores"),
  memoryMB: phrase("the memory in MB"),
  system: phrase("the system"),
  node: phrase("Node"),
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
