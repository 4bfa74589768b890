import { z } from "zod";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { StaticEncoder } from "../embed/static.ts";
import { FileError, type HostFiles } from "../host.ts";
import { deviationsOf, WAVES, wavesOf } from "./feature-waves.ts";
import { WORD_PLACES, wordPlaces } from "./hashed-words.ts";
import { FEATURE_NAMES, questionFeatures } from "./question-features.ts";
import { type Row, saysOf, type Weights } from "./ridge.ts";

/** Numbers that were learned from labelled questions; of the questions themselves nothing is kept. */
const PARAMETERS = z.object({
  version: z.literal(2),
  /** The embedding that the centres are made with. */
  embedding: z.string(),
  trainedOn: z.object({ questions: z.int().positive(), sha256: z.string() }),
  /** Share of the questions that each model answered right, 0 to 1. */
  strong: z.number().gt(0).max(1),
  weak: z.number().min(0).max(1),
  /** What is usual of each, in {@link FEATURE_NAMES}'s order. */
  features: z.object({ names: z.array(z.string()), means: z.array(z.number()), scales: z.array(z.number().gt(0)) }),
  /** Learned of words and features together: words as int8, waves as float32, both in Base64. */
  together: z.object({ words: z.base64(), wordScale: z.number(), waves: z.base64(), middle: z.number() }),
  /** Learned of features alone, for what is unlike anything learned. */
  alone: z.object({ waves: z.base64(), middle: z.number() }),
  /** Unit vectors of the embedding as int8 in Base64, times the scale: around them lies what was learned from. */
  centres: z.object({ vectors: z.base64(), scale: z.number().gt(0) }),
  /** How much of what each says is so, fitted on questions that it was not learned from: so it is calibrated. */
  share: z.number(),
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

/** From this novelty on, what was learned of words counts less, until features count alone. */
const FADES = { from: 0.85, to: 1.15 };

/** What is said of a question before any of it is left out. */
interface Said {
  readonly deviations: Float64Array;
  readonly places: Int32Array;
  /** How much of it is like what was learned, 0 to 1. */
  readonly familiar: number;
}

const NO_PLACES = new Int32Array();

/** Predicts how much better a strong model answers a question than a weak one. */
export class GainModel {
  readonly parameters: GainParameters;
  readonly #encoder: StaticEncoder;
  readonly #together: Weights;
  readonly #alone: Weights;
  readonly #centres: Int8Array;

  constructor(parameters: GainParameters, encoder: StaticEncoder) {
    this.parameters = parameters;
    this.#encoder = encoder;
    const { together, alone, centres } = parameters;
    const words = Float32Array.from(int8Of(together.words), (code) => code * together.wordScale);
    this.#together = { words, waves: floatsOf(together.waves), middle: together.middle };
    this.#alone = { words: [], waves: floatsOf(alone.waves), middle: alone.middle };
    this.#centres = int8Of(centres.vectors);
  }

  /** Takes well under a millisecond. */
  estimate(question: string): GainEstimate {
    const { said, novelty } = this.#read(question);
    const gain = this.#gainOf(said);
    return { gain, quality: Math.max(0, Math.min(1, 1 - gain / this.parameters.strong)), novelty };
  }

  /** What an estimate rests on, what moves it most first: by how much it would be another without that. */
  explain(question: string): { readonly gain: number; readonly evidence: readonly Evidence[] } {
    const { strong, weak } = this.parameters;
    const { said } = this.#read(question);
    const gain = this.#gainOf(said);
    const without = (name: string, rest: Said): Evidence => ({ name, gain: gain - this.#gainOf(rest) });
    const evidence = [
      without("its words", { ...said, places: NO_PLACES }),
      ...FEATURE_NAMES.map((name, i) => without(name, { ...said, deviations: said.deviations.with(i, 0) })),
    ].sort((a, b) => Math.abs(b.gain) - Math.abs(a.gain));
    const usual = { name: "a usual question", gain: strong - weak };
    return { gain, evidence: [usual, ...evidence.slice(0, MOST_EVIDENCE)] };
  }

  #read(question: string): { readonly said: Said; readonly novelty: number } {
    const { features, farthest } = this.parameters;
    const novelty = this.#distanceOf(question) / farthest;
    const familiar = Math.max(0, Math.min(1, (FADES.to - novelty) / (FADES.to - FADES.from)));
    const deviations = deviationsOf(questionFeatures(question), features.means, features.scales);
    return { said: { deviations, places: wordPlaces(question), familiar }, novelty };
  }

  #gainOf({ deviations, places, familiar }: Said): number {
    const { strong, weak, share, shareAlone } = this.parameters;
    const row: Row = { places, waves: wavesOf(deviations) };
    const together = familiar > 0 ? familiar * share * saysOf(row, this.#together) : 0;
    const alone = familiar < 1 ? (1 - familiar) * shareAlone * saysOf({ ...row, places: NO_PLACES }, this.#alone) : 0;
    return strong - weak + together + alone;
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
  const { features, together, alone, centres } = data;
  const isWhole =
    [features.means, features.scales].every(({ length }) => length === FEATURE_NAMES.length) &&
    features.names.join() === FEATURE_NAMES.join() &&
    int8Of(together.words).length === WORD_PLACES &&
    [together.waves, alone.waves].every((waves) => Buffer.from(waves, "base64").length === 4 * WAVES) &&
    int8Of(centres.vectors).length > 0;
  if (!isWhole) throw unusable(path, "made by another version of Cairn");
  return data;
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

function floatsOf(base64: string): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(base64, "base64")).buffer);
}

function unusable(path: string, why: string): CairnError {
  return new CairnError(
    "input",
    phrase("The parameters of routing in {0} cannot be used: {1}", path, why),
    phrase("Make them with npm run train:routing, or empty cairn.answer.routing.parameters."),
  );
}
