import { createHash } from "node:crypto";
import { join } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { Host } from "../host.ts";
import { AddedModels } from "../hub/added-models.ts";
import { type CatalogModel, PRECISIONS, type Precision, precisionsOf } from "../hub/catalog.ts";
import { hubAccess } from "../hub/hub-access.ts";
import { modelOnDisk } from "../hub/installed.ts";
import { KnownFiles } from "../hub/known-files.ts";
import { knownModels, modelCalled } from "../hub/known-models.ts";
import type { HubParts } from "../hub/pull.ts";
import { notHere } from "./loadable-model.ts";

/** A model of the catalogue, or one that the user has added to it, as it lies on this machine. */
export interface NamedModel {
  readonly model: CatalogModel;
  readonly precision: Precision;
  /** `bge-base-en-v1.5:int8`. */
  readonly name: string;
  /** Part of the key of its vectors: its files and all that decides how a text becomes a vector. */
  readonly identity: string;
}

/** Where downloaded models and what is known of them lie, and which the user has added to the catalogue's. */
export interface ModelParts extends HubParts {
  readonly added: AddedModels;
}

export function hubPartsOf(host: Pick<Host, "fetch" | "env">, cacheDirectory: string): ModelParts {
  const folder = join(cacheDirectory, "models");
  return {
    host,
    access: hubAccess(host.env),
    known: new KnownFiles(folder),
    added: new AddedModels(join(folder, "added")),
  };
}

/**
 * The model that a name stands for: an id of the catalogue, a repository of it or one that was added, and after a colon a precision; without it the
 * smallest that is on this machine. Looks at the names of its files alone.
 * @throws {CairnError} `input` for a name that there is not, and for a model that was not downloaded
 */
export function namedModel(parts: Pick<ModelParts, "access" | "known" | "added">, name: string): NamedModel {
  const [wanted, asked] = name.split(":");
  const model = modelCalled(knownModels(parts), wanted);
  if (!model && /^[^/\s]+\/[^/\s]+$/.test(wanted)) {
    throw new CairnError(
      "input",
      phrase("{0} is not on this machine.", wanted),
      phrase("`cairn models pull {0}` downloads it.", wanted),
    );
  }
  if (!model) {
    throw new CairnError(
      "input",
      phrase('There is no embedding model "{0}" in the catalogue.', wanted),
      phrase(
        "`cairn models` lists them; `bundled` is the one in the package. One of the Hub is pulled first; one of your own is named by its whole path.",
      ),
    );
  }
  const { precisions, commit } = modelOnDisk(parts, model);
  const precision = asked === undefined ? (precisions.at(-1) ?? precisionsOf(model).at(-1)) : precisionNamed(asked);
  if (!precision || !commit || !precisions.includes(precision)) throw notHere(model, precision ?? "int8");
  return {
    model,
    precision,
    name: `${model.id}:${precision}`,
    identity: `${model.id}@${commit}/${precision}/${mannerOf(model)}`,
  };
}

/** @throws {CairnError} `input` for what is none */
export function precisionNamed(text: string): Precision {
  const precision = PRECISIONS.find((one) => one === text);
  if (precision) return precision;
  throw new CairnError(
    "input",
    phrase('"{0}" is no precision.', text),
    phrase("The precisions: {0}.", PRECISIONS.join(", ")),
  );
}

/** A later catalogue may correct how a model is to be used; its vectors are others then. */
function mannerOf({ dims, pooling, maxTokens, queryPrefix, passagePrefix }: CatalogModel): string {
  const manner = JSON.stringify([dims, pooling, maxTokens, queryPrefix, passagePrefix]);
  return createHash("sha256").update(manner).digest("hex").slice(0, 8);
}
