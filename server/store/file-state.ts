import type { Phrase } from "../../shared/phrase.ts";
import type { StoredFiles } from "./store.ts";

/** What is known of a file that was looked at. */
export interface FileState {
  size: number;
  /** -1 when the file must be read again because its time could not be trusted. */
  mtimeMs: number;
  /** Key of the content, 32 hex digits; empty when the file is left out. */
  content: string;
  skip?: { code: string; reason: Phrase };
}

/** The store keeps times in whole microseconds. */
export function isSameTime(a: number, b: number): boolean {
  return Math.round(a * 1000) === Math.round(b * 1000);
}

/** What the store knows of each file, in its order. */
export function* statesOf(stored: StoredFiles): Generator<StoredState> {
  if (stored.sizes.length === 0) return;
  const paths = stored.paths.split("\0");
  let nextSkip = 0;
  for (let at = 0; at < paths.length; at++) {
    const skip = stored.skips[nextSkip]?.at === at ? stored.skips[nextSkip++] : undefined;
    yield new StoredState(stored, at, paths[at], skip && { code: skip.code, reason: skip.reason });
  }
}

/** The state of one stored file. Its key stays among those of all files until somebody asks for it. */
export class StoredState implements FileState {
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
  readonly skip: FileState["skip"];
  /** The keys of all stored files, and where this one lies. */
  readonly keys: Uint8Array;
  readonly keyAt: number;

  constructor(stored: StoredFiles, at: number, path: string, skip: FileState["skip"]) {
    this.path = path;
    this.size = stored.sizes[at];
    this.mtimeMs = stored.mtimes[at];
    this.skip = skip;
    this.keys = stored.contents;
    this.keyAt = at * 16;
  }

  get content(): string {
    if (this.skip) return "";
    return Buffer.from(this.keys.buffer, this.keys.byteOffset + this.keyAt, 16).toString("hex");
  }
}
