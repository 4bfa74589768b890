import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { Host } from "../host.ts";
import { bringFiles, type PullOptions, type Wanted } from "./bring-files.ts";
import { CachedRepository } from "./cache-layout.ts";
import { type CatalogFile, filesOf, type ModelFiles, type Precision } from "./catalog.ts";
import type { HubAccess } from "./hub-access.ts";
import { hubFetch } from "./hub-fetch.ts";
import { type HubFile, HubFiles } from "./hub-files.ts";
import { checkFile, knownCommit } from "./installed.ts";
import { type Known, type KnownFiles, promisedSha256 } from "./known-files.ts";
import { withRepository } from "./repository-lock.ts";

/** Where models come from and what is known of them. */
export interface HubParts {
  readonly host: Pick<Host, "fetch">;
  readonly access: HubAccess;
  readonly known: KnownFiles;
}

export interface PulledModel {
  readonly commit: string;
  /** Absolute path of the snapshot, in which the files have their names. */
  readonly folder: string;
  readonly files: readonly PulledFile[];
  readonly downloadedBytes: number;
  readonly resumedBytes: number;
}

export interface PulledFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly downloaded: boolean;
}

/**
 * Brings a model into the Hub's cache: what is there and whole is taken as it is, whoever downloaded it; all else is
 * downloaded, several files at a time, and checked before it gets its name. When everything is there nobody is asked.
 *
 * @throws {CairnError} `unavailable` without connection, room or while another process is at it; `provider` when the Hub
 * refuses; `output` for content that is not what was promised. What is downloaded so far stays for the next run.
 */
export async function pullModel(
  parts: HubParts,
  model: ModelFiles,
  precision: Precision,
  options: PullOptions = {},
): Promise<PulledModel> {
  const files = filesOf(model, precision);
  const cached = new CachedRepository(parts.access.cacheFolder, model.repository);
  return withRepository(cached, model, async () => {
    const before = parts.known.read(model);
    return (
      (await alreadyThere(cached, model, files, before, options.signal)) ??
      (await complete(parts, cached, model, files, before, options))
    );
  });
}

/** The model when all of it is known and whole: nobody need be asked. */
async function alreadyThere(
  cached: CachedRepository,
  model: ModelFiles,
  files: readonly CatalogFile[],
  before: Known | undefined,
  signal?: AbortSignal,
): Promise<PulledModel | undefined> {
  const commit = knownCommit(model, before);
  if (commit === undefined) return undefined;
  const found: PulledFile[] = [];
  for (const file of files) {
    const sha256 = promisedSha256(file, before);
    if (sha256 === undefined) return undefined;
    const { state, bytes } = await checkFile(cached.file(commit, file.path), sha256, signal);
    if (state !== "whole") return undefined;
    found.push({ path: file.path, bytes, sha256, downloaded: false });
  }
  return { commit, folder: cached.snapshot(commit), files: found, downloadedBytes: 0, resumedBytes: 0 };
}

async function complete(
  { host, access, known }: HubParts,
  cached: CachedRepository,
  model: ModelFiles,
  files: readonly CatalogFile[],
  before: Known | undefined,
  options: PullOptions,
): Promise<PulledModel> {
  const { endpoint, cacheFolder } = access;
  const fetch = (signal?: AbortSignal) => hubFetch(host, access, model.repository, signal);
  const hub = new HubFiles(access, model.repository, fetch(options.signal));
  const commit = knownCommit(model, before) ?? (await hub.commitOf(model.revision));
  const paths = files.map(({ path }) => path);
  const described = await hub.describe(commit, paths);
  const wanted = described.map((file, i) => promised(model, file, promisedSha256(files[i], before)));

  const transfer = { endpoint, cacheFolder, cached, hub, commit, fetch };
  const { files: brought, downloadedBytes, resumedBytes } = await bringFiles(transfer, wanted, options);
  cached.setReference(model.revision, commit);
  const all = [...brought].map(([path, { bytes, hash, sha256 }]) => [path, { bytes, hash, sha256 }] as const);
  known.add(model, { commit, endpoint, files: Object.fromEntries(all) });
  return {
    commit,
    folder: cached.snapshot(commit),
    files: [...brought]
      .map(([path, { bytes, sha256, downloaded }]) => ({ path, bytes, sha256, downloaded }))
      .sort((a, b) => paths.indexOf(a.path) - paths.indexOf(b.path)),
    downloadedBytes,
    resumedBytes,
  };
}

/** @throws {CairnError} `output` when the Hub has other content than the catalogue, or than at the first download */
function promised(model: ModelFiles, file: HubFile, sha256: string | undefined): Wanted {
  const namesSha256 = file.hash.length === sha256?.length;
  if (!namesSha256 || file.hash === sha256) return { ...file, sha256 };
  throw new CairnError(
    "output",
    phrase("The Hub has another {0} of {1} than the one that is known: nothing was downloaded.", file.path, model.id),
    phrase("A mirror (HF_ENDPOINT) or somebody has replaced it. Remove the model only if you trust what is there now."),
  );
}
