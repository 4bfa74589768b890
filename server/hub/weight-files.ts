import { PRECISIONS, type Precision } from "./catalog.ts";

/** Path of the file with the weights, for each precision that there is. */
export type WeightFiles = Partial<Record<Precision, string>>;

/** What exporters call weights in ONNX form; of several, the first that is there. */
const ONNX: Readonly<Record<Precision, readonly string[]>> = {
  fp32: ["model.onnx"],
  fp16: ["model_fp16.onnx"],
  bnb4: ["model_bnb4.onnx"],
  q4f16: ["model_q4f16.onnx"],
  q4: ["model_q4.onnx"],
  int8: ["model_quantized.onnx", "model_int8.onnx", "model_uint8.onnx"],
};

/** What llama.cpp calls its formats, at the end of a file's name; of several, the first that is there. */
const GGUF: Readonly<Record<Precision, readonly string[]>> = {
  fp32: ["f32", "fp32"],
  fp16: ["f16", "fp16", "bf16"],
  bnb4: [],
  q4f16: [],
  q4: ["q4_k_m", "q4_0", "q4_k_s", "q4_1"],
  int8: ["q8_0"],
};

/**
 * Weights in ONNX form among the files of a model, in `onnx/` or beside its papers.
 * @param paths relative to its folder, with slashes
 */
export function onnxWeights(paths: readonly string[]): WeightFiles {
  const named = (name: string) => [`onnx/${name}`, name].find((path) => paths.includes(path));
  return byPrecision((precision) => first(ONNX[precision], named));
}

/** Files that hold a part of such weights, where they are too large for one. */
export function partsOf(weights: string, paths: readonly string[]): string[] {
  return paths.filter((path) => path.startsWith(`${weights}_data`) || path === `${weights}.data`);
}

/** Models for llama.cpp among the files of a repository, each whole in one file. */
export function ggufWeights(paths: readonly string[]): WeightFiles {
  const ending = (format: string) => paths.find((path) => new RegExp(`(?:^|[-._/])${format}\\.gguf$`, "i").test(path));
  return byPrecision((precision) => first(GGUF[precision], ending));
}

function byPrecision(pathOf: (precision: Precision) => string | undefined): WeightFiles {
  return Object.fromEntries(
    PRECISIONS.map((precision) => [precision, pathOf(precision)] as const).filter(([, path]) => path !== undefined),
  );
}

function first(names: readonly string[], find: (name: string) => string | undefined): string | undefined {
  return names.map(find).find((path) => path !== undefined);
}
