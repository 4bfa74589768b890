/**
 * The words of questions and their pairs, as places in a table of fixed size: two may share one, which costs little and
 * keeps the words themselves out of the parameters.
 */
export const WORD_PLACES = 16_384;

/** More of a long text says nothing new of what is asked. */
const LONGEST = 8_000;

/** The distinct places of a question's words and pairs of neighbours; each counts {@link placeWeight}. */
export function wordPlaces(question: string): Int32Array {
  const words =
    question
      .slice(0, LONGEST)
      .toLowerCase()
      .match(/[a-z]+|[0-9]/g) ?? [];
  const pairs = words.slice(1).map((word, i) => `${words[i]} ${word}`);
  return Int32Array.from(new Set([...words, ...pairs].map((word) => placeOf(word))));
}

/** What a place of a question counts, so that all its places together have length 1. */
function placeWeight(places: Int32Array): number {
  return 1 / Math.sqrt(Math.max(1, places.length));
}

/** FNV-1a. */
function placeOf(word: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  return ((hash ^ (hash >>> 15)) >>> 0) % WORD_PLACES;
}

const ROUNDS = 20;
const SMALL = 1e-9;

/**
 * Ridge regression over the places, by conjugate gradients on the centred rows, which are never written out.
 * @param targets centred
 * @returns a weight a place, and the mean of what they say of the rows
 */
export function wordRidge(rows: readonly Int32Array[], targets: readonly number[], penalty: number) {
  const means = new Float64Array(WORD_PLACES);
  for (const row of rows) for (const place of row) means[place] += placeWeight(row) / rows.length;
  const toRows = (weights: Float64Array) => {
    const mean = dot(means, weights);
    return rows.map((row) => saysOf(row, weights) - mean);
  };
  const toPlaces = (values: readonly number[]) => {
    const out = new Float64Array(WORD_PLACES);
    let sum = 0;
    for (const [i, row] of rows.entries()) {
      const value = values[i] * placeWeight(row);
      sum += values[i];
      for (const place of row) out[place] += value;
    }
    for (let place = 0; place < WORD_PLACES; place++) out[place] -= sum * means[place];
    return out;
  };

  const weights = new Float64Array(WORD_PLACES);
  const rest = toPlaces(targets);
  const direction = rest.slice();
  let size = dot(rest, rest);
  for (let round = 0; round < ROUNDS && size > SMALL; round++) {
    const image = toPlaces(toRows(direction));
    for (let place = 0; place < WORD_PLACES; place++) image[place] += penalty * direction[place];
    const step = size / dot(direction, image);
    for (let place = 0; place < WORD_PLACES; place++) {
      weights[place] += step * direction[place];
      rest[place] -= step * image[place];
    }
    const next = dot(rest, rest);
    for (let place = 0; place < WORD_PLACES; place++) {
      direction[place] = rest[place] + (next / size) * direction[place];
    }
    size = next;
  }
  return { weights, mean: dot(means, weights) };
}

/** What the weights say of one question, not centred. */
export function saysOf(places: Int32Array, weights: ArrayLike<number>): number {
  let sum = 0;
  for (const place of places) sum += weights[place];
  return sum * placeWeight(places);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
