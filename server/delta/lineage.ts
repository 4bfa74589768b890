import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { type Model, openModel } from "./model-files.ts";
import { floatValues, numberFormat } from "./number-format.ts";
import { FileReader } from "./read-file.ts";
import type { TensorPlace } from "./safetensors.ts";

/** A model that was found, with what it says of its origin. */
export interface FoundModel {
  path: string;
  model: Model;
  bytes: number;
  /** Names of models that its card or its configuration gives as what it was made from. */
  declared: readonly string[];
}

/** A model that was made from another, as far as can be told. */
export interface Descent {
  fine: FoundModel;
  base: FoundModel;
  /** Share of the bytes of its tensors that the base has too, by name, format and shape. */
  shared: number;
  /** Length of the difference over that of the base's weights, by a sample. */
  distance: number;
  /** Whether the model itself names the base. */
  declared: boolean;
}

/** Weights that are further apart than this have nothing to do with each other: unrelated ones are at 1.4. */
const FARTHEST = 0.5;
/** Models have at least so much of their tensors in common. */
const LEAST_SHARED = 0.5;
/** Share of their common bytes that must be floats for a distance to mean anything. */
const LEAST_FLOATS = 0.5;
const SAMPLED_TENSORS = 24;
const SAMPLE_BYTES = 16 << 10;
const MOST_CARD_BYTES = 1 << 20;
const DEEPEST = 6;

/**
 * Finds models below a folder: folders with safetensors files, and safetensors files in folders that hold several
 * models (no `config.json`); each GGUF file is a model. Files that cannot be read are passed over.
 */
export function findModels(folder: string): FoundModel[] {
  return placesBelow(folder, 0).flatMap((path) => {
    try {
      const model = openModel(path);
      const bytes = model.files.reduce((sum, file) => sum + file.bytes, 0);
      return [{ path, model, bytes, declared: declaredIn(model.isFolder ? path : dirname(path)) }];
    } catch (error) {
      if (error instanceof CairnError) return [];
      throw error;
    }
  });
}

/**
 * For each model the nearest of the others, when it is near enough to be its base. Of two models, the base is the one
 * that the other names, else the one with the older file. What is a base is not made from another itself.
 */
export function findDescents(models: readonly FoundModel[]): Descent[] {
  const candidates = models
    .flatMap((fine) => models.flatMap((base) => (base === fine ? [] : (compare(fine, base) ?? []))))
    .filter((one) => isLater(one.fine, one.base))
    .sort((a, b) => Number(b.declared) - Number(a.declared) || a.distance - b.distance);
  const bases = new Set<FoundModel>();
  const descents = new Map<FoundModel, Descent>();
  for (const candidate of candidates) {
    if (descents.has(candidate.fine) || bases.has(candidate.fine) || descents.has(candidate.base)) continue;
    bases.add(candidate.base);
    descents.set(candidate.fine, candidate);
  }
  return [...descents.values()].sort((a, b) => b.fine.bytes - a.fine.bytes);
}

function placesBelow(folder: string, depth: number): string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  const names = entries.map(({ name }) => name);
  const files = names.filter((name) => name.endsWith(".safetensors"));
  if (files.length > 0 && names.includes("config.json")) return [folder];
  files.push(...names.filter((name) => name.endsWith(".gguf")));
  if (files.length > 0) return files.map((name) => join(folder, name));
  if (depth >= DEEPEST) return [];
  return entries
    .filter((entry) => entry.isDirectory() && entry.name !== ".git" && entry.name !== "blobs")
    .flatMap((entry) => placesBelow(join(folder, entry.name), depth + 1));
}

/** `base_model` of the card's front matter, and `_name_or_path` of the configuration. */
function declaredIn(folder: string): string[] {
  const names: string[] = [];
  const card = textOf(join(folder, "README.md"));
  const front = /^---\r?\n([\s\S]*?)\r?\n---/.exec(card)?.[1] ?? "";
  const [, inline, list] = /^base_model:[ \t]*([^\r\n]*)((?:\r?\n[ \t]*-[ \t]*[^\r\n]+)*)/m.exec(front) ?? [];
  for (const name of [inline, ...(list ?? "").split(/\r?\n[ \t]*-/)]) if (name?.trim()) names.push(unquoted(name));
  const [, configured] = /"_name_or_path"\s*:\s*"([^"]+)"/.exec(textOf(join(folder, "config.json"))) ?? [];
  if (configured) names.push(configured);
  return names;
}

function unquoted(text: string): string {
  return text.trim().replace(/^["']|["']$/g, "");
}

function textOf(path: string): string {
  try {
    return readFileSync(path).subarray(0, MOST_CARD_BYTES).toString("utf8");
  } catch {
    return "";
  }
}

function compare(fine: FoundModel, base: FoundModel): Descent | undefined {
  const known = new Map(
    base.model.files.flatMap(({ path, tensors }) => tensors.map((tensor) => [keyOf(tensor), { path, tensor }])),
  );
  const own = fine.model.files.flatMap(({ path, tensors }) => tensors.map((tensor) => ({ path, tensor })));
  const both = own.flatMap((one) => {
    const other = known.get(keyOf(one.tensor));
    return other ? [{ fine: one, base: other }] : [];
  });
  const bytes = (list: readonly { tensor: TensorPlace }[]) => list.reduce((sum, { tensor }) => sum + tensor.bytes, 0);
  const shared = bytes(both.map((pair) => pair.fine)) / Math.max(1, bytes(own));
  if (shared < LEAST_SHARED) return undefined;
  const distance = distanceOf(both);
  if (!(distance < FARTHEST)) return undefined;
  return { fine, base, shared, distance, declared: fine.declared.some((name) => isNameOf(name, base.path)) };
}

/** `org/model` names a folder `model`, or the Hub's `models--org--model/snapshots/...`. */
function isNameOf(name: string, path: string): boolean {
  return basename(path) === basename(name) || path.includes(`models--${name.replaceAll("/", "--")}`);
}

interface Pair {
  fine: { path: string; tensor: TensorPlace };
  base: { path: string; tensor: TensorPlace };
}

function distanceOf(pairs: readonly Pair[]): number {
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
  reader.close();
  return energy > 0 ? Math.sqrt(change / energy) : Number.POSITIVE_INFINITY;
}

function isLater(fine: FoundModel, base: FoundModel): boolean {
  if (fine.declared.some((name) => isNameOf(name, base.path))) return true;
  if (base.declared.some((name) => isNameOf(name, fine.path))) return false;
  const time = ({ model }: FoundModel) =>
    Math.max(...model.files.filter(({ tensors }) => tensors.length > 0).map(({ mtimeMs }) => mtimeMs));
  return time(fine) > time(base) || (time(fine) === time(base) && fine.path > base.path);
}

function keyOf({ name, dtype, shape }: TensorPlace): string {
  return `${name} ${dtype} ${shape}`;
}
