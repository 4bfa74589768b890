import type { Workspace } from "../core-api.ts";
import { tokenize } from "../text/tokens.ts";

/** What to ask a code base for, made of what is in it. */
export interface SampleQueries {
  /** Names as they are declared. */
  readonly names: readonly string[];
  /** What the names say, as someone would who does not know them: `parse command arguments`. */
  readonly descriptions: readonly string[];
  /** Ends of paths. */
  readonly paths: readonly string[];
  /** Places of declarations, for their text. */
  readonly places: readonly { readonly path: string; readonly line: number }[];
}

const FROM_EACH_LETTER = 40;
const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const MOST = 30;
/** A name of one word describes nothing. */
const FEWEST_WORDS = 2;

/** The same for the same index: names of several words, as many as there are up to {@link MOST}, spread evenly. */
export async function sampleQueries(workspace: Workspace, signal: AbortSignal): Promise<SampleQueries> {
  const found = new Map<string, { path: string; line: number }>();
  for (const letter of LETTERS) {
    for (const { name, path, startLine } of await workspace.symbols(letter, FROM_EACH_LETTER, signal)) {
      if (partsOf(name).length >= FEWEST_WORDS && !found.has(name)) found.set(name, { path, line: startLine });
    }
  }
  const all = [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  const step = Math.max(1, all.length / MOST);
  const chosen = Array.from({ length: Math.min(MOST, all.length) }, (_, i) => all[Math.floor(i * step)]);
  return {
    names: chosen.map(([name]) => name),
    descriptions: chosen.map(([name]) => partsOf(name).join(" ")),
    paths: [...new Set(chosen.map(([, { path }]) => path.split("/").slice(-2).join("/")))],
    places: chosen.map(([, place]) => place),
  };
}

/** The parts of an identifier; none of one that has no parts. */
function partsOf(name: string): string[] {
  return tokenize(name).slice(1);
}
