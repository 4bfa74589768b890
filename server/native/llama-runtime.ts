import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { GgufInsights, Llama, LlamaModel } from "node-llama-cpp";
import { type Phrase, phrase } from "../../shared/phrase.ts";
import { onCpu } from "./device.ts";
import { LLAMA_VERSION, offerGpuPackages } from "./gpu-packages.ts";
import { LlamaError, type LlamaLoad } from "./llama-messages.ts";

/** The package of llama.cpp, which is loaded when a model file is. */
export type Engine = typeof import("node-llama-cpp");

/** What the engine wrote last, for errors that it only logs. */
export class LastWords {
  text = "";

  add(message: string): void {
    this.text = `${this.text}${message}\n`.slice(-2_000);
  }
}

/**
 * Once in a process.
 * @throws LlamaError when it is not installed
 */
export async function loadEngine({
  engineFolder: folder,
  gpuPackages,
}: Pick<LlamaLoad, "engineFolder" | "gpuPackages">): Promise<Engine> {
  if (gpuPackages !== undefined) offerGpuPackages(gpuPackages);
  try {
    if (folder === "") return await import("node-llama-cpp");
    const found = createRequire(join(folder, "package.json")).resolve("node-llama-cpp");
    return (await import(pathToFileURL(found).href)) as Engine;
  } catch (error) {
    throw noEngine(folder || "node_modules", error);
  }
}

/**
 * Finds what it can run on: the best graphics processor that it supports, else the processor. Never builds or downloads
 * anything.
 * @throws LlamaError when its part for this machine is not installed
 */
export async function startEngine(engine: Engine, gpu: LlamaLoad["gpu"], words: LastWords): Promise<Llama> {
  const options = {
    build: "never",
    skipDownload: true,
    progressLogs: false,
    // Its own default starts four threads on two cores, which then wait for each other.
    maxThreads: availableParallelism(),
    logLevel: engine.LlamaLogLevel.warn,
    logger: (_level: string, message: string) => words.add(message),
  } as const;
  try {
    const llama = await engine.getLlama({ ...options, gpu: gpu === "off" ? false : "auto" });
    // A driver without a device calls itself a graphics processor too.
    if (!llama.gpu || llama.supportsGpuOffloading) return llama;
    await llama.dispose();
    return await engine.getLlama({ ...options, gpu: false });
  } catch (error) {
    throw noEngine(`${process.platform}-${process.arch}`, error);
  }
}

function noEngine(where: string, cause: unknown): LlamaError {
  return new LlamaError(
    "no-engine",
    phrase("there is no engine for model files here ({0}: {1}).", where, firstLine(cause)),
    phrase(
      "Run npm install node-llama-cpp@{0} in a folder of your own and name that with cairn.answer.local.engineFolder (CAIRN_LLAMA_FOLDER).",
      LLAMA_VERSION,
    ),
    { cause },
  );
}

/**
 * One thread a physical core but one, never more than the machine lets this process use. The threads wait for each other
 * at every layer: where something else needs one of their cores, all of them stand still.
 */
export function threadsFor(llama: Llama, wanted: number): number {
  return Math.max(1, Math.min(wanted || llama.cpuMathCores - 1, availableParallelism()));
}

/** How many tokens a model is to see at once, and what to do when even the fewest do not fit. */
interface Window {
  readonly name: string;
  readonly most: number;
  readonly least: number;
  readonly advice: Phrase;
  /** How many such windows are wanted beside each other; one when absent. */
  readonly windows?: number;
}

/**
 * The largest window that fits into the memory, and as many of that size as are wanted where those fit too. They never
 * take layers from the graphics processor.
 * @throws LlamaError("no-memory")
 */
export async function fit(
  engine: Engine,
  insights: GgufInsights,
  llama: Llama,
  { name, most, least, advice, windows: wanted = 1 }: Window,
): Promise<{ contextTokens: number; gpuLayers: number; windows: number }> {
  const available = process.availableMemory();
  const layersFor = async (tokens: number) => (llama.gpu ? await layersOnGpu(engine, insights, tokens) : 0);
  for (let contextSize = most; ; ) {
    const gpuLayers = await layersFor(contextSize);
    const model = await insights.estimateModelResourceRequirementsV2({ gpuLayers });
    const neededFor = async (sequences: number) => {
      const options = { contextSize, modelGpuLayers: gpuLayers, sequences };
      return model.cpuRam + (await insights.estimateContextResourceRequirementsV2(options)).cpuRam;
    };
    for (let windows = wanted; windows > 1; windows--) {
      const fits = (await neededFor(windows)) <= available && (await layersFor(contextSize * windows)) === gpuLayers;
      if (fits) return { contextTokens: contextSize, gpuLayers, windows };
    }
    const needed = await neededFor(1);
    if (needed <= available) return { contextTokens: contextSize, gpuLayers, windows: 1 };
    if (contextSize <= least) throw noMemory(name, contextSize, needed, available, advice);
    contextSize = Math.max(least, Math.floor(contextSize / 2));
  }
}

/** What a model runs on, for people. */
export function deviceOf(llama: Llama, model: LlamaModel, insights: GgufInsights, threads: number): string {
  return llama.gpu ? `${llama.gpu}, ${model.gpuLayers} of ${insights.totalLayers} layers` : onCpu(threads);
}

/** None when the graphics processor has no room for this window. */
async function layersOnGpu(engine: Engine, insights: GgufInsights, contextSize: number): Promise<number> {
  try {
    const { gpuLayers } = await insights.configurationResolver.resolveModelGpuLayersV2({ fitContext: { contextSize } });
    return gpuLayers;
  } catch (error) {
    if (error instanceof engine.InsufficientMemoryError) return 0;
    throw error;
  }
}

function noMemory(name: string, contextTokens: number, needed: number, available: number, advice: Phrase): LlamaError {
  const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(1);
  return new LlamaError(
    "no-memory",
    phrase(
      "{0} with a window of {1} tokens needs {2} GiB of memory; {3} GiB are free.",
      name,
      contextTokens.toLocaleString("en"),
      gib(needed),
      gib(available),
    ),
    advice,
  );
}

/**
 * Why a model could not be loaded. llama.cpp says it in its log, and the error only that it failed.
 * @param advice what to do when it does not fit
 */
export function explain(error: unknown, engine: Engine, name: string, words: string, advice: Phrase): LlamaError {
  if (error instanceof LlamaError) return error;
  if (error instanceof engine.InsufficientMemoryError) {
    const said = phrase("{0} does not fit into the memory: {1}.", name, error.message);
    return new LlamaError("no-memory", said, advice, { cause: error });
  }
  const said = /error loading model: (.+)/.exec(words)?.[1] ?? firstLine(error);
  return new LlamaError("no-model", phrase("{0} cannot be loaded: {1}", name, said), DAMAGED, { cause: error });
}

const DAMAGED = phrase(
  "Its download may be incomplete, or the engine does not know this kind of model: try another file.",
);

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0];
}
