import { resolve } from "node:path";
import type { Settings } from "../../shared/settings.ts";
import { StaticEncoder } from "../embed/static.ts";
import { loadStaticModel } from "../embed/static-model.ts";
import type { Host } from "../host.ts";
import { packageFile } from "../package-files.ts";
import { loadKernels } from "../vectors/load-kernels.ts";
import { GainModel, readParameters } from "./gain-model.ts";
import { RouteRecord } from "./route-record.ts";
import { Router } from "./router.ts";

/**
 * The router that the settings ask for; undefined when they name no two models to choose between.
 * @param cacheDirectory absolute; where it is remembered what came of its decisions
 */
export function createRouter(
  host: Pick<Host, "files" | "log">,
  settings: Settings,
  cacheDirectory: string,
): Router | undefined {
  if (!settings["answer.routing.strong"] || !settings["answer.routing.weak"]) return undefined;
  let model: GainModel | undefined;
  const estimate = (question: string) => {
    // Ten milliseconds and eight megabytes, for those only who route.
    model ??= loadGainModel(host, settings["answer.routing.parameters"]);
    return model.estimate(question);
  };
  return new Router(settings, estimate, new RouteRecord(cacheDirectory, host.log));
}

/**
 * @param path of parameters of one's own; empty for those that come with Cairn
 * @throws CairnError("input") or ("corrupt") when they cannot be used
 */
export function loadGainModel({ files }: Pick<Host, "files">, path: string): GainModel {
  const file = path === "" ? packageFile("models", "routing", "parameters.json") : resolve(path);
  return new GainModel(readParameters(files, file), questionEncoder({ files }));
}

/** The bundled embedding, alone on its thread. */
export function questionEncoder({ files }: Pick<Host, "files">): StaticEncoder {
  const vocabulary = packageFile("dist", "vocabulary.bin");
  return new StaticEncoder(loadStaticModel(files, packageFile("models", "static"), loadKernels(files), vocabulary));
}
