import type { Settings } from "../../shared/settings.ts";
import { type ChoiceFile, readChoice, writeChoice } from "../kept-choice.ts";

/** The model file that answers on this machine, as the user has chosen it. */
export interface LocalLlm {
  /** An id of the list of language models; empty for a file of the user's own. */
  readonly id: string;
  /** Absolute, of a GGUF file. */
  readonly path: string;
}

/**
 * The file of the language model that Cairn runs itself: what the settings or the environment say, else what was chosen in
 * an editor or with `cairn models use`.
 * @returns empty when none was chosen
 */
export function localLlmFile(settings: Settings, cacheDirectory: string): string {
  return settings["answer.local.modelPath"] || keptLlm(cacheDirectory).path;
}

/** What was chosen in an editor or with `cairn models use`; its texts are empty when nothing was. */
export function keptLlm(cacheDirectory: string): LocalLlm {
  const file = choiceFile(cacheDirectory);
  return { id: readChoice(file, "id"), path: readChoice(file, "path") };
}

/**
 * Keeps the choice for all terminals and editors of this user; undefined takes it back.
 * @returns the file that it lies in
 * @throws {CairnError} `unavailable` when it cannot be written
 */
export function keepLlm(cacheDirectory: string, llm: LocalLlm | undefined): string {
  return writeChoice(choiceFile(cacheDirectory), llm && { id: llm.id, path: llm.path });
}

function choiceFile(cacheDirectory: string): ChoiceFile {
  return { cacheDirectory, file: "local-llm.json" };
}
