import { createHash } from "node:crypto";
import type { StaticEncoder } from "../embed/static.ts";
import { deviationsOf, wavesOf } from "./feature-waves.ts";
import { type GainParameters, similaritiesTo } from "./gain-model.ts";
import { wordPlaces } from "./hashed-words.ts";
import type { LabelledQuestion } from "./labelled-questions.ts";
import { FEATURE_NAMES, questionFeatures } from "./question-features.ts";
import { type Row, ridge, saysOf, type Weights } from "./ridge.ts";

/** Chosen by cross-validation on the questions of the benchmark; high, for a single answer says little. */
const PENALTY = 15;
/** Higher, for what holds of other subjects too. */
const PENALTY_ALONE = 50;
/** So many questions of a subject have a centre of their own. */
const CENTRE_SIZE = 60;
const CENTRE_ROUNDS = 8;
/** Parts of the questions, each judged by what was learned from the others. */
const FOLDS = 4;

/** What is computed once for a question. */
export interface PreparedQuestion extends LabelledQuestion {
  readonly features: Float64Array;
  readonly places: Int32Array;
  /** A unit vector, as int8; zeros when there is no word that the embedding knows. */
  readonly codes: Int8Array;
  readonly scale: number;
}

export function prepared(question: LabelledQuestion, encoder: StaticEncoder): PreparedQuestion {
  const { codes, scale } = encoder.query(question.text) ?? { codes: new Int8Array(encoder.dims), scale: 0 };
  return { ...question, features: questionFeatures(question.text), places: wordPlaces(question.text), codes, scale };
}

/**
 * Learns what a strong model gains over a weak one, from what can be seen of a question and from its words, and where
 * the questions lie that it was learned from. The same questions give the same numbers. (Tried too, and no gain beside
 * these: what the nearest questions gain, pairs of words, pieces of words, the embedding's dimensions.)
 */
export function trainGain(questions: readonly PreparedQuestion[], { model }: StaticEncoder): GainParameters {
  const [strong, weak] = [meanOf(questions, (one) => one.strong), meanOf(questions, (one) => one.weak)];
  const parts = learn(questions);
  // Each question is judged by parts that were learned without it.
  const judged = [...Array(FOLDS).keys()].flatMap((fold) => {
    const isHeld = (one: PreparedQuestion) => foldOf(one) === fold;
    const rest = learn(questions.filter((one) => !isHeld(one)));
    return questions
      .filter(isHeld)
      .map((one) => ({ ...rest.judge(one), target: one.strong - one.weak - (strong - weak) }));
  });
  const targets = judged.map(({ target }) => target);
  const distances = judged.map(({ distance }) => distance).sort((a, b) => a - b);
  return {
    version: 2,
    embedding: model,
    trainedOn: { questions: questions.length, sha256: digestOf(questions) },
    strong: rounded(strong),
    weak: rounded(weak),
    ...parts.parameters,
    share: rounded(
      slopeOf(
        judged.map(({ together }) => together),
        targets,
      ),
    ),
    shareAlone: rounded(
      slopeOf(
        judged.map(({ alone }) => alone),
        targets,
      ),
    ),
    farthest: rounded(distances[Math.floor(0.99 * distances.length)]),
  };
}

/** Of the questions as a set, whatever their order. */
export function digestOf(questions: readonly LabelledQuestion[]): string {
  const lines = questions.map(({ text, weak, strong }) => JSON.stringify([text, weak, strong])).sort();
  return createHash("sha256").update(lines.join("\n")).digest("hex");
}

function learn(questions: readonly PreparedQuestion[]) {
  const mean = meanOf(questions, gainOf);
  const targets = questions.map((one) => gainOf(one) - mean);
  const names = [...FEATURE_NAMES];
  const known = names.map((_, i) =>
    questions.map(({ features }) => features[i]).filter((value) => !Number.isNaN(value)),
  );
  const means = known.map((values) => rounded(meanOf(values, (value) => value)));
  const scales = known.map((values, i) => rounded(Math.sqrt(meanOf(values, (value) => (value - means[i]) ** 2))) || 1);
  const rowOf = ({ places, features }: PreparedQuestion): Row => {
    return { places, waves: wavesOf(deviationsOf(features, means, scales)) };
  };
  const rows = questions.map(rowOf);
  const together = ridge(rows, targets, PENALTY);
  const alone = ridge(rows.map(featuresOf), targets, PENALTY_ALONE);
  const centres = learnCentres(questions);
  return {
    parameters: {
      features: { names, means, scales },
      together: { ...codedWords(together), waves: floatsAsText(together.waves), middle: rounded(together.middle) },
      alone: { waves: floatsAsText(alone.waves), middle: rounded(alone.middle) },
      centres: centres.parameters,
    },
    judge: (one: PreparedQuestion) => {
      const row = rowOf(one);
      return {
        together: saysOf(row, together),
        alone: saysOf(featuresOf(row), alone),
        distance: centres.distance(one),
      };
    },
  };
}

/** A row without its words. */
function featuresOf({ waves }: Row): Row {
  return { places: new Int32Array(), waves };
}

function codedWords({ words }: Weights) {
  const weights = Float64Array.from(words);
  const scale = weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0) / 127 || 1;
  const codes = Int8Array.from(weights, (weight) => Math.round(weight / scale));
  return { words: base64Of(codes), wordScale: rounded(scale) };
}

function floatsAsText(values: ArrayLike<number>): string {
  return base64Of(Float32Array.from(values));
}

/** Each subject is split by k-means, from seeds spread evenly over it. */
function learnCentres(questions: readonly PreparedQuestion[]) {
  const known = questions.filter(({ scale }) => scale > 0);
  const centres = [...Map.groupBy(known, ({ subject }) => subject).values()].flatMap(centresOf);
  const scale = rounded(1 / 127);
  const dims = questions[0].codes.length;
  const vectors = new Int8Array(centres.length * dims);
  for (const [i, centre] of centres.entries()) vectors.set(centre, i * dims);
  return {
    parameters: { vectors: base64Of(vectors), scale },
    distance: (one: PreparedQuestion) => 1 - Math.max(...similaritiesTo(vectors, one.codes, scale * one.scale)),
  };
}

function centresOf(questions: readonly PreparedQuestion[]): Int8Array[] {
  const count = Math.max(1, Math.round(questions.length / CENTRE_SIZE));
  let centres = Array.from({ length: count }, (_, i) => questions[Math.floor((i * questions.length) / count)].codes);
  for (let round = 0; round < CENTRE_ROUNDS; round++) {
    const groups = Map.groupBy(questions, (one) => {
      const similarities = centres.map((centre) => similaritiesTo(centre, one.codes, one.scale)[0]);
      return similarities.indexOf(Math.max(...similarities));
    });
    centres = [...groups.values()].map(centreOf);
  }
  return centres;
}

/** The unit vector of the mean, as int8. */
function centreOf(members: readonly PreparedQuestion[]): Int8Array {
  const sum = new Float64Array(members[0].codes.length);
  for (const { codes, scale } of members) for (let d = 0; d < sum.length; d++) sum[d] += codes[d] * scale;
  const length = Math.sqrt(sum.reduce((all, value) => all + value * value, 0)) || 1;
  return Int8Array.from(sum, (value) => Math.round((127 * value) / length));
}

/** Least squares; what points the wrong way counts nothing. */
function slopeOf(values: readonly number[], targets: readonly number[]): number {
  const products = values.reduce((sum, value, i) => sum + value * targets[i], 0);
  const squares = values.reduce((sum, value) => sum + value * value, 0);
  return squares === 0 ? 0 : Math.max(0, products / squares);
}

/** By the question's text, so that the same question never lies on both sides. */
function foldOf({ text }: LabelledQuestion): number {
  return createHash("sha256").update(text).digest()[0] % FOLDS;
}

function gainOf({ strong, weak }: LabelledQuestion): number {
  return strong - weak;
}

function meanOf<One>(all: readonly One[], value: (one: One) => number): number {
  return all.reduce((sum, one) => sum + value(one), 0) / Math.max(1, all.length);
}

function base64Of({ buffer, byteOffset, byteLength }: Int8Array | Float32Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}

/** Seven digits are plenty, and keep the file small. */
function rounded(value: number): number {
  return Number(value.toPrecision(7));
}
