import { existsSync, lstatSync, readdirSync, realpathSync } from "node:fs";
import { join, sep } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";

/** What is to be written, and what must outlive it. */
export interface Replacement {
  /** Whether the user said that what is there may go. */
  force: boolean;
  /** Paths that the work reads: replacing one would take away what the result depends on. */
  needed: readonly string[];
  /** The files that will be there when it is a folder, relative, with `/`; undefined for a single file. */
  files?: readonly string[];
}

/**
 * Checks, before any work is done, that a result may take its place. Even when told to, it replaces nothing that it was
 * made from, and no folder that holds anything else than the files that are to come.
 *
 * @throws {CairnError} `input`
 */
export function assertReplaceable(out: string, { force, needed, files }: Replacement): void {
  if (!existsSync(out)) return;
  if (!force) {
    throw new CairnError(
      "input",
      phrase("{0} is already there.", out),
      phrase("Give another --out, or --force to replace it."),
    );
  }
  const place = realpathSync(out);
  const lost = needed.find((path) => existsSync(path) && isWithin(realpathSync(path), place));
  if (lost !== undefined) {
    throw new CairnError(
      "input",
      phrase("{0} is needed to make what would replace it.", lost),
      phrase("Give another --out."),
    );
  }
  const there = lstatSync(place);
  if (!there.isDirectory() && !there.isFile()) {
    // A device would be replaced by a file, for everyone on this machine.
    throw new CairnError("input", phrase("{0} is neither a file nor a folder.", out), phrase("Give another --out."));
  }
  if (there.isFile()) return;
  const other = files ? foreignFile(place, "", new Set(files)) : "";
  if (other === undefined) return;
  const what =
    other === ""
      ? phrase("{0} is a folder.", out)
      : phrase("{0} holds {1}, which would not be there any more.", out, other);
  throw new CairnError("input", what, phrase("Give another --out."));
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** The first entry below a folder that is none of the files, with `/`; undefined when there is none. */
function foreignFile(folder: string, prefix: string, files: ReadonlySet<string>): string | undefined {
  for (const entry of readdirSync(join(folder, prefix), { withFileTypes: true })) {
    const name = prefix + entry.name;
    if (!entry.isDirectory()) {
      if (!files.has(name)) return name;
      continue;
    }
    const found = foreignFile(folder, `${name}/`, files);
    if (found !== undefined) return found;
  }
  return undefined;
}
