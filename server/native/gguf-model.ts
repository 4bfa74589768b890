import { basename } from "node:path";
import type { LlamaEmbeddingContext, LlamaModel, Token } from "node-llama-cpp";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { EmbeddedTexts, EngineRun, GgufFile, LoadedModel, RunningModel, TextKind } from "./engine-model.ts";
import { checkFile } from "./gguf-file.ts";
import { LlamaError } from "./llama-messages.ts";
import { deviceOf, explain, fit, LastWords, loadEngine, startEngine, threadsFor } from "./llama-runtime.ts";
import { normalise } from "./pooling.ts";
import { textWindows, WINDOW_TOKENS } from "./text-windows.ts";

/** How llama.cpp makes one vector of those of a text's tokens: by their mean, the first, the last. */
const POOLINGS: readonly unknown[] = [1, 2, 3];
/** It gives marks to pairs of texts. */
const RANKS = 4;

/** The engine itself puts them around a text. */
const NO_SPECIAL = { before: [], after: [] };

/** An embedding model in one file, run by llama.cpp in this process. */
export class GgufModel implements RunningModel {
  readonly loaded: LoadedModel;
  readonly #file: GgufFile;
  readonly #model: LlamaModel;
  readonly #context: LlamaEmbeddingContext;
  /** Tokens of a text at most, without those that open and close it. */
  readonly #room: number;
  readonly #specialTokens: number;

  private constructor(
    file: GgufFile,
    model: LlamaModel,
    context: LlamaEmbeddingContext,
    window: number,
    loaded: LoadedModel,
  ) {
    this.#file = file;
    this.#model = model;
    this.#context = context;
    this.#specialTokens = context.calculateInputLength([ordinaryToken(model)]) - 1;
    this.#room = window - this.#specialTokens;
    this.loaded = loaded;
  }

  /**
   * Loads a model and runs it once.
   * @param run threads: 0 for one a physical core but one; it finds its device itself
   * @throws {CairnError} `input` for a file that is no embedding model, and where there is no engine for such files;
   * `output` for other vectors than it should give; `unavailable` where it does not fit into the memory
   */
  static async load(file: GgufFile, { threads: wanted, batchTokens }: EngineRun): Promise<GgufModel> {
    const started = performance.now();
    const name = basename(file.weights);
    checkFile(file.weights, ANOTHER);
    const words = new LastWords();
    const { engine, llama } = await begin(file, words);
    try {
      const header = await engine.readGgufFileInfo(file.weights, { sourceType: "filesystem", logWarnings: false });
      const insights = await engine.GgufInsights.from(header, llama);
      const window = Math.min(WINDOW_TOKENS, insights.trainContextSize ?? WINDOW_TOKENS);
      const { gpuLayers } = await fit(engine, insights, llama, { name, most: window, least: window, advice: SMALLER });
      const threads = threadsFor(llama, wanted);
      const model = await llama.loadModel({ modelPath: file.weights, gpuLayers });
      // Only now: where a file was cut off, its header is read as if zeros followed.
      checkPooling(name, header.architectureMetadata.pooling_type);
      // A text must be read in one go: each of its tokens looks at all others. The engine takes one less than it has room for.
      const context = await model.createEmbeddingContext({ contextSize: window + 1, batchSize: window + 1, threads });
      const { vector } = await context.getEmbeddingFor(emptyText(model));
      if (vector.length !== (file.dims ?? vector.length)) {
        throw new CairnError(
          "output",
          phrase("{0} cannot be used: {1}.", name, `its vectors have ${vector.length} dimensions, not ${file.dims}`),
          ANOTHER,
        );
      }
      return new GgufModel(file, model, context, window, {
        dims: vector.length,
        inputs: [],
        pooledByModel: true,
        title: titleOf(header.metadata.general),
        threads,
        batchTokens,
        device: deviceOf(llama, model, insights, threads),
        loadMs: performance.now() - started,
      });
    } catch (error) {
      throw error instanceof CairnError ? error : explain(error, engine, name, words.text, SMALLER);
    }
  }

  /** One window after the other: the engine's context holds one sequence. */
  async embed(texts: readonly string[], kind: TextKind): Promise<EmbeddedTexts> {
    const { dims } = this.loaded;
    const prefix = kind === "query" ? this.#file.queryPrefix : this.#file.passagePrefix;
    const prefixTokens = this.#model.tokenize(prefix);
    const vectors = new Float32Array(texts.length * dims);
    let [tokens, batches] = [0, 0];
    for (const [i, text] of texts.entries()) {
      const sum = vectors.subarray(i * dims, (i + 1) * dims);
      // What stands for a special token in a text is text.
      const all = this.#model.tokenize(prefix + text, false);
      for (const window of textWindows(all, prefixTokens, NO_SPECIAL, this.#room)) {
        const weight = Math.max(1, window.length + this.#specialTokens);
        const vector = Float32Array.from(await this.#vectorOf(window as Token[]));
        normalise(vector);
        for (let d = 0; d < dims; d++) sum[d] += weight * vector[d];
        tokens += weight;
        batches++;
      }
      normalise(sum);
    }
    return { vectors, tokens, batches };
  }

  /** The engine gives a text without tokens no vector: it gets that of what would stand around it. */
  async #vectorOf(window: readonly Token[]): Promise<readonly number[]> {
    const input = window.length > 0 ? [...window] : emptyText(this.#model);
    const { vector } = await this.#context.getEmbeddingFor(input);
    return vector;
  }
}

/** With an error that begins as sentences do. */
async function begin(file: GgufFile, words: LastWords) {
  try {
    const engine = await loadEngine(file);
    return { engine, llama: await startEngine(engine, file.gpu, words) };
  } catch (error) {
    if (!(error instanceof LlamaError)) throw error;
    throw new CairnError("input", phrase("The model cannot be used: {0}", error.said), error.advice, { cause: error });
  }
}

/** @throws {CairnError} `input` for a model that is made for something else */
function checkPooling(name: string, pooling: unknown): void {
  if (POOLINGS.includes(pooling)) return;
  throw new CairnError(
    "input",
    pooling === RANKS
      ? phrase("{0} is no embedding model: it ranks texts.", name)
      : phrase("{0} is no embedding model: it does not say how the vectors of a text's tokens become one.", name),
    ANOTHER,
  );
}

/** A text of nothing: what the engine would put before one, or after it. */
function emptyText({ tokens }: LlamaModel): Token[] {
  return [tokens.bos ?? tokens.eos ?? (0 as Token)];
}

/** One that the engine does not take for the end or the beginning that it would add. */
function ordinaryToken({ tokens: { bos, eos, sep } }: LlamaModel): Token {
  return ([0, 1, 2, 3] as Token[]).find((token) => ![bos, eos, sep].includes(token)) as Token;
}

function titleOf(general: { readonly name?: string; readonly architecture?: string }): string {
  return [general.name, general.architecture].filter(Boolean).join(" ");
}

const ANOTHER = phrase("Name an embedding model in GGUF format, downloaded to its end.");

const SMALLER = phrase("Choose a smaller model, or close other programs.");
