import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { CatalogFile, ModelFiles } from "./catalog.ts";
import { isCommit } from "./catalog.ts";
import { removeModelRecord, writeModelRecord } from "./model-record.ts";

const knownFile = z.object({
  bytes: z.int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** The name of its blob in the Hub's cache. */
  hash: z.string().regex(/^(?:[0-9a-f]{64}|[0-9a-f]{40})$/),
});

const record = z.object({
  version: z.literal(1),
  repository: z.string(),
  revision: z.string(),
  commit: z.string().refine(isCommit),
  /** Who said so. */
  endpoint: z.string(),
  files: z.record(z.string(), knownFile),
});

export type KnownFile = z.infer<typeof knownFile>;

/** What was learnt of a model's files when they were first downloaded, and holds from then on. */
export interface Known {
  readonly commit: string;
  readonly endpoint: string;
  readonly files: Readonly<Record<string, KnownFile>>;
}

/**
 * The records of what is known of models, a small file each. One that is lost or damaged is one that was never made: the
 * next download takes the Hub's word again, and says so.
 */
export class KnownFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Undefined before the first download, and when the catalogue has come to name another revision. */
  read(model: ModelFiles): Known | undefined {
    try {
      const known = record.parse(JSON.parse(readFileSync(this.#path(model), "utf8")));
      if (known.repository !== model.repository || known.revision !== model.revision) return undefined;
      return known;
    } catch {
      return undefined;
    }
  }

  /** Adds files to what is known of a model at a commit. @throws {CairnError} `unavailable` where it cannot be written */
  add(model: ModelFiles, { commit, endpoint, files }: Known): void {
    const before = this.read(model);
    const { repository, revision } = model;
    const kept = before?.commit === commit ? before.files : {};
    const content = { version: 1, repository, revision, commit, endpoint, files: { ...kept, ...files } };
    writeModelRecord(this.#path(model), content);
  }

  /** @throws {CairnError} `unavailable` where that cannot be removed */
  forget(model: ModelFiles): void {
    removeModelRecord(this.#path(model));
  }

  #path({ id }: ModelFiles): string {
    return join(this.#folder, `${id.replaceAll("/", "--")}.json`);
  }
}

/** The SHA-256 that a file must have: the catalogue's, else the one of its first download; undefined before that. */
export function promisedSha256({ path, sha256 }: CatalogFile, known: Known | undefined): string | undefined {
  return sha256 ?? known?.files[path]?.sha256;
}
