import { join } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { Settings } from "../../shared/settings.ts";
import type { CatalogModel, Precision } from "../hub/catalog.ts";
import { modelOnDisk, verifyModel } from "../hub/installed.ts";
import type { HubParts } from "../hub/pull.ts";
import type { EngineModel } from "../native/engine-model.ts";
import { ggufModel } from "./start-model.ts";

/**
 * A model as an engine takes it, once every file of it was read and is what it must be.
 * @throws {CairnError} `input` when it is not on this machine, `corrupt` when a file is not what it must be
 */
export async function loadableModel(
  parts: Pick<HubParts, "access" | "known"> & { readonly settings: Settings },
  model: CatalogModel,
  precision: Precision,
  signal?: AbortSignal,
): Promise<EngineModel> {
  const { folder } = modelOnDisk(parts, model);
  const files = await verifyModel(parts, model, precision, { signal });
  const weights = model.weights[precision]?.path;
  if (!folder || !weights || files.some(({ state }) => state === "missing")) throw notHere(model, precision);
  const wrong = files.find(({ state }) => state !== "whole");
  if (wrong) {
    throw new CairnError(
      "corrupt",
      phrase("{0} of {1} is not what it must be, and is not loaded.", wrong.path, model.id),
      phrase("`cairn models pull {0} --precision {1}` mends it.", model.id, precision),
    );
  }
  const { dims, pooling, maxTokens, queryPrefix, passagePrefix } = model;
  if (weights.endsWith(".gguf")) {
    return { ...ggufModel(parts.settings, model.id, join(folder, weights)), dims, queryPrefix, passagePrefix };
  }
  return {
    format: "onnx",
    name: model.id,
    folder,
    weights: join(folder, weights),
    dims,
    pooling,
    maxTokens,
    queryPrefix,
    passagePrefix,
  };
}

/** A model was named that was not downloaded in this precision. */
export function notHere({ id }: CatalogModel, precision: Precision): CairnError {
  return new CairnError(
    "input",
    phrase("{0} is not on this machine in {1}.", id, precision),
    phrase("`cairn models pull {0} --precision {1}` downloads it.", id, precision),
  );
}
