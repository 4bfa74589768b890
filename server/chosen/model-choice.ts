import type { Settings } from "../../shared/settings.ts";
import { keepChoice as keep, keptChoice } from "../kept-choice.ts";

/** The model in the package, by the name that settings have for it. */
export const BUNDLED = "bundled";

const FILE = "embedding-model.json";

/**
 * The name of the model that is to search: what the settings or the environment say, else what `cairn models use` has
 * kept. A terminal has no file of settings, so that choice lies in the cache folder, and holds for editors too.
 * @returns as `cairn.embedding.model` takes it; undefined for the model in the package
 */
export function chosenName(settings: Settings, cacheDirectory: string): string | undefined {
  const name = settings["embedding.model"] || keptChoice({ cacheDirectory, file: FILE }, "model");
  return name === "" || name === BUNDLED ? undefined : name;
}

/**
 * Keeps a choice for all terminals and editors of this user; undefined takes it back.
 * @returns the file that it lies in
 * @throws {CairnError} `unavailable` when it cannot be written
 */
export function keepChoice(cacheDirectory: string, name: string | undefined): string {
  return keep({ cacheDirectory, file: FILE }, name === undefined ? undefined : { model: name });
}
