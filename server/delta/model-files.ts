import { lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { readGguf } from "./gguf.ts";
import { FileReader } from "./read-file.ts";
import { dataStart, readTensors, type TensorPlace } from "./safetensors.ts";

/** A file of a model: its tensors, or none for a file that has no such structure. */
export interface ModelFile {
  /** Relative to the model's folder, with `/`. */
  name: string;
  path: string;
  bytes: number;
  /** Milliseconds since the epoch. */
  mtimeMs: number;
  /** In the order in which they lie in the file. */
  tensors: readonly TensorPlace[];
}

/** One file, or a folder with all that is in it. */
export interface Model {
  path: string;
  isFolder: boolean;
  files: readonly ModelFile[];
}

/**
 * The files of a model. A folder is taken with everything below it, files that are symbolic links included (the Hub's
 * cache is made of them), folders that are links and `.git` not.
 *
 * @throws {CairnError} `input` when the path is not there, or a file is not what it says it is
 */
export function openModel(path: string): Model {
  const place = path.endsWith(SHARD_INDEX) ? dirname(path) : path;
  const stats = statOf(place);
  const files = stats.isDirectory() ? filesBelow(place, "") : [describe(place, basename(place))];
  if (files.length === 0)
    throw new CairnError(
      "input",
      phrase("There are no files in {0}.", place),
      phrase("Give a model's file or folder."),
    );
  if (stats.isDirectory()) checkShardIndexes(files);
  return { path: place, isFolder: stats.isDirectory(), files };
}

const SHARD_INDEX = ".safetensors.index.json";
const MOST_INDEX_BYTES = 100_000_000;

function statOf(path: string) {
  try {
    return statSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const what =
      code === "ENOENT" ? phrase("There is no {0}.", path) : phrase("{0} cannot be read: {1}.", path, message);
    throw new CairnError("input", what, phrase("Give a file, a folder, or the name of a model in the Hub's cache."));
  }
}

function filesBelow(folder: string, prefix: string): ModelFile[] {
  const entries = readdirSync(folder).sort((a, b) => (a < b ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry);
    const name = prefix + entry;
    if (lstatSync(path).isDirectory()) return entry === ".git" ? [] : filesBelow(path, `${name}/`);
    return statOf(path).isFile() ? [describe(path, name)] : [];
  });
}

function describe(path: string, name: string): ModelFile {
  const { size, mtimeMs } = statOf(path);
  return { name, path, bytes: size, mtimeMs, tensors: tensorsOf(path, size) };
}

function tensorsOf(path: string, bytes: number): TensorPlace[] {
  const isGguf = path.endsWith(".gguf");
  if (!isGguf && !path.endsWith(".safetensors")) return [];
  const reader = new FileReader();
  try {
    if (isGguf) return readGguf(reader, path, bytes) ?? [];
    const first = new Uint8Array(Math.min(8, bytes));
    reader.read(path, 0, first);
    const header = new Uint8Array(dataStart(path, bytes, first));
    reader.read(path, 0, header);
    return readTensors(path, bytes, header);
  } finally {
    reader.close();
  }
}

/** Nothing is opened by what an index says, but one that points elsewhere is no index of this model. */
function checkShardIndexes(files: readonly ModelFile[]): void {
  const names = new Set(files.map(({ name }) => name));
  for (const { path, name, bytes } of files) {
    if (!name.endsWith(SHARD_INDEX) || bytes > MOST_INDEX_BYTES) continue;
    const folder = name.slice(0, name.lastIndexOf("/") + 1);
    for (const shard of shardsIn(path)) {
      if (typeof shard === "string" && isPlainName(shard) && names.has(folder + shard)) continue;
      throw new CairnError(
        "input",
        phrase("{0} names {1}, which is not a file beside it.", path, JSON.stringify(shard)),
        phrase("Download the model again, all of its parts."),
      );
    }
  }
}

function shardsIn(path: string): Set<unknown> {
  try {
    const { weight_map } = JSON.parse(readFileSync(path, "utf8"));
    return new Set(Object.values(weight_map ?? {}));
  } catch {
    throw new CairnError(
      "input",
      phrase("{0} is not a valid index of shards.", path),
      phrase("Download the model again."),
    );
  }
}

/** A relative name that stays below the folder it is joined to, on every system. */
export function isPlainName(name: string): boolean {
  return (
    name !== "" &&
    !/[\\:\0]/.test(name) &&
    name.split("/").every((part) => part !== "" && part !== "." && part !== ".." && !/[. ]$/.test(part))
  );
}
