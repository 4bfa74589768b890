import { isAbsolute, relative, sep } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { type Phrase, phrase } from "../../shared/phrase.ts";
import type { SkippedFile } from "../../shared/search-types.ts";
import { type DirEntry, type EntryType, FileError, type Host } from "../host.ts";
import { classifyName, classifySize } from "./classify.ts";
import { type FolderRules, type IgnoreRules, openRules } from "./ignore-rules.ts";

export interface WalkOptions {
  /** The editor's exclude globs, relative to the root. */
  exclude: readonly string[];
  /** Larger files are left out. */
  maxFileBytes: number;
}

export interface WalkedFile {
  /** Relative to the root, forward slashes. */
  path: string;
  /** In bytes. */
  size: number;
  /** Milliseconds since the epoch, fractional. */
  mtimeMs: number;
}

/** At most about a thousand of each. A left-out folder is one entry, whatever lies in it. */
export interface WalkBatch {
  files: WalkedFile[];
  skipped: SkippedFile<Phrase>[];
}

const BATCH = 1000;

/**
 * All files below the root that may hold something worth finding, nearest to the root first; what is left out comes
 * with its reason. A folder that cannot be read is left out and the walk goes on.
 *
 * @throws {CairnError} `gone` when the root itself cannot be read, so that a missing disk does not look like an empty
 * folder. Throws the signal's reason when aborted.
 */
export function walk(host: Host, root: string, options: WalkOptions, signal?: AbortSignal): Generator<WalkBatch> {
  return walkBelow(host, root, "", options, signal);
}

/**
 * The same for all that lies below one folder (relative to the root), or for one file; nothing when the path is gone.
 * When the folder itself or one above it is left out, that is the only entry.
 */
export function* walkBelow(
  host: Host,
  root: string,
  path: string,
  options: WalkOptions,
  signal?: AbortSignal,
  rules: IgnoreRules = openRules(host, root, options.exclude),
): Generator<WalkBatch> {
  const tree: Tree = { host, root, realRoot: realRootOf(host, root), options, rules };
  if (path !== "") {
    const verdict = verdictOn(tree, path);
    const only: WalkBatch = { files: [], skipped: [] };
    if (verdict && verdict !== "folder") addTo(only, verdict);
    if (verdict && verdict !== "folder") yield only;
    if (verdict !== "folder") return;
  }

  let batch: WalkBatch = { files: [], skipped: [] };
  // Breadth first: sources near the root are found before the depths of a vendored tree.
  const queue: { path: string; enter: (has: (name: string) => boolean) => FolderRules }[] = [
    { path, enter: () => rules.inside(path) },
  ];
  for (let next = 0; next < queue.length; next++) {
    signal?.throwIfAborted();
    const folder = queue[next];
    // A visited folder's rules are dropped at once: the queue is as long as the tree has folders.
    queue[next] = undefined as never;
    const entries = listFolder(host, root, folder.path, batch.skipped);
    if (!entries) continue;
    const dotNames = new Set(entries.map((entry) => entry.name).filter((name) => name.startsWith(".")));
    const here = folder.enter((name) => dotNames.has(name));
    const prefix = folder.path === "" ? "" : `${folder.path}/`;
    for (const { name, type } of entries) {
      const left = here.leavesOut(name, type === "directory");
      if (left) batch.skipped.push(left);
      else if (type === "directory") queue.push({ path: prefix + name, enter: (has) => here.enter(name, has) });
      else {
        const verdict =
          type === "symlink" ? verdictOnLink(tree, prefix + name) : verdictOnFile(tree, prefix + name, type);
        if (verdict) addTo(batch, verdict);
      }
      if (batch.files.length >= BATCH || batch.skipped.length >= BATCH) {
        yield batch;
        batch = { files: [], skipped: [] };
        signal?.throwIfAborted();
      }
    }
  }
  if (batch.files.length + batch.skipped.length > 0) yield batch;
}

/**
 * The same verdict for one path (relative to the root), as a file event asks for it: the file, the reason why it or a
 * folder around it is left out, `"folder"` for a folder that is kept (see {@link walkBelow}), undefined when it is gone.
 * Pass the same `rules` for all paths of one batch of events; they must be newer than the last change of a rule file.
 */
export function admits(
  host: Host,
  root: string,
  path: string,
  options: WalkOptions,
  rules: IgnoreRules = openRules(host, root, options.exclude),
): WalkedFile | SkippedFile<Phrase> | "folder" | undefined {
  return verdictOn({ host, root, realRoot: realRootOf(host, root), options, rules }, path);
}

interface Tree {
  host: Host;
  root: string;
  realRoot: string;
  options: WalkOptions;
  rules: IgnoreRules;
}

type Verdict = WalkedFile | SkippedFile<Phrase>;

function verdictOn(tree: Tree, path: string): Verdict | "folder" | undefined {
  if (path === "") return "folder";
  const link = firstLink(tree, path);
  if (link !== undefined) return tree.rules.leavesOut(link, false) ?? verdictOnLink(tree, link);
  try {
    const { type } = tree.host.files.stat(`${tree.root}/${path}`);
    const left = tree.rules.leavesOut(path, type === "directory");
    if (left) return left;
    return type === "directory" ? "folder" : verdictOnFile(tree, path, type);
  } catch (error) {
    return isGone(error) ? undefined : unreadable(path, error);
  }
}

function verdictOnFile(tree: Tree, path: string, type: EntryType): Verdict | undefined {
  if (type === "other")
    return { path, code: "special", reason: phrase("neither a file nor a folder: a socket, pipe or device") };
  const named = classifyName(path);
  if (named) return named;
  try {
    const { type: now, size, mtimeMs } = tree.host.files.stat(`${tree.root}/${path}`);
    // It may have become a folder since its own folder was listed: the event of that change brings it back.
    if (now !== "file") return undefined;
    return classifySize(path, size, tree.options.maxFileBytes) ?? { path, size, mtimeMs };
  } catch (error) {
    if (!isGone(error)) return unreadable(path, error);
    // A name that is not valid Unicode reaches us with replacement characters, and no file is called that.
    return path.includes("\uFFFD")
      ? { path, code: "encoding", reason: phrase("its name is not valid Unicode") }
      : undefined;
  }
}

/**
 * What a link points to is found under its own path; only a file that is left out there is taken in through the link.
 * Folders are never entered through a link, so there is nothing to go round in.
 */
function verdictOnLink(tree: Tree, path: string): Verdict | undefined {
  let target: string | undefined;
  let type: EntryType;
  try {
    type = tree.host.files.stat(`${tree.root}/${path}`).type;
    target = belowRoot(tree, tree.host.files.realpath(`${tree.root}/${path}`));
  } catch (error) {
    if (isGone(error))
      return { path, code: "unreadable", reason: phrase("a symbolic link to something that is not there") };
    return unreadable(path, error);
  }
  const special = (reason: Phrase): SkippedFile<Phrase> => ({ path, code: "special", reason });
  if (target === undefined) return special(phrase("a symbolic link to something outside this folder"));
  if (type === "directory") {
    const isLoop = target === "" || path.startsWith(`${target}/`);
    if (isLoop) return { path, code: "loop", reason: phrase("a symbolic link to a folder that it lies in") };
    return special(phrase("a symbolic link to the folder {0}", target));
  }
  if (tree.rules.leavesOut(target, false)) return verdictOnFile(tree, path, type);
  return special(phrase("a symbolic link to {0}, which is found under that path", target));
}

/** The first part of the path that is a symbolic link, if any. A path that is gone has none. */
function firstLink(tree: Tree, path: string): string | undefined {
  const isReal = (part: string) => {
    try {
      return sameName(belowRoot(tree, tree.host.files.realpath(`${tree.root}/${part}`)), part);
    } catch (error) {
      return error instanceof FileError && error.code !== "ELOOP";
    }
  };
  if (isReal(path)) return undefined;
  for (let cut = path.indexOf("/"); cut !== -1; cut = path.indexOf("/", cut + 1)) {
    if (!isReal(path.slice(0, cut))) return path.slice(0, cut);
  }
  return path;
}

/** Some file systems find a name written in other letters; that is not a link. */
function sameName(a: string | undefined, b: string): boolean {
  return a !== undefined && (a === b || a.normalize().toLowerCase() === b.normalize().toLowerCase());
}

/** Relative to the root with forward slashes; undefined for a path that is not below it. */
function belowRoot(tree: Tree, realPath: string): string | undefined {
  const path = relative(tree.realRoot, realPath);
  if (path === ".." || path.startsWith(`..${sep}`) || isAbsolute(path)) return undefined;
  return sep === "/" ? path : path.replaceAll(sep, "/");
}

function listFolder(host: Host, root: string, path: string, skipped: SkippedFile<Phrase>[]): DirEntry[] | undefined {
  try {
    return host.files.list(path === "" ? root : `${root}/${path}`);
  } catch (error) {
    if (path === "") throw rootFailed(root, error);
    if (!isGone(error)) skipped.push(unreadable(path, error));
    else if (path.includes("\uFFFD"))
      skipped.push({ path, code: "encoding", reason: phrase("its name is not valid Unicode") });
    return undefined;
  }
}

function realRootOf(host: Host, root: string): string {
  try {
    return host.files.realpath(root);
  } catch (error) {
    throw rootFailed(root, error);
  }
}

/**
 * Files that are not there are only known to be gone while the root is.
 * @throws {CairnError} `gone` when the root is not there: a folder or a disk that goes away takes its files first.
 */
export function requireRoot(host: Host, root: string): void {
  try {
    if (host.files.stat(root).type !== "directory") throw new FileError("ENOTDIR", root, `not a folder: ${root}`);
  } catch (error) {
    throw rootFailed(root, error);
  }
}

function rootFailed(root: string, error: unknown): CairnError {
  const said = isGone(error)
    ? phrase("The folder {0} is not there any more.", root)
    : phrase("The folder {0} cannot be read ({1}).", root, error instanceof FileError ? error.code : String(error));
  const advice = phrase("Its index is kept and goes on as soon as the folder can be read again.");
  return new CairnError("gone", said, advice, { cause: error });
}

function unreadable(path: string, error: unknown): SkippedFile<Phrase> {
  const code = error instanceof FileError ? error.code : String(error);
  if (code === "ELOOP") return { path, code: "loop", reason: phrase("a symbolic link that leads back to itself") };
  const reason =
    code === "EACCES" || code === "EPERM"
      ? phrase("no permission to read it")
      : phrase("it cannot be read ({0})", code);
  return { path, code: "unreadable", reason };
}

function isGone(error: unknown): boolean {
  return error instanceof FileError && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

function addTo(batch: WalkBatch, verdict: Verdict): void {
  if ("code" in verdict) batch.skipped.push(verdict);
  else batch.files.push(verdict);
}
