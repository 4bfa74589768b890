import { existsSync, readdirSync, realpathSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";

/** What is to be written to a place. */
export interface Written {
  /** Replaces what is there. */
  force: boolean;
  /** Paths of the files that the work reads: replacing one would lose it. */
  reads: readonly string[];
  /** Names of the files of a folder that is to be written, with `/`; undefined for a single file. */
  names?: readonly string[];
}

/**
 * Checks before any work that something may be written to a place. What is there is replaced only when that is asked for,
 * and never when it is of another kind, is read, or is a folder that holds anything else.
 *
 * @throws {CairnError} `input`
 */
export function checkPlace(out: string, { force, reads, names }: Written): void {
  if (!existsSync(out)) return;
  if (!force) {
    throw new CairnError(
      "input",
      phrase("{0} is already there.", out),
      phrase("Give another --out, or --force to replace it."),
    );
  }
  const isFolder = statSync(out).isDirectory();
  if (isFolder !== (names !== undefined)) {
    const what = isFolder
      ? phrase("{0} is a folder, and a file is to be written.", out)
      : phrase("{0} is a file, and a folder is to be written.", out);
    throw new CairnError("input", what, phrase("Write to another place."));
  }
  const place = realpathSync(out);
  const needed = reads.find((path) => `${realpathSync(path)}${sep}`.startsWith(`${place}${sep}`));
  if (needed !== undefined) {
    throw new CairnError(
      "input",
      phrase("{0} cannot be replaced: {1} is still needed.", out, needed),
      phrase("Write to another place."),
    );
  }
  const other = isFolder ? otherThan(names ?? [], place) : undefined;
  if (other === undefined) return;
  throw new CairnError(
    "input",
    phrase("{0} cannot be replaced: it holds {1}, which is not part of what is written.", out, other),
    phrase("Move it away, or write to another place."),
  );
}

/** A file of the folder that is none of these. */
function otherThan(names: readonly string[], folder: string): string | undefined {
  const known = new Set(names);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)).split(sep).join("/"))
    .find((name) => !known.has(name));
}
