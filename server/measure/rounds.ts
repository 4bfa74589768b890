import { setImmediate as nextTurn } from "node:timers/promises";
import { spread, summarise } from "./statistics.ts";

/** One of several ways to do a thing, or one thing among others, that are measured in turns. */
export interface Arm {
  /** Does it once. What it returns is the value of the round; without one, the milliseconds that it took are. */
  run(round: number): Promise<number | undefined> | number | undefined;
}

export interface Limits {
  /** Rounds that do not count, before those that do. */
  readonly warmUp: number;
  /** Rounds that count, at least and at most. */
  readonly least: number;
  readonly most: number;
  /** No round begins later than this. */
  readonly ms: number;
  /** Rounds end when every arm's median is known this well: half the width of its bounds, as a share of it. */
  readonly precision: number;
}

/** Two clocks, in milliseconds. */
export interface Clock {
  /** Never goes back. On most systems it stands still while the machine sleeps. */
  steady(): number;
  /** What a clock on the wall shows. */
  wall(): number;
}

export const SYSTEM_CLOCK: Clock = { steady: () => performance.now(), wall: () => Date.now() };

export interface Rounds {
  /** For each arm its values, one for each round that counts. */
  readonly values: readonly number[][];
  /** Rounds that were thrown away because the machine slept in them, or its clock was set. */
  readonly disturbed: number;
  /** True when the signal ended it: only whole rounds are among the values. */
  readonly cancelled: boolean;
}

/** The clocks drift apart by much less in a round. */
const DISTURBANCE_MS = 1_000;

/**
 * Runs all arms once a round, in an order that turns round each time, until their medians are known well enough or a
 * limit is reached. What an arm throws ends it.
 * @param onRound called after each round that counts
 */
export async function measureRounds(
  arms: readonly Arm[],
  limits: Limits,
  clock: Clock,
  signal: AbortSignal,
  onRound: (done: number) => void = () => {},
): Promise<Rounds> {
  const values: number[][] = arms.map(() => []);
  const started = clock.steady();
  let disturbed = 0;
  for (let round = -limits.warmUp; round < limits.most + disturbed; round++) {
    const done = values[0].length;
    if (round >= 0 && done >= limits.least && values.every((own) => spread(summarise(own)) <= limits.precision)) break;
    if (done >= 1 && clock.steady() - started > limits.ms) break;
    // Between rounds of work that never waits, a signal would not be heard.
    await nextTurn();
    const taken = await oneRound(arms, round, clock, signal).catch((error: unknown) => {
      // Work that the user ends says so in its own way.
      if (signal.aborted) return [];
      throw error;
    });
    if (signal.aborted) return { values, disturbed, cancelled: true };
    if (round < 0) continue;
    if (taken === "disturbed") disturbed++;
    else {
      taken.forEach((value, arm) => void values[arm].push(value));
      onRound(values[0].length);
    }
    // A machine that cannot measure a single round undisturbed is not measured for ever.
    if (disturbed > limits.most) break;
  }
  return { values, disturbed, cancelled: false };
}

async function oneRound(
  arms: readonly Arm[],
  round: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<number[] | "disturbed"> {
  const before = { steady: clock.steady(), wall: clock.wall() };
  const values: number[] = arms.map(() => Number.NaN);
  const order = arms.map((_, arm) => arm);
  if (round % 2 !== 0) order.reverse();
  for (const arm of order) {
    if (signal.aborted) return values;
    const from = clock.steady();
    const value = await arms[arm].run(round);
    values[arm] = value ?? clock.steady() - from;
  }
  const [steady, wall] = [clock.steady() - before.steady, clock.wall() - before.wall];
  return Math.abs(wall - steady) > DISTURBANCE_MS ? "disturbed" : values;
}
