import type { Device } from "./device.ts";

/** A text is asked, or is looked through: models that were trained with prefixes tell the two apart. */
export type TextKind = "query" | "passage";

/** What an engine must know of a model that lies on disk, checked. */
export interface EngineModel {
  /** For messages, and part of the identity of its vectors. */
  readonly name: string;
  /** Absolute path of the folder with `tokenizer.json` and `tokenizer_config.json`. */
  readonly folder: string;
  /** Absolute path of the ONNX file. */
  readonly weights: string;
  readonly dims: number;
  /** How the vectors of a text's tokens become one: their mean, that of the first, or that of the last. */
  readonly pooling: "mean" | "cls" | "last";
  readonly maxTokens: number;
  readonly queryPrefix: string;
  readonly passagePrefix: string;
}

/** How a model is to run. */
export interface EngineRun {
  readonly device: Device;
  readonly threads: number;
  /** Tokens of a batch, padding included. */
  readonly batchTokens: number;
}

/** Of a model that was not measured on this machine. */
export const BATCH_TOKENS = 512;

/** What loading a model has shown. */
export interface LoadedModel {
  readonly inputs: readonly string[];
  readonly output: string;
  /** The model itself makes one vector of a text; then the pooling is its own. */
  readonly pooledByModel: boolean;
  readonly device: Device;
  readonly threads: number;
  readonly batchTokens: number;
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
}

/** What the process of an engine does when it is asked. */
export interface EngineMethods {
  load(argument: { model: EngineModel; run: EngineRun }): LoadedModel;
  embed(argument: { texts: readonly string[]; kind: TextKind }): EmbeddedTexts;
  /** Bytes of memory that the process has, code of the engine and weights included. */
  memory(argument: null): number;
}
