import { resolve } from "node:path";
import { StaticEncoder } from "../embed/static.ts";
import { loadStaticModel } from "../embed/static-model.ts";
import type { Host } from "../host.ts";
import { packageFile } from "../package-files.ts";
import { loadKernels } from "../vectors/load-kernels.ts";
import { GainModel, readParameters } from "./gain-model.ts";

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
