import { realpathSync } from "node:fs";
import { basename, dirname } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import type { BaseStanding } from "../../shared/delta-types.ts";
import { stopWhen } from "./delta-options.ts";
import type { FoundModel, Looking } from "./found-models.ts";
import { floatValues, numberFormat } from "./number-format.ts";
import { FileReader } from "./read-file.ts";
import type { TensorPlace } from "./safetensors.ts";

/** What speaks for a model being made from another. */
export interface Kinship {
  /** Whether the model itself names the base. */
  declared: boolean;
  /** Whether both have the same architecture, by their configurations; undefined where one does not say. */
  sameArchitecture: boolean | undefined;
  /** Share of the bytes of its tensors that the base has too, by name, format and shape. */
  shared: number;
  /** Length of the difference over that of the base's weights, by a sample; undefined where none can be compared. */
  distance: number | undefined;
}

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
/** Models have at least so much of their tensors in common. */
const LEAST_SHARED = 0.5;
/** Share of their common bytes that must be floats for a distance to mean anything. */
const LEAST_FLOATS = 0.5;
const SAMPLED_TENSORS = 24;
const SAMPLE_BYTES = 16 << 10;

/**
 * For each model the nearest of the others, when it is near enough to be its base. Of two models, the base is the one
 * that the other names, else the one with the older file. What is a base is not made from another itself.
 */
export async function findDescents(models: readonly FoundModel[], looking: Looking): Promise<Descent[]> {
  const compare = comparison();
  const candidates: Descent[] = [];
  for (const [done, fine] of models.entries()) {
    looking.onProgress?.({ phase: "relating", done, total: models.length });
    for (const base of models) {
      if (base === fine || !isLater(fine, base)) continue;
      await turnOf(looking);
      const kinship = compare(fine, base);
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
  const compare = comparison();
  const own = realpathSync(fine.path);
  const candidates: BaseCandidate[] = [];
  for (const [done, base] of models.entries()) {
    looking.onProgress?.({ phase: "relating", done, total: models.length });
    await turnOf(looking);
    if (realpathSync(base.path) === own) continue;
    const kinship = compare(fine, base);
    if (!kinship.declared && kinship.shared < LEAST_SHARED) continue;
    candidates.push({ base, ...kinship, standing: standingOf(fine, base, kinship) });
  }
  return candidates.sort(
    (a, b) =>
      Number(b.standing === "likely") - Number(a.standing === "likely") ||
      Number(b.declared) - Number(a.declared) ||
      (a.distance ?? Number.POSITIVE_INFINITY) - (b.distance ?? Number.POSITIVE_INFINITY) ||
      b.shared - a.shared,
  );
}

function standingOf(fine: FoundModel, base: FoundModel, kinship: Kinship): BaseStanding {
  if (kinship.distance === undefined) return "little";
  if (!isNear(kinship)) return "unrelated";
  return isLater(fine, base) ? "likely" : "after";
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

interface Located {
  path: string;
  tensor: TensorPlace;
}

interface Pair {
  fine: Located;
  base: Located;
}

/** Compares models, each with many others: its tensors are looked through once. */
function comparison(): (fine: FoundModel, base: FoundModel) => Kinship {
  const known = new Map<FoundModel, Map<string, Located>>();
  const tensorsOf = (found: FoundModel) => {
    const tensors =
      known.get(found) ??
      new Map(
        found.model.files.flatMap(({ path, tensors }) => tensors.map((tensor) => [keyOf(tensor), { path, tensor }])),
      );
    known.set(found, tensors);
    return tensors;
  };
  return (fine, base) => {
    const [own, others] = [tensorsOf(fine), tensorsOf(base)];
    const both: Pair[] = [];
    let bytes = 0;
    let sharedBytes = 0;
    for (const [key, one] of own) {
      bytes += one.tensor.bytes;
      const other = others.get(key);
      if (!other) continue;
      sharedBytes += one.tensor.bytes;
      both.push({ fine: one, base: other });
    }
    const shared = sharedBytes / Math.max(1, bytes);
    return {
      declared: names(fine, base),
      sameArchitecture:
        fine.architecture === undefined || base.architecture === undefined
          ? undefined
          : fine.architecture === base.architecture,
      shared,
      distance: shared < LEAST_SHARED ? undefined : distanceOf(both),
    };
  };
}

/** Whether a model's card or configuration names the other. */
function names({ declared }: FoundModel, { path, model }: FoundModel): boolean {
  const own = [path, ...(model.isFolder ? [] : [dirname(path)])].map((one) => basename(one, ".safetensors"));
  const folders = path.split(/[\\/]/);
  // `org/model` names a folder `model`, or the Hub's `models--org--model/snapshots/...`.
  return declared.some(
    (name) => own.includes(basename(name)) || folders.includes(`models--${name.replaceAll("/", "--")}`),
  );
}

function distanceOf(pairs: readonly Pair[]): number | undefined {
  const floats = pairs.filter(
    ({ fine: { tensor } }) => tensor.bytes > 0 && ["F32", "F16", "BF16"].includes(tensor.dtype),
  );
  const bytesOf = (list: readonly Pair[]) => list.reduce((sum, { fine }) => sum + fine.tensor.bytes, 0);
  // Norms are alike in models that have nothing to do with each other; where all else is quantised they tell nothing.
  if (bytesOf(floats) < LEAST_FLOATS * bytesOf(pairs)) return Number.POSITIVE_INFINITY;
  const largest = floats.toSorted((a, b) => b.fine.tensor.bytes - a.fine.tensor.bytes).slice(0, SAMPLED_TENSORS);
  const reader = new FileReader();
  let change = 0;
  let energy = 0;
  try {
    for (const { fine, base } of largest) {
      const { width } = numberFormat(fine.tensor.dtype);
      const bytes = Math.min(SAMPLE_BYTES, fine.tensor.bytes);
      const from = Math.floor((fine.tensor.bytes - bytes) / 2 / width) * width;
      const [own, other] = [fine, base].map(({ path, tensor }) => {
        const sample = new Uint8Array(bytes);
        reader.read(path, tensor.at + from, sample);
        return floatValues(tensor.dtype, sample) ?? new Float32Array();
      });
      own.forEach((value, i) => {
        const difference = value - other[i];
        if (!Number.isFinite(difference)) return;
        change += difference * difference;
        energy += other[i] * other[i];
      });
    }
  } finally {
    reader.close();
  }
  return energy > 0 ? Math.sqrt(change / energy) : undefined;
}

function isLater(fine: FoundModel, base: FoundModel): boolean {
  if (names(fine, base)) return true;
  if (names(base, fine)) return false;
  const time = ({ model }: FoundModel) =>
    Math.max(...model.files.filter(({ tensors }) => tensors.length > 0).map(({ mtimeMs }) => mtimeMs));
  return time(fine) > time(base) || (time(fine) === time(base) && fine.path > base.path);
}

function keyOf({ name, dtype, shape }: TensorPlace): string {
  return `${name} ${dtype} ${shape}`;
}
