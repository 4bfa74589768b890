import { existsSync, mkdirSync, rmSync, statfsSync, statSync } from "node:fs";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { Host } from "../host.ts";
import { CachedRepository, incompleteOf } from "./cache-layout.ts";
import { type CatalogFile, type CatalogModel, filesOf, type Precision } from "./catalog.ts";
import { ContentHash, hashFile, isCalled } from "./content-hash.ts";
import { downloadFile } from "./file-download.ts";
import type { HubAccess } from "./hub-access.ts";
import { hubFetch } from "./hub-fetch.ts";
import { type HubFile, HubFiles } from "./hub-files.ts";
import { checkFile, knownCommit } from "./installed.ts";
import { type Known, type KnownFile, type KnownFiles, promisedSha256 } from "./known-files.ts";
import { withRepository } from "./repository-lock.ts";

const AT_A_TIME = 4;
/** What stays free on the disk besides. */
const RESERVE_BYTES = 100_000_000;

/** Where models come from and what is known of them. */
export interface HubParts {
  readonly host: Pick<Host, "fetch">;
  readonly access: HubAccess;
  readonly known: KnownFiles;
}

export interface PullOptions {
  readonly signal?: AbortSignal;
  /** Told once, before the first byte, when something is to be downloaded. */
  readonly onPlan?: (plan: PullPlan) => void;
  readonly onProgress?: (progress: PullProgress) => void;
}

export interface PullPlan {
  readonly endpoint: string;
  readonly commit: string;
  readonly files: number;
  /** To be downloaded, without what an earlier run has left. */
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

export interface PulledModel {
  readonly commit: string;
  /** Absolute path of the snapshot, in which the files have their names. */
  readonly folder: string;
  readonly files: readonly PulledFile[];
  readonly downloadedBytes: number;
  readonly resumedBytes: number;
}

export interface PulledFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly downloaded: boolean;
}

/** A file that the model needs, as the Hub describes it. */
interface Wanted extends HubFile {
  /** What its SHA-256 must be; undefined when the Hub is the first to say. */
  readonly sha256: string | undefined;
}

/**
 * Brings a model into the Hub's cache: what is there and whole is taken as it is, whoever downloaded it; all else is
 * downloaded, several files at a time, and checked before it gets its name. When everything is there nobody is asked.
 *
 * @throws {CairnError} `unavailable` without connection, room or while another process is at it; `provider` when the Hub
 * refuses; `output` for content that is not what was promised. What is downloaded so far stays for the next run.
 */
export async function pullModel(
  parts: HubParts,
  model: CatalogModel,
  precision: Precision,
  options: PullOptions = {},
): Promise<PulledModel> {
  const files = filesOf(model, precision);
  const cached = new CachedRepository(parts.access.cacheFolder, model.repository);
  return withRepository(cached, model, async () => {
    const before = parts.known.read(model);
    return (
      (await alreadyThere(cached, model, files, before, options.signal)) ??
      (await complete(parts, cached, model, files, before, options))
    );
  });
}

/** The model when all of it is known and whole: nobody need be asked. */
async function alreadyThere(
  cached: CachedRepository,
  model: CatalogModel,
  files: readonly CatalogFile[],
  before: Known | undefined,
  signal?: AbortSignal,
): Promise<PulledModel | undefined> {
  const commit = knownCommit(model, before);
  if (commit === undefined) return undefined;
  const found: PulledFile[] = [];
  for (const file of files) {
    const sha256 = promisedSha256(file, before);
    if (sha256 === undefined) return undefined;
    const { state, bytes } = await checkFile(cached.file(commit, file.path), sha256, signal);
    if (state !== "whole") return undefined;
    found.push({ path: file.path, bytes, sha256, downloaded: false });
  }
  return { commit, folder: cached.snapshot(commit), files: found, downloadedBytes: 0, resumedBytes: 0 };
}

async function complete(
  { host, access, known }: HubParts,
  cached: CachedRepository,
  model: CatalogModel,
  files: readonly CatalogFile[],
  before: Known | undefined,
  options: PullOptions,
): Promise<PulledModel> {
  const { endpoint, cacheFolder } = access;
  const fetch = (signal?: AbortSignal) => hubFetch(host, access, model.repository, signal);
  const hub = new HubFiles(access, model.repository, fetch(options.signal));
  const commit = knownCommit(model, before) ?? (await hub.commitOf(model.revision));
  const paths = files.map(({ path }) => path);
  const described = await hub.describe(commit, paths);
  const wanted = described.map((file, i) => promised(model, file, promisedSha256(files[i], before)));

  const there = new Map<string, KnownFile>();
  for (const file of wanted) {
    const sha256 = await usableBlob(cached, commit, file, options.signal);
    if (sha256 !== undefined) there.set(file.path, { bytes: file.bytes, hash: file.hash, sha256 });
  }
  const missing = wanted.filter(({ path }) => !there.has(path));
  if (missing.length > 0) {
    const bytes = missing.reduce((sum, file) => sum + file.bytes - incompleteBytes(cached, file), 0);
    checkRoom(cacheFolder, bytes);
    const trusted = wanted.filter(({ sha256 }) => sha256 === undefined).map(({ path }) => path);
    options.onPlan?.({ endpoint, commit, files: missing.length, bytes, trusted });
  }
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
  cached.setReference(model.revision, commit);
  const all = new Map(there);
  for (const [i, { path, bytes, hash }] of missing.entries()) all.set(path, { bytes, hash, sha256: results[i].sha256 });
  known.add(model, { commit, endpoint, files: Object.fromEntries(all) });

  const resumedBytes = results.reduce((sum, result) => sum + result.resumedBytes, 0);
  return {
    commit,
    folder: cached.snapshot(commit),
    files: [...all]
      .map(([path, { bytes, sha256 }]) => ({ path, bytes, sha256, downloaded: !there.has(path) }))
      .sort((a, b) => paths.indexOf(a.path) - paths.indexOf(b.path)),
    downloadedBytes: missing.reduce((sum, { bytes }) => sum + bytes, 0) - resumedBytes,
    resumedBytes,
  };
}

/** @throws {CairnError} `output` when the Hub has other content than the catalogue, or than at the first download */
function promised(model: CatalogModel, file: HubFile, sha256: string | undefined): Wanted {
  const namesSha256 = file.hash.length === sha256?.length;
  if (!namesSha256 || file.hash === sha256) return { ...file, sha256 };
  throw new CairnError(
    "output",
    phrase("The Hub has another {0} of {1} than the one that is known: nothing was downloaded.", file.path, model.id),
    phrase("A mirror (HF_ENDPOINT) or somebody has replaced it. Remove the model only if you trust what is there now."),
  );
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
  mkdirSync(cacheFolder, { recursive: true });
  const { bavail, bsize } = statfsSync(cacheFolder);
  const free = bavail * bsize;
  if (bytes + RESERVE_BYTES <= free) return;
  const megabytes = (count: number) => `${Math.ceil(count / 1e6).toLocaleString("en-US")} MB`;
  throw new CairnError(
    "unavailable",
    phrase("{0} are to be downloaded, and {1} has {2} free.", megabytes(bytes), cacheFolder, megabytes(free)),
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
