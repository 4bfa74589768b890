import { Worker } from "node:worker_threads";
import type { DeltaProgress } from "../../shared/delta-types.ts";
import { CairnError, fromWireError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { entryFile } from "../package-files.ts";
import type { DeltaMessage, DeltaTaskParams, DeltaTasks } from "./delta-worker.ts";

/**
 * Does one piece of work on deltas in a thread of its own, which starts those that code. When the signal fires the
 * thread removes what it has written before this ends.
 *
 * @throws {CairnError} what went wrong there; `unavailable` when it was cancelled or the thread ends without an answer
 */
export async function inDeltaThread<Name extends keyof DeltaTasks>(
  name: Name,
  params: DeltaTaskParams<Name>,
  signal: AbortSignal,
  onProgress: (progress: Omit<DeltaProgress, "task">) => void,
): Promise<ReturnType<DeltaTasks[Name]>> {
  signal.throwIfAborted();
  const worker = new Worker(entryFile("server/lsp/delta-worker"), { workerData: { name, params } });
  const cancel = () => worker.postMessage("cancel");
  signal.addEventListener("abort", cancel);
  try {
    return await new Promise((resolve, reject) => {
      const failed = (cause?: unknown) =>
        reject(
          new CairnError(
            "unavailable",
            phrase("The thread that works on deltas has stopped."),
            phrase("Start again."),
            { cause },
          ),
        );
      worker.on("message", (message: DeltaMessage) => {
        if ("progress" in message) onProgress(message.progress);
        else if ("error" in message) reject(fromWireError(message.error));
        else resolve(message.result as ReturnType<DeltaTasks[Name]>);
      });
      worker.once("error", failed);
      worker.once("exit", () => failed());
    });
  } finally {
    signal.removeEventListener("abort", cancel);
    await worker.terminate();
  }
}
