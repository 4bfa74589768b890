import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { FoundKind } from "../../shared/delta-types.ts";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { type DeltaOptions, stopWhen } from "./delta-options.ts";
import { type Model, openModel } from "./model-files.ts";
import { rowKindOf } from "./rows.ts";

/** A model or a dataset that was found, with what it says of its origin. */
export interface FoundModel {
  kind: FoundKind;
  path: string;
  model: Model;
  bytes: number;
  /** Names of models or datasets that its card or its configuration gives as what it was made from. */
  declared: readonly string[];
  /** What its configuration says of its architecture, to be compared with another's; undefined when nothing. */
  architecture: string | undefined;
}

/** How a search for models is stopped, and told of. */
export type Looking = Pick<DeltaOptions, "signal" | "onProgress">;

const MOST_TEXT_BYTES = 1 << 20;
const DEEPEST = 6;
/** Of smaller tables there are many, and a delta of one saves nothing. */
const SMALLEST_DATASET = 4096;

/**
 * Finds models and datasets below a folder, at most `depth` folders down. A model is a folder with a `config.json` and
 * safetensors files; in other folders each safetensors file and each GGUF file. A dataset is a folder that says so, by
 * its name in the Hub's cache, its card or its `dataset_info.json`; in other folders each file with rows. Files and
 * folders that cannot be read are passed over.
 *
 * @throws {CairnError} `input` when the folder itself cannot be read
 */
export async function findModels(folder: string, looking: Looking, depth = DEEPEST): Promise<FoundModel[]> {
  const found: FoundModel[] = [];
  for await (const path of placesBelow(folder, depth)) {
    stopWhen(looking.signal);
    try {
      const one = foundModel(path);
      if (one.kind === "model" || one.bytes >= SMALLEST_DATASET) found.push(one);
    } catch (error) {
      if (!(error instanceof CairnError)) throw error;
    }
    looking.onProgress?.({ phase: "looking", done: found.length, total: 0 });
  }
  return found;
}

/**
 * A model or a dataset that the user has named.
 *
 * @throws {CairnError} `input` when it is not there, or not what it says it is
 */
export function foundModel(path: string): FoundModel {
  const model = openModel(path);
  const bytes = model.files.reduce((sum, file) => sum + file.bytes, 0);
  const kind = kindOf(model);
  // The card beside a file is about it where it is a model's: of tables there are many in a folder.
  const folder = model.isFolder ? model.path : kind === "model" ? dirname(model.path) : undefined;
  const said = folder === undefined ? { declared: [], architecture: undefined } : saidIn(folder, kind);
  return { kind, path: model.path, model, bytes, ...said };
}

async function* placesBelow(folder: string, depth: number): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: Error) => {
    throw new CairnError(
      "input",
      phrase("The folder {0} cannot be read: {1}.", folder, error.message),
      phrase("Check its name and its permissions."),
    );
  });
  const names = entries.map(({ name }) => name).sort();
  if (names.includes("config.json") && names.some((name) => name.endsWith(".safetensors"))) {
    yield folder;
    return;
  }
  if (isDatasetFolder(folder, names)) {
    yield folder;
    return;
  }
  yield* names
    .filter((name) => /\.(?:safetensors|gguf)$/.test(name) || rowKindOf(name) !== undefined)
    .map((name) => join(folder, name));
  if (depth === 0) return;
  const below = entries.filter((entry) => entry.isDirectory() && entry.name !== ".git" && entry.name !== "blobs");
  for (const name of below.map((entry) => entry.name).sort()) {
    try {
      yield* placesBelow(join(folder, name), depth - 1);
    } catch (error) {
      if (!(error instanceof CairnError)) throw error;
    }
  }
}

/** Whether there are tensors in it, or only rows. */
function kindOf({ files }: Model): FoundKind {
  const hasTensors = files.some(({ tensors }) => tensors.length > 0);
  return !hasTensors && files.some(({ name }) => rowKindOf(name) !== undefined) ? "dataset" : "model";
}

function isDatasetFolder(folder: string, names: readonly string[]): boolean {
  if (/(?:^|[\\/])datasets--[^\\/]+[\\/]snapshots[\\/][^\\/]+$/.test(folder)) return true;
  if (names.some((name) => ["dataset_info.json", "dataset_infos.json", "dataset_dict.json"].includes(name)))
    return true;
  return names.includes("README.md") && /^(?:dataset_info|source_datasets|task_categories):/m.test(cardOf(folder));
}

/** The front matter of the card in a folder; "" where there is none. */
function cardOf(folder: string): string {
  return /^---\r?\n([\s\S]*?)\r?\n---/.exec(textOf(join(folder, "README.md")))?.[1] ?? "";
}

/** What the card's front matter names as the origin, and what the configuration says. */
function saidIn(folder: string, kind: FoundKind): Pick<FoundModel, "declared" | "architecture"> {
  const declared = namesIn(cardOf(folder), kind === "dataset" ? "source_datasets" : "base_model");
  if (kind === "dataset") {
    // The Hub's own way of writing it: `original`, `extended`, `extended|squad`.
    const sources = declared.map((name) => name.replace(/^extended\|/, ""));
    return { declared: sources.filter((name) => !["original", "extended"].includes(name)), architecture: undefined };
  }
  const configuration = configurationIn(folder);
  const { _name_or_path: configured } = configuration;
  if (typeof configured === "string" && configured !== "") declared.push(configured);
  const known = ARCHITECTURE.filter((key) => configuration[key] !== undefined);
  const architecture = known.length > 0 ? JSON.stringify(known.map((key) => [key, configuration[key]])) : undefined;
  return { declared, architecture };
}

/** The value of a key of front matter, one name or a list of them. */
function namesIn(front: string, key: string): string[] {
  const found = new RegExp(`^${key}:[ \\t]*([^\\r\\n]*)((?:\\r?\\n[ \\t]*-[ \\t]*[^\\r\\n]+)*)`, "m").exec(front);
  const [, inline = "", list = ""] = found ?? [];
  return [inline, ...list.split(/\r?\n[ \t]*-/)].map(unquoted).filter((name) => name !== "");
}

/** What training does not change; tokens may be added, and heads for other tasks. */
const ARCHITECTURE = [
  ...["model_type", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"],
  ...["num_key_value_heads", "d_model", "num_layers", "n_embd", "n_layer", "n_head"],
];

function configurationIn(folder: string): Record<string, unknown> {
  try {
    const read: unknown = JSON.parse(textOf(join(folder, "config.json")));
    return typeof read === "object" && read !== null ? { ...read } : {};
  } catch {
    return {};
  }
}

function unquoted(text: string): string {
  return text.trim().replace(/^["']|["']$/g, "");
}

function textOf(path: string): string {
  try {
    return readFileSync(path).subarray(0, MOST_TEXT_BYTES).toString("utf8");
  } catch {
    return "";
  }
}
