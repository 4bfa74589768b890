import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "../whole-file.ts";

const FILE = "embedding-servers.json";

/** How many numbers a server's vectors were last seen to have; undefined when it was never asked. */
export function knownDims(cacheDirectory: string, identity: string): number | undefined {
  const dims = readAll(cacheDirectory)[identity];
  return typeof dims === "number" && Number.isInteger(dims) && dims > 0 ? dims : undefined;
}

/** Keeps it for the next start. Where it cannot be written the server is asked again. */
export function keepDims(cacheDirectory: string, identity: string, dims: number): void {
  const all = readAll(cacheDirectory);
  if (all[identity] === dims) return;
  try {
    writeWhole(join(cacheDirectory, FILE), `${JSON.stringify({ ...all, [identity]: dims }, null, 2)}\n`);
  } catch {
    // A full disk or a folder of someone else's.
  }
}

function readAll(cacheDirectory: string): Readonly<Record<string, unknown>> {
  try {
    const all: unknown = JSON.parse(readFileSync(join(cacheDirectory, FILE), "utf8"));
    return typeof all === "object" && all !== null ? (all as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
