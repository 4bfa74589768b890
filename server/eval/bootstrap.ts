import { randomNumbers } from "../measure/random-numbers.ts";

/** A mean, and the bounds between which it lies with a confidence of 95 %. */
export interface Estimate {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 2000;
const SEED = 0x9e3779b9;

/**
 * The mean of what was measured of each query, with bounds by the percentile bootstrap: the queries are taken for a
 * sample of all that could be asked, and means of as many, drawn from them with replacement, show how far it may be
 * off. The same values give the same bounds.
 * @param values one a query; of none, all is 0
 */
export function estimate(values: readonly number[]): Estimate {
  const { length } = values;
  if (length === 0) return { mean: 0, low: 0, high: 0 };
  const random = randomNumbers(SEED);
  const means = new Float64Array(RESAMPLES);
  for (let i = 0; i < RESAMPLES; i++) {
    let sum = 0;
    for (let draw = 0; draw < length; draw++) sum += values[Math.floor(random() * length)];
    means[i] = sum / length;
  }
  means.sort();
  return {
    mean: values.reduce((sum, value) => sum + value, 0) / length,
    low: means[Math.floor(RESAMPLES * 0.025)],
    high: means[Math.ceil(RESAMPLES * 0.975) - 1],
  };
}
