import {
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join, relative, sep } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/** The folder of the Hub's own tools: their cache and their login lie in it. */
export function hubHome(env: Environment): string {
  if (env.HF_HOME) return env.HF_HOME;
  const caches = env.XDG_CACHE_HOME || join(env.HOME || env.USERPROFILE || homedir(), ".cache");
  return join(caches, "huggingface");
}

/** The folder in which the Hub's own tools keep what they download. */
export function hubCacheFolder(env: Environment): string {
  return env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(hubHome(env), "hub");
}

/** What a repository of the Hub holds. */
export type RepositoryKind = "model" | "dataset";

/** A repository of the Hub, as a user names it. */
export interface NamedRepository {
  readonly kind: RepositoryKind;
  /** `owner/name`. */
  readonly name: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
}

/** What `owner/name`, `owner/name@revision` or `datasets/owner/name` names; undefined for anything else. */
export function namedRepository(text: string): NamedRepository | undefined {
  const [, prefix, name, revision = "main"] =
    /^(datasets\/)?([\w-][\w.-]*(?:\/[\w-][\w.-]*)?)(?:@([\w-][\w.-]*))?$/.exec(text) ?? [];
  return name === undefined ? undefined : { kind: prefix ? "dataset" : "model", name, revision };
}

/**
 * One repository in the Hub's cache, as Python's `huggingface_hub` lays it out: the content of every file once in `blobs/`,
 * under what the Hub calls it (the SHA-256 of large files, Git's own hash of small ones); in `snapshots/<commit>/` links
 * to it by name; in `refs/` the commit that a branch was at.
 */
export class CachedRepository {
  readonly folder: string;
  /** For the lock of whoever changes the repository; beside Python's own locks, which Node cannot take. */
  readonly lockFolder: string;

  constructor(cacheFolder: string, repository: string, kind: RepositoryKind = "model") {
    const name = `${kind}s--${repository.replaceAll("/", "--")}`;
    this.folder = join(cacheFolder, name);
    this.lockFolder = join(cacheFolder, ".locks", name, "cairn");
  }

  blob(name: string): string {
    return join(this.folder, "blobs", name);
  }

  /** Where the files of a commit are found by their names. */
  snapshot(commit: string): string {
    return join(this.folder, "snapshots", commit);
  }

  file(commit: string, path: string): string {
    return join(this.snapshot(commit), ...path.split("/"));
  }

  /** Makes a file of a commit out of a blob that is there. */
  link(commit: string, path: string, blobName: string): void {
    const file = this.file(commit, path);
    const blob = this.blob(blobName);
    mkdirSync(dirname(file), { recursive: true });
    rmSync(file, { force: true });
    try {
      symlinkSync(relative(dirname(file), blob), file);
    } catch (error) {
      if (!mayNotLink(error)) throw error;
      // Windows wants a privilege for symbolic links; Python's tools then put files there too.
      try {
        linkSync(blob, file);
      } catch {
        copyFileSync(blob, file);
      }
    }
  }

  /**
   * Whether a branch was downloaded and nothing of it is under way: its commit is recorded and no part of a file is left.
   */
  isComplete(revision: string): boolean {
    const blobs = join(this.folder, "blobs");
    const left = existsSync(blobs) && readdirSync(blobs).some((name) => name.endsWith(".incomplete"));
    return !left && (existsSync(join(this.folder, "refs", revision)) || existsSync(this.snapshot(revision)));
  }

  /** Records which commit a branch was at. */
  setReference(revision: string, commit: string): void {
    if (revision === commit) return;
    const path = join(this.folder, "refs", revision);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, commit);
  }

  /**
   * Removes files of a commit, the content that no other file shares, and folders that this leaves empty. What others
   * have downloaded of the same repository stays.
   *
   * @returns bytes that are free again
   */
  remove(commit: string, paths: readonly string[]): number {
    let freed = 0;
    for (const path of paths) {
      const file = this.file(commit, path);
      const stats = lstatSync(file, { throwIfNoEntry: false });
      if (!stats) continue;
      const blob = stats.isSymbolicLink() ? join(dirname(file), readlinkSync(file)) : undefined;
      rmSync(file);
      if (blob === undefined) freed += stats.nlink > 1 ? 0 : stats.size;
      else if (this.#owns(blob) && !this.#isLinked(blob)) freed += removeBlob(blob);
      removeEmptyFolders(dirname(file), this.folder);
    }
    this.#dropDanglingReferences(commit);
    for (const left of ["blobs", "refs", "snapshots"])
      removeEmptyFolders(join(this.folder, left), dirname(this.folder));
    return freed;
  }

  /** Removes what downloads that did not end have left. Returns bytes that are free again. */
  removeIncomplete(): number {
    const blobs = join(this.folder, "blobs");
    if (!existsSync(blobs)) return 0;
    const left = readdirSync(blobs).filter((name) => name.endsWith(INCOMPLETE));
    const freed = left.reduce((sum, name) => sum + removeBlob(join(blobs, name)), 0);
    removeEmptyFolders(blobs, dirname(this.folder));
    return freed;
  }

  #owns(blob: string): boolean {
    return dirname(blob) === join(this.folder, "blobs");
  }

  #isLinked(blob: string): boolean {
    const snapshots = join(this.folder, "snapshots");
    if (!existsSync(snapshots) || !existsSync(blob)) return false;
    const target = realpathSync(blob);
    return readdirSync(snapshots, { recursive: true, withFileTypes: true }).some((entry) => {
      if (!entry.isSymbolicLink()) return false;
      const link = join(entry.parentPath, entry.name);
      return existsSync(link) && realpathSync(link) === target;
    });
  }

  /** A branch whose snapshot is gone would be taken for a damaged cache by other tools. */
  #dropDanglingReferences(commit: string): void {
    const references = join(this.folder, "refs");
    if (existsSync(join(this.folder, "snapshots", commit)) || !existsSync(references)) return;
    for (const entry of readdirSync(references, { withFileTypes: true })) {
      const path = join(references, entry.name);
      if (entry.isFile() && readFileSync(path, "utf8").trim() === commit) rmSync(path);
    }
  }
}

const INCOMPLETE = ".cairn.incomplete";

/**
 * Where a download lies until it is whole and checked. Not where Python's tools put theirs: they hold a lock that Node
 * cannot see, and two programs must never write one file.
 */
export function incompleteOf(blob: string): string {
  return blob + INCOMPLETE;
}

function removeBlob(path: string): number {
  const size = lstatSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) return 0;
  rmSync(path);
  return size;
}

/** Removes a folder and those above it, up to a folder that stays, as long as they are empty. */
function removeEmptyFolders(from: string, stays: string): void {
  for (let folder = from; folder.startsWith(stays + sep); folder = dirname(folder)) {
    if (!existsSync(folder)) continue;
    if (readdirSync(folder).length > 0) return;
    rmdirSync(folder);
  }
}

function mayNotLink(error: unknown): boolean {
  return ["EPERM", "EACCES", "ENOSYS", "ENOTSUP"].includes(String((error as NodeJS.ErrnoException).code));
}
