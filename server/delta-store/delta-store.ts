import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { z } from "zod";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";

/** What a store keeps, known by its bytes alone. */
export interface Content {
  /** In hexadecimal. */
  sha256: string;
  bytes: number;
}

const storedNameSchema = z.strictObject({
  name: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().nonnegative(),
  /** Of what the delta rebuilds. */
  originalBytes: z.int().nonnegative(),
});

/** A delta in a store and what it is called there. */
export type StoredName = z.infer<typeof storedNameSchema>;

export interface TransferOptions {
  signal: AbortSignal;
  /** Called with the bytes that are there, from those of an earlier run on. */
  onBytes?: (done: number) => void;
}

/** What {@link DeltaStore.collect} removed. */
export interface Collected {
  removed: number;
  bytes: number;
}

/**
 * A place where deltas lie under the SHA-256 of their bytes, and where names refer to them; several may refer to one.
 * Everything throws a CairnError: `unavailable` when the place refuses or cannot be reached, `corrupt` for what is not
 * what was stored.
 */
export interface DeltaStore {
  /** For people. */
  readonly place: string;
  names(signal: AbortSignal): Promise<StoredName[]>;
  named(name: string, signal: AbortSignal): Promise<StoredName | undefined>;
  setName(entry: StoredName, signal: AbortSignal): Promise<void>;
  /** Resolves to whether there was such a name. */
  removeName(name: string, signal: AbortSignal): Promise<boolean>;
  has(content: Content, signal: AbortSignal): Promise<boolean>;
  /** Stores a file, unless it is there already. One that was interrupted goes on where it stopped, where that pays. */
  put(path: string, content: Content, options: TransferOptions): Promise<void>;
  /** Writes what is stored to a file, or goes on with what an earlier run left of it. Whoever calls checks the hash. */
  get(content: Content, path: string, options: TransferOptions): Promise<void>;
  /**
   * Removes what no name refers to.
   *
   * @param graceMs stores that cannot tell whether someone is just about to name it keep what is younger
   */
  collect(graceMs: number, signal: AbortSignal): Promise<Collected>;
}

const LONGEST_NAME = 200;

/** Names are letters, digits and `._+-`, in parts with `/` between them. */
export function isStoreName(name: string): boolean {
  return name.length <= LONGEST_NAME && /^\w[\w.+-]*(\/\w[\w.+-]*)*$/.test(name) && !isSha256(name);
}

export function isSha256(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** The file or key that holds a name: flat, so that `a` and `a/b` can both be names. */
export function nameFile(name: string): string {
  return `${name.replaceAll("/", "%2F")}.json`;
}

/** @throws {CairnError} `corrupt` */
export function parseStoredName(text: string, where: string): StoredName {
  try {
    return storedNameSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new CairnError(
      "corrupt",
      phrase("{0} is damaged: it does not say which delta it names.", where),
      phrase("Remove it and push the delta again under its name."),
      { cause: error },
    );
  }
}

/** Says that a file is not what it was hashed as. */
export function changedMeanwhile(path: string): CairnError {
  return new CairnError(
    "unavailable",
    phrase("{0} was changed while it was stored.", path),
    phrase("Leave it alone and start again; nothing was stored."),
  );
}

const PIECE_BYTES = 1 << 20;

/** The SHA-256 of a file, read piece by piece. */
export async function contentOf(path: string, signal: AbortSignal): Promise<Content> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const piece of piecesOf(path, signal)) {
    hash.update(piece);
    bytes += piece.length;
  }
  return { sha256: hash.digest("hex"), bytes };
}

/** The bytes of a file, a MiB at a time; each piece is valid until the next is asked for. */
export async function* piecesOf(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const file = await open(path).catch((error) => {
    throw new CairnError(
      "input",
      phrase("{0} cannot be read: {1}.", path, error.message),
      phrase("Check its name and its permissions."),
    );
  });
  try {
    const piece = new Uint8Array(PIECE_BYTES);
    for (let at = 0; ; ) {
      stopTransferWhen(signal);
      const { bytesRead } = await file.read(piece, 0, piece.length, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield piece.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** Throws when the transfer is to stop. */
export function stopTransferWhen(signal: AbortSignal): void {
  if (signal.aborted)
    throw new CairnError(
      "unavailable",
      phrase("The transfer was cancelled."),
      phrase("Start it again: it goes on where it stopped."),
    );
}
