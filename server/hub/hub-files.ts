import { modelInfo, pathsInfo } from "@huggingface/hub";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { isCommit } from "./catalog.ts";
import type { HubAccess } from "./hub-access.ts";

/** What the Hub says of a file at a commit. */
export interface HubFile {
  readonly path: string;
  readonly bytes: number;
  /** Hexadecimal: the SHA-256 of the content, or of small files Git's hash of it. The name of its blob in the cache. */
  readonly hash: string;
}

/**
 * Asks the Hub's API, through the Hub's own client. `fetch` is one of `hubFetch`, which adds the token itself: the client
 * takes only such as begin with "hf_", and mirrors have others.
 */
export class HubFiles {
  readonly #access: HubAccess;
  readonly #repository: string;
  readonly #fetch: typeof globalThis.fetch;

  constructor(access: HubAccess, repository: string, fetch: typeof globalThis.fetch) {
    this.#access = access;
    this.#repository = repository;
    this.#fetch = fetch;
  }

  /**
   * The commit that a branch or tag is at.
   * @throws {CairnError} `provider`, `unavailable` or `output`
   */
  async commitOf(revision: string): Promise<string> {
    const { sha } = await this.#parsed(
      modelInfo({
        name: this.#repository,
        revision,
        hubUrl: this.#access.endpoint,
        fetch: this.#fetch,
        additionalFields: ["sha"],
      }),
    );
    if (!isCommit(sha)) throw this.#nonsense("sha");
    return sha;
  }

  /**
   * Size and hash of files at a commit. The API names them for large files too, where the header of a download may name
   * the hash of a storage behind it instead.
   * @throws {CairnError} `provider`, `unavailable` or `output`, also when one of the files is not there
   */
  async describe(commit: string, paths: readonly string[]): Promise<readonly HubFile[]> {
    const found = await this.#parsed(
      pathsInfo({
        repo: { type: "model", name: this.#repository },
        revision: commit,
        paths: [...paths],
        hubUrl: this.#access.endpoint,
        fetch: this.#fetch,
      }),
    );
    return paths.map((path) => {
      const info = found.find((entry) => entry.path === path && entry.type === "file");
      if (!info) {
        throw new CairnError(
          "provider",
          phrase("{0} lacks {1} at {2}.", this.#repository, path, commit.slice(0, 7)),
          phrase("Update Cairn, or try another precision."),
        );
      }
      const hash = info.lfs?.oid ?? info.oid ?? "";
      const bytes = info.lfs?.size ?? info.size;
      if (!(info.lfs ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{40}$/).test(hash) || !Number.isSafeInteger(bytes) || bytes < 0) {
        throw this.#nonsense(path);
      }
      return { path, bytes, hash };
    });
  }

  /** Where the content of a file begins; redirects to where it lies. */
  address(commit: string, path: string): string {
    return `${this.#access.endpoint}/${this.#repository}/resolve/${commit}/${path}`;
  }

  async #parsed<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof TypeError) throw this.#nonsense(error.message, error);
      throw error;
    }
  }

  #nonsense(what: string, cause?: unknown): CairnError {
    return new CairnError(
      "output",
      phrase("{0} does not answer as the Hub does ({1}).", new URL(this.#access.endpoint).host, what),
      phrase("Check HF_ENDPOINT: a login page or a proxy may have answered."),
      { cause },
    );
  }
}
