import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { z } from "zod";
import { CairnError } from "../../shared/errors.ts";
import { type Phrase, phrase } from "../../shared/phrase.ts";
import { onnxWeights, partsOf, type WeightFiles } from "../hub/weight-files.ts";
import type { Pooling } from "../native/engine-model.ts";
import { type Prompts, promptsOf } from "./prompt-families.ts";

/** How a model in a folder is used, as the papers beside its weights say. */
export interface ModelPapers {
  readonly pooling: Pooling;
  /** Tokens the model takes, with those that open and close a text. */
  readonly maxTokens: number;
  readonly prompts: Prompts;
}

/** Papers without which a folder holds no model that can be run. */
export const NEEDED = ["tokenizer.json", "tokenizer_config.json"];
/** Where nothing says how long a text may be. */
const USUAL_TOKENS = 512;

const tokens = z.int().positive().optional().catch(undefined);
const config = z
  .object({ max_position_embeddings: tokens, _name_or_path: z.string().catch("") })
  .catch({ max_position_embeddings: undefined, _name_or_path: "" });
const tokenizer = z.object({ model_max_length: tokens }).catch({ model_max_length: undefined });
const sentence = z.object({ max_seq_length: tokens }).catch({ max_seq_length: undefined });
const modules = z.array(z.object({ path: z.string(), type: z.string() })).catch([]);
const prompts = z.object({ prompts: z.record(z.string(), z.string()).catch({}) }).catch({ prompts: {} });
const pooling = z.record(z.string(), z.unknown()).catch({});

/**
 * Reads how the model in a folder is to be used: as sentence-transformers writes it down, else by the mean of its tokens,
 * with the prompts of its family.
 *
 * @param names what else the model is called
 * @throws {CairnError} `input` for a model that has to be used in a way that Cairn does not know
 */
export function readPapers(folder: string, names: readonly string[] = []): ModelPapers {
  const { max_position_embeddings, _name_or_path } = config.parse(paper(folder, "config.json"));
  const { model_max_length } = tokenizer.parse(paper(folder, "tokenizer_config.json"));
  const { max_seq_length } = sentence.parse(paper(folder, "sentence_bert_config.json"));
  const lengths = [max_seq_length, model_max_length, max_position_embeddings].filter((length) => length !== undefined);
  return {
    pooling: readPooling(folder),
    maxTokens: Math.min(...(lengths.length > 0 ? lengths : [USUAL_TOKENS])),
    prompts: readPrompts(folder) ?? promptsOf([...names, basename(folder), _name_or_path]),
  };
}

/**
 * The weights in a folder, by their precision.
 * @throws {CairnError} `input` for a folder that holds no model in ONNX form
 */
export function weightsIn(folder: string): { weights: WeightFiles; parts: (weights: string) => string[] } {
  const paths = [...namesIn(folder), ...namesIn(join(folder, "onnx")).map((name) => `onnx/${name}`)];
  const missing = NEEDED.find((name) => !paths.includes(name));
  if (missing) throw noModel(folder, phrase("{0} is not there", missing));
  const weights = onnxWeights(paths);
  if (Object.keys(weights).length === 0) throw noModel(folder, phrase("{0} is not there", "onnx/model.onnx"));
  return { weights, parts: (path) => partsOf(path, paths) };
}

function readPooling(folder: string): Pooling {
  const layers = modules.parse(paper(folder, "modules.json"));
  const unknown = layers.find(({ type }) => !/\.(?:Transformer|Pooling|Normalize)$/.test(type));
  if (unknown) throw noModel(folder, phrase("{0} is a layer that Cairn does not run", unknown.path));
  const { path } = layers.find(({ type }) => type.endsWith(".Pooling")) ?? { path: "1_Pooling" };
  const modes = pooling.parse(paper(folder, join(path, "config.json")));
  const chosen = Object.keys(modes).filter((mode) => mode.startsWith("pooling_mode_") && modes[mode] === true);
  if (chosen.length === 0) return "mean";
  const known = chosen.length === 1 && POOLINGS[chosen[0]];
  if (known) return known;
  throw noModel(folder, phrase("its pooling ({0}) is one that Cairn does not know", chosen.join(", ")));
}

/** The mean and the sum over a root of the count point the same way. */
const POOLINGS: Readonly<Record<string, Pooling>> = {
  pooling_mode_mean_tokens: "mean",
  pooling_mode_mean_sqrt_len_tokens: "mean",
  pooling_mode_cls_token: "cls",
  pooling_mode_lasttoken: "last",
};

/** Undefined where nothing, or nothing but empty prompts, is written down. */
function readPrompts(folder: string): Prompts | undefined {
  const written = prompts.parse(paper(folder, "config_sentence_transformers.json")).prompts;
  const query = written.query ?? "";
  const passage = written.document ?? written.passage ?? "";
  return query === "" && passage === "" ? undefined : { query, passage };
}

/** What a file of JSON holds; undefined when there is none, or none that can be read. */
function paper(folder: string, name: string): unknown {
  try {
    return JSON.parse(readFileSync(join(folder, name), "utf8"));
  } catch {
    return undefined;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function noModel(folder: string, why: Phrase): CairnError {
  return new CairnError(
    "input",
    phrase("{0} holds no embedding model that can be run: {1}.", folder, why),
    phrase("Name a folder with the model in ONNX form, its tokenizer and its papers, or a GGUF file."),
  );
}
