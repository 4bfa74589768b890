import { existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { explainLoss } from "./hub-failure.ts";

/** What is to be received, and what to say where it cannot be. */
export interface Reception {
  readonly url: string;
  readonly bytes: number;
  /** Absolute path of the file that the bytes go to, in this run and in those before. */
  readonly incomplete: string;
  /** Begins to hash, at the first byte. */
  newHash(): ReceivedHash;
  /** The server sends something else. */
  notAsPromised(): CairnError;
  /** The disk takes no more. */
  cannotWrite(error: unknown): CairnError;
}

export interface ReceivedHash {
  update(chunk: Uint8Array): void;
  /** Takes up what an earlier run has left. @returns how many bytes that is */
  readFile(path: string, signal?: AbortSignal): Promise<number>;
  /** Undefined when the content is not what it should be. */
  digest(): string | undefined;
}

/** Connections in a row that may break without a byte more than before. */
const MOST_FRUITLESS = 4;

/**
 * Downloads into an incomplete file, until its content is what it should be: a connection that breaks is taken up where it
 * broke, also by a later run. Content that is something else is thrown away.
 *
 * @param fetch throws where the answer is no success
 * @param onBytes told how many bytes of the file are there; fewer than before when it has to begin anew
 * @returns the hash of all of it
 * @throws {CairnError} `notAsPromised`, `cannotWrite`, `unavailable` for a connection that breaks again and again; what
 * `fetch` throws; the signal's reason
 */
export async function resumedDownload(
  fetch: typeof globalThis.fetch,
  reception: Reception,
  onBytes: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<{ digest: string; resumedBytes: number }> {
  const { incomplete, bytes } = reception;
  mkdirSync(dirname(incomplete), { recursive: true });
  const before = statSync(incomplete, { throwIfNoEntry: false })?.size ?? 0;
  const resumedBytes = before <= bytes ? before : 0;
  if (before > bytes) rmSync(incomplete);
  for (let anew = false; ; anew = true) {
    const { digest, inOneGo } = await receive(fetch, reception, onBytes, signal);
    if (digest !== undefined) return { digest, resumedBytes: anew ? 0 : resumedBytes };
    rmSync(incomplete);
    // One of several pieces may be what is wrong. What came whole, the server has like that.
    if (anew || inOneGo) throw reception.notAsPromised();
  }
}

/** Brings the incomplete file to its size, whatever it takes. */
async function receive(
  fetch: typeof globalThis.fetch,
  reception: Reception,
  onBytes: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<{ digest: string | undefined; inOneGo: boolean }> {
  const { url, bytes, incomplete } = reception;
  let hash = reception.newHash();
  let length = existsSync(incomplete) ? await hash.readFile(incomplete, signal) : 0;
  let connections = length > 0 ? 1 : 0;
  const file = await open(incomplete, "a+", 0o644);
  try {
    onBytes(length);
    for (let fruitless = 0, furthest = length; length < bytes; ) {
      connections++;
      const response = await fetch(url, { headers: headersFrom(length) });
      if (startOf(response, reception, length) === 0 && length > 0) {
        // This server knows no ranges.
        await file.truncate(0);
        hash = reception.newHash();
        length = 0;
        connections = 1;
      }
      try {
        for await (const chunk of piecesOf(response)) {
          if (length + chunk.length > bytes) throw reception.notAsPromised();
          await append(file, chunk, reception);
          hash.update(chunk);
          length += chunk.length;
          onBytes(length);
        }
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof CairnError) throw error;
        if (fruitless === MOST_FRUITLESS) throw explainLoss(error, response.url || url);
      }
      if (length < bytes && length <= furthest && ++fruitless > MOST_FRUITLESS) {
        throw explainLoss(new Error("it ends too early"), url);
      }
      if (length > furthest) fruitless = 0;
      furthest = Math.max(furthest, length);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { digest: hash.digest(), inOneGo: connections <= 1 };
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
function startOf(response: Response, { bytes, notAsPromised }: Reception, wanted: number): number {
  if (response.status === 206) {
    const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "") ?? [];
    if (Number(start) === wanted && (total === "*" || Number(total) === bytes)) return wanted;
    throw notAsPromised();
  }
  const length = response.headers.get("content-length");
  const plain = !response.headers.has("content-encoding");
  if (plain && length !== null && Number(length) !== bytes) throw notAsPromised();
  return 0;
}

async function append(file: FileHandle, chunk: Uint8Array, { cannotWrite }: Reception): Promise<void> {
  try {
    await file.appendFile(chunk);
  } catch (error) {
    throw cannotWrite(error);
  }
}
