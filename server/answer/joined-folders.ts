import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { CodeExcerpt, ReadRequest, SearchAnswer, SearchRequest } from "../../shared/search-types.ts";
import type { SearchedCode } from "../core-api.ts";

/** A folder that is asked, and the name that no other one has. */
export interface NamedFolder {
  readonly name: string;
  readonly workspace: SearchedCode;
}

/** A path of the joined folders, as its own folder knows it. */
export interface PlaceInFolder<Folder extends NamedFolder> {
  readonly folder: Folder;
  readonly path: string;
}

/**
 * Several folders as one, so that one answer is made from all of them: paths begin with the folder's name. A single
 * folder stays as it is.
 */
export class JoinedFolders<Folder extends NamedFolder> implements SearchedCode {
  readonly #folders: readonly Folder[];

  /** @param folders at least one */
  constructor(folders: readonly Folder[]) {
    this.#folders = folders;
  }

  /** The globs so that each holds in every folder. */
  everywhere(globs: readonly string[]): string[] {
    if (this.#folders.length === 1) return [...globs];
    // The name may be a whole path, where two folders are called the same.
    return globs.flatMap((glob) => [glob, `**/${glob}`]);
  }

  /** How the joined folders call a path of one of them. */
  join(folder: NamedFolder, path: string): string {
    return this.#folders.length === 1 ? path : `${folder.name}/${path}`;
  }

  /** Undefined for a path of none of them. */
  find(path: string): PlaceInFolder<Folder> | undefined {
    if (this.#folders.length === 1) return { folder: this.#folders[0], path };
    const folder = this.#folders.find(({ name }) => path.startsWith(`${name}/`));
    return folder && { folder, path: path.slice(folder.name.length + 1) };
  }

  async search(request: SearchRequest, signal?: AbortSignal): Promise<SearchAnswer> {
    const asked = this.#folders.flatMap((folder) => {
      const paths = this.#pathsIn(folder, request.paths ?? []);
      return request.paths?.length && paths.length === 0 ? [] : [{ folder, paths }];
    });
    const answers = await Promise.all(
      asked.map(async ({ folder, paths }) => ({
        folder,
        answer: await folder.workspace.search({ ...request, paths }, signal),
      })),
    );
    const hits = answers
      .flatMap(({ folder, answer }) => answer.hits.map((hit) => ({ ...hit, path: this.join(folder, hit.path) })))
      .sort((a, b) => b.score - a.score);
    return {
      hits: request.limit === undefined ? hits : hits.slice(0, request.limit),
      complete: answers.every(({ answer }) => answer.complete),
      note: [...new Set(answers.map(({ answer }) => answer.note))].filter(Boolean).join(" "),
      tookMs: Math.max(0, ...answers.map(({ answer }) => answer.tookMs)),
    };
  }

  async read(request: ReadRequest, signal?: AbortSignal): Promise<CodeExcerpt> {
    const place = this.find(request.path);
    if (!place) throw new CairnError("input", phrase("There is no file {0} in the open folders.", request.path));
    const code = await place.folder.workspace.read({ ...request, path: place.path }, signal);
    return { ...code, path: this.join(place.folder, code.path) };
  }

  /** Globs that name a folder hold in it alone, all others in each. */
  #pathsIn(folder: Folder, globs: readonly string[]): string[] {
    if (this.#folders.length === 1) return [...globs];
    const all = `${folder.name}/`;
    return globs.flatMap((glob) => {
      if (glob.startsWith(all)) return [glob.slice(all.length)];
      return this.find(glob) ? [] : [glob];
    });
  }
}
