import { type Dirent, readdirSync, readFileSync, rmdirSync, rmSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { CairnError } from "../shared/errors.ts";
import { phrase } from "../shared/phrase.ts";
import { Lease } from "./store/lease.ts";
import { VectorDatabase } from "./store/vector-database.ts";
import { removeUsage, usageBytes } from "./usage/usage-recorder.ts";

/** The index of one folder, as it lies in the cache. */
export interface CachedRoot {
  /** The folder that is indexed; empty when the cache no longer says. */
  root: string;
  /** Where its index lies. */
  directory: string;
  bytes: number;
  /** When it was last opened or closed, in milliseconds since the epoch. */
  lastUsedMs: number;
  /** True while a process has it open. */
  inUse: boolean;
  /** That process; 0 when nobody has it open, or it is not known who. */
  pid: number;
}

export interface CacheListing {
  /** Last used first. */
  roots: CachedRoot[];
  /** The embeddings that all folders share. */
  vectorBytes: number;
  /** The record of who answered and what that took. */
  usageBytes: number;
  /** Answers of models that are kept for the next time. */
  answers: number;
  answerBytes: number;
  /** All of it. */
  bytes: number;
}

/**
 * Which indexes to remove; `all` takes the record of usage, kept answers, runs of the benchmark, what was agreed to and chosen, and the
 * shared embeddings when no folder stays in use.
 */
export type CacheSelection = "all" | { root: string } | { unusedSinceMs: number };

export interface CacheCut {
  removed: CachedRoot[];
  /** Chosen, but in use. */
  kept: CachedRoot[];
  freedBytes: number;
}

/** Folders of the cache that hold an index are named by sixteen hex digits; what else lies there is not ours. */
const ROOT_NAME = /^[0-9a-f]{16}$/;
/** The files of an index, with what SQLite and an interrupted write leave beside them. */
const OUR_FILE = /^(index\.db|snapshot\.bin|root\.json)/;
const LEASE_FILE = /^lease\.db/;
/** What the user has agreed to and chosen, and which questions went to which model: in the cache folder itself. */
const KEPT_CHOICES = /^(?:agreed-providers|embedding-model|embedding-servers|local-llm|routing)\.jsonl?$/;
/** Also what a crash has left beside one. */
const KEPT_ANSWER = /^[0-9a-f]{64}(?:\.[0-9a-f]{8})?\.json$/;
/** The newest embeddings are kept up to this part of the cap, however large the open indexes are: they would only be made again. */
const VECTOR_SHARE = 0.5;

/**
 * What the cache holds. Tries each lease for a moment.
 * @throws CairnError("unavailable") when the cache cannot be read.
 */
export function listCache(cacheDirectory: string): CacheListing {
  const roots = rootDirectories(cacheDirectory)
    .map(describe)
    .sort((a, b) => b.lastUsedMs - a.lastUsedMs);
  const vectorBytes = bytesIn(cacheDirectory, /^vectors\.db/);
  const used = usageBytes(cacheDirectory);
  const answers = filesIn(join(cacheDirectory, "answers"), KEPT_ANSWER);
  const answerBytes = answers.reduce((sum, { bytes }) => sum + bytes, 0);
  const bytes = vectorBytes + used + answerBytes + roots.reduce((sum, { bytes }) => sum + bytes, 0);
  return { roots, vectorBytes, usageBytes: used, answers: answers.length, answerBytes, bytes };
}

/**
 * Removes indexes that no process has open. A process that opens one meanwhile either keeps it or begins anew.
 * @throws CairnError("unavailable") when the cache cannot be read or written.
 */
export function clearCache(cacheDirectory: string, which: CacheSelection): CacheCut {
  const before = listCache(cacheDirectory);
  const chosen = before.roots.filter((entry) => {
    if (which === "all") return true;
    return "root" in which ? entry.root === which.root : entry.lastUsedMs < which.unusedSinceMs;
  });
  const cut = removeRoots(chosen);
  if (which === "all") {
    removeUsage(cacheDirectory);
    removeFiles(cacheDirectory, KEPT_CHOICES);
    removeFiles(join(cacheDirectory, "answers"), KEPT_ANSWER);
    removeFiles(join(cacheDirectory, "benchmarks"), /\.json$/);
  }
  if (which === "all" && cut.kept.length === 0) shrinkVectors(cacheDirectory, 0);
  return { ...cut, freedBytes: freed(before, cacheDirectory) };
}

/**
 * Brings the cache below a size: indexes that no process has open go first, the least recently used before all others,
 * then the oldest embeddings. What is open stays, so the cache may remain above the cap.
 */
export function limitCache(cacheDirectory: string, maxBytes: number): CacheCut {
  const before = listCache(cacheDirectory);
  const cut: CacheCut = { removed: [], kept: [], freedBytes: 0 };
  let excess = before.bytes - maxBytes;
  if (excess <= 0) return cut;
  for (const entry of before.roots.toReversed()) {
    if (excess <= 0) break;
    if (entry.inUse || removeRoots([entry]).removed.length === 0) continue;
    cut.removed.push(entry);
    excess -= entry.bytes;
  }
  const room = Math.max(before.vectorBytes - excess, maxBytes * VECTOR_SHARE);
  if (excess > 0 && room < before.vectorBytes) shrinkVectors(cacheDirectory, room);
  cut.freedBytes = freed(before, cacheDirectory);
  return cut;
}

function rootDirectories(cacheDirectory: string): string[] {
  const directory = join(cacheDirectory, "roots");
  return entriesOf(directory)
    .filter((entry) => entry.isDirectory() && ROOT_NAME.test(entry.name))
    .map(({ name }) => join(directory, name));
}

function describe(directory: string): CachedRoot {
  const { root, pid } = readRootFile(directory);
  const inUse = isHeld(directory);
  const bytes = bytesIn(directory, OUR_FILE) + bytesIn(directory, LEASE_FILE);
  const lastUsedMs = (statOf(join(directory, "root.json")) ?? statOf(directory))?.mtimeMs ?? 0;
  return { root, directory, bytes, lastUsedMs, inUse, pid: inUse ? pid : 0 };
}

function readRootFile(directory: string): { root: string; pid: number } {
  try {
    const { root, pid } = JSON.parse(readFileSync(join(directory, "root.json"), "utf8"));
    return { root: String(root), pid: Number.isInteger(pid) ? pid : 0 };
  } catch {
    return { root: "", pid: 0 };
  }
}

function isHeld(directory: string): boolean {
  // Trying a lease that was never taken would make its file.
  if (!statOf(join(directory, "lease.db"))) return false;
  const lease = Lease.acquire(directory);
  lease?.release();
  return lease === undefined;
}

function removeRoots(chosen: readonly CachedRoot[]): Pick<CacheCut, "removed" | "kept"> {
  const removed: CachedRoot[] = [];
  const kept: CachedRoot[] = [];
  for (const entry of chosen) (removeRoot(entry.directory) ? removed : kept).push(entry);
  return { removed, kept };
}

/** Removes an index under its lease; false when a process has it. */
function removeRoot(directory: string): boolean {
  const lease = Lease.acquire(directory);
  if (lease === undefined) return false;
  try {
    removeFiles(directory, OUR_FILE);
    // Gone before the lease is: whoever waits for it finds a new one. Windows removes no open file, and needs no such care.
    if (process.platform !== "win32") removeFiles(directory, LEASE_FILE);
  } finally {
    lease.release();
  }
  try {
    if (process.platform === "win32") removeFiles(directory, LEASE_FILE);
    rmdirSync(directory);
  } catch {
    // Another process has just opened it, or somebody put a file of their own there.
  }
  return true;
}

function removeFiles(directory: string, names: RegExp): void {
  for (const { name } of entriesOf(directory)) {
    if (!names.test(name)) continue;
    try {
      rmSync(join(directory, name), { force: true });
    } catch (error) {
      throw cacheError(join(directory, name), "removed", error);
    }
  }
}

function shrinkVectors(cacheDirectory: string, maxBytes: number): void {
  const path = join(cacheDirectory, "vectors.db");
  if (!statOf(path)) return;
  const vectors = new VectorDatabase(path);
  try {
    vectors.shrink(maxBytes);
  } finally {
    vectors.close();
  }
}

function freed(before: CacheListing, cacheDirectory: string): number {
  return Math.max(0, before.bytes - listCache(cacheDirectory).bytes);
}

function bytesIn(directory: string, names: RegExp): number {
  return filesIn(directory, names).reduce((sum, { bytes }) => sum + bytes, 0);
}

function filesIn(directory: string, names: RegExp): { bytes: number }[] {
  return entriesOf(directory)
    .filter(({ name }) => names.test(name))
    .map(({ name }) => ({ bytes: statOf(join(directory, name))?.size ?? 0 }));
}

/** What lies in a folder; nothing when there is none. */
function entriesOf(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw cacheError(directory, "read", error);
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function cacheError(path: string, done: "read" | "removed", cause: unknown): CairnError {
  const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
  const said =
    done === "read"
      ? phrase("{0} could not be read ({1}).", path, code)
      : phrase("{0} could not be removed ({1}).", path, code);
  return new CairnError("unavailable", said, phrase("Check its permissions."), { cause });
}
