import { randomNumbers } from "../measure/random-numbers.ts";
import { FEATURE_NAMES } from "./question-features.ts";

/**
 * Random Fourier features (Rahimi and Recht, 2007): the dot product of the waves of two questions is nearly
 * `SHARE * exp(-WIDTH * d²)`, where d is how far apart their features are. What is linear in the waves can say that short
 * questions with formulas are hard and short ones without are not, and far from all that was learned it says nothing.
 */
export const WAVES = 1_024;

/** All three were chosen by cross-validation on the questions of the benchmark. */
const WIDTH = 0.02;
/** How much the waves of a question count; its words count 1. */
const SHARE = 0.38;
/** Features that are farther from usual do not count for more. */
const MOST_DEVIATION = 3;

const SEED = 0x6d2b79f5;

/** How each wave runs through the features, one wave after the other, and where it begins; the same on every machine. */
const { frequencies, phases } = drawn();

/** @param deviations of each feature, see {@link deviationsOf} */
export function wavesOf(deviations: Float64Array): Float32Array {
  const waves = new Float32Array(WAVES);
  const height = Math.sqrt((2 * SHARE) / WAVES);
  for (let wave = 0, at = 0; wave < WAVES; wave++) {
    let angle = phases[wave];
    for (let d = 0; d < deviations.length; d++) angle += frequencies[at++] * deviations[d];
    waves[wave] = height * Math.cos(angle);
  }
  return waves;
}

/** How far each feature is from usual; one that says nothing of a question is as usual. */
export function deviationsOf(
  features: Float64Array,
  means: readonly number[],
  scales: readonly number[],
): Float64Array {
  return features.map((value, i) => {
    if (Number.isNaN(value)) return 0;
    return Math.max(-MOST_DEVIATION, Math.min(MOST_DEVIATION, (value - means[i]) / scales[i]));
  });
}

function drawn() {
  const random = randomNumbers(SEED);
  // Two uniform numbers make a normal one (Box and Muller).
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const frequencies = Float64Array.from(
    { length: WAVES * FEATURE_NAMES.length },
    () => Math.sqrt(2 * WIDTH) * normal(),
  );
  return { frequencies, phases: Float64Array.from({ length: WAVES }, () => 2 * Math.PI * random()) };
}
