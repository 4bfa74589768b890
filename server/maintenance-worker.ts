import { parentPort, workerData } from "node:worker_threads";
import type { Finding } from "../shared/diagnosis.ts";
import { toWireError, type WireError } from "../shared/errors.ts";
import type { Settings } from "../shared/settings.ts";
import { type CacheCut, clearCache } from "./cache-folder.ts";
import { diagnose } from "./doctor.ts";
import { nodeHost } from "./node-host.ts";

/** What takes longer than a search may wait: hashing the model, deleting gigabytes. */
export interface MaintenanceTasks {
  /** @param roots real paths of the open folders. */
  diagnose(task: { settings: Settings; roots: readonly string[] }): Finding[];
  /** Deletes all that Cairn keeps and no process has open. */
  clear(task: { cacheDirectory: string }): CacheCut;
}

export type MaintenanceTask = {
  [Name in keyof MaintenanceTasks]: { name: Name } & Parameters<MaintenanceTasks[Name]>[0];
}[keyof MaintenanceTasks];

export type MaintenanceAnswer = { result: unknown } | { error: WireError };

async function answer(task: MaintenanceTask): Promise<MaintenanceAnswer> {
  try {
    if (task.name === "clear") return { result: clearCache(task.cacheDirectory, "all") };
    return { result: await diagnose(nodeHost({ level: "silent" }), task.settings, task.roots) };
  } catch (error) {
    return { error: toWireError(error) };
  }
}

parentPort?.postMessage(await answer(workerData as MaintenanceTask));
