import { datasetInfo, listFiles, modelInfo, pathsInfo } from "@huggingface/hub";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { RepositoryKind } from "./cache-layout.ts";
import { isCommit } from "./catalog.ts";
import type { HubAccess } from "./hub-access.ts";

/** What the Hub says of a file at a commit. */
export interface HubFile {
  readonly path: string;
  readonly bytes: number;
  /** Hexadecimal: the SHA-256 of the content, or of small files Git's hash of it. The name of its blob in the cache. */
  readonly hash: string;
}

interface Described {
  path: string;
  size: number;
  oid?: string;
  lfs?: { oid: string; size: number };
}

/**
 * Asks the Hub's API, through the Hub's own client. `fetch` is one of `hubFetch`, which adds the token itself: the client
 * takes only such as begin with "hf_", and mirrors have others.
 */
export class HubFiles {
  readonly #access: HubAccess;
  readonly #repository: string;
  readonly #fetch: typeof globalThis.fetch;
  readonly #kind: RepositoryKind;

  constructor(access: HubAccess, repository: string, fetch: typeof globalThis.fetch, kind: RepositoryKind = "model") {
    this.#access = access;
    this.#repository = repository;
    this.#fetch = fetch;
    this.#kind = kind;
  }

  /**
   * The commit that a branch or tag is at.
   * @throws {CairnError} `provider`, `unavailable` or `output`
   */
  async commitOf(revision: string): Promise<string> {
    const asked = { name: this.#repository, revision, hubUrl: this.#access.endpoint, fetch: this.#fetch };
    const { sha } = await this.#parsed(
      this.#kind === "model"
        ? modelInfo({ ...asked, additionalFields: ["sha"] })
        : datasetInfo({ ...asked, additionalFields: ["sha"] }),
    );
    if (!isCommit(sha)) throw this.#nonsense("sha");
    return sha;
  }

  /**
   * What a model's maker says of its licence, as the Hub's short name for it; undefined where that is not told.
   * @throws {CairnError} `provider`, `unavailable` or `output`
   */
  async licence(revision: string): Promise<string | undefined> {
    const asked = { name: this.#repository, revision, hubUrl: this.#access.endpoint, fetch: this.#fetch };
    const { cardData } = await this.#parsed(modelInfo({ ...asked, additionalFields: ["cardData"] }));
    const licence: unknown = cardData?.license;
    return typeof licence === "string" && licence !== "" ? licence : undefined;
  }

  /**
   * Size and hash of files at a commit. The API names them for large files too, where the header of a download may name
   * the hash of a storage behind it instead.
   * @throws {CairnError} `provider`, `unavailable` or `output`, also when one of the files is not there
   */
  async describe(commit: string, paths: readonly string[]): Promise<readonly HubFile[]> {
    const found = await this.#parsed(
      pathsInfo({
        repo: { type: this.#kind, name: this.#repository },
        revision: commit,
        paths: [...paths],
        hubUrl: this.#access.endpoint,
        fetch: this.#fetch,
      }),
    );
    const files = new Map(found.filter(({ type }) => type === "file").map((entry) => [entry.path, entry]));
    const missing = paths.find((path) => !files.has(path));
    if (missing !== undefined) throw await this.#lacks(commit, missing);
    return paths.flatMap((path) => files.get(path) ?? []).map((info) => this.#described(info));
  }

  /** Says what there is of the same kind instead. */
  async #lacks(commit: string, path: string): Promise<CairnError> {
    const ending = path.slice(path.lastIndexOf("."));
    const others = (await this.list(commit)).map((file) => file.path).filter((other) => other.endsWith(ending));
    return new CairnError(
      "provider",
      phrase("{0} lacks {1} at {2}.", this.#repository, path, commit.slice(0, 7)),
      others.length === 0
        ? phrase("Update Cairn: the repository was arranged anew.")
        : phrase("It has {0}: try another precision, or update Cairn.", others.join(", ")),
    );
  }

  /**
   * All files at a commit, with size and hash.
   * @throws {CairnError} `provider`, `unavailable` or `output`
   */
  async list(commit: string): Promise<readonly HubFile[]> {
    const entries = listFiles({
      repo: { type: this.#kind, name: this.#repository },
      revision: commit,
      recursive: true,
      hubUrl: this.#access.endpoint,
      fetch: this.#fetch,
    });
    return this.#parsed(this.#filesOf(entries));
  }

  async #filesOf(entries: AsyncIterable<Described & { type: string }>): Promise<HubFile[]> {
    const files: HubFile[] = [];
    for await (const entry of entries) if (entry.type === "file") files.push(this.#described(entry));
    return files;
  }

  /** @throws {CairnError} `output` for what no file can be called, or be as long as */
  #described({ path, size, oid, lfs }: Described): HubFile {
    const hash = lfs?.oid ?? oid ?? "";
    const bytes = lfs?.size ?? size;
    const isHash = (lfs ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{40}$/).test(hash);
    // It becomes a name in the cache: it may not lead out of it.
    const isInside = path.split("/").every((part) => !["", ".", ".."].includes(part)) && !/[\\\0]/.test(path);
    if (!isHash || !isInside || !Number.isSafeInteger(bytes) || bytes < 0) throw this.#nonsense(path);
    return { path, bytes, hash };
  }

  /** Where the content of a file begins; redirects to where it lies. */
  address(commit: string, path: string): string {
    const repository = `${this.#kind === "dataset" ? "datasets/" : ""}${this.#repository}`;
    return `${this.#access.endpoint}/${repository}/resolve/${commit}/${path.split("/").map(encodeURIComponent).join("/")}`;
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
