import { createHash } from "node:crypto";
import type { SourceText } from "./folder-indexer.ts";
import type { LabelledQuery, Target } from "./scores.ts";

/** Queries, and the files in which they are asked. */
export interface LabelledSet {
  readonly queries: readonly LabelledQuery[];
  readonly texts: readonly SourceText[];
  /** What had to be left out of it and why, one sentence each. */
  readonly notes: readonly string[];
}

/**
 * Joins queries and files. A query with a target that is no longer what was labelled (by its hash) is left out; one with
 * a target that is in no file stays, for a search that cannot find it is a bad one, but it is said.
 */
export function labelledSet(
  queries: readonly LabelledQuery[],
  texts: readonly SourceText[],
  notes: readonly string[] = [],
): LabelledSet {
  const files = new Files(texts);
  const changed = queries.filter(({ targets }) => targets.some((target) => !isAsLabelled(target, files)));
  const kept = queries.filter((query) => !changed.includes(query));
  const paths = new Set(kept.flatMap(({ targets }) => targets.map(({ path }) => path)));
  const said = [...notes];
  for (const { query } of changed) said.push(`Left out, for its target has changed since it was labelled: ${query}`);
  for (const path of paths) {
    if (files.text(path) === undefined) said.push(`${path} is a target and is not among the indexed files.`);
  }
  return { queries: kept, texts, notes: said };
}

/** SHA-256 of a target's lines, in hexadecimal; undefined when the file is shorter. */
export function hashOfTarget(text: string, { startLine, endLine }: Target): string | undefined {
  const lines = text.split(/\r\n|\r|\n/);
  if (endLine !== undefined && endLine > lines.length) return undefined;
  const wanted = startLine === undefined ? lines : lines.slice(startLine - 1, endLine);
  return createHash("sha256").update(wanted.join("\n")).digest("hex");
}

function isAsLabelled(target: Target, files: Files): boolean {
  if (target.sha256 === undefined) return true;
  const text = files.text(target.path);
  return text !== undefined && hashOfTarget(text, target) === target.sha256;
}

/** Texts by their paths as the scores take them: one path may be the end of the other. */
class Files {
  readonly #byPath: ReadonlyMap<string, string>;

  constructor(texts: readonly SourceText[]) {
    this.#byPath = new Map(texts.map(({ path, text }) => [path, text]));
  }

  text(path: string): string | undefined {
    const exact = this.#byPath.get(path);
    if (exact !== undefined) return exact;
    for (const [other, text] of this.#byPath) {
      if (other.endsWith(`/${path}`) || path.endsWith(`/${other}`)) return text;
    }
    return undefined;
  }
}
