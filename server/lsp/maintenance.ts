import { Worker } from "node:worker_threads";
import { CairnError, fromWireError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { MaintenanceAnswer, MaintenanceTask, MaintenanceTasks } from "../maintenance-worker.ts";
import { entryFile } from "../package-files.ts";

/**
 * Does one long task in a thread of its own.
 * @throws {CairnError} what went wrong there; `unavailable` when the thread ends without an answer.
 */
export async function inMaintenanceThread<Name extends keyof MaintenanceTasks>(
  task: MaintenanceTask & { name: Name },
): Promise<ReturnType<MaintenanceTasks[Name]>> {
  const worker = new Worker(entryFile("server/maintenance-worker"), { workerData: task });
  try {
    const answer = await new Promise<MaintenanceAnswer>((resolve, reject) => {
      const failed = (cause?: unknown) =>
        reject(
          new CairnError("unavailable", phrase("The thread for this task has stopped."), phrase("Try again."), {
            cause,
          }),
        );
      worker.once("message", resolve);
      worker.once("error", failed);
      worker.once("exit", () => failed());
    });
    if ("error" in answer) throw fromWireError(answer.error);
    return answer.result as ReturnType<MaintenanceTasks[Name]>;
  } finally {
    await worker.terminate();
  }
}
