import { existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { incompleteOf } from "./cache-layout.ts";
import { ContentHash, hashFile, isCalled } from "./content-hash.ts";
import { explainLoss } from "./hub-failure.ts";

export interface FileToDownload {
  /** Its name in the repository, for messages. */
  readonly path: string;
  readonly url: string;
  readonly bytes: number;
  /** What the Hub calls its content: a SHA-256, or for small files Git's hash. */
  readonly hash: string;
  /** What its SHA-256 must be besides. */
  readonly sha256: string | undefined;
  /** Absolute path that it gets when it is whole and checked. */
  readonly blob: string;
}

export interface DownloadedFile {
  readonly sha256: string;
  /** Bytes that were there from an earlier run. */
  readonly resumedBytes: number;
}

/** Connections in a row that may break without a byte more than before. */
const MOST_FRUITLESS = 4;

/**
 * Downloads one file. The Hub's own client cannot: it begins anew when it is cut off, looks at no hash, and what it
 * leaves behind cannot be told from a whole file. Here bytes go to an `.incomplete` file, a connection that breaks is
 * taken up where it broke, in a later run too, and the file gets its name only when its content has the hash.
 *
 * @param fetch one of `hubFetch`
 * @param onBytes told how many bytes of the file are there; fewer than before when it has to begin anew
 * @throws {CairnError} `output` for content that is not what the Hub or the catalogue says, and what `fetch` throws
 */
export async function downloadFile(
  fetch: typeof globalThis.fetch,
  target: FileToDownload,
  onBytes: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<DownloadedFile> {
  const incomplete = incompleteOf(target.blob);
  mkdirSync(dirname(incomplete), { recursive: true });
  const before = statSync(incomplete, { throwIfNoEntry: false })?.size ?? 0;
  const resumedBytes = before <= target.bytes ? before : 0;
  if (before > target.bytes) rmSync(incomplete);
  for (let anew = false; ; anew = true) {
    const { sha256, inOneGo } = await receive(fetch, target, incomplete, onBytes, signal);
    if (sha256 !== undefined) {
      renameSync(incomplete, target.blob);
      return { sha256, resumedBytes: anew ? 0 : resumedBytes };
    }
    rmSync(incomplete);
    // One of several pieces may be what is wrong. What came whole, the server has like that.
    if (anew || inOneGo) throw notAsPromised(target);
  }
}

/**
 * Brings the incomplete file to its size, whatever it takes.
 * @returns its SHA-256, or undefined when its content is not what it should be
 */
async function receive(
  fetch: typeof globalThis.fetch,
  target: FileToDownload,
  incomplete: string,
  onBytes: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<{ sha256: string | undefined; inOneGo: boolean }> {
  let hash = new ContentHash(target.bytes);
  let length = existsSync(incomplete) ? await hashFile(incomplete, hash, signal) : 0;
  let connections = length > 0 ? 1 : 0;
  const file = await open(incomplete, "a+", 0o644);
  try {
    onBytes(length);
    for (let fruitless = 0, furthest = length; length < target.bytes; ) {
      connections++;
      const response = await fetch(target.url, { headers: headersFrom(length) });
      if (startOf(response, target, length) === 0 && length > 0) {
        // This server knows no ranges.
        await file.truncate(0);
        hash = new ContentHash(target.bytes);
        length = 0;
        connections = 1;
      }
      try {
        for await (const chunk of piecesOf(response)) {
          if (length + chunk.length > target.bytes) throw notAsPromised(target);
          await append(file, chunk, incomplete);
          hash.update(chunk);
          length += chunk.length;
          onBytes(length);
        }
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof CairnError) throw error;
        if (fruitless === MOST_FRUITLESS) throw explainLoss(error, response.url || target.url);
      }
      if (length < target.bytes && length <= furthest && ++fruitless > MOST_FRUITLESS) {
        throw explainLoss(new Error("it ends too early"), target.url);
      }
      if (length > furthest) fruitless = 0;
      furthest = Math.max(furthest, length);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  const digests = hash.digest();
  const right = isCalled(target.hash, digests) && (target.sha256 ?? digests.sha256) === digests.sha256;
  return { sha256: right ? digests.sha256 : undefined, inOneGo: connections <= 1 };
}

/** The types of the platform do not know that its streams can be iterated. */
function piecesOf({ body }: Response): AsyncIterable<Uint8Array> | readonly Uint8Array[] {
  return (body as AsyncIterable<Uint8Array> | null) ?? [];
}

function headersFrom(start: number): Record<string, string> {
  // Compressed on the way, its bytes could not be counted.
  return { "accept-encoding": "identity", ...(start > 0 ? { range: `bytes=${start}-` } : {}) };
}

/** At which byte of the file an answer begins. */
function startOf(response: Response, target: FileToDownload, wanted: number): number {
  if (response.status === 206) {
    const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "") ?? [];
    if (Number(start) === wanted && (total === "*" || Number(total) === target.bytes)) return wanted;
    throw notAsPromised(target);
  }
  const length = response.headers.get("content-length");
  const plain = !response.headers.has("content-encoding");
  if (plain && length !== null && Number(length) !== target.bytes) throw notAsPromised(target);
  return 0;
}

async function append(file: FileHandle, chunk: Uint8Array, path: string): Promise<void> {
  try {
    await file.appendFile(chunk);
  } catch (error) {
    throw new CairnError(
      "unavailable",
      phrase("{0} cannot be written ({1}).", path, String((error as NodeJS.ErrnoException).code ?? error)),
      phrase("Make room there, or choose another folder with HF_HUB_CACHE; the download goes on where it stopped."),
      { cause: error },
    );
  }
}

function notAsPromised({ path, url }: FileToDownload): CairnError {
  return new CairnError(
    "output",
    phrase("What {0} sends as {1} is not what the Hub says it is: it was thrown away.", new URL(url).host, path),
    phrase("Try again. If it stays so, a proxy or a mirror (HF_ENDPOINT) changes files, or somebody does."),
  );
}
