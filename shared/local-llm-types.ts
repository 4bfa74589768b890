import type { Phrase } from "./phrase.ts";

/** Whether a model runs on a machine: as it is now, after something else was closed or slowly, or not at all. */
export type Fit = "yes" | "tight" | "no";

/** How a model would run here, and why it is thought so. */
export interface FitHere {
  readonly fit: Fit;
  /** Of its weights and of the window that answers are written in. */
  readonly neededBytes: number;
  readonly why: Phrase;
}

/** A language model of Cairn's list, as one that can be chosen. */
export interface OfferedLlm {
  readonly id: string;
  readonly about: string;
  readonly licence: string;
  /** Where it is downloaded from. */
  readonly repository: string;
  readonly file: string;
  readonly parameters: number;
  /** Tokens that it was trained for. */
  readonly contextTokens: number;
  /** Of its file. */
  readonly bytes: number;
  /** Absolute path of its file; undefined while it is not on this machine. */
  readonly path: string | undefined;
  readonly fit: Fit;
  readonly neededBytes: number;
  /** In the language of whoever asked. */
  readonly why: string;
}

/** What can be chosen to answer on this machine, and what is. */
export interface LocalLlmChoices {
  /** Absolute path of the model file that is asked; empty when none was chosen. */
  readonly chosen: string;
  readonly models: readonly OfferedLlm[];
}
