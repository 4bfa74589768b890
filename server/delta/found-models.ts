import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { type DeltaOptions, stopWhen } from "./delta-options.ts";
import { type Model, openModel } from "./model-files.ts";

/** A model that was found, with what it says of its origin. */
export interface FoundModel {
  path: string;
  model: Model;
  bytes: number;
  /** Names of models that its card or its configuration gives as what it was made from. */
  declared: readonly string[];
  /** What its configuration says of its architecture, to be compared with another's; undefined when nothing. */
  architecture: string | undefined;
}

/** How a search for models is stopped, and told of. */
export type Looking = Pick<DeltaOptions, "signal" | "onProgress">;

const MOST_TEXT_BYTES = 1 << 20;
const DEEPEST = 6;

/**
 * Finds models below a folder, at most `depth` folders down: folders with safetensors files, and safetensors files in
 * folders that hold several models (no `config.json`); each GGUF file is a model. Files and folders that cannot be read are passed over.
 *
 * @throws {CairnError} `input` when the folder itself cannot be read
 */
export async function findModels(folder: string, looking: Looking, depth = DEEPEST): Promise<FoundModel[]> {
  const found: FoundModel[] = [];
  for await (const path of placesBelow(folder, depth)) {
    stopWhen(looking.signal);
    try {
      found.push(foundModel(path));
    } catch (error) {
      if (!(error instanceof CairnError)) throw error;
    }
    looking.onProgress?.({ phase: "looking", done: found.length, total: 0 });
  }
  return found;
}

/**
 * A model that the user has named.
 *
 * @throws {CairnError} `input` when it is not there, or not what it says it is
 */
export function foundModel(path: string): FoundModel {
  const model = openModel(path);
  const bytes = model.files.reduce((sum, file) => sum + file.bytes, 0);
  return { path: model.path, model, bytes, ...saidIn(model.isFolder ? model.path : dirname(model.path)) };
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
  const files = names.filter((name) => name.endsWith(".safetensors"));
  if (files.length > 0 && names.includes("config.json")) {
    yield folder;
    return;
  }
  files.push(...names.filter((name) => name.endsWith(".gguf")));
  if (files.length > 0) {
    yield* files.map((name) => join(folder, name));
    return;
  }
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

/** `base_model` of the card's front matter, and what the configuration says. */
function saidIn(folder: string): Pick<FoundModel, "declared" | "architecture"> {
  const declared: string[] = [];
  const front = /^---\r?\n([\s\S]*?)\r?\n---/.exec(textOf(join(folder, "README.md")))?.[1] ?? "";
  const [, inline, list] = /^base_model:[ \t]*([^\r\n]*)((?:\r?\n[ \t]*-[ \t]*[^\r\n]+)*)/m.exec(front) ?? [];
  for (const name of [inline, ...(list ?? "").split(/\r?\n[ \t]*-/)]) if (name?.trim()) declared.push(unquoted(name));
  const configuration = configurationIn(folder);
  const { _name_or_path: configured } = configuration;
  if (typeof configured === "string" && configured !== "") declared.push(configured);
  const known = ARCHITECTURE.filter((key) => configuration[key] !== undefined);
  const architecture = known.length > 0 ? JSON.stringify(known.map((key) => [key, configuration[key]])) : undefined;
  return { declared, architecture };
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
