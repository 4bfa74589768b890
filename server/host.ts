/**
 * One door to the world. Files are synchronous on purpose: they are only touched in worker threads and at start-up,
 * where a synchronous call is five times cheaper than a round trip through the thread pool.
 */
export interface Host {
  readonly files: HostFiles;
  /** Milliseconds since the epoch. May go backwards; nothing may depend on its order. */
  now(): number;
  readonly log: Log;
  /** True while the machine runs on its battery; false when it does not say. */
  onBattery(): Promise<boolean>;
  /** The only way to another machine; given to the providers of answers and to the Hub, and to nothing else. */
  readonly fetch: typeof globalThis.fetch;
  /** Calls back once when the folder at a path can be read; looks now and then, until it is disposed of. */
  onFolder(path: string, callback: () => void): { dispose(): void };
  /** Environment variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export type EntryType = "file" | "directory" | "symlink" | "other";

export interface DirEntry {
  name: string;
  type: EntryType;
}

export interface FileStat {
  type: EntryType;
  size: number;
  /** Milliseconds since the epoch, fractional. */
  mtimeMs: number;
}

/** Paths are absolute, in the platform's own form. Every method throws {@link FileError}. */
export interface HostFiles {
  list(directory: string): DirEntry[];
  /** Follows symbolic links. */
  stat(path: string): FileStat;
  /** At most `maxBytes`; the result may be shorter than the file. */
  read(path: string, maxBytes?: number): Uint8Array<ArrayBuffer>;
  /** The whole file, in the memory that `allocate` gives for its size. */
  readInto(path: string, allocate: (size: number) => Uint8Array): Uint8Array;
  realpath(path: string): string;
}

/** A failed file operation with the operating system's code (`ENOENT`, `EACCES`, `ELOOP`...). */
export class FileError extends Error {
  readonly code: string;
  readonly path: string;
  constructor(code: string, path: string, message: string) {
    super(message);
    this.name = "FileError";
    this.code = code;
    this.path = path;
  }
}

export interface Log {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}
