import { type DirEntry, FileError, type FileStat, type Host } from "../server/host.ts";

/**
 * What lies at a path. A string is the text of a file; `{ link }` a symbolic link; `{ fails }` a file, or with
 * `folder` a folder, that the operating system refuses with this code; `{ special: true }` a socket, pipe or device.
 */
export type MemoryEntry = string | Uint8Array | { link: string } | { fails: string; folder?: true } | { special: true };

export interface MemoryHost extends Host {
  /** The tree itself, by absolute path with forward slashes: change it to change the world. A trailing slash makes an empty folder. */
  readonly entries: Record<string, MemoryEntry>;
  /** Modification times by path, in milliseconds; 1 for a path that is not named. */
  readonly mtimes: Record<string, number>;
  /** What was logged, as `level message`. */
  readonly logged: string[];
  /** How often each file operation was called. */
  readonly calls: { list: number; stat: number; read: number };
}

/** An in-memory machine. Folders exist because something lies in them. */
export function memoryHost(
  entries: Record<string, MemoryEntry>,
  env: Readonly<Record<string, string | undefined>> = {},
): MemoryHost {
  const mtimes: Record<string, number> = {};
  const logged: string[] = [];
  const calls = { list: 0, stat: 0, read: 0 };
  const log = (level: string) => (message: string) => void logged.push(`${level} ${message}`);

  /** Follows every symbolic link of a path. */
  function resolve(path: string, depth = 0): string {
    if (depth > 20) throw fail("ELOOP", path);
    const parts = path.split("/");
    const up = parts.indexOf("..");
    if (up > 1)
      return resolve(
        [resolve(parts.slice(0, up).join("/")).replace(/\/[^/]*$/, ""), ...parts.slice(up + 1)].join("/"),
        depth + 1,
      );
    for (let end = 2; end <= parts.length; end++) {
      const entry = entries[parts.slice(0, end).join("/")];
      if (!isEntryWith(entry, "link")) continue;
      const { link } = entry as { link: string };
      const base = link.startsWith("/") ? link : `${parts.slice(0, end - 1).join("/")}/${link}`;
      return resolve([normalise(base), ...parts.slice(end)].join("/"), depth + 1);
    }
    return path;
  }

  function isDirectory(path: string): boolean {
    const prefix = path === "/" ? "/" : `${path}/`;
    return Object.keys(entries).some((key) => key.startsWith(prefix));
  }

  /** The file at a path, or undefined for a folder. */
  function lookUp(path: string): MemoryEntry | undefined {
    const real = resolve(path);
    const entry = entries[real];
    if (isEntryWith(entry, "fails")) throw fail(entry.fails, path);
    if (entry === undefined && !isDirectory(real)) throw fail("ENOENT", path);
    return entry;
  }

  return {
    entries,
    mtimes,
    logged,
    calls,
    env,
    now: () => 0,
    onBattery: async () => false,
    fetch: async (input) => {
      throw new TypeError(`There is no network in memory: ${input}`);
    },
    onFolder: () => ({ dispose() {} }),
    log: { info: log("info"), warn: log("warn"), error: log("error") },
    files: {
      list(directory) {
        calls.list++;
        if (lookUp(directory) !== undefined) throw fail("ENOTDIR", directory);
        const real = resolve(directory);
        const prefix = real === "/" ? "/" : `${real}/`;
        const found = new Map<string, DirEntry>();
        for (const key of Object.keys(entries)) {
          if (!key.startsWith(prefix) || key === prefix) continue;
          const name = key.slice(prefix.length).split("/", 1)[0];
          found.set(name, { name, type: typeOf(entries[prefix + name]) });
        }
        return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
      },
      stat(path): FileStat {
        calls.stat++;
        const entry = lookUp(path);
        const real = resolve(path);
        const type = typeOf(entry);
        const size = type === "file" ? bytesOf(entry as string | Uint8Array).length : 0;
        return { type, size, mtimeMs: mtimes[real] ?? 1 };
      },
      read(path, maxBytes) {
        calls.read++;
        const entry = lookUp(path);
        if (entry === undefined) throw fail("EISDIR", path);
        if (typeOf(entry) !== "file") throw fail("EINVAL", path);
        return bytesOf(entry as string | Uint8Array).slice(0, maxBytes);
      },
      readInto(path, allocate) {
        const bytes = this.read(path);
        const into = allocate(bytes.length);
        into.set(bytes);
        return into;
      },
      realpath(path) {
        lookUp(path);
        return resolve(path);
      },
    },
  };
}

function typeOf(entry: MemoryEntry | undefined): DirEntry["type"] {
  if (entry === undefined) return "directory";
  if (isEntryWith(entry, "link")) return "symlink";
  if (isEntryWith(entry, "special")) return "other";
  if (isEntryWith(entry, "fails") && entry.folder) return "directory";
  return "file";
}

function isEntryWith<K extends "link" | "fails" | "special">(
  entry: MemoryEntry | undefined,
  key: K,
): entry is Extract<MemoryEntry, Record<K, unknown>> {
  return typeof entry === "object" && key in entry;
}

function bytesOf(entry: string | Uint8Array): Uint8Array<ArrayBuffer> {
  return typeof entry === "string" ? new TextEncoder().encode(entry) : new Uint8Array(entry);
}

function normalise(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

function fail(code: string, path: string): FileError {
  return new FileError(code, path, `${code}: ${path}`);
}
