import type { PrecisionChoice } from "../../shared/embedding-types.ts";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { namedRepository } from "../hub/cache-layout.ts";
import { filesOf, type ModelFiles, precisionsOf } from "../hub/catalog.ts";
import { modelOnDisk } from "../hub/installed.ts";
import { promisedSha256 } from "../hub/known-files.ts";
import { knownModels, modelCalled, withAllOffered } from "../hub/known-models.ts";
import { listModel } from "../hub/listed-model.ts";
import { folderPrecisions, modelPath } from "./local-model.ts";
import type { ModelParts } from "./named-model.ts";

/**
 * The precisions of a model, as far as they are known here, the one that suits most machines first. Asks nobody.
 * @param name of the model without a precision, as `cairn.embedding.model` takes it
 */
export function precisionChoices(
  parts: Pick<ModelParts, "access" | "known">,
  model: ModelFiles,
  name: string = model.id,
): PrecisionChoice[] {
  const here = modelOnDisk(parts, model).precisions;
  const known = parts.known.read(model);
  return precisionsOf(model)
    .reverse()
    .map((precision) => {
      const files = filesOf(model, precision);
      return {
        precision,
        name: `${name}:${precision}`,
        onDisk: here.includes(precision),
        bytes: files.reduce((sum, file) => sum + file.bytes, 0),
        pinned: files.every((file) => promisedSha256(file, known) !== undefined),
      };
    });
}

/**
 * Looks which precisions of a model there are: in its repository, which the Hub is asked for, or in a folder.
 * @throws {CairnError} `input` for what names none; what asking the Hub throws
 */
export async function offeredPrecisions(
  parts: ModelParts,
  named: string,
  signal?: AbortSignal,
): Promise<PrecisionChoice[]> {
  const path = modelPath(named);
  if (path !== undefined) return folderPrecisions(path);
  const model = modelCalled(knownModels(parts), named);
  if (model) return precisionChoices(parts, await withAllOffered(parts, model, signal));
  const repository = namedRepository(named);
  if (repository?.kind !== "model") throw noName(named);
  return precisionChoices(parts, await listModel(parts, repository, signal), named);
}

/** Something was to name a repository of the Hub. */
export function noName(named: string): CairnError {
  return new CairnError(
    "input",
    phrase('"{0}" is no name of a model.', named),
    phrase("Its owner and its name, as in BAAI/bge-small-en-v1.5."),
  );
}
