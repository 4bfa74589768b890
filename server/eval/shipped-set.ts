import { join } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { FileError, type Host } from "../host.ts";
import { packageFile } from "../package-files.ts";
import type { FolderIndexer, IndexingOptions, Source } from "./folder-indexer.ts";
import { labelledLines } from "./labelled-lines.ts";
import { type LabelledSet, labelledSet } from "./labelled-set.ts";
import type { LabelledQuery } from "./scores.ts";

/** A package that the shipped queries are about. */
interface EvaluatedPackage {
  /** The queries were written for this one; another version is left out. */
  readonly version: string;
  /** Its folders and files that a person reads. */
  readonly parts: readonly string[];
}

/**
 * The labelled set in `models/eval`, as far as its packages are installed below a folder, each in the version that was
 * labelled. All packages are one code base in which every query is asked.
 * @param folder absolute; its `node_modules` is looked at
 * @throws {CairnError} `unavailable` when none of the packages is there
 */
export async function shippedSet(
  indexer: FolderIndexer,
  host: Host,
  folder: string,
  options: IndexingOptions = {},
): Promise<LabelledSet> {
  const packages = readPackages(host);
  const notes: string[] = [];
  const sources: Source[] = [];
  const present = new Set<string>();
  for (const [name, { version, parts }] of Object.entries(packages)) {
    const root = join(folder, "node_modules", ...name.split("/"));
    const installed = versionOf(host, root);
    if (installed !== version) {
      const there = installed === undefined ? "is not installed" : `is installed as ${installed}`;
      notes.push(`${name} ${version} ${there}: the queries about it are left out.`);
      continue;
    }
    present.add(name);
    sources.push(...parts.map((below) => ({ root, below, prefix: `${name}/` })));
  }
  if (sources.length === 0) {
    throw new CairnError(
      "unavailable",
      phrase("The queries that come with Cairn are about packages that are not in {0}.", join(folder, "node_modules")),
      phrase("Give your own with --queries FILE, or use --self; in a checkout of Cairn the packages are there."),
    );
  }
  const isPresent = ({ targets }: LabelledQuery) => targets.every(({ path }) => present.has(packageOf(path)));
  const queries = readShippedQueries(host).filter(isPresent);
  return labelledSet(queries, await indexer.read(host, sources, options), notes);
}

/** All that ship, whether their packages are there or not; paths begin with the package's name. */
export function readShippedQueries(host: Host): LabelledQuery[] {
  const file = packageFile("models", "eval", "queries.jsonl");
  return labelledLines(textOf(host, file), file);
}

/** `@scope/name` or `name`. */
function packageOf(path: string): string {
  return path
    .split("/")
    .slice(0, path.startsWith("@") ? 2 : 1)
    .join("/");
}

function readPackages(host: Host): Record<string, EvaluatedPackage> {
  return JSON.parse(textOf(host, packageFile("models", "eval", "packages.json")));
}

function versionOf(host: Host, root: string): string | undefined {
  try {
    return JSON.parse(textOf(host, join(root, "package.json"))).version;
  } catch (error) {
    if (error instanceof FileError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function textOf(host: Host, file: string): string {
  return new TextDecoder().decode(host.files.read(file));
}
