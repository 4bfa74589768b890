import { randomNumbers } from "../measure/random-numbers.ts";

/** Whether the weak and the strong model answered a question right, 0 to 1, and how much it should go to the strong one. */
export interface Scored {
  readonly weak: number;
  readonly strong: number;
  /** Higher goes first; equal ones go in no order. */
  readonly score: number;
}

/** Questions that share one threshold, such as those of one test set. */
export type ScoredSet = readonly Scored[];

/** A number, and the bounds between which it lies with a confidence of 95 %. */
export interface Bounded {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 1000;
const SEED = 0x2545f491;

/**
 * The share of questions that must go to the strong model for a share of its quality: those with the highest scores go
 * there, in each set until that set has the quality. Every question counts the same.
 */
export function callsNeeded(sets: readonly ScoredSet[], share: number): Bounded {
  return bounded(sets, (set, times) => callsIn(set, times, share));
}

/** The same, when chance decides. */
export function callsByChance(sets: readonly ScoredSet[], share: number): Bounded {
  return bounded(sets, (set, times) => chanceIn(set, times, share));
}

/** How many fewer are needed than by chance, in points of a share; below 0 it is worse. */
export function callsSaved(sets: readonly ScoredSet[], share: number): Bounded {
  return bounded(sets, (set, times) => chanceIn(set, times, share) - callsIn(set, times, share));
}

/** With bounds by the percentile bootstrap: the questions of each set are drawn with replacement. */
function bounded(sets: readonly ScoredSet[], measure: (set: ScoredSet, times: Uint16Array) => number): Bounded {
  const sorted = sets.map((set) => [...set].sort((a, b) => b.score - a.score));
  const total = sets.reduce((sum, { length }) => sum + length, 0);
  const mean = (timesOf: (length: number) => Uint16Array) =>
    sorted.reduce((sum, set) => sum + measure(set, timesOf(set.length)) * set.length, 0) / total;
  const random = randomNumbers(SEED);
  const drawn = (length: number) => {
    const times = new Uint16Array(length);
    for (let i = 0; i < length; i++) times[Math.floor(random() * length)]++;
    return times;
  };
  const value = mean((length) => new Uint16Array(length).fill(1));
  const values = Float64Array.from({ length: RESAMPLES }, () => mean(drawn)).sort();
  return { value, low: values[Math.floor(RESAMPLES * 0.025)], high: values[Math.ceil(RESAMPLES * 0.975) - 1] };
}

/** @param sorted by falling score @param times how often each question counts */
function callsIn(sorted: ScoredSet, times: Uint16Array, share: number): number {
  const { weak, strong, count } = sums(sorted, times);
  let missing = share * strong - weak;
  let calls = 0;
  for (let from = 0; from < sorted.length && missing > 1e-9; ) {
    let [gain, size, to] = [0, 0, from];
    // Of questions with the same score none goes before another: each has the mean gain of all.
    for (; to < sorted.length && sorted[to].score === sorted[from].score; to++) {
      gain += times[to] * (sorted[to].strong - sorted[to].weak);
      size += times[to];
    }
    calls += gain >= missing && gain > 0 ? size * (missing / gain) : size;
    missing -= gain;
    from = to;
  }
  return calls / Math.max(1, count);
}

function chanceIn(set: ScoredSet, times: Uint16Array, share: number): number {
  const { weak, strong } = sums(set, times);
  if (weak >= share * strong) return 0;
  return Math.min(1, (share * strong - weak) / (strong - weak));
}

function sums(set: ScoredSet, times: Uint16Array): { weak: number; strong: number; count: number } {
  let [weak, strong, count] = [0, 0, 0];
  for (let i = 0; i < set.length; i++) {
    weak += times[i] * set[i].weak;
    strong += times[i] * set[i].strong;
    count += times[i];
  }
  return { weak, strong, count };
}
