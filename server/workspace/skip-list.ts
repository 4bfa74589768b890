import type { Phrase } from "../../shared/phrase.ts";
import type { SkippedFile } from "../../shared/search-types.ts";
import type { FileState } from "../store/file-state.ts";

/** What is left out and why: files whose content said so, and files and folders that the walk did not admit. */
export class SkipList {
  readonly #states: ReadonlyMap<string, FileState>;
  #notAdmitted = new Map<string, SkippedFile<Phrase>>();

  /** @param states Every file that was looked at; those that are left out carry the reason. */
  constructor(states: ReadonlyMap<string, FileState>) {
    this.#states = states;
  }

  /** By path. */
  all(): SkippedFile<Phrase>[] {
    const skipped = [...this.#notAdmitted.values()];
    for (const [path, state] of this.#states) if (state.skip) skipped.push({ path, ...state.skip });
    return skipped.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** Why a path is left out: it, or the folder around it that is. Undefined when it is not, as far as is known. */
  reasonFor(path: string): SkippedFile<Phrase> | undefined {
    const skip = this.#states.get(path)?.skip;
    if (skip) return { path, ...skip };
    for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1)) {
      const notAdmitted = this.#notAdmitted.get(path.slice(0, end));
      if (notAdmitted) return notAdmitted;
    }
    return undefined;
  }

  /** How many there are of each reason. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    const add = (code: string) => {
      counts[code] = (counts[code] ?? 0) + 1;
    };
    for (const { code } of this.#notAdmitted.values()) add(code);
    for (const { skip } of this.#states.values()) if (skip) add(skip.code);
    return counts;
  }

  /** What a walk of the whole tree did not admit, by path. */
  replace(notAdmitted: Map<string, SkippedFile<Phrase>>): void {
    this.#notAdmitted = notAdmitted;
  }

  /** What a look at some paths did not admit; `isOutdated` says of which paths it knows better than before. */
  update(notAdmitted: readonly SkippedFile<Phrase>[], isOutdated: (path: string) => boolean): void {
    for (const path of this.#notAdmitted.keys()) if (isOutdated(path)) this.#notAdmitted.delete(path);
    for (const skip of notAdmitted) this.#notAdmitted.set(skip.path, skip);
  }
}
