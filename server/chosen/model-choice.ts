import type { Settings } from "../../shared/settings.ts";
import { readChoice, writeChoice } from "../kept-choice.ts";

/** The model in the package, by the name that settings have for it. */
export const BUNDLED = "bundled";

const FILE = "embedding-model.json";

/**
 * The name of the model that is to search: what the settings or the environment say, else what `cairn models use` has
 * kept. A terminal has no file of settings, so that choice lies in the cache folder, and holds for editors too.
 * @returns as `cairn.embedding.model` takes it; undefined for the model in the package
 */
export function chosenName(settings: Settings, cacheDirectory: string): string | undefined {
  const name = settings["embedding.model"] || keptChoice(cacheDirectory).model;
  return name === "" || name === BUNDLED ? undefined : name;
}

/** What was chosen last, by terminals and editors without a setting of their own. */
export interface KeptChoice {
  /** As `cairn.embedding.model` takes it; empty when nothing was chosen, or nothing that can be read. */
  readonly model: string;
  /** As `cairn.embedding.vectors` and `cairn.embedding.dimensions` take them; absent where all is as usual. */
  readonly vectors?: string;
  readonly dimensions?: string;
}

export function keptChoice(cacheDirectory: string): KeptChoice {
  const text = (key: string) => readChoice({ cacheDirectory, file: FILE }, key);
  return { model: text("model"), vectors: text("vectors") || undefined, dimensions: text("dimensions") || undefined };
}

/**
 * Keeps a choice for all terminals and editors of this user; undefined takes it back.
 * @returns the file that it lies in
 * @throws {CairnError} `unavailable` when it cannot be written
 */
export function keepChoice(cacheDirectory: string, chosen: KeptChoice | undefined): string {
  return writeChoice({ cacheDirectory, file: FILE }, chosen && { ...chosen });
}
