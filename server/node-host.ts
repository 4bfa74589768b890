import {
  access,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  type Stats,
  statSync,
} from "node:fs";
import {
  type DirEntry,
  type EntryType,
  FileError,
  type FileStat,
  type Host,
  type HostFiles,
  type Log,
} from "./host.ts";
import { powerSource } from "./power-source.ts";

const LEVELS = ["silent", "error", "warn", "info"] as const;
export type LogLevel = (typeof LEVELS)[number];

export interface NodeHostOptions {
  /** The least serious level that is written. Default: the environment variable CAIRN_LOG, else `silent`. */
  level?: LogLevel;
  /** Takes one line without its newline. Default: standard error, which is never part of a protocol. */
  write?: (line: string) => void;
  /** Default: the environment of the process. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Where Linux says what feeds the machine. Default: the real one. */
  powerSupplyDirectory?: string;
  /** How often a folder that has gone is looked for, in milliseconds. Default: 5,000. */
  folderLookMs?: number;
}

/** The real machine: the file system, the clock, the environment, and standard error as the log. */
export function nodeHost(options: NodeHostOptions = {}): Host {
  const env = options.env ?? process.env;
  const write = options.write ?? ((line) => void process.stderr.write(`${line}\n`));
  const log = lineLog(options.level ?? levelOf(env.CAIRN_LOG), write);
  return {
    files: nodeFiles,
    now: Date.now,
    log,
    env,
    onBattery: powerSource(options.powerSupplyDirectory),
    fetch: (input, init) => fetch(input, init),
    onFolder: (path, callback) => lookFor(path, options.folderLookMs ?? 5_000, callback),
  };
}

/** No file system says when a network drive is back. Each look waits for the one before, which may hang on a dead one. */
function lookFor(path: string, everyMs: number, callback: () => void): { dispose(): void } {
  let timer: NodeJS.Timeout | undefined;
  let disposed = false;
  const wait = () => {
    if (!disposed) timer = setTimeout(look, everyMs).unref();
  };
  const look = () => {
    access(path, constants.R_OK, (error) => {
      if (error) wait();
      else if (!disposed) callback();
    });
  };
  wait();
  return {
    dispose() {
      disposed = true;
      clearTimeout(timer);
    },
  };
}

const nodeFiles: HostFiles = {
  list: (directory) =>
    attempt(directory, () => {
      const entries = readdirSync(directory, { withFileTypes: true });
      const result: DirEntry[] = new Array(entries.length);
      for (let i = 0; i < entries.length; i++) result[i] = { name: entries[i].name, type: typeOf(entries[i]) };
      return result;
    }),

  stat: (path) =>
    attempt(path, (): FileStat => {
      const stats = statSync(path, { throwIfNoEntry: false });
      if (!stats) throw new FileError("ENOENT", path, `no such file or folder: ${path}`);
      return { type: typeOf(stats), size: stats.size, mtimeMs: stats.mtimeMs };
    }),

  read(path, maxBytes = Number.POSITIVE_INFINITY) {
    const bytes = attempt(path, () => readFile(path, (size) => new Uint8Array(Math.min(size, maxBytes))));
    // A file that shrank while it was read leaves the rest of its memory unused.
    return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
  },

  readInto: (path, allocate) => attempt(path, () => readFile(path, allocate)),

  realpath: (path) => attempt(path, () => realpathSync.native(path)),
};

/** Opens without blocking, so that a pipe that took a file's place cannot hang the thread. */
function readFile<Bytes extends Uint8Array>(path: string, allocate: (size: number) => Bytes): Bytes {
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw new FileError(stats.isDirectory() ? "EISDIR" : "EINVAL", path, `not a file: ${path}`);
    const bytes = allocate(stats.size);
    let length = 0;
    while (length < bytes.length) {
      const count = readSync(file, bytes, length, bytes.length - length, length);
      if (count === 0) break;
      length += count;
    }
    return bytes.subarray(0, length) as Bytes;
  } finally {
    closeSync(file);
  }
}

function typeOf(entry: Pick<Stats, "isFile" | "isDirectory" | "isSymbolicLink">): EntryType {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "directory";
  return entry.isSymbolicLink() ? "symlink" : "other";
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof FileError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new FileError(code ?? "EUNKNOWN", path, message);
  }
}

function lineLog(level: LogLevel, write: (line: string) => void): Log {
  const at = (lineLevel: LogLevel) => {
    if (LEVELS.indexOf(lineLevel) > LEVELS.indexOf(level)) return () => {};
    return (message: string) => write(`${new Date().toISOString()} ${lineLevel} ${message}`);
  };
  return { info: at("info"), warn: at("warn"), error: at("error") };
}

function levelOf(name: string | undefined): LogLevel {
  return LEVELS.find((level) => level === name) ?? "silent";
}
