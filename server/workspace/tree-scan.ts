import { on } from "node:events";
import { Worker } from "node:worker_threads";
import { fromWireError, type WireError } from "../../shared/errors.ts";
import type { SkippedFile } from "../../shared/search-types.ts";
import { entryFile } from "../package-files.ts";
import type { WalkBatch, WalkOptions } from "./walk.ts";

export interface ScanOptions extends WalkOptions {
  root: string;
}

/** What the thread says; columns, because a hundred thousand small objects are slow to send. */
export type ScanMessage =
  | { batch: { paths: string; sizes: Float64Array; mtimes: Float64Array; skipped: SkippedFile[] } }
  | { done: true }
  | { error: WireError };

/** A walk that is under way. It is read once; leaving the loop early ends it. */
export interface TreeScan extends AsyncIterable<WalkBatch> {
  /** Ends the walk, read or not. */
  stop(): Promise<void>;
}

/**
 * Starts to walk the tree in a thread of its own, at once.
 * @throws while it is read: what {@link import("./walk.ts").walk} throws.
 */
export function startScan(options: ScanOptions): TreeScan {
  const worker = new Worker(entryFile("server/workspace/walk-worker"), { workerData: options });
  worker.unref();
  // From now on, so that no message is lost before somebody reads.
  const messages = on(worker, "message", { close: ["exit"] });
  const stop = async () => void (await worker.terminate());
  return { [Symbol.asyncIterator]: () => batches(messages, stop), stop };
}

async function* batches(messages: AsyncIterable<ScanMessage[]>, stop: () => Promise<void>): AsyncGenerator<WalkBatch> {
  try {
    for await (const [message] of messages) {
      if ("error" in message) throw fromWireError(message.error);
      if ("done" in message) return;
      const { paths, sizes, mtimes, skipped } = message.batch;
      const names = sizes.length === 0 ? [] : paths.split("\0");
      yield { files: names.map((path, i) => ({ path, size: sizes[i], mtimeMs: mtimes[i] })), skipped };
    }
  } finally {
    await stop();
  }
}
