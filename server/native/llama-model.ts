import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import type {
  ChatHistoryItem,
  GgufInsights,
  Llama,
  LlamaChat,
  LlamaContextSequence,
  LlamaModel as NativeModel,
  Token,
} from "node-llama-cpp";
import { phrase } from "../../shared/phrase.ts";
import { type LlamaEnd, LlamaError, type LlamaLoad, type LlamaRequest, type LoadedLlama } from "./llama-messages.ts";

type Engine = typeof import("node-llama-cpp");

/** Enough for the question, a dozen pieces of code and the answer; more costs memory and time before the first word. */
const USUAL_CONTEXT = 8_192;
/** With less there is no room for sources. */
const LEAST_CONTEXT = 2_048;
/**
 * Tokens that are read in one go. The processor is as busy with these as with more, and between two goes an answer can be
 * stopped; the graphics processor needs more to be busy.
 */
const BATCH = { cpu: 128, gpu: 512 };
/** Tokens that the penalty for repetition looks back at. */
const REPEAT_WINDOW = 64;

/** A language model in memory. What it read for the last question stays, so that the next one reads only what differs. */
export class LlamaModel {
  readonly loaded: LoadedLlama;
  readonly #model: NativeModel;
  readonly #sequence: LlamaContextSequence;
  readonly #chat: LlamaChat;

  private constructor(loaded: LoadedLlama, model: NativeModel, chat: LlamaChat) {
    this.loaded = loaded;
    this.#model = model;
    this.#sequence = chat.sequence;
    this.#chat = chat;
  }

  /** @throws LlamaError */
  static async load(wanted: LlamaLoad): Promise<LlamaModel> {
    const { modelPath } = wanted;
    const name = basename(modelPath);
    checkFile(modelPath);
    const engine = await loadEngine(wanted.engineFolder);
    const words = new LastWords();
    const llama = await startEngine(engine, wanted, words);
    try {
      const header = await engine.readGgufFileInfo(modelPath, { sourceType: "filesystem", logWarnings: false });
      const insights = await engine.GgufInsights.from(header, llama);
      if (!insights.hasDecoder) throw noText(name);
      const { contextTokens, gpuLayers } = await fit(engine, insights, llama, wanted);
      const threads = threadsFor(llama, wanted.threads);
      const model = await llama.loadModel({ modelPath, gpuLayers });
      const context = await model.createContext({
        contextSize: contextTokens,
        batchSize: Math.min(contextTokens, llama.gpu ? BATCH.gpu : BATCH.cpu),
        threads,
      });
      const chat = new engine.LlamaChat({ contextSequence: context.getSequence() });
      const device = llama.gpu
        ? `${llama.gpu}, ${model.gpuLayers} of ${insights.totalLayers} layers`
        : `CPU, ${threads === 1 ? "1 thread" : `${threads} threads`}`;
      // The context is made a little larger than it was asked for.
      return new LlamaModel({ contextTokens, device }, model, chat);
    } catch (error) {
      throw explain(error, engine, name, words.text);
    }
  }

  /**
   * Writes one answer.
   * @param onText takes the text as it is generated, and "" for progress without any
   * @throws LlamaError("too-long") before anything is generated; the signal's reason when stopped
   */
  async generate(
    { messages, maxOutputTokens, sampling }: LlamaRequest,
    onText: (text: string) => void,
    signal: AbortSignal,
  ): Promise<Omit<LlamaEnd, "queueMs">> {
    const history = messages.map(toHistoryItem);
    const prompt = this.#tokensOf(history);
    // The engine itself would leave out what is too long, without a word.
    if (prompt.length + maxOutputTokens > this.loaded.contextTokens) {
      throw tooLong(prompt.length, maxOutputTokens, this.loaded.contextTokens);
    }
    const before = this.#sequence.tokenMeter.getState();
    const start = performance.now();
    const cachedTokens = await this.#read(prompt, () => onText(""), signal);
    let firstMs: number | undefined;
    const { temperature, topK, topP, minP, repeatPenalty: penalty, seed } = sampling;
    const { metadata } = await this.#chat.generateResponse(history, {
      maxTokens: maxOutputTokens,
      temperature,
      topK,
      topP,
      minP,
      seed: seed < 0 ? undefined : seed,
      repeatPenalty: penalty > 1 ? { penalty, lastTokens: REPEAT_WINDOW } : false,
      signal,
      onResponseChunk: (chunk) => {
        firstMs ??= performance.now() - start;
        // What the model thinks before it answers is not the answer.
        onText(chunk.type === undefined ? chunk.text : "");
      },
    });
    const totalMs = performance.now() - start;
    const used = this.#sequence.tokenMeter.diff(before);
    return {
      finish: metadata.stopReason === "maxTokens" ? "length" : "stop",
      inputTokens: prompt.length,
      cachedTokens,
      outputTokens: used.usedOutputTokens,
      promptMs: firstMs ?? totalMs,
      completionMs: totalMs - (firstMs ?? totalMs),
      device: this.loaded.device,
    };
  }

  /** The tokens of the whole conversation in the model's own format, up to where its answer begins. */
  #tokensOf(history: readonly ChatHistoryItem[]): Token[] {
    const chatHistory: ChatHistoryItem[] = [...history, { type: "model", response: [] }];
    return this.#chat.chatWrapper.generateContextState({ chatHistory }).contextText.tokenize(this.#model.tokenizer);
  }

  /**
   * Reads a prompt in goes, between which it can be stopped.
   * @returns how many tokens of it were in memory already, and were not read again
   */
  async #read(prompt: readonly Token[], onProgress: () => void, signal: AbortSignal): Promise<number> {
    // The last token is left for the generation, which begins with what follows it.
    const wanted = prompt.slice(0, -1);
    await this.#sequence.adaptStateToTokens(wanted, false);
    const step = this.#sequence.context.batchSize;
    const cached = this.#sequence.nextTokenIndex;
    for (let at = cached; at < wanted.length; at += step) {
      signal.throwIfAborted();
      await this.#sequence.evaluateWithoutGeneratingNewTokens(wanted.slice(at, at + step));
      onProgress();
    }
    signal.throwIfAborted();
    return cached;
  }
}

/** What the engine wrote last, for errors that it only logs. */
class LastWords {
  text = "";

  add(message: string): void {
    this.text = `${this.text}${message}\n`.slice(-2_000);
  }
}

function toHistoryItem({ role, content }: LlamaRequest["messages"][number]): ChatHistoryItem {
  if (role === "assistant") return { type: "model", response: [content] };
  return { type: role, text: content };
}

const MAGIC = "GGUF";

/** @throws LlamaError for what cannot be read, or is no GGUF file */
function checkFile(path: string): void {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const magic = Buffer.alloc(MAGIC.length);
    if (fstatSync(file).isFile()) readSync(file, magic);
    if (magic.toString("latin1") === MAGIC) return;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new LlamaError("no-model", phrase("{0} cannot be read ({1}).", path, code ?? String(error)), CHOOSE, {
      cause: error,
    });
  } finally {
    if (file !== undefined) closeSync(file);
  }
  throw new LlamaError("no-model", phrase("{0} is not a GGUF file.", path), CHOOSE);
}

const CHOOSE = phrase(
  "Name a chat model in GGUF format with cairn.answer.local.modelPath (CAIRN_LOCAL_MODEL) or --model PATH.",
);

/** @throws LlamaError when it is not installed */
async function loadEngine(folder: string): Promise<Engine> {
  try {
    if (folder === "") return await import("node-llama-cpp");
    const found = createRequire(join(folder, "package.json")).resolve("node-llama-cpp");
    return (await import(pathToFileURL(found).href)) as Engine;
  } catch (error) {
    throw noEngine(folder || "node_modules", error);
  }
}

/** Never builds or downloads anything. */
async function startEngine(engine: Engine, { gpu }: LlamaLoad, words: LastWords): Promise<Llama> {
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
      "Run npm install node-llama-cpp@3.21.1 in a folder of your own and name that with cairn.answer.local.engineFolder (CAIRN_LLAMA_FOLDER).",
    ),
    { cause },
  );
}

/**
 * One thread a physical core but one, never more than the machine lets this process use. The threads wait for each other
 * at every layer: where something else needs one of their cores, all of them stand still.
 */
function threadsFor(llama: Llama, wanted: number): number {
  return Math.max(1, Math.min(wanted || llama.cpuMathCores - 1, availableParallelism()));
}

/** The largest window that fits into the memory, up to what is wanted. @throws LlamaError("no-memory") */
async function fit(
  engine: Engine,
  insights: GgufInsights,
  llama: Llama,
  { contextTokens: wanted, modelPath }: LlamaLoad,
): Promise<{ contextTokens: number; gpuLayers: number }> {
  const available = process.availableMemory();
  const least = wanted || LEAST_CONTEXT;
  for (let contextSize = Math.min(wanted || USUAL_CONTEXT, insights.trainContextSize ?? USUAL_CONTEXT); ; ) {
    const gpuLayers = llama.gpu ? await layersOnGpu(engine, insights, contextSize) : 0;
    const model = await insights.estimateModelResourceRequirementsV2({ gpuLayers });
    const context = await insights.estimateContextResourceRequirementsV2({ contextSize, modelGpuLayers: gpuLayers });
    const needed = model.cpuRam + context.cpuRam;
    if (needed <= available) return { contextTokens: contextSize, gpuLayers };
    if (contextSize <= least) throw noMemory(basename(modelPath), contextSize, needed, available);
    contextSize = Math.max(least, Math.floor(contextSize / 2));
  }
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

function noMemory(name: string, contextTokens: number, needed: number, available: number): LlamaError {
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
    phrase("Choose a smaller model or a smaller cairn.answer.contextTokens, or close other programs."),
  );
}

function tooLong(prompt: number, output: number, contextTokens: number): LlamaError {
  return new LlamaError(
    "too-long",
    phrase("{0} tokens of question and {1} of answer do not fit into {2}.", prompt, output, contextTokens),
    phrase("Ask a shorter one, or raise cairn.answer.contextTokens."),
  );
}

function noText(name: string): LlamaError {
  return new LlamaError("no-model", phrase("{0} writes no text: it is another kind of model.", name), CHOOSE);
}

/** Why a model could not be loaded. llama.cpp says it in its log, and the error only that it failed. */
function explain(error: unknown, engine: Engine, name: string, words: string): LlamaError {
  if (error instanceof LlamaError) return error;
  if (error instanceof engine.InsufficientMemoryError) {
    return new LlamaError(
      "no-memory",
      phrase("{0} does not fit into the memory: {1}.", name, error.message),
      phrase("Choose a smaller model or a smaller cairn.answer.contextTokens, or close other programs."),
      { cause: error },
    );
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
