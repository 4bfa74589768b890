import { WAVES } from "./feature-waves.ts";
import { WORD_PLACES } from "./hashed-words.ts";

/** What a question is to what was learned. */
export interface Row {
  /** Distinct places of its words; together they have length 1. */
  readonly places: Int32Array;
  /** {@link WAVES} of them. */
  readonly waves: Float32Array;
}

/** What is learned: one number a word's place and one a wave, and what the rows say in the mean. */
export interface Weights {
  readonly words: ArrayLike<number>;
  readonly waves: ArrayLike<number>;
  readonly middle: number;
}

const ROUNDS = 25;
const SMALL = 1e-9;

/** What the weights say of one row, less what they say in the mean. */
export function saysOf({ places, waves }: Row, weights: Weights): number {
  let [ofWords, ofWaves] = [0, 0];
  for (const place of places) ofWords += weights.words[place];
  for (let wave = 0; wave < waves.length; wave++) ofWaves += weights.waves[wave] * waves[wave];
  return ofWords * heightOf(places) + ofWaves - weights.middle;
}

/** Ridge regression by conjugate gradients on the centred rows, which are never written out. @param targets centred */
export function ridge(rows: readonly Row[], targets: readonly number[], penalty: number): Weights {
  const weights = new Plane();
  const means = new Plane();
  for (const row of rows) means.add(row, 1 / rows.length);
  const toRows = (plane: Plane) => {
    const said = { ...plane.parts(), middle: means.dot(plane) };
    return rows.map((row) => saysOf(row, said));
  };
  const toWeights = (values: readonly number[]) => {
    const out = new Plane();
    for (const [i, row] of rows.entries()) out.add(row, values[i]);
    out.addPlane(means, -values.reduce((sum, value) => sum + value, 0));
    return out;
  };

  const rest = toWeights(targets);
  let direction = rest.copy();
  let size = rest.dot(rest);
  for (let round = 0; round < ROUNDS && size > SMALL; round++) {
    const image = toWeights(toRows(direction));
    image.addPlane(direction, penalty);
    const step = size / direction.dot(image);
    weights.addPlane(direction, step);
    rest.addPlane(image, -step);
    const next = rest.dot(rest);
    const turned = rest.copy();
    turned.addPlane(direction, next / size);
    [direction, size] = [turned, next];
  }
  return { ...weights.parts(), middle: means.dot(weights) };
}

/** What a place of a question counts. */
function heightOf(places: Int32Array): number {
  return 1 / Math.sqrt(Math.max(1, places.length));
}

/** One number for each word's place and each wave. */
class Plane {
  readonly #values: Float64Array;

  constructor(values = new Float64Array(WORD_PLACES + WAVES)) {
    this.#values = values;
  }

  parts(): { readonly words: Float64Array; readonly waves: Float64Array } {
    return { words: this.#values.subarray(0, WORD_PLACES), waves: this.#values.subarray(WORD_PLACES) };
  }

  copy(): Plane {
    return new Plane(this.#values.slice());
  }

  add({ places, waves }: Row, times: number): void {
    const ofWords = times * heightOf(places);
    for (const place of places) this.#values[place] += ofWords;
    for (let wave = 0; wave < waves.length; wave++) this.#values[WORD_PLACES + wave] += times * waves[wave];
  }

  addPlane(other: Plane, times: number): void {
    for (let i = 0; i < this.#values.length; i++) this.#values[i] += times * other.#values[i];
  }

  dot(other: Plane): number {
    let sum = 0;
    for (let i = 0; i < this.#values.length; i++) sum += this.#values[i] * other.#values[i];
    return sum;
  }
}
