import { on } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { MessagePort } from "node:worker_threads";
import { CairnError, fromWireError, toWireError, type WireError } from "../../shared/errors.ts";
import { type Phrase, phrase } from "../../shared/phrase.ts";
import type { SkippedFile } from "../../shared/search-types.ts";
import type { Host } from "../host.ts";
import { isSameTime } from "../store/file-state.ts";
import type { StoredFiles } from "../store/store.ts";
import { requireRoot, type WalkBatch, type WalkedFile, type WalkOptions, walk } from "./walk.ts";

/** What a walk has found out about the whole tree. */
export interface ScanResult {
  /** Files that were met, changed or not. */
  met: number;
  /** Files that the store knows and the walk did not meet. */
  gone: string[];
}

/** What the thread that walks says; columns, because a hundred thousand small objects are slow to send. */
type ScanMessage =
  | { batch: { paths: string; sizes: Float64Array; mtimes: Float64Array; skipped: SkippedFile<Phrase>[] } }
  | { done: ScanResult }
  | { error: WireError };

/**
 * A walk that is under way: batches of the files that are not as the store knows them, and of what is left out. It is
 * read once; leaving the loop early ends it.
 */
export interface TreeScan extends AsyncIterable<WalkBatch> {
  /** Resolves when all batches were read. */
  readonly result: Promise<ScanResult>;
  /** Ends the walk, read or not. */
  stop(): void;
}

/**
 * Walks the tree and tells the port what differs from what is stored. Between batches other calls of this thread get
 * their turn. Ends early when the other end of the port is closed.
 */
export async function scanTree(
  host: Host,
  root: string,
  options: WalkOptions,
  stored: () => StoredFiles,
  port: MessagePort,
): Promise<void> {
  let stopped = false;
  port.once("close", () => {
    stopped = true;
  });
  const post = (message: ScanMessage): void => port.postMessage(message);
  try {
    const known = new KnownFiles(stored(), (path) => canBeRead(host, `${root}/${path}`));
    for (const { files, skipped } of walk(host, root, options)) {
      if (stopped) return;
      const differing = files.filter((file) => !known.holds(file));
      if (differing.length + skipped.length > 0) {
        const sizes = Float64Array.from(differing, (file) => file.size);
        const mtimes = Float64Array.from(differing, (file) => file.mtimeMs);
        post({ batch: { paths: differing.map((file) => file.path).join("\0"), sizes, mtimes, skipped } });
      }
      await nextTurn();
    }
    requireRoot(host, root);
    post({ done: known.result() });
  } catch (error) {
    post({ error: toWireError(error) });
  } finally {
    port.close();
  }
}

/** The other end of a port that {@link scanTree} tells; `started` rejects when the thread cannot walk. */
export function readScan(port: MessagePort, started: Promise<unknown>): TreeScan {
  // From now on, so that no message is lost before somebody reads.
  const messages = on(port, "message", { close: ["close"] }) as AsyncIterable<ScanMessage[]>;
  port.unref();
  const result = Promise.withResolvers<ScanResult>();
  // Who reads the batches hears of the failure there.
  result.promise.catch(() => {});
  started.catch((error: unknown) => {
    result.reject(error);
    port.close();
  });

  async function* batches(): AsyncGenerator<WalkBatch> {
    try {
      for await (const [message] of messages) {
        if ("error" in message) throw fromWireError(message.error);
        if ("done" in message) return result.resolve(message.done);
        const { paths, sizes, mtimes, skipped } = message.batch;
        const names = sizes.length === 0 ? [] : paths.split("\0");
        yield { files: names.map((path, i) => ({ path, size: sizes[i], mtimeMs: mtimes[i] })), skipped };
      }
      await started;
      throw new CairnError(
        "unavailable",
        phrase("The walk through the folder has stopped."),
        phrase("Open the folder again."),
      );
    } catch (error) {
      result.reject(error);
      throw error;
    } finally {
      port.close();
    }
  }
  return { [Symbol.asyncIterator]: batches, result: result.promise, stop: () => port.close() };
}

/** What the store knows of each file, for one walk. */
class KnownFiles {
  readonly #stored: StoredFiles;
  readonly #paths: readonly string[];
  readonly #positions = new Map<string, number>();
  readonly #met: Uint8Array;
  /** Where the files are that could not be read. */
  readonly #unreadable: ReadonlySet<number>;
  readonly #canBeRead: (path: string) => boolean;
  #count = 0;

  constructor(stored: StoredFiles, canBeRead: (path: string) => boolean) {
    this.#stored = stored;
    this.#canBeRead = canBeRead;
    this.#unreadable = new Set(stored.skips.filter(({ code }) => code === "unreadable").map(({ at }) => at));
    this.#paths = stored.sizes.length === 0 ? [] : stored.paths.split("\0");
    for (let i = 0; i < this.#paths.length; i++) this.#positions.set(this.#paths[i], i);
    this.#met = new Uint8Array(this.#paths.length);
  }

  /** True when the file is stored as it is; in any case the walk has met it. */
  holds({ path, size, mtimeMs }: WalkedFile): boolean {
    this.#count++;
    const at = this.#positions.get(path);
    if (at === undefined) return false;
    this.#met[at] = 1;
    // Neither size nor time say that a file can be read now. One that cannot does not wait to be indexed.
    if (this.#unreadable.has(at)) return !this.#canBeRead(path);
    return this.#stored.sizes[at] === size && isSameTime(this.#stored.mtimes[at], mtimeMs);
  }

  result(): ScanResult {
    return { met: this.#count, gone: this.#paths.filter((_, i) => this.#met[i] === 0) };
  }
}

function canBeRead(host: Host, path: string): boolean {
  try {
    host.files.read(path);
    return true;
  } catch {
    return false;
  }
}
