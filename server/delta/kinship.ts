import { basename, dirname } from "node:path";
import type { FoundKind } from "../../shared/delta-types.ts";
import { CairnError } from "../../shared/errors.ts";
import type { FoundModel } from "./found-models.ts";
import { floatValues, numberFormat } from "./number-format.ts";
import { FileReader } from "./read-file.ts";
import { type DatasetSketch, sharedWith, sketchOf } from "./row-sketch.ts";
import type { TensorPlace } from "./safetensors.ts";

/** What speaks for a model or a dataset being made from another. */
export interface Kinship {
  kind: FoundKind;
  /** Whether it names the base itself. */
  declared: boolean;
  /** Whether both have the same architecture, by their configurations; undefined where one does not say. */
  sameArchitecture: boolean | undefined;
  /** Of a model, share of the bytes of its tensors that the base has too, by name, format and shape; of a dataset, see `sharedWith`. */
  shared: number;
  /**
   * Length of the difference over that of the base's weights, by a sample; of datasets, the share that is not in the base.
   * Undefined where nothing can be compared.
   */
  distance: number | undefined;
}

/** Models have at least so much of their tensors in common. */
export const LEAST_SHARED = 0.5;
/** Share of their common bytes that must be floats for a distance to mean anything. */
const LEAST_FLOATS = 0.5;
const SAMPLED_TENSORS = 24;
const SAMPLE_BYTES = 16 << 10;

interface Located {
  path: string;
  tensor: TensorPlace;
}

interface Pair {
  fine: Located;
  base: Located;
}

/** Compares models with models and datasets with datasets, each with many others: what it holds is looked through once. */
export type Comparison = (fine: FoundModel, base: FoundModel) => Promise<Kinship>;

/** @param turn awaited before something long, so that what cancels can come in */
export function comparison(turn: () => Promise<void>): Comparison {
  const models = modelComparison();
  const datasets = datasetComparison(turn);
  return async (fine, base) => {
    await turn();
    return fine.kind === "dataset" ? datasets(fine, base) : models(fine, base);
  };
}

function datasetComparison(turn: () => Promise<void>): Comparison {
  const known = new Map<FoundModel, DatasetSketch>();
  const sketch = async (found: FoundModel) => {
    const made = known.get(found) ?? (await sketchIfReadable(found));
    known.set(found, made);
    return made;
  };
  // One that cannot be read is like no other; the others are compared all the same.
  const sketchIfReadable = (found: FoundModel): Promise<DatasetSketch> =>
    sketchOf(found.model.files, turn).catch((error: unknown) => {
      if (isUnreadable(error)) return new Map();
      throw error;
    });
  return async (fine, base) => {
    const shared = sharedWith(await sketch(fine), await sketch(base));
    return {
      kind: "dataset",
      declared: names(fine, base),
      sameArchitecture: undefined,
      shared: shared ?? 0,
      distance: shared === undefined ? undefined : 1 - shared,
    };
  };
}

function isUnreadable(error: unknown): boolean {
  return error instanceof CairnError ? error.kind === "corrupt" : error instanceof Error && "code" in error;
}

function modelComparison(): (fine: FoundModel, base: FoundModel) => Kinship {
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
      kind: "model",
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

/** Whether a card or a configuration names the other. */
export function names({ declared }: FoundModel, { kind, path, model }: FoundModel): boolean {
  const own = [path, ...(model.isFolder ? [] : [dirname(path)])].map((one) => basename(one, ".safetensors"));
  const folders = path.split(/[\\/]/);
  // `org/model` names a folder `model`, or the Hub's `models--org--model/snapshots/...`.
  return declared.some(
    (name) => own.includes(basename(name)) || folders.includes(`${kind}s--${name.replaceAll("/", "--")}`),
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

function keyOf({ name, dtype, shape }: TensorPlace): string {
  return `${name} ${dtype} ${shape}`;
}
