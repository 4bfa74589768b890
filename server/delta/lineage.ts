import { realpathSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import type { BaseStanding } from "../../shared/delta-types.ts";
import { stopWhen } from "./delta-options.ts";
import type { FoundModel, Looking } from "./found-models.ts";
import { type Comparison, comparison, type Kinship, LEAST_SHARED, names } from "./kinship.ts";

/** A model that was made from another, as far as can be told. */
export interface Descent extends Kinship {
  fine: FoundModel;
  base: FoundModel;
  distance: number;
}

/** A model that another may have been made from. */
export interface BaseCandidate extends Kinship {
  base: FoundModel;
  standing: BaseStanding;
}

/** Weights that are further apart than this have nothing to do with each other: unrelated ones are at 1.4. */
const FARTHEST = 0.5;
/** Difference of two shares that says which dataset was made from which. */
const CLEARLY = 0.2;

/**
 * For each model the nearest of the others, when it is near enough to be its base, and the same of datasets. Of two, the
 * base is the one that the other names; else of two datasets the one that holds clearly more of the other; else the one
 * with the older file. What is a base is not made from another itself.
 */
export async function findDescents(models: readonly FoundModel[], looking: Looking): Promise<Descent[]> {
  const compare = comparison(() => turnOf(looking));
  const candidates: Descent[] = [];
  for (const [done, fine] of models.entries()) {
    looking.onProgress?.({ phase: "relating", done, total: models.length });
    for (const base of models) {
      if (base === fine || base.kind !== fine.kind || !(await isLater(fine, base, compare))) continue;
      const kinship = await compare(fine, base);
      const { distance } = kinship;
      if (distance !== undefined && isNear(kinship)) candidates.push({ fine, base, ...kinship, distance });
    }
  }
  candidates.sort((a, b) => Number(b.declared) - Number(a.declared) || a.distance - b.distance);
  const bases = new Set<FoundModel>();
  const descents = new Map<FoundModel, Descent>();
  for (const candidate of candidates) {
    if (descents.has(candidate.fine) || bases.has(candidate.fine) || descents.has(candidate.base)) continue;
    bases.add(candidate.base);
    descents.set(candidate.fine, candidate);
  }
  return [...descents.values()].sort((a, b) => b.fine.bytes - a.fine.bytes);
}

/**
 * The models that one may have been made from, the likeliest first: all that it names, and all that have at least half
 * of its tensors, those with other weights too, so that a user sees why they are none.
 */
export async function findBases(
  fine: FoundModel,
  models: readonly FoundModel[],
  looking: Looking,
): Promise<BaseCandidate[]> {
  const compare = comparison(() => turnOf(looking));
  const own = realpathSync(fine.path);
  const candidates: BaseCandidate[] = [];
  for (const [done, base] of models.entries()) {
    looking.onProgress?.({ phase: "relating", done, total: models.length });
    if (base.kind !== fine.kind || realpathSync(base.path) === own) continue;
    const kinship = await compare(fine, base);
    if (!kinship.declared && kinship.shared < LEAST_SHARED) continue;
    candidates.push({ base, ...kinship, standing: await standingOf(fine, base, kinship, compare) });
  }
  return candidates.sort(
    (a, b) =>
      Number(b.standing === "likely") - Number(a.standing === "likely") ||
      Number(b.declared) - Number(a.declared) ||
      (a.distance ?? Number.POSITIVE_INFINITY) - (b.distance ?? Number.POSITIVE_INFINITY) ||
      b.shared - a.shared,
  );
}

async function standingOf(
  fine: FoundModel,
  base: FoundModel,
  kinship: Kinship,
  compare: Comparison,
): Promise<BaseStanding> {
  if (kinship.distance === undefined) return "little";
  if (!isNear(kinship)) return "unrelated";
  return (await isLater(fine, base, compare)) ? "likely" : "after";
}

/** Of models that have too little in common there is no distance. */
function isNear({ distance }: Kinship): boolean {
  return distance !== undefined && distance < FARTHEST;
}

/** Lets what cancels come in, between one pair of models and the next. */
async function turnOf({ signal }: Looking): Promise<void> {
  await turn();
  stopWhen(signal);
}

async function isLater(fine: FoundModel, base: FoundModel, compare: Comparison): Promise<boolean> {
  if (names(fine, base)) return true;
  if (names(base, fine)) return false;
  if (fine.kind === "dataset") {
    // A sample of a dataset is wholly in it, which is only partly in the sample.
    const [inBase, inFine] = [await compare(fine, base), await compare(base, fine)];
    if (Math.abs(inBase.shared - inFine.shared) > CLEARLY) return inBase.shared > inFine.shared;
  }
  const time = ({ kind, model }: FoundModel) =>
    Math.max(
      ...model.files.filter(({ tensors }) => kind === "dataset" || tensors.length > 0).map(({ mtimeMs }) => mtimeMs),
    );
  return time(fine) > time(base) || (time(fine) === time(base) && fine.path > base.path);
}
