import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { Settings } from "../../shared/settings.ts";

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
  try {
    const kept: Record<string, unknown> = JSON.parse(readFileSync(join(cacheDirectory, FILE), "utf8")) ?? {};
    const text = (value: unknown) => (typeof value === "string" ? value : undefined);
    return { model: text(kept.model) ?? "", vectors: text(kept.vectors), dimensions: text(kept.dimensions) };
  } catch {
    return { model: "" };
  }
}

/**
 * Keeps a choice for all terminals and editors of this user; undefined takes it back.
 * @returns the file that it lies in
 * @throws {CairnError} `unavailable` when it cannot be written
 */
export function keepChoice(cacheDirectory: string, chosen: KeptChoice | undefined): string {
  const path = join(cacheDirectory, FILE);
  try {
    if (chosen === undefined) rmSync(path, { force: true });
    else {
      mkdirSync(cacheDirectory, { recursive: true, mode: 0o700 });
      writeFileSync(`${path}.new`, `${JSON.stringify(chosen)}\n`, { mode: 0o600 });
      renameSync(`${path}.new`, path);
    }
    return path;
  } catch (error) {
    throw new CairnError(
      "unavailable",
      phrase("The choice could not be written to {0} ({1}).", path, (error as NodeJS.ErrnoException).code ?? ""),
      phrase("Make the cache folder writable, or choose another with CAIRN_CACHE_DIR."),
      { cause: error },
    );
  }
}
