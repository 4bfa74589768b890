import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { homedir } from "node:os";
import { basename, isAbsolute, join, normalize } from "node:path";
import type { PrecisionChoice } from "../../shared/embedding-types.ts";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { Settings } from "../../shared/settings.ts";
import { PRECISIONS, type Precision } from "../hub/catalog.ts";
import type { EngineModel } from "../native/engine-model.ts";
import type { ChosenModel, ModelSources } from "./chosen-model.ts";
import { NEEDED, readPapers, weightsIn } from "./model-papers.ts";
import { promptsOf } from "./prompt-families.ts";
import { hashOf, type SeenModel, SeenModels, stampOf } from "./seen-models.ts";
import { ggufModel, startModel, tryOnce } from "./start-model.ts";

/** A model of the user's own, as it lies on disk; what its vectors are like is not known yet. */
interface LocalFiles {
  /** As the setting names it: its path, and its precision where it lies in a folder. */
  readonly name: string;
  /** Absolute paths of all files that decide about its vectors. */
  readonly files: readonly string[];
  readonly model: EngineModel;
}

/**
 * The absolute path that a name of a model stands for, with `~` for the home folder; undefined for names of other kinds.
 */
export function modelPath(name: string): string | undefined {
  const path = name.replace(/^~(?=[\\/])/, homedir());
  return isAbsolute(path) ? normalize(path) : undefined;
}

/**
 * A GGUF file, or a folder with a model in ONNX form, by its path. When it is seen for the first time all of it is read
 * and it is loaded once: its vectors are kept under its content, wherever it lies.
 *
 * @throws {CairnError} `input` when there is no embedding model; what loading it throws
 */
export async function localModel(sources: ModelSources, path: string): Promise<ChosenModel> {
  const [place, precision] = precisionOf(path);
  const found = statSync(place, { throwIfNoEntry: false })?.isFile()
    ? ggufFile(sources.settings, place)
    : modelFolder(place, precision);
  const stamp = stampOf(found.files);
  const all = new SeenModels(join(sources.cacheDirectory, "models", "seen"));
  const known = all.read(found.name, stamp) ?? (await lookInto(found, sources, stamp));
  all.keep(found.name, known);
  const model = withPrompts(found.model, known);
  const { queryPrefix: query, passagePrefix: passage } = model;
  const manner = createHash("sha256")
    .update(JSON.stringify(mannerOf(model)))
    .digest("hex")
    .slice(0, 8);
  const identity = `${model.format}@${known.sha256}/${manner}`;
  return {
    name: found.name,
    identity,
    dims: known.dims,
    prompts: { query, passage },
    async start(signal, deaths) {
      if (stampOf(found.files) !== stamp) throw changed(found.name);
      return startModel(model, { identity, deaths }, sources, signal);
    },
  };
}

/** The precisions of a folder with a model in ONNX form, the one that is taken unless another is named first; of a file none. */
export function folderPrecisions(path: string): PrecisionChoice[] {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [];
  const { weights, parts } = weightsIn(path);
  return PRECISIONS.toReversed().flatMap((precision) => {
    const file = weights[precision];
    if (file === undefined) return [];
    const bytes = [...NEEDED, file, ...parts(file)].reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
    return [{ precision, name: `${path}:${precision}`, onDisk: true, bytes, pinned: true }];
  });
}

function ggufFile(settings: Settings, path: string): LocalFiles {
  return { name: path, files: allParts(path), model: ggufModel(settings, basename(path), path) };
}

/** Large models lie in several files, of which the first is named. */
function allParts(path: string): string[] {
  const [, stem, count] = /^(.*)-0*1-of-(\d+)\.gguf$/.exec(path) ?? [];
  if (stem === undefined) return [path];
  const number = (part: number) => String(part).padStart(count.length, "0");
  return Array.from({ length: Number(count) }, (_, i) => `${stem}-${number(i + 1)}-of-${count}.gguf`);
}

function modelFolder(folder: string, asked: Precision | undefined): LocalFiles {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) stampOf([folder]);
  const { weights, parts } = weightsIn(folder);
  const offered = PRECISIONS.filter((one) => weights[one] !== undefined);
  const precision = asked ?? offered[offered.length - 1];
  const path = weights[precision];
  if (path === undefined) {
    throw new CairnError(
      "input",
      phrase("{0} is not offered in {1}.", folder, precision),
      phrase("It is offered in {0}.", offered.join(", ")),
    );
  }
  const { pooling, maxTokens, prompts } = readPapers(folder);
  return {
    name: `${folder}:${precision}`,
    files: [...NEEDED, path, ...parts(path)].map((name) => join(folder, name)),
    model: {
      format: "onnx",
      name: basename(folder),
      folder,
      weights: join(folder, path),
      dims: undefined,
      pooling,
      maxTokens,
      queryPrefix: prompts.query,
      passagePrefix: prompts.passage,
    },
  };
}

/** Reads all of a model and loads it once. */
async function lookInto({ model, files }: LocalFiles, sources: ModelSources, stamp: string): Promise<SeenModel> {
  const { settings, signal } = sources;
  return { stamp, ...(await tryOnce(model, settings, signal)), sha256: await hashOf(files, signal) };
}

/** A GGUF file has no papers: what it calls itself says how it wants to be asked. */
function withPrompts(model: EngineModel, { dims, title }: SeenModel): EngineModel {
  if (model.format === "onnx") return { ...model, dims };
  const { query, passage } = promptsOf([model.name, title]);
  return { ...model, dims, queryPrefix: query, passagePrefix: passage };
}

/** All that decides how a text becomes a vector, beside the content of the files. */
function mannerOf(model: EngineModel): unknown[] {
  const { dims, queryPrefix, passagePrefix } = model;
  return [dims, queryPrefix, passagePrefix, ...(model.format === "onnx" ? [model.pooling, model.maxTokens] : [])];
}

function precisionOf(path: string): [folder: string, precision: Precision | undefined] {
  const [, folder, name] = /^(.+):(\w+)$/.exec(path) ?? [];
  const precision = PRECISIONS.find((one) => one === name);
  return precision ? [folder, precision] : [path, undefined];
}

function changed(name: string): CairnError {
  return new CairnError(
    "input",
    phrase("{0} has changed since it was opened.", name),
    phrase("Open the folder again: its vectors are made anew."),
  );
}
