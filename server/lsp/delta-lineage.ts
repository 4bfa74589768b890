import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { CollectedDelta, DeltaKinship, FoundBases, FoundDescents } from "../../shared/delta-types.ts";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { CollectionEntry } from "../delta/collection.ts";
import { type FoundModel, findModels, foundModel, type Looking } from "../delta/found-models.ts";
import type { Kinship } from "../delta/kinship.ts";
import { findBases, findDescents } from "../delta/lineage.ts";
import { hubCacheFolder } from "../hub/cache-layout.ts";

/** How far down models are looked for beside another: its folder may be the user's whole home. */
const DEPTH_BESIDE = 2;

/**
 * The models or datasets that one may have been made from, in a folder, or beside it and in the Hub's cache.
 *
 * @throws {CairnError} `input` when the model or the folder cannot be read, or there are no tensors to compare
 */
export async function basesOf(path: string, folder: string | undefined, looking: Looking): Promise<FoundBases> {
  const fine = foundModel(path);
  if (fine.kind === "model" && fine.model.files.every(({ tensors }) => tensors.length === 0)) {
    throw new CairnError(
      "input",
      phrase("{0} has no tensors and no rows, which a base is found by.", fine.path),
      phrase("Choose the base yourself: the file or folder that it was made from."),
    );
  }
  const places = folder === undefined ? placesFor(fine) : [{ folder, depth: undefined }];
  const models = new Map<string, FoundModel>();
  for (const place of places) {
    for (const model of await findModels(place.folder, looking, place.depth))
      if (model.kind === fine.kind) models.set(model.path, model);
  }
  const candidates = await findBases(fine, [...models.values()], looking);
  models.delete(fine.path);
  return {
    folders: places.map((place) => place.folder),
    models: models.size,
    candidates: candidates.map(({ base: { path, bytes }, standing, ...kinship }) => {
      return { path, bytes, standing, ...kinshipOf(kinship) };
    }),
  };
}

function placesFor({ path }: FoundModel): { folder: string; depth: number | undefined }[] {
  const cache = hubCacheFolder(process.env);
  const beside = { folder: dirname(path), depth: DEPTH_BESIDE };
  const isInCache = beside.folder.startsWith(join(cache, "/"));
  return [...(isInCache ? [] : [beside]), ...(existsSync(cache) ? [{ folder: cache, depth: undefined }] : [])];
}

/**
 * Which models and datasets in a folder, or in the Hub's cache, were made from which.
 *
 * @throws {CairnError} `input` when the folder is not there or cannot be read
 */
export async function descentsIn(given: string | undefined, looking: Looking): Promise<FoundDescents> {
  const folder = given ?? hubCacheFolder(process.env);
  if (given === undefined && !existsSync(folder)) {
    throw new CairnError(
      "input",
      phrase("The Hub's cache is not there: {0}.", folder),
      phrase("Nothing was downloaded on this machine yet. Choose a folder with models."),
    );
  }
  const found = await findModels(folder, looking);
  const descents = await findDescents(found, looking);
  const models = found.filter(({ kind }) => kind === "model").length;
  return {
    folder,
    models,
    datasets: found.length - models,
    descents: descents.map(({ fine, base, ...kinship }) => {
      return { fine: fine.path, base: base.path, bytes: fine.bytes, ...kinshipOf(kinship) };
    }),
  };
}

/** An entry of a folder's list, with the delta's whole path. */
export function collected(folder: string, entry: CollectionEntry): CollectedDelta {
  return { ...entry, delta: join(folder, entry.delta) };
}

function kinshipOf({ kind, declared, sameArchitecture, shared, distance }: Kinship): DeltaKinship {
  return { kind, declared, sameArchitecture, shared, distance };
}
