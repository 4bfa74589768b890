import { join } from "node:path";
import type { Settings } from "../../shared/settings.ts";
import type { AddedModels } from "../hub/added-models.ts";
import type { PullOptions, PullPlan } from "../hub/bring-files.ts";
import { CachedRepository, type NamedRepository } from "../hub/cache-layout.ts";
import { type CatalogModel, type Precision, precisionsOf } from "../hub/catalog.ts";
import { type ListedModel, listModel } from "../hub/listed-model.ts";
import { type HubParts, type PulledModel, pullModel } from "../hub/pull.ts";
import { readPapers } from "./model-papers.ts";
import { promptsOf } from "./prompt-families.ts";
import { ggufModel, tryOnce } from "./start-model.ts";

/** A model of the Hub that no catalogue names, with all that a catalogue would say of it. */
export interface AddedModel {
  readonly model: CatalogModel;
  readonly precision: Precision;
  readonly pulled: PulledModel;
}

export interface AddOptions extends Omit<PullOptions, "onPlan"> {
  readonly onPlan?: (plan: PullPlan, model: ListedModel, precision: Precision) => void;
}

/**
 * Downloads a model from any repository of the Hub, finds out how it is to be used, and adds it to those that can be
 * named. The commit and the hash of every file hold from then on.
 *
 * @param asked undefined for the precision that is taken unless another is named
 * @param onPlan told what is to be downloaded, and of what
 * @throws {CairnError} `input` for a repository without a model that can be run, and what downloading and loading throw;
 * what was downloaded stays in the Hub's cache
 */
export async function addModel(
  parts: HubParts & { readonly added: AddedModels; readonly settings: Settings },
  repository: NamedRepository,
  asked: Precision | undefined,
  { onPlan, ...options }: AddOptions = {},
): Promise<AddedModel> {
  const listed = await listModel(parts, repository, options.signal);
  const offered = precisionsOf(listed);
  const precision = asked ?? offered[offered.length - 1];
  const pulled = await pullModel(parts, listed, precision, {
    ...options,
    onPlan: (plan) => onPlan?.(plan, listed, precision),
  });
  const model = await describe(parts.settings, listed, precision, pulled.folder, options.signal);
  parts.added.keep(model);
  new CachedRepository(parts.access.cacheFolder, listed.repository).setReference(repository.revision, listed.revision);
  return { model, precision, pulled };
}

/** Reads its papers, and loads it once. */
async function describe(
  settings: Settings,
  listed: ListedModel,
  precision: Precision,
  folder: string,
  signal?: AbortSignal,
): Promise<CatalogModel> {
  const { id, repository } = listed;
  const weights = join(folder, listed.weights[precision]?.path ?? "");
  const entry = { ...listed, about: `From ${repository}`, matryoshka: [] };
  if (weights.endsWith(".gguf")) {
    const { dims, title } = await tryOnce(ggufModel(settings, id, weights), settings, signal);
    const { query, passage } = promptsOf([repository, weights, title]);
    // The file itself says how it pools and how much it takes.
    return { ...entry, dims, pooling: "mean", maxTokens: 512, queryPrefix: query, passagePrefix: passage };
  }
  const { pooling, maxTokens, prompts } = readPapers(folder, [repository]);
  const manner = { pooling, maxTokens, queryPrefix: prompts.query, passagePrefix: prompts.passage };
  const onnx = { format: "onnx", name: id, folder, weights, dims: undefined, ...manner } as const;
  const { dims } = await tryOnce(onnx, settings, signal);
  return { ...entry, dims, ...manner };
}
