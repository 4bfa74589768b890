import { z } from "zod";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { StaticEncoder } from "../embed/static.ts";
import { FileError, type HostFiles } from "../host.ts";
import { saysOf, WORD_PLACES, wordPlaces } from "./hashed-words.ts";
import { FEATURE_NAMES, questionFeatures } from "./question-features.ts";

/** Numbers that were learned from labelled questions; of the questions themselves nothing is kept. */
const PARAMETERS = z.object({
  version: z.literal(1),
  /** The embedding that the centres are made with. */
  embedding: z.string(),
  trainedOn: z.object({ questions: z.int().positive(), sha256: z.string() }),
  /** Share of the questions that each model answered right, 0 to 1. */
  strong: z.number().gt(0).max(1),
  weak: z.number().min(0).max(1),
  /** Each in {@link FEATURE_NAMES}'s order. */
  features: z.object({
    names: z.array(z.string()),
    means: z.array(z.number()),
    scales: z.array(z.number().gt(0)),
    weights: z.array(z.number()),
  }),
  /** int8 in Base64, one a place, times the scale; the mean is what they say of a usual question. */
  words: z.object({ weights: z.base64(), scale: z.number(), mean: z.number() }),
  /** Unit vectors of the embedding as int8 in Base64, times the scale: around them lies what was learned from. */
  centres: z.object({ vectors: z.base64(), scale: z.number().gt(0) }),
  /** How much features and words count, fitted on questions that they were not learned from: so the sum is calibrated. */
  share: z.number(),
  /** Of the features where they stand alone, for what is unlike anything learned. */
  shareAlone: z.number(),
  /** Distance from the nearest centre that one in a hundred such questions exceeds. */
  farthest: z.number().gt(0),
});

export type GainParameters = z.infer<typeof PARAMETERS>;

export interface GainEstimate {
  /** By how much the strong model is expected to do better, as a share of such questions, -1 to 1. */
  readonly gain: number;
  /** The same as what the weak one's answers are worth, as a share of the strong one's, 0 to 1. */
  readonly quality: number;
  /** Distance from what was learned; above 1 the question is farther than 99 of 100 of those. */
  readonly novelty: number;
}

/** Something that moves the expected gain away from that of a usual question. */
export interface Evidence {
  readonly name: string;
  readonly gain: number;
}

/** Features that are farther from usual do not count for more. */
const MOST_DEVIATION = 3;
/** From this novelty on, what was learned of words counts less, until it counts nothing. */
const FADES = { from: 0.85, to: 1.15 };

/** Predicts how much better a strong model answers a question than a weak one. */
export class GainModel {
  readonly parameters: GainParameters;
  readonly #encoder: StaticEncoder;
  readonly #words: Int8Array;
  readonly #centres: Int8Array;

  constructor(parameters: GainParameters, encoder: StaticEncoder) {
    this.parameters = parameters;
    this.#encoder = encoder;
    this.#words = int8Of(parameters.words.weights);
    this.#centres = int8Of(parameters.centres.vectors);
  }

  /** Takes well under a millisecond. */
  estimate(question: string): GainEstimate {
    const { strong, weak } = this.parameters;
    const { features, words, novelty } = this.#parts(question);
    const gain = strong - weak + features.reduce((sum, value) => sum + value, words);
    return { gain, quality: Math.max(0, Math.min(1, 1 - gain / strong)), novelty };
  }

  /** What an estimate rests on, what moves it most first. */
  explain(question: string): { readonly gain: number; readonly evidence: readonly Evidence[] } {
    const { strong, weak } = this.parameters;
    const { features, words } = this.#parts(question);
    const evidence = [
      { name: "its words", gain: words },
      ...FEATURE_NAMES.map((name, i) => ({ name, gain: features[i] })),
    ].sort((a, b) => Math.abs(b.gain) - Math.abs(a.gain));
    const usual = { name: "a usual question", gain: strong - weak };
    return { gain: this.estimate(question).gain, evidence: [usual, ...evidence.slice(0, MOST_EVIDENCE)] };
  }

  #parts(question: string): { features: Float64Array; words: number; novelty: number } {
    const { share, shareAlone, features: known, words, farthest } = this.parameters;
    const novelty = this.#distanceOf(question) / farthest;
    const familiar = Math.max(0, Math.min(1, (FADES.to - novelty) / (FADES.to - FADES.from)));
    const shareOfFeatures = familiar * share + (1 - familiar) * shareAlone;
    const deviations = standardised(questionFeatures(question), known.means, known.scales);
    return {
      features: deviations.map((value, i) => shareOfFeatures * value * known.weights[i]),
      words: familiar * share * (words.scale * saysOf(wordPlaces(question), this.#words) - words.mean),
      novelty,
    };
  }

  /** From the nearest centre. */
  #distanceOf(question: string): number {
    const vector = this.#encoder.query(question);
    // Nothing in it that the embedding knows: as far away as can be.
    if (!vector) return 1;
    return 1 - Math.max(...similaritiesTo(this.#centres, vector.codes, this.parameters.centres.scale * vector.scale));
  }
}

const MOST_EVIDENCE = 8;

/** @throws CairnError("input") when the file is not there; ("corrupt") when it is not what it should be */
export function readParameters(files: Pick<HostFiles, "read">, path: string): GainParameters {
  let content: unknown;
  try {
    content = JSON.parse(new TextDecoder().decode(files.read(path)));
  } catch (error) {
    if (!(error instanceof FileError || error instanceof SyntaxError)) throw error;
    throw unusable(path, error.message);
  }
  const { data, error } = PARAMETERS.safeParse(content);
  if (!data) throw unusable(path, z.prettifyError(error));
  const { features, words, centres } = data;
  const isWhole =
    [features.means, features.scales, features.weights].every(({ length }) => length === FEATURE_NAMES.length) &&
    features.names.join() === FEATURE_NAMES.join() &&
    int8Of(words.weights).length === WORD_PLACES &&
    int8Of(centres.vectors).length > 0;
  if (!isWhole) throw unusable(path, "made by another version of Cairn");
  return data;
}

/** How far each feature is from usual. */
export function standardised(
  features: Float64Array,
  means: readonly number[],
  scales: readonly number[],
): Float64Array {
  return features.map((value, i) =>
    Math.max(-MOST_DEVIATION, Math.min(MOST_DEVIATION, (value - means[i]) / scales[i])),
  );
}

/** Products of one vector with each row of a table, times the scale. */
export function similaritiesTo(rows: Int8Array, vector: Int8Array, scale: number): number[] {
  const similarities: number[] = [];
  for (let from = 0; from < rows.length; from += vector.length) {
    let sum = 0;
    for (let d = 0; d < vector.length; d++) sum += rows[from + d] * vector[d];
    similarities.push(sum * scale);
  }
  return similarities;
}

function int8Of(base64: string): Int8Array {
  return new Int8Array(Buffer.from(base64, "base64"));
}

function unusable(path: string, why: string): CairnError {
  return new CairnError(
    "input",
    phrase("The parameters of routing in {0} cannot be used: {1}", path, why),
    phrase("Make them with npm run train:routing, or empty cairn.answer.routing.parameters."),
  );
}
