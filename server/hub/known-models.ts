import type { Host } from "../host.ts";
import type { AddedModels } from "./added-models.ts";
import { type CatalogModel, filesOf, type ModelFiles, PRECISIONS, type Precision, readCatalog } from "./catalog.ts";
import type { HubAccess } from "./hub-access.ts";
import { knownCommit } from "./installed.ts";
import type { Known, KnownFiles } from "./known-files.ts";
import { type ListedModel, listModel } from "./listed-model.ts";
import { onnxWeights } from "./weight-files.ts";

/**
 * The models that can be named: those of the catalogue, then those that the user has added; each in the precisions that
 * its entry names, and those that were found in its repository and pulled.
 */
export function knownModels({
  added,
  known,
}: {
  readonly added: AddedModels;
  readonly known: KnownFiles;
}): CatalogModel[] {
  return [...readCatalog(), ...added.all()].map((model) => withPulled(model, known.read(model)));
}

/** The one that a name stands for: its id, or a repository that it is taken from. */
export function modelCalled(models: readonly CatalogModel[], name: string): CatalogModel | undefined {
  const wanted = name.trim().toLowerCase();
  return models.find(({ id, repository, origin }) =>
    [id, repository, origin].some((known) => known.toLowerCase() === wanted),
  );
}

/**
 * A model in the precisions that its repository has. The Hub is asked, at the commit that holds for the model.
 * @throws {CairnError} what asking the Hub throws
 */
export async function withAllOffered(
  parts: { readonly host: Pick<Host, "fetch">; readonly access: HubAccess; readonly known: KnownFiles },
  model: CatalogModel,
  signal?: AbortSignal,
): Promise<CatalogModel> {
  const revision = knownCommit(model, parts.known.read(model)) ?? model.revision;
  const listed = await listModel(parts, { kind: "model", name: model.repository, revision }, signal);
  return { ...model, weights: sameForm(listed, model) };
}

/**
 * A model that can be pulled in a precision: when its entry does not name that one, the Hub is asked whether it is there.
 * @throws {CairnError} `input` for one that its repository lacks, with those that it has; what asking the Hub throws
 */
export async function offeredIn(
  parts: Parameters<typeof withAllOffered>[0],
  model: CatalogModel,
  precision: Precision,
  signal?: AbortSignal,
): Promise<CatalogModel> {
  if (model.weights[precision]) return model;
  const all = await withAllOffered(parts, model, signal);
  filesOf(all, precision);
  return all;
}

/** What was pulled is known by its path and its hash, also where the entry of the model does not name it. */
function withPulled(model: CatalogModel, pulled: Known | undefined): CatalogModel {
  if (!pulled) return model;
  const { files } = pulled;
  const found = Object.entries(onnxWeights(Object.keys(files)));
  const weights = Object.fromEntries(found.map(([precision, path]) => [precision, { path, bytes: files[path].bytes }]));
  return { ...model, weights: { ...weights, ...model.weights } };
}

/** What is there of the form that the entry of the model speaks of: it says nothing of how another is to be used. */
function sameForm(listed: ListedModel, model: ModelFiles): ModelFiles["weights"] {
  const forms = Object.values(model.weights).map(({ path }) => endingOf(path));
  return Object.fromEntries(
    PRECISIONS.flatMap((precision) => {
      const file = listed.weights[precision];
      return file && forms.includes(endingOf(file.path)) ? [[precision, model.weights[precision] ?? file]] : [];
    }),
  );
}

function endingOf(path: string): string {
  return path.slice(path.lastIndexOf("."));
}
