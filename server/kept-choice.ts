import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CairnError } from "../shared/errors.ts";
import { phrase } from "../shared/phrase.ts";
import { writeWhole } from "./whole-file.ts";

/**
 * What the user has chosen for all terminals and editors of this machine. A terminal has no file of settings, so such a
 * choice lies in the cache folder, a small file each.
 */
export interface ChoiceFile {
  readonly cacheDirectory: string;
  readonly file: string;
}

/** One text of the choice; empty when nothing was chosen, or nothing that can be read. */
export function readChoice({ cacheDirectory, file }: ChoiceFile, key: string): string {
  try {
    const kept: unknown = JSON.parse(readFileSync(join(cacheDirectory, file), "utf8"));
    const value = (kept as Record<string, unknown> | null)?.[key];
    return typeof value === "string" ? value : "";
  } catch {
    return "";
  }
}

/**
 * Keeps a choice; undefined takes it back.
 * @returns the file that it lies in
 * @throws {CairnError} `unavailable` when it cannot be written
 */
export function writeChoice(
  { cacheDirectory, file }: ChoiceFile,
  choice: Readonly<Record<string, string | undefined>> | undefined,
): string {
  const path = join(cacheDirectory, file);
  try {
    if (choice === undefined) rmSync(path, { force: true });
    else writeWhole(path, `${JSON.stringify(choice)}\n`);
    return path;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CairnError(
      "unavailable",
      // Where a file cannot be removed, Node leaves the code empty on some systems.
      phrase("The choice could not be written to {0} ({1}).", path, code || message),
      phrase("Make the cache folder writable, or choose another with CAIRN_CACHE_DIR."),
      { cause: error },
    );
  }
}
