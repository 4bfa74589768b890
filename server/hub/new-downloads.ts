import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

/** Twice in a row the same, so far apart, is complete. */
const LOOK_MS = 2_000;

/**
 * Waits until a download has come into the Hub's cache and is complete, whoever makes it: no part of a file is left
 * there, and what its snapshots hold was the same at two looks in a row. Looking at the names of files is cheap, and
 * works where a file system tells of no changes.
 *
 * @param folder the cache; it may not be there yet
 * @param known what was there before, as this function gave it; undefined at first, when it returns at once
 * @param signal ends the wait
 * @returns what is there now, to be given the next time; undefined when the wait was ended
 */
export async function nextDownload(
  folder: string,
  known: ReadonlyMap<string, string> | undefined,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string> | undefined> {
  if (!known) return complete(folder);
  let before: ReadonlyMap<string, string> = known;
  for (;;) {
    try {
      await wait(LOOK_MS, undefined, { signal });
    } catch {
      return undefined;
    }
    const now = await complete(folder);
    const settled = new Map([...now].filter(([name, holds]) => before.get(name) === holds));
    if ([...settled].some(([name, holds]) => known.get(name) !== holds)) return settled;
    before = now;
  }
}

/** What the snapshots of each repository hold, as a text to compare; without those that a download is writing to. */
async function complete(folder: string): Promise<Map<string, string>> {
  const repositories = (await namesIn(folder)).filter((name) => /^(?:models|datasets)--/.test(name));
  const found = new Map<string, string>();
  for (const name of repositories) {
    const blobs = await namesIn(join(folder, name, "blobs"));
    if (blobs.some((blob) => blob.endsWith(".incomplete"))) continue;
    const snapshots = join(folder, name, "snapshots");
    const files = await readdir(snapshots, { recursive: true }).catch(() => []);
    if (files.length > 0) found.set(name, files.sort().join("\n"));
  }
  return found;
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
