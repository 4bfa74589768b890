import { existsSync, renameSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { openDelta } from "../delta/delta-file.ts";
import { attempt, incomplete } from "../delta/delta-writer.ts";
import {
  type Content,
  contentOf,
  type DeltaStore,
  isSha256,
  isStoreName,
  type StoredName,
  type TransferOptions,
} from "./delta-store.ts";
import { FolderStore } from "./folder-store.ts";

/** A push may find that a collection has just removed what it stored; that it happens twice in a row is no accident. */
const MOST_PUSHES = 5;

export interface OpenStoreOptions {
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Of a store that speaks S3 and is not Amazon's. */
  endpoint?: string;
}

/**
 * The store that a user names: a folder, or `s3://bucket/prefix`. The client of S3 is only loaded for that.
 *
 * @throws {CairnError} `input` when it is neither
 */
export async function openStore(given: string, { cwd, env, endpoint }: OpenStoreOptions): Promise<DeltaStore> {
  if (!/^\w+:\/\//.test(given)) return new FolderStore(resolve(cwd, given));
  const { S3Store } = await import("./s3-store.ts");
  return new S3Store(given, { env, endpoint });
}

/**
 * Stores a delta and names it.
 *
 * @throws {CairnError} `input` when it is no delta or the name cannot be one
 */
export async function push(
  store: DeltaStore,
  path: string,
  name: string,
  options: TransferOptions,
): Promise<StoredName & { wasThere: boolean }> {
  if (!isStoreName(name)) {
    throw new CairnError(
      "input",
      phrase("{0} cannot be a name in a store.", JSON.stringify(name)),
      phrase("Letters, digits, dots, dashes, plus signs, underscores, and slashes between them are possible."),
    );
  }
  const { manifest } = openDelta(path);
  const content = await contentOf(path, options.signal);
  const originalBytes = manifest.files.reduce((sum, { bytes }) => sum + bytes, 0);
  const entry = { name, ...content, originalBytes };
  const wasThere = await store.has(content, options.signal);
  for (let round = 0; round < MOST_PUSHES; round++) {
    await store.put(path, content, options);
    await store.setName(entry, options.signal);
    // A collection that began before it had a name may have taken it away.
    if (await store.has(content, options.signal)) return { ...entry, wasThere };
  }
  throw new CairnError(
    "unavailable",
    phrase("{0} does not keep what is stored there.", store.place),
    phrase("Look for what else removes files there."),
  );
}

/**
 * Brings what a name or a SHA-256 stands for to a file: written beside its place, and renamed once its hash is right. A
 * run that was interrupted is taken up where the store permits it.
 *
 * @throws {CairnError} `input` when there is no such name, `corrupt` when it is not what was stored
 */
export async function pull(
  store: DeltaStore,
  wanted: string,
  out: string,
  options: TransferOptions & { force: boolean },
): Promise<Content & { path: string }> {
  if (!options.force && existsSync(out)) {
    throw new CairnError(
      "input",
      phrase("{0} is already there.", out),
      phrase("Give another --out, or --force to replace it."),
    );
  }
  const { sha256, bytes } = await find(store, wanted, options.signal);
  const place = incomplete(out);
  const left = existsSync(place);
  await store.get({ sha256, bytes }, place, options);
  let isRight = (await contentOf(place, options.signal)).sha256 === sha256;
  if (!isRight) rmSync(place, { force: true });
  if (!isRight && left) {
    // What lay there was not the beginning of it.
    await store.get({ sha256, bytes }, place, options);
    isRight = (await contentOf(place, options.signal)).sha256 === sha256;
  }
  if (!isRight) {
    rmSync(place, { force: true });
    throw new CairnError(
      "corrupt",
      phrase("{0} has something else than was stored there: its SHA-256 is not {1}.", store.place, sha256),
      phrase("Pull it again; if that does not help, push the delta again."),
    );
  }
  attempt(out, () => renameSync(place, out));
  return { sha256, bytes, path: out };
}

async function find(store: DeltaStore, wanted: string, signal: AbortSignal): Promise<StoredName> {
  const found = isSha256(wanted)
    ? (await store.names(signal)).find(({ sha256 }) => sha256 === wanted)
    : isStoreName(wanted)
      ? await store.named(wanted, signal)
      : undefined;
  if (found) return found;
  throw new CairnError(
    "input",
    phrase("{0} has no delta {1}.", store.place, wanted),
    phrase("`cairn delta list` tells which it has."),
  );
}
