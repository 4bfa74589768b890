import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join, relative, sep } from "node:path";
import { z } from "zod";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { compress } from "./compress.ts";
import { openDelta } from "./delta-file.ts";
import type { DeltaOptions } from "./delta-options.ts";
import { attempt } from "./delta-writer.ts";
import { type Model, openModel } from "./model-files.ts";
import { reconstruct } from "./reconstruct.ts";

const entrySchema = z.strictObject({
  fine: z.string(),
  base: z.string(),
  /** The name of the delta's file in the folder. */
  delta: z.string().regex(/^[^/\\]+$/),
  bytes: z.number(),
  deltaBytes: z.number(),
  /** Whether the original was removed. */
  replaced: z.boolean(),
});
const collectionSchema = z.strictObject({ version: z.literal(1), entries: z.array(entrySchema) });

/** A delta in a folder of deltas: what it was made of, and where that was. */
export type CollectionEntry = z.infer<typeof entrySchema>;

const LIST = "cairn-deltas.json";

/**
 * The deltas that are listed in a folder, those that were made first first; none when it has no list.
 *
 * @throws {CairnError} `corrupt` when the list cannot be read
 */
export function readCollection(folder: string): CollectionEntry[] {
  if (!existsSync(join(folder, LIST))) return [];
  try {
    return collectionSchema.parse(JSON.parse(readFileSync(join(folder, LIST), "utf8"))).entries;
  } catch (error) {
    throw new CairnError(
      "corrupt",
      phrase("{0} cannot be read.", join(folder, LIST)),
      phrase("Mend it, or rebuild each delta by itself."),
      { cause: error },
    );
  }
}

/**
 * Makes a delta of a model in a folder of deltas. Everything is rebuilt in memory and compared before the delta is
 * listed, and listed before the original is removed, if it is to be; one that a delta does not hold all of stays.
 */
export async function addToCollection(
  folder: string,
  { fine, base }: { fine: Model; base: Model },
  options: DeltaOptions & { made: string; fast: boolean; replace: boolean },
): Promise<CollectionEntry> {
  attempt(folder, () => mkdirSync(folder, { recursive: true }));
  const entries = readCollection(folder).filter((entry) => entry.fine !== fine.path);
  const taken = new Set(entries.map(({ delta }) => delta));
  const delta = freeName(`${basename(fine.path)}.delta`, taken);
  const done = await compress(base, fine, join(folder, delta), { ...options, force: true, check: true });
  const replaced = options.replace && holdsNothingElse(fine);
  const entry = {
    fine: fine.path,
    base: base.path,
    delta,
    bytes: done.originalBytes,
    deltaBytes: done.bytes,
    replaced,
  };
  writeCollection(folder, [...entries, entry]);
  if (replaced) attempt(fine.path, () => rmSync(fine.path, { recursive: true }));
  return entry;
}

/**
 * Undoes everything: rebuilds what was replaced, to where it was, then deletes the deltas and the list. A delta is
 * deleted only once its original is there again.
 *
 * @throws {CairnError} when one cannot be rebuilt; the others and the list stay then
 */
export async function undoCollection(folder: string, options: DeltaOptions): Promise<CollectionEntry[]> {
  const entries = readCollection(folder);
  if (entries.length === 0)
    throw new CairnError(
      "input",
      phrase("There are no deltas listed in {0}.", folder),
      phrase("Give the folder that `cairn delta scan --out` wrote to."),
    );
  // The last first: what was once a base may have been replaced later.
  for (let i = entries.length - 1; i >= 0; i--) {
    const { fine, base, delta, replaced } = entries[i];
    const path = join(folder, delta);
    if (replaced && existsSync(fine)) {
      throw new CairnError(
        "input",
        phrase("There is something else at {0} now.", fine),
        phrase("Move it away, then undo again: its original goes there."),
      );
    }
    if (!existsSync(fine)) await reconstruct(openDelta(path), openModel(base), fine, { ...options, force: false });
    rmSync(path, { force: true });
    writeCollection(folder, entries.slice(0, i));
  }
  rmSync(join(folder, LIST), { force: true });
  return entries;
}

/** Whether a delta holds all that would be removed: no links, no empty folders, no history of Git. */
function holdsNothingElse({ path, isFolder, files }: Model): boolean {
  if (!isFolder) return !lstatSync(path).isSymbolicLink();
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  const folders = new Set(
    files.flatMap(({ name }) => name.split("/").map((_, i, parts) => parts.slice(0, i).join("/"))),
  );
  const isHeld = (entry: (typeof entries)[number]) => {
    const name = relative(path, join(entry.parentPath, entry.name)).split(sep).join("/");
    return entry.isDirectory() ? folders.has(name) : entry.isFile() && files.some((file) => file.name === name);
  };
  return !lstatSync(path).isSymbolicLink() && entries.every(isHeld);
}

function writeCollection(folder: string, entries: readonly CollectionEntry[]): void {
  const path = join(folder, LIST);
  attempt(path, () => {
    writeFileSync(`${path}.incomplete`, `${JSON.stringify({ version: 1, entries }, null, 2)}\n`);
    renameSync(`${path}.incomplete`, path);
  });
}

function freeName(wanted: string, taken: ReadonlySet<string>): string {
  let name = wanted;
  for (let number = 2; taken.has(name); number++) name = wanted.replace(/(\.delta)$/, ` ${number}$1`);
  return name;
}
