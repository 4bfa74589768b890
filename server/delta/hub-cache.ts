import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { CachedRepository, hubCacheFolder, namedRepository } from "../hub/cache-layout.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The path of what a user names: a file or folder, or `owner/name[@revision]` or `datasets/owner/name[@revision]` of a
 * repository in the Hub's cache.
 * Nothing is downloaded.
 *
 * @throws {CairnError} `input` when neither is there
 */
export function locate(given: string, cwd: string, env: Environment): string {
  const path = resolve(cwd, given);
  if (existsSync(path)) return path;
  const named = namedRepository(given);
  const folder = hubCacheFolder(env);
  if (named) {
    // A dataset may also be named without saying that it is one.
    for (const kind of [named.kind, "dataset"] as const) {
      const repository = new CachedRepository(folder, named.name, kind);
      const snapshot = snapshotOf(repository.folder, named.revision);
      if (snapshot) return snapshot;
    }
  }
  throw new CairnError(
    "input",
    named === undefined
      ? phrase("There is no {0}.", path)
      : phrase("There is no {0}, and no {1} in the Hub's cache ({2}).", path, given, folder),
    phrase("Give a file or a folder, or download the repository first: `cairn delta` does with --download."),
  );
}

/** The snapshot that a branch, a tag or a commit names; the only one there is when the name is not known. */
function snapshotOf(repository: string, revision: string): string | undefined {
  const snapshots = join(repository, "snapshots");
  if (!existsSync(snapshots)) return undefined;
  const reference = join(repository, "refs", revision);
  const commit =
    existsSync(reference) && statSync(reference).isFile() ? readFileSync(reference, "utf8").trim() : revision;
  if (/^[\w.-]+$/.test(commit) && commit !== ".." && existsSync(join(snapshots, commit)))
    return join(snapshots, commit);
  const all = readdirSync(snapshots);
  return revision === "main" && all.length === 1 ? join(snapshots, all[0]) : undefined;
}
