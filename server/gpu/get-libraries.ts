import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, readdirSync, rmSync, statfsSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import type { GottenLibraries, GpuLibrary, GpuPackage } from "../../shared/gpu-types.ts";
import { phrase } from "../../shared/phrase.ts";
import type { Host } from "../host.ts";
import { explainLoss } from "../hub/hub-failure.ts";
import { type Reception, resumedDownload } from "../hub/resumed-download.ts";
import { fetchWithin, SILENCE_MS } from "../hub/silence.ts";
import { gpuPackageFolder } from "../native/gpu-packages.ts";
import { Lease } from "../store/lease.ts";
import { packagePlace } from "./gpu-libraries.ts";
import { unpack } from "./unpack.ts";

/** What stays free on the disk besides. */
const RESERVE_BYTES = 100_000_000;

export interface GetOptions {
  readonly signal?: AbortSignal;
  /** Bytes of all packages that are to be downloaded. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Where packages come from, and where they go. */
export interface PackageTransfer {
  readonly host: Pick<Host, "fetch">;
  /** Without a slash at the end. */
  readonly registry: string;
  readonly cacheDirectory: string;
}

/**
 * Downloads the packages of libraries that are not there yet, checks each against its SHA-512 before anything of it is
 * unpacked, and puts it where the engine finds it. What was interrupted goes on where it stopped.
 *
 * @throws {CairnError} `unavailable` without room, without a connection, and while another process is at it; `provider`
 * where the registry refuses; `output` for content that is not what it must be; the signal's reason
 */
export async function getLibraries(
  { host, registry, cacheDirectory }: PackageTransfer,
  { name, packages }: Pick<GpuLibrary, "name" | "packages">,
  { signal, onProgress }: GetOptions = {},
): Promise<GottenLibraries> {
  const folder = gpuPackageFolder(cacheDirectory);
  const lease = Lease.acquire(folder);
  if (!lease) throw underWay();
  try {
    const missing = packages.filter((one) => !existsSync(packagePlace(folder, one)));
    checkRoom(folder, missing);
    const total = missing.reduce((sum, { bytes }) => sum + bytes, 0);
    let [before, downloadedBytes, resumedBytes] = [0, 0, 0];
    for (const one of missing) {
      const archive = archiveOf(folder, one);
      const onBytes = (bytes: number) => onProgress?.(before + bytes, total);
      const reception = receptionOf(one, `${registry}/${one.name}/-/${tarballOf(one)}`, archive);
      const got = await resumedDownload(fetchOf(host, signal), reception, onBytes, signal);
      await unpack(archive, packagePlace(folder, one), signal).catch((error: unknown) => {
        // It is as it should be, and can still not be used: another download would be no better.
        if (error instanceof CairnError && error.kind === "output") rmSync(archive);
        throw error;
      });
      rmSync(archive);
      before += one.bytes;
      resumedBytes += got.resumedBytes;
      downloadedBytes += one.bytes - got.resumedBytes;
    }
    removeOthers(folder);
    return { name, folder, downloadedBytes, resumedBytes };
  } finally {
    lease.release();
  }
}

/**
 * Removes all libraries that were downloaded, and what is left of downloads.
 * @returns bytes that are free again
 * @throws {CairnError} `unavailable` while they are downloaded or, on some systems, in use
 */
export function removeLibraries(cacheDirectory: string): number {
  const folder = gpuPackageFolder(cacheDirectory);
  const all = dirname(folder);
  if (!existsSync(all)) return 0;
  const lease = Lease.acquire(folder);
  if (!lease) throw underWay();
  const freed = bytesIn(all);
  try {
    for (const left of readdirSync(folder)) {
      if (!left.startsWith("lease.db")) rmSync(join(folder, left), { recursive: true, force: true, maxRetries: 3 });
    }
    removeOthers(folder);
  } catch (error) {
    throw new CairnError(
      "unavailable",
      phrase("{0} cannot be removed ({1}).", folder, String((error as NodeJS.ErrnoException).code ?? error)),
      phrase("Close the editors and terminals that use them, then try again."),
      { cause: error },
    );
  } finally {
    lease.release();
  }
  rmSync(all, { recursive: true, force: true, maxRetries: 3 });
  return freed;
}

/** Those of earlier versions fit no engine any more. */
function removeOthers(folder: string): void {
  for (const version of readdirSync(dirname(folder))) {
    if (version !== basename(folder)) rmSync(join(dirname(folder), version), { recursive: true, force: true });
  }
}

function tarballOf({ name, version }: GpuPackage): string {
  return `${basename(name)}-${version}.tgz`;
}

/** The hash is part of the name: what was begun for another one is not taken up. */
function archiveOf(folder: string, one: GpuPackage): string {
  const hash = createHash("sha256").update(one.integrity).digest("hex").slice(0, 8);
  return join(folder, `${basename(one.name)}.${hash}.incomplete`);
}

function receptionOf({ name, bytes, integrity }: GpuPackage, url: string, incomplete: string): Reception {
  return {
    url,
    bytes,
    incomplete,
    newHash() {
      const hash = createHash("sha512");
      return {
        update: (chunk) => void hash.update(chunk),
        async readFile(path, signal) {
          let length = 0;
          for await (const chunk of createReadStream(path, { signal, highWaterMark: 1 << 20 })) {
            hash.update(chunk);
            length += chunk.length;
          }
          return length;
        },
        digest() {
          const found = `sha512-${hash.digest("base64")}`;
          return found === integrity ? found : undefined;
        },
      };
    },
    notAsPromised: () =>
      new CairnError(
        "output",
        phrase("What {0} sends as {1} is not what Cairn knows it to be: it was thrown away.", new URL(url).host, name),
        phrase("Try again. If it stays so, a proxy or a mirror changes files, or somebody does."),
      ),
    cannotWrite: (error) =>
      new CairnError(
        "unavailable",
        phrase("{0} cannot be written ({1}).", incomplete, String((error as NodeJS.ErrnoException).code ?? error)),
        phrase("Make room there, or choose another cache folder with cairn.cacheDirectory (CAIRN_CACHE_DIR)."),
        { cause: error },
      ),
  };
}

/** Carries nothing of the user's along, and throws where the answer is no success. */
function fetchOf(host: Pick<Host, "fetch">, signal?: AbortSignal): typeof globalThis.fetch {
  const fetch = fetchWithin(host.fetch, SILENCE_MS);
  return async (input, init) => {
    const url = String(input);
    let response: Response;
    try {
      response = await fetch(url, { ...init, signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw explainLoss(error, url);
    }
    if (response.ok) return response;
    await response.body?.cancel();
    throw new CairnError(
      "provider",
      phrase("{0} does not give {1} ({2}).", new URL(url).host, basename(url), response.status),
      phrase(
        "Try again later, or name another package registry with cairn.gpuLibraries.registry (npm_config_registry). One that wants a password is not supported.",
      ),
    );
  };
}

/** @throws {CairnError} `unavailable` when the disk would be full */
function checkRoom(folder: string, missing: readonly GpuPackage[]): void {
  if (missing.length === 0) return;
  mkdirSync(folder, { recursive: true });
  const needed = missing.reduce((sum, one) => {
    const there = statSync(archiveOf(folder, one), { throwIfNoEntry: false })?.size ?? 0;
    return sum + Math.max(0, one.bytes - there) + one.unpackedBytes;
  }, RESERVE_BYTES);
  const { bavail, bsize } = statfsSync(folder);
  if (needed <= bavail * bsize) return;
  const megabytes = (count: number) => `${Math.ceil(count / 1e6).toLocaleString("en-US")} MB`;
  throw new CairnError(
    "unavailable",
    phrase(
      "{0} are needed to download and unpack it, and {1} has {2} free.",
      megabytes(needed),
      folder,
      megabytes(bavail * bsize),
    ),
    phrase("Make room there, or choose another cache folder with cairn.cacheDirectory (CAIRN_CACHE_DIR)."),
  );
}

function underWay(): CairnError {
  return new CairnError(
    "unavailable",
    phrase("Another process gets or removes these libraries at this moment."),
    phrase("Wait for it, or end it; what it has downloaded is kept."),
  );
}

function bytesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
