import { parentPort, workerData } from "node:worker_threads";
import { toWireError } from "../../shared/errors.ts";
import { nodeHost } from "../node-host.ts";
import type { ScanMessage, ScanOptions } from "./tree-scan.ts";
import { walk } from "./walk.ts";

/** A thread that walks the tree once. It loads nothing else, so that it is under way a few milliseconds after its start. */
const { root, ...options } = workerData as ScanOptions;

try {
  for (const { files, skipped } of walk(nodeHost(), root, options)) {
    const sizes = Float64Array.from(files, (file) => file.size);
    const mtimes = Float64Array.from(files, (file) => file.mtimeMs);
    const paths = files.map((file) => file.path).join("\0");
    post({ batch: { paths, sizes, mtimes, skipped } });
  }
  post({ done: true });
} catch (error) {
  post({ error: toWireError(error) });
}

function post(message: ScanMessage): void {
  parentPort?.postMessage(message);
}
