import type { StoredFiles } from "./store.ts";

/** What is known of a file that was looked at. */
export interface FileState {
  size: number;
  /** -1 when the file must be read again because its time could not be trusted. */
  mtimeMs: number;
  /** Key of the content, 32 hex digits; empty when the file is left out. */
  content: string;
  skip?: { code: string; reason: string };
}

/** The store keeps times in whole microseconds. */
export function isSameTime(a: number, b: number): boolean {
  return Math.round(a * 1000) === Math.round(b * 1000);
}

/** What the store knows of each file. */
export function* statesOf(stored: StoredFiles): Generator<[string, FileState]> {
  if (stored.sizes.length === 0) return;
  const skips = new Map(stored.skips.map((skip) => [skip.at, { code: skip.code, reason: skip.reason }]));
  const contents = Buffer.from(stored.contents.buffer, stored.contents.byteOffset, stored.contents.length).toString(
    "hex",
  );
  const paths = stored.paths.split("\0");
  for (let i = 0; i < paths.length; i++) {
    const skip = skips.get(i);
    const content = skip ? "" : contents.slice(i * 32, i * 32 + 32);
    yield [paths[i], { size: stored.sizes[i], mtimeMs: stored.mtimes[i], content, skip }];
  }
}
