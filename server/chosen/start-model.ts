import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { Settings } from "../../shared/settings.ts";
import { Engine } from "../native/engine.ts";
import type { EngineModel, GgufFile } from "../native/engine-model.ts";
import { gpuPackageFolder } from "../native/gpu-packages.ts";
import { graphicsStartMs, MOST_DEATHS, startOnGraphics } from "../native/graphics-start.ts";
import type { ModelSources } from "./chosen-model.ts";
import { leftAlone, startWhereBest } from "./placed-engine.ts";

/** A model in one file for llama.cpp, to be run as the settings say of such files; what its vectors are like is open. */
export function ggufModel(settings: Settings, name: string, weights: string): GgufFile {
  return {
    format: "gguf",
    name,
    weights,
    dims: undefined,
    queryPrefix: "",
    passagePrefix: "",
    engineFolder: settings["answer.local.engineFolder"],
    gpu: settings["answer.local.gpu"],
  };
}

/**
 * Starts the engine that a model's format wants: llama.cpp finds its device itself and has as many threads as the settings
 * give it, for ONNX the device and the size of a batch are found out.
 * @param identity of what the model makes of a text
 * @param deaths how often its engine has ended at work
 */
export function startModel(
  model: EngineModel,
  { identity, deaths = 0 }: { readonly identity: string; readonly deaths?: number },
  { settings, cacheDirectory, host: { log } }: Pick<ModelSources, "settings" | "cacheDirectory" | "host">,
  signal?: AbortSignal,
): Promise<Engine> {
  if (model.format === "gguf") {
    if (model.gpu === "off") return startPlainly(model, settings, signal);
    if (deaths >= MOST_DEATHS) {
      log.warn(leftAlone(model, deaths));
      return startPlainly({ ...model, gpu: "off" }, settings, signal);
    }
    const start = (on: "graphics" | "processor", stop?: AbortSignal) =>
      startPlainly(
        on === "graphics"
          ? { ...model, gpuPackages: gpuPackageFolder(cacheDirectory) }
          : ({ ...model, gpu: "off" } as const),
        settings,
        stop,
      );
    const onFailure = (reason: string) =>
      log.warn(`embedding with ${model.name}: it runs on the processor alone. ${reason}`);
    return startOnGraphics(start, { limitMs: graphicsStartMs(model.weights), onFailure }, signal);
  }
  const place = { identity, wanted: settings["embedding.device"], cacheDirectory, log, deaths };
  return startWhereBest(model, place, signal);
}

function startPlainly(model: EngineModel, settings: Settings, signal?: AbortSignal): Promise<Engine> {
  return Engine.start(model, { threads: model.format === "gguf" ? settings["answer.local.threads"] : 0 }, signal);
}

/**
 * Loads a model once, to see that it runs and what its vectors are like.
 * @returns their length, and what the model calls itself
 * @throws {CairnError} `input` for a model that cannot be used; `unavailable` otherwise
 */
export async function tryOnce(
  model: EngineModel,
  settings: Settings,
  signal?: AbortSignal,
): Promise<{ dims: number; title: string }> {
  const engine = await startPlainly(model, settings, signal).catch((error) => {
    if (!(error instanceof CairnError) || error.kind !== "output") throw error;
    throw new CairnError("input", error.said, phrase("Download it again, or name another model."), { cause: error });
  });
  await engine.close();
  const { dims, title } = engine.loaded;
  return { dims, title };
}
