import { CairnError } from "../../shared/errors.ts";
import type { Phrase } from "../../shared/phrase.ts";

/** What is to be loaded, and how. */
export interface LlamaLoad {
  /** Absolute path of a GGUF file; of a model in several files, the first. */
  readonly modelPath: string;
  /** Folder in which npm installed the engine; empty for the one that comes with Cairn. */
  readonly engineFolder: string;
  /** Folder with packages for graphics processors, besides those that came with the engine; absent for none. */
  readonly gpuPackages?: string;
  readonly gpu: "auto" | "off";
  /** 0: one for each physical core but one. */
  readonly threads: number;
  /** Tokens of question and answer together; 0: what is usual, or less where the memory holds no more. */
  readonly contextTokens: number;
}

/** A model that is ready. */
export interface LoadedLlama {
  readonly contextTokens: number;
  /** How many questions it answers side by side; others wait. */
  readonly atOnce: number;
  /** What it runs on, for people: "CPU, 4 threads", "metal, 33 of 33 layers". */
  readonly device: string;
}

/** How the next token is chosen. */
export interface Sampling {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly repeatPenalty: number;
  /** -1: another one each time. */
  readonly seed: number;
}

export interface LlamaRequest {
  readonly messages: readonly { readonly role: "system" | "user" | "assistant"; readonly content: string }[];
  readonly maxOutputTokens: number;
  readonly sampling: Sampling;
}

/** How an answer came about: tokens as the model counts them, times in milliseconds. */
export interface LlamaEnd {
  readonly finish: "stop" | "length";
  readonly inputTokens: number;
  /** Of the oldest turns, how many did not fit into the window and were left out of the input. */
  readonly leftOutTurns: number;
  /** Of the input, what was still in memory from an earlier question and was not evaluated again. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** Waiting for earlier requests. */
  readonly queueMs: number;
  /** Reading the question. */
  readonly promptMs: number;
  /** Writing the answer. */
  readonly completionMs: number;
  /** As in {@link LoadedLlama}. */
  readonly device: string;
}

/**
 * - `no-engine`: node-llama-cpp, or its part for this machine, is not installed.
 * - `no-model`: the file is not there, or is no model that can answer.
 * - `no-memory`: the model does not fit.
 * - `too-long`: the question does not fit into the model's window; nothing was generated.
 * - `ended`: the process that runs the model is gone.
 * - `stopped`: the answer was given up, as asked.
 */
export type LlamaFailure = "no-engine" | "no-model" | "no-memory" | "too-long" | "ended" | "stopped";

export class LlamaError extends CairnError {
  readonly failure: LlamaFailure;

  constructor(failure: LlamaFailure, message: Phrase, hint: Phrase, options?: ErrorOptions) {
    super(failure === "no-model" || failure === "no-engine" ? "input" : "unavailable", message, hint, options);
    this.name = "LlamaError";
    this.failure = failure;
  }
}

/** From the server to the process that runs the model. */
export type ToLlama =
  | { readonly type: "load"; readonly load: LlamaLoad }
  | { readonly type: "generate"; readonly id: number; readonly request: LlamaRequest }
  | { readonly type: "stop"; readonly id: number };

/** And back. What belongs to no request is about loading. */
export type FromLlama =
  | { readonly type: "loaded"; readonly loaded: LoadedLlama }
  /** Text as it is generated; empty when there is progress, but nothing to show. */
  | { readonly type: "text"; readonly id: number; readonly text: string }
  | { readonly type: "end"; readonly id: number; readonly end: LlamaEnd }
  | {
      readonly type: "failed";
      readonly id?: number;
      readonly failure: LlamaFailure;
      readonly message: Phrase;
      readonly hint: Phrase;
    };
