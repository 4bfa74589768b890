import { existsSync, mkdirSync, rmSync, statfsSync, statSync } from "node:fs";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { type CachedRepository, incompleteOf } from "./cache-layout.ts";
import { ContentHash, hashFile, isCalled } from "./content-hash.ts";
import { downloadFile } from "./file-download.ts";
import type { HubFile, HubFiles } from "./hub-files.ts";
import type { KnownFile } from "./known-files.ts";

const AT_A_TIME = 4;
/** What stays free on the disk besides. */
const RESERVE_BYTES = 100_000_000;

export interface PullOptions {
  readonly signal?: AbortSignal;
  /** Told once, before the first byte, when the Hub had to be asked. */
  readonly onPlan?: (plan: PullPlan) => void;
  readonly onProgress?: (progress: PullProgress) => void;
}

export interface PullPlan {
  readonly endpoint: string;
  readonly commit: string;
  /** That are to be downloaded. */
  readonly files: number;
  /** Of those, without what an earlier run has left. */
  readonly bytes: number;
  /** Files of which nobody knew a SHA-256 before: what the Hub says now is recorded and holds from then on. */
  readonly trusted: readonly string[];
}

export interface PullProgress {
  readonly done: number;
  readonly total: number;
  /** Undefined until there is something to judge by. */
  readonly secondsLeft: number | undefined;
}

/** A file that is needed, as the Hub describes it. */
export interface Wanted extends HubFile {
  /** What its SHA-256 must be; undefined when the Hub is the first to say. */
  readonly sha256: string | undefined;
}

/** Where files are brought from, and to. */
export interface Transfer {
  readonly endpoint: string;
  readonly cacheFolder: string;
  readonly cached: CachedRepository;
  readonly hub: HubFiles;
  readonly commit: string;
  /** What asks the Hub, until the signal fires. */
  readonly fetch: (signal?: AbortSignal) => typeof globalThis.fetch;
}

export interface Brought {
  /** By path. */
  readonly files: ReadonlyMap<string, KnownFile & { readonly downloaded: boolean }>;
  readonly downloadedBytes: number;
  readonly resumedBytes: number;
}

/**
 * Brings files of a commit into the Hub's cache: what is there and whole is taken as it is, all else is downloaded,
 * several files at a time, and checked before it gets its name.
 *
 * @throws {CairnError} as `downloadFile` does, and `unavailable` without room
 */
export async function bringFiles(
  transfer: Transfer,
  wanted: readonly Wanted[],
  options: PullOptions,
): Promise<Brought> {
  const { endpoint, cacheFolder, cached, hub, commit, fetch } = transfer;
  const there = new Map<string, KnownFile>();
  for (const file of wanted) {
    const sha256 = await usableBlob(cached, commit, file, options.signal);
    if (sha256 !== undefined) there.set(file.path, { bytes: file.bytes, hash: file.hash, sha256 });
  }
  const missing = wanted.filter(({ path }) => !there.has(path));
  const bytes = missing.reduce((sum, file) => sum + file.bytes - incompleteBytes(cached, file), 0);
  checkRoom(cacheFolder, bytes);
  const trusted = wanted.filter(({ sha256 }) => sha256 === undefined).map(({ path }) => path);
  options.onPlan?.({ endpoint, commit, files: missing.length, bytes, trusted });
  const downloads = missing.map((file) => ({
    ...file,
    url: hub.address(commit, file.path),
    blob: cached.blob(file.hash),
  }));
  const results = await inParallel(downloads, options, async (file, onBytes, signal) => {
    const result = await downloadFile(fetch(signal), file, onBytes, signal);
    cached.link(commit, file.path, file.hash);
    return result;
  });
  const files = new Map([...there].map(([path, known]) => [path, { ...known, downloaded: false }]));
  for (const [i, { path, bytes, hash }] of missing.entries())
    files.set(path, { bytes, hash, sha256: results[i].sha256, downloaded: true });
  const resumedBytes = results.reduce((sum, result) => sum + result.resumedBytes, 0);
  const downloadedBytes = missing.reduce((sum, file) => sum + file.bytes, 0) - resumedBytes;
  return { files, downloadedBytes, resumedBytes };
}

/** Links a file whose content is in the cache already. Returns its SHA-256, or undefined when it has to be downloaded. */
async function usableBlob(
  cached: CachedRepository,
  commit: string,
  file: Wanted,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const named = cached.file(commit, file.path);
  const path = [named, cached.blob(file.hash)].find((candidate) => existsSync(candidate));
  if (path === undefined) return undefined;
  const hash = new ContentHash(file.bytes);
  const bytes = await hashFile(path, hash, signal);
  const digests = hash.digest();
  const { sha256 } = digests;
  if (bytes === file.bytes && isCalled(file.hash, digests) && (file.sha256 ?? sha256) === sha256) {
    if (path !== named) cached.link(commit, file.path, file.hash);
    return sha256;
  }
  // Damaged for every program that uses the cache.
  rmSync(named, { force: true });
  rmSync(cached.blob(file.hash), { force: true });
  return undefined;
}

function incompleteBytes(cached: CachedRepository, { hash, bytes }: HubFile): number {
  const size = statSync(incompleteOf(cached.blob(hash)), { throwIfNoEntry: false })?.size ?? 0;
  return size <= bytes ? size : 0;
}

/** @throws {CairnError} `unavailable` when the disk would be full */
function checkRoom(cacheFolder: string, bytes: number): void {
  if (bytes === 0) return;
  mkdirSync(cacheFolder, { recursive: true });
  const { bavail, bsize } = statfsSync(cacheFolder);
  const free = bavail * bsize;
  if (bytes + RESERVE_BYTES <= free) return;
  const megabytes = (count: number, whole = Math.ceil) => `${whole(count / 1e6).toLocaleString("en-US")} MB`;
  throw new CairnError(
    "unavailable",
    phrase(
      "{0} are to be downloaded and {1} are to stay free, but {2} has {3}.",
      megabytes(bytes),
      megabytes(RESERVE_BYTES),
      cacheFolder,
      megabytes(free, Math.floor),
    ),
    phrase("Make room there, or choose another folder with HF_HUB_CACHE."),
  );
}

type Download<File, Result> = (file: File, onBytes: (bytes: number) => void, signal: AbortSignal) => Promise<Result>;

/** Downloads several at a time; when one fails the others stop, and are waited for. Results in the order of the files. */
async function inParallel<File extends { readonly bytes: number }, Result>(
  files: readonly File[],
  { signal, onProgress }: PullOptions,
  download: Download<File, Result>,
): Promise<Result[]> {
  const stop = new AbortController();
  const stopped = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const tell = progressOf(files, onProgress);
  const results: Result[] = [];
  const waiting = [...files.entries()];
  let failure: { error: unknown } | undefined;
  const work = async () => {
    for (let next = waiting.shift(); next && !failure; next = waiting.shift()) {
      const [i, file] = next;
      try {
        results[i] = await download(file, (bytes) => tell(i, bytes), stopped);
      } catch (error) {
        failure ??= { error };
        stop.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_A_TIME, files.length) }, work));
  if (failure) throw failure.error;
  return results;
}

/** Adds up what the files tell. The time left is judged by what came in since the start of this run. */
function progressOf(
  files: readonly { readonly bytes: number }[],
  onProgress: PullOptions["onProgress"],
): (file: number, bytes: number) => void {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const there = files.map(() => 0);
  const first = new Map<number, number>();
  const started = performance.now();
  return (file, bytes) => {
    there[file] = bytes;
    if (!first.has(file)) first.set(file, bytes);
    const done = there.reduce((sum, count) => sum + count, 0);
    const received = done - [...first.values()].reduce((sum, count) => sum + count, 0);
    const seconds = (performance.now() - started) / 1000;
    const secondsLeft = received > 0 && seconds >= 1 ? ((total - done) * seconds) / received : undefined;
    onProgress?.({ done, total, secondsLeft });
  };
}
