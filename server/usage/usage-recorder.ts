import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { Settings } from "../../shared/settings.ts";
import type { UsageEntry } from "../../shared/usage-types.ts";

/** One file a month: nothing is ever renamed, so processes that write at the same time take nothing from each other. */
const FILE = /^usage-(\d{4}-\d{2})\.jsonl$/;
/** With the one that is written to. */
const KEPT_MONTHS = 13;
/** An answer takes some 200 bytes; a month of more than 100,000 is somebody's load test. */
const LARGEST_FILE = 32_000_000;

/** What is recorded, without the time at which it is. */
export type Used = Omit<UsageEntry, "at">;

/**
 * Writes down what was used; undefined when the user wants no record (`cairn.usage.record`). A record that cannot be
 * written is none: no answer fails for it.
 */
export function usageRecorder(settings: Settings, cacheDirectory: string): ((used: Used) => void) | undefined {
  if (!settings["usage.record"]) return undefined;
  return (used) => {
    try {
      recordUsage(cacheDirectory, { ...used, model: withoutFolders(used.model), at: new Date().toISOString() });
    } catch {
      // A full disk or a folder of someone else's.
    }
  };
}

/** Some servers call a model by the path of its file. */
function withoutFolders(model: string): string {
  return /^(?:[/~.]|[A-Za-z]:[\\/])/.test(model) ? (model.split(/[\\/]/).at(-1) ?? "") : model;
}

/** Adds one entry to the file of its month. The file system says why when it cannot. */
export function recordUsage(cacheDirectory: string, entry: UsageEntry): void {
  mkdirSync(cacheDirectory, { recursive: true, mode: 0o700 });
  const file = openSync(join(cacheDirectory, `usage-${entry.at.slice(0, 7)}.jsonl`), "a", 0o600);
  try {
    const { size } = fstatSync(file);
    if (size > LARGEST_FILE) return;
    // In one go, at the end, wherever that is by then; the first line break ends what a crash may have left.
    writeSync(file, `\n${JSON.stringify(entry)}\n`);
    if (size === 0) removeOld(cacheDirectory, entry.at);
  } finally {
    closeSync(file);
  }
}

/** Bytes of the record. @throws CairnError("unavailable") when the folder cannot be read */
export function usageBytes(cacheDirectory: string): number {
  return usageFiles(cacheDirectory).reduce(
    (sum, name) => sum + (statSync(join(cacheDirectory, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

/** Deletes all of the record. */
export function removeUsage(cacheDirectory: string): void {
  for (const name of usageFiles(cacheDirectory)) rmSync(join(cacheDirectory, name), { force: true });
}

/** Once a month: whoever begins a file deletes those that have become too old. */
function removeOld(cacheDirectory: string, at: string): void {
  const [year, month] = at.split("-").map(Number);
  const oldest = new Date(Date.UTC(year, month - KEPT_MONTHS, 1)).toISOString().slice(0, 7);
  for (const name of usageFiles(cacheDirectory)) {
    if (monthOf(name) < oldest) rmSync(join(cacheDirectory, name), { force: true });
  }
}

/** Names of the files of the record, in the order of time. @throws CairnError("unavailable") when the folder cannot be read */
export function usageFiles(cacheDirectory: string): string[] {
  try {
    return readdirSync(cacheDirectory)
      .filter((name) => FILE.test(name))
      .sort();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw new CairnError("unavailable", phrase("{0} could not be read ({1}).", cacheDirectory, code));
  }
}

/** `2026-11` of such a name. */
export function monthOf(name: string): string {
  return FILE.exec(name)?.[1] ?? "";
}
