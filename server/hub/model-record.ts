import { rmSync } from "node:fs";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { writeWhole } from "../whole-file.ts";

/**
 * Writes what is known of a model into Cairn's cache folder, whole or not at all.
 * @throws {CairnError} `unavailable` where it cannot be written: without it the model cannot be used
 */
export function writeModelRecord(path: string, record: unknown): void {
  try {
    writeWhole(path, `${JSON.stringify(record, null, 2)}\n`);
  } catch (error) {
    throw new CairnError(
      "unavailable",
      phrase("What is known of the model could not be written to {0} ({1}).", path, codeOf(error)),
      phrase(
        "Make room there, or choose another cache folder with cairn.cacheDirectory (CAIRN_CACHE_DIR), and pull it again: what is downloaded is kept.",
      ),
      { cause: error },
    );
  }
}

/**
 * Forgets what is known of a model.
 * @throws {CairnError} `unavailable` where that cannot be removed
 */
export function removeModelRecord(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch (error) {
    throw new CairnError(
      "unavailable",
      phrase("What is known of the model could not be removed from {0} ({1}).", path, codeOf(error)),
      phrase("Make the cache folder writable, or choose another with CAIRN_CACHE_DIR."),
      { cause: error },
    );
  }
}

/** Where a file cannot be removed, Node leaves the code empty on some systems. */
function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code || String((error as Error).message);
}
