import { statSync } from "node:fs";
import { CachedRepository } from "./cache-layout.ts";
import { filesOf, isCommit, type ModelFiles, type Precision, precisionsOf } from "./catalog.ts";
import { ContentHash, hashFile } from "./content-hash.ts";
import type { HubAccess } from "./hub-access.ts";
import { type Known, type KnownFiles, promisedSha256 } from "./known-files.ts";
import { withRepository } from "./repository-lock.ts";

/** What of a model is in the Hub's cache, by the names and sizes of the files alone. */
export interface ModelOnDisk {
  /** Undefined before the first download of a model that the catalogue does not pin. */
  readonly commit: string | undefined;
  /** Absolute path of the folder in which its files have their names; undefined like the commit. */
  readonly folder: string | undefined;
  /** Those of which all files are there. */
  readonly precisions: readonly Precision[];
  /** Of all its files. */
  readonly bytes: number;
}

export type FileState =
  /** Its content has the SHA-256 that it must have. */
  | "whole"
  | "altered"
  | "missing"
  /** Nobody has said what its content must be: it was downloaded by another program. */
  | "unknown";

export interface CheckedFile {
  readonly path: string;
  readonly bytes: number;
  readonly state: FileState;
}

interface HubCache {
  readonly access: Pick<HubAccess, "cacheFolder">;
  readonly known: KnownFiles;
}

export function modelOnDisk({ access, known }: HubCache, model: ModelFiles): ModelOnDisk {
  const commit = knownCommit(model, known.read(model));
  if (commit === undefined) return { commit, folder: undefined, precisions: [], bytes: 0 };
  const cached = new CachedRepository(access.cacheFolder, model.repository);
  const sizeOf = (path: string) => sizeOnDisk(cached.file(commit, path));
  return {
    commit,
    folder: cached.snapshot(commit),
    precisions: precisionsOf(model).filter((precision) =>
      filesOf(model, precision).every(({ path }) => sizeOf(path) !== undefined),
    ),
    bytes: pathsOf(model).reduce((sum, path) => sum + (sizeOf(path) ?? 0), 0),
  };
}

/**
 * Reads a model's files and compares their content with what the catalogue, or the record of the first download, says.
 * @param onBytes told how many bytes were read
 */
export async function verifyModel(
  { access, known }: HubCache,
  model: ModelFiles,
  precision: Precision,
  options: { readonly signal?: AbortSignal; readonly onBytes?: (bytes: number) => void } = {},
): Promise<CheckedFile[]> {
  const before = known.read(model);
  const commit = knownCommit(model, before);
  const cached = new CachedRepository(access.cacheFolder, model.repository);
  const checked: CheckedFile[] = [];
  let read = 0;
  for (const file of filesOf(model, precision)) {
    const path = commit === undefined ? undefined : cached.file(commit, file.path);
    const result =
      path === undefined
        ? ({ state: "missing", bytes: 0 } as const)
        : await checkFile(path, promisedSha256(file, before), options.signal);
    checked.push({ path: file.path, ...result });
    read += result.bytes;
    options.onBytes?.(read);
  }
  return checked;
}

/**
 * Removes a model's files and what is known of them. Files that others have downloaded of the same repository, and
 * content that another commit shares, stay.
 *
 * @returns bytes that are free again
 * @throws {CairnError} `unavailable` while another process downloads it
 */
export async function removeModel({ access, known }: HubCache, model: ModelFiles): Promise<number> {
  const cached = new CachedRepository(access.cacheFolder, model.repository);
  return withRepository(cached, model, async () => {
    const commit = knownCommit(model, known.read(model));
    const freed = commit === undefined ? 0 : cached.remove(commit, pathsOf(model));
    known.forget(model);
    return freed + cached.removeIncomplete();
  });
}

/** Reads a whole file and says whether its content is what it must be. */
export async function checkFile(
  path: string,
  sha256: string | undefined,
  signal?: AbortSignal,
): Promise<{ state: FileState; bytes: number }> {
  const size = sizeOnDisk(path);
  if (size === undefined) return { state: "missing", bytes: 0 };
  if (sha256 === undefined) return { state: "unknown", bytes: size };
  const hash = new ContentHash(size);
  const bytes = await hashFile(path, hash, signal);
  return { state: hash.digest().sha256 === sha256 ? "whole" : "altered", bytes };
}

/** The commit of a model's files, once it is known. */
export function knownCommit(model: ModelFiles, known: Known | undefined): string | undefined {
  return known?.commit ?? (isCommit(model.revision) ? model.revision : undefined);
}

function pathsOf(model: ModelFiles): string[] {
  return [...model.files, ...Object.values(model.weights)].map(({ path }) => path);
}

/** Undefined when there is no such file; follows links, also to content that is gone. */
function sizeOnDisk(path: string): number | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isFile() ? stats.size : undefined;
}
