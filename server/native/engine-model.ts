import type { Device } from "./device.ts";

/** A text is asked, or is looked through: models that were trained with prefixes tell the two apart. */
export type TextKind = "query" | "passage";

/** How the vectors of a text's tokens become one: their mean, that of the first, or that of the last. */
export type Pooling = "mean" | "cls" | "last";

interface ModelManner {
  /** For messages, and part of the identity of its vectors. */
  readonly name: string;
  /** Absolute path of the file with the weights. */
  readonly weights: string;
  /** What its vectors must have; undefined where that is to be found out. */
  readonly dims: number | undefined;
  readonly queryPrefix: string;
  readonly passagePrefix: string;
}

/** A model in ONNX form. */
export interface OnnxFiles extends ModelManner {
  readonly format: "onnx";
  /** Absolute path of the folder with `tokenizer.json` and `tokenizer_config.json`. */
  readonly folder: string;
  readonly pooling: Pooling;
  readonly maxTokens: number;
}

/** A model in one file for llama.cpp, which says itself how it pools and how many tokens it takes. */
export interface GgufFile extends ModelManner {
  readonly format: "gguf";
  /** Folder in which npm installed the engine; empty for the one that comes with Cairn. */
  readonly engineFolder: string;
  /** Folder with packages for graphics processors, besides those that came with the engine; absent for none. */
  readonly gpuPackages?: string;
  readonly gpu: "auto" | "off";
}

/** What an engine must know of a model that lies on disk. */
export type EngineModel = OnnxFiles | GgufFile;

/** How a model is to run. */
export interface EngineRun {
  /** Of a model in ONNX form; others say it themselves. */
  readonly device: Device;
  /** 0: as many as suit the format and the machine. */
  readonly threads: number;
  /** Tokens of a batch, padding included. */
  readonly batchTokens: number;
  /** Milliseconds without passages after which a copy of the model that was made for them is given up. */
  readonly copyMs: number;
}

/** Of a model that was not measured on this machine. */
export const BATCH_TOKENS = 512;

/** What loading a model has shown. */
export interface LoadedModel {
  readonly dims: number;
  /** Of an ONNX file; none of others. */
  readonly inputs: readonly string[];
  /** The model itself makes one vector of a text; then the pooling is its own. */
  readonly pooledByModel: boolean;
  /** What the file calls itself; empty where it has no name. */
  readonly title: string;
  readonly threads: number;
  readonly batchTokens: number;
  /** What it runs on, for people: "CPU, 4 threads", "webgpu", "metal, 13 of 13 layers". */
  readonly device: string;
  /** Milliseconds until it could embed, first run included. */
  readonly loadMs: number;
}

export interface EmbeddedTexts {
  /** Unit vectors, one after the other: `dims` numbers a text. */
  readonly vectors: Float32Array;
  /** Without padding, with prefixes and with the tokens that open and close a text. */
  readonly tokens: number;
  /** Runs of the model that it took. */
  readonly batches: number;
  /** Bytes of memory that the engine's process has now; absent where there is none here. */
  readonly memoryBytes?: number;
}

/** A model in the process that runs it. */
export interface RunningModel {
  readonly loaded: LoadedModel;
  /** Embeds texts of any length: those that are too long in windows, whose vectors are averaged by their tokens. */
  embed(texts: readonly string[], kind: TextKind): Promise<EmbeddedTexts>;
}

/** What the process of an engine does when it is asked. */
export interface EngineMethods {
  load(argument: { model: EngineModel; run: EngineRun }): LoadedModel;
  embed(argument: { texts: readonly string[]; kind: TextKind }): EmbeddedTexts;
  /** Bytes of memory that the process has, code of the engine and weights included. */
  memory(argument: null): number;
}
