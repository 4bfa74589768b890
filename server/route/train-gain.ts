import { createHash } from "node:crypto";
import type { StaticEncoder } from "../embed/static.ts";
import { type GainParameters, similaritiesTo, standardised, topicGain } from "./gain-model.ts";
import { saysOf, wordPlaces, wordRidge } from "./hashed-words.ts";
import type { LabelledQuestion } from "./labelled-questions.ts";
import { FEATURE_NAMES, questionFeatures } from "./question-features.ts";
import { ridge } from "./ridge.ts";

/** Chosen by cross-validation on the questions of the benchmark; high, for a single answer says little. */
const FEATURE_PENALTY = 3_000;
const WORD_PENALTY = 10;
/** So many questions make a topic of their own. */
const TOPIC_SIZE = 60;
/** So many usual questions are mixed into what is known of a subject, and so many of the subject into that of a topic. */
const SUBJECT_PRIOR = 20;
const TOPIC_PRIOR = 100;
const TOPIC_ROUNDS = 8;
/** Parts of the questions on which the shares are fitted in turn. */
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
 * Learns what a strong model gains over a weak one: from what can be seen of a question, from its words, and from the
 * questions nearest to it. The same questions give the same numbers.
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
  const columns = judged.map(({ features, words, topics }) => [features, words, topics]);
  const [features, words, topics] = sharesOf(columns, targets);
  const [shareAlone] = sharesOf(
    columns.map(([first]) => [first]),
    targets,
  );
  const distances = judged.map(({ distance }) => distance).sort((a, b) => a - b);
  return {
    version: 1,
    embedding: model,
    trainedOn: { questions: questions.length, sha256: digestOf(questions) },
    strong: rounded(strong),
    weak: rounded(weak),
    ...parts.parameters,
    shares: { features: rounded(features), words: rounded(words), topics: rounded(topics) },
    shareAlone: rounded(shareAlone),
    farthest: rounded(distances[Math.floor(0.99 * distances.length)]),
  };
}

/** Of the questions as a set, whatever their order. */
export function digestOf(questions: readonly LabelledQuestion[]): string {
  const lines = questions.map(({ text, weak, strong }) => JSON.stringify([text, weak, strong])).sort();
  return createHash("sha256").update(lines.join("\n")).digest("hex");
}

/** The three parts, each learned alone. */
function learn(questions: readonly PreparedQuestion[]) {
  const mean = meanOf(questions, gainOf);
  const targets = questions.map((one) => gainOf(one) - mean);
  const [features, words, topics] = [
    learnFeatures(questions, targets),
    learnWords(questions, targets),
    learnTopics(questions, mean),
  ];
  return {
    parameters: { features: features.parameters, words: words.parameters, topics: topics.parameters },
    judge(one: PreparedQuestion) {
      const { distance, gain } = topics.judge(one);
      return { features: features.judge(one), words: words.judge(one), topics: gain, distance };
    },
  };
}

function learnFeatures(questions: readonly PreparedQuestion[], targets: readonly number[]) {
  const names = [...FEATURE_NAMES];
  const means = names.map((_, i) => rounded(meanOf(questions, ({ features }) => features[i])));
  const scales = names.map((_, i) => {
    const variance = meanOf(questions, ({ features }) => (features[i] - means[i]) ** 2);
    return rounded(Math.sqrt(variance)) || 1;
  });
  const rows = questions.map(({ features }) => standardised(features, means, scales));
  const penalties = names.map(() => FEATURE_PENALTY);
  const weights = Array.from(ridge(rows, targets, penalties), rounded);
  return {
    parameters: { names, means, scales, weights },
    judge: ({ features }: PreparedQuestion) =>
      standardised(features, means, scales).reduce((sum, value, i) => sum + value * weights[i], 0),
  };
}

function learnWords(questions: readonly PreparedQuestion[], targets: readonly number[]) {
  const { weights, mean } = wordRidge(
    questions.map(({ places }) => places),
    targets,
    WORD_PENALTY,
  );
  const scale = Math.max(...weights.map(Math.abs)) / 127 || 1;
  const codes = Int8Array.from(weights, (weight) => Math.round(weight / scale));
  return {
    parameters: { weights: base64Of(codes), scale: rounded(scale), mean: rounded(mean) },
    judge: ({ places }: PreparedQuestion) => scale * saysOf(places, codes) - mean,
  };
}

/** Each subject is split into topics of like questions, by k-means from seeds spread evenly over it. */
function learnTopics(questions: readonly PreparedQuestion[], mean: number) {
  const subjects = Map.groupBy(
    questions.filter(({ scale }) => scale > 0),
    ({ subject }) => subject,
  );
  const topics = [...subjects.values()].flatMap((subject) => {
    const usual = mixed(subject.map(gainOf), mean, SUBJECT_PRIOR);
    return topicsOf(subject).map(({ centre, members }) => {
      return { centre, gain: rounded(mixed(members.map(gainOf), usual, TOPIC_PRIOR) - mean) };
    });
  });
  const scale = 1 / 127;
  const dims = questions[0].codes.length;
  const vectors = new Int8Array(topics.length * dims);
  for (const [i, { centre }] of topics.entries()) vectors.set(centre, i * dims);
  const gains = topics.map(({ gain }) => gain);
  return {
    parameters: { vectors: base64Of(vectors), scale: rounded(scale), gains },
    judge: (one: PreparedQuestion) => topicGain(similaritiesTo(vectors, one.codes, scale * one.scale), gains),
  };
}

/** The mean of values and of so many usual ones. */
function mixed(values: readonly number[], usual: number, count: number): number {
  return (values.reduce((sum, value) => sum + value, 0) + count * usual) / (values.length + count);
}

interface Topic {
  readonly centre: Int8Array;
  readonly members: readonly PreparedQuestion[];
}

function topicsOf(questions: readonly PreparedQuestion[]): Topic[] {
  const count = Math.max(1, Math.round(questions.length / TOPIC_SIZE));
  let centres = Array.from({ length: count }, (_, i) => questions[Math.floor((i * questions.length) / count)].codes);
  let topics: Topic[] = [];
  for (let round = 0; round < TOPIC_ROUNDS; round++) {
    const groups = Map.groupBy(questions, (one) => {
      const similarities = centres.map((centre) => similaritiesTo(centre, one.codes, one.scale)[0]);
      return similarities.indexOf(Math.max(...similarities));
    });
    topics = [...groups.values()].map((members) => ({ centre: centreOf(members), members }));
    centres = topics.map(({ centre }) => centre);
  }
  return topics;
}

/** The unit vector of the mean, as int8. */
function centreOf(members: readonly PreparedQuestion[]): Int8Array {
  const sum = new Float64Array(members[0].codes.length);
  for (const { codes, scale } of members) for (let d = 0; d < sum.length; d++) sum[d] += codes[d] * scale;
  const length = Math.sqrt(sum.reduce((all, value) => all + value * value, 0)) || 1;
  return Int8Array.from(sum, (value) => Math.round((127 * value) / length));
}

/** Least squares with hardly any penalty; what would count against the gain counts nothing. */
function sharesOf(columns: readonly (readonly number[])[], targets: readonly number[]): number[] {
  const width = columns[0].length;
  const used = Array.from({ length: width }, (_, i) => i);
  for (;;) {
    const rows = columns.map((column) => Float64Array.from(used, (i) => column[i]));
    const shares = ridge(
      rows,
      targets,
      used.map(() => 1e-6),
    );
    const against = used.filter((_, i) => shares[i] < 0);
    if (against.length === 0) return Array.from({ length: width }, (_, i) => shares[used.indexOf(i)] ?? 0);
    used.splice(0, used.length, ...used.filter((i) => !against.includes(i)));
  }
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

function base64Of(codes: Int8Array): string {
  return Buffer.from(codes.buffer, codes.byteOffset, codes.byteLength).toString("base64");
}

/** Seven digits are plenty, and keep the file small. */
function rounded(value: number): number {
  return Number(value.toPrecision(7));
}
