import { basename } from "node:path";
import type {
  ChatHistoryItem,
  LlamaChat,
  LlamaContextSequence,
  LlamaModel as NativeModel,
  Token,
} from "node-llama-cpp";
import { phrase } from "../../shared/phrase.ts";
import { turnsThatLeave } from "../../shared/turn-window.ts";
import { checkFile } from "./gguf-file.ts";
import { type LlamaEnd, LlamaError, type LlamaLoad, type LlamaRequest, type LoadedLlama } from "./llama-messages.ts";
import { deviceOf, explain, fit, LastWords, loadEngine, startEngine, threadsFor } from "./llama-runtime.ts";
import { LlamaWindows } from "./llama-windows.ts";

/** Enough for the question, a dozen pieces of code and the answer; more costs memory and time before the first word. */
const USUAL_CONTEXT = 8_192;
/** With less there is no room for sources. */
const LEAST_CONTEXT = 2_048;
/**
 * Tokens that are read in one go. The processor is as busy with these as with more, and between two goes an answer can be
 * stopped; the graphics processor needs more to be busy.
 */
const BATCH = { cpu: 128, gpu: 512 };
/**
 * Questions that are answered side by side where the memory holds their windows: that of the chat and one asked in the code.
 * On a processor each is slower by as much as the other takes.
 */
const AT_ONCE = 2;
/** An answer is begun when there is room for this many tokens, though more were asked for. */
const LEAST_OUTPUT = 256;
/** Tokens that the penalty for repetition looks back at. */
const REPEAT_WINDOW = 64;

/** A conversation that fits into a window, its answer included. */
interface Fitted {
  readonly history: ChatHistoryItem[];
  readonly prompt: readonly Token[];
  /** Of the prompt, those that every conversation begins with. */
  readonly instructionTokens: number;
  readonly maxTokens: number;
  readonly leftOutTurns: number;
}

/**
 * A language model in memory. It answers a few questions side by side, each in a window of its own, and what it read for a
 * question stays in that window, so that the next one of the same conversation reads only what differs.
 */
export class LlamaModel {
  readonly loaded: LoadedLlama;
  readonly #model: NativeModel;
  readonly #windows: LlamaWindows;
  readonly #chat: LlamaChat;

  private constructor(loaded: LoadedLlama, model: NativeModel, chats: readonly LlamaChat[]) {
    this.loaded = loaded;
    this.#model = model;
    this.#windows = new LlamaWindows(chats);
    this.#chat = chats[0];
  }

  /** @throws LlamaError */
  static async load(wanted: LlamaLoad): Promise<LlamaModel> {
    const { modelPath } = wanted;
    const name = basename(modelPath);
    checkFile(modelPath, CHOOSE);
    const engine = await loadEngine(wanted);
    const words = new LastWords();
    const llama = await startEngine(engine, wanted.gpu, words);
    try {
      const header = await engine.readGgufFileInfo(modelPath, { sourceType: "filesystem", logWarnings: false });
      const insights = await engine.GgufInsights.from(header, llama);
      if (!insights.hasDecoder) throw noText(name);
      const { contextTokens, gpuLayers, windows } = await fit(engine, insights, llama, {
        name,
        windows: AT_ONCE,
        most: Math.min(wanted.contextTokens || USUAL_CONTEXT, insights.trainContextSize ?? USUAL_CONTEXT),
        least: wanted.contextTokens || LEAST_CONTEXT,
        advice: SMALLER,
      });
      const threads = threadsFor(llama, wanted.threads);
      const model = await llama.loadModel({ modelPath, gpuLayers });
      const context = await model.createContext({
        contextSize: contextTokens,
        sequences: windows,
        batchSize: Math.min(contextTokens, llama.gpu ? BATCH.gpu : BATCH.cpu),
        threads,
      });
      const chats = Array.from(
        { length: windows },
        () => new engine.LlamaChat({ contextSequence: context.getSequence() }),
      );
      const device = deviceOf(llama, model, insights, threads);
      // The context is made a little larger than it was asked for.
      return new LlamaModel({ contextTokens, atOnce: windows, device }, model, chats);
    } catch (error) {
      throw explain(error, engine, name, words.text, SMALLER);
    }
  }

  /**
   * Writes one answer; of several at once those wait for which there is no window.
   * @param onText takes the text as it is generated, and "" for progress without any
   * @throws LlamaError("too-long") before anything is generated; the signal's reason when stopped
   */
  async generate(
    { messages, maxOutputTokens, sampling }: LlamaRequest,
    onText: (text: string) => void,
    signal: AbortSignal,
  ): Promise<LlamaEnd> {
    const asked = performance.now();
    const fitted = this.#fitted(messages.map(toHistoryItem), maxOutputTokens);
    const chat = await this.#windows.take(fitted.prompt, fitted.instructionTokens, signal);
    try {
      return await this.#answer(chat, fitted, sampling, performance.now() - asked, onText, signal);
    } finally {
      this.#windows.giveBack(chat);
    }
  }

  async #answer(
    chat: LlamaChat,
    { history, prompt, maxTokens, leftOutTurns }: Fitted,
    { temperature, topK, topP, minP, repeatPenalty: penalty, seed }: LlamaRequest["sampling"],
    queueMs: number,
    onText: (text: string) => void,
    signal: AbortSignal,
  ): Promise<LlamaEnd> {
    const before = chat.sequence.tokenMeter.getState();
    const start = performance.now();
    const cachedTokens = await readInto(chat.sequence, prompt, () => onText(""), signal);
    let firstMs: number | undefined;
    const { metadata } = await chat.generateResponse(history, {
      maxTokens,
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
    const used = chat.sequence.tokenMeter.diff(before);
    return {
      finish: metadata.stopReason === "maxTokens" ? "length" : "stop",
      inputTokens: prompt.length,
      leftOutTurns,
      cachedTokens,
      outputTokens: used.usedOutputTokens,
      queueMs,
      promptMs: firstMs ?? totalMs,
      completionMs: totalMs - (firstMs ?? totalMs),
      device: this.loaded.device,
    };
  }

  /**
   * The conversation without as many of its oldest turns as do not fit; the instructions before them and the last message,
   * which has the question and its sources, stay whole. When that leaves too little for the answer that was asked for, the
   * answer ends earlier, and says so; the engine itself would take away what it has read, in the middle of a sentence.
   * @throws LlamaError("too-long") when there is not even room for the beginning of an answer
   */
  #fitted(history: readonly ChatHistoryItem[], maxOutputTokens: number): Fitted {
    const { contextTokens } = this.loaded;
    const firstTurn = history.findIndex(({ type }) => type !== "system");
    const [instructions, last] = [history.slice(0, firstTurn), history.slice(-1)];
    const turns = turnsOf(history.slice(firstTurn, -1));
    const without = (leave: number) => [...instructions, ...turns.slice(leave).flat(), ...last];
    const room = contextTokens - maxOutputTokens - this.#tokensOf(without(turns.length)).length;
    let leftOutTurns = turnsThatLeave(
      turns.map((turn) => this.#tokensOf(turn).length),
      Math.max(0, room),
    );
    let prompt = this.#tokensOf(without(leftOutTurns));
    // The turns by themselves were counted; together they may be a few tokens more.
    while (prompt.length + maxOutputTokens > contextTokens && leftOutTurns < turns.length) {
      prompt = this.#tokensOf(without(++leftOutTurns));
    }
    const maxTokens = Math.min(maxOutputTokens, contextTokens - prompt.length);
    if (maxTokens < Math.min(maxOutputTokens, LEAST_OUTPUT)) {
      throw tooLong(prompt.length, maxOutputTokens, contextTokens);
    }
    const instructionTokens = this.#tokensOf(instructions).length;
    return { history: without(leftOutTurns), prompt, instructionTokens, maxTokens, leftOutTurns };
  }

  /** The tokens of the whole conversation in the model's own format, up to where its answer begins. */
  #tokensOf(history: readonly ChatHistoryItem[]): Token[] {
    const chatHistory: ChatHistoryItem[] = [...history, { type: "model", response: [] }];
    return this.#chat.chatWrapper.generateContextState({ chatHistory }).contextText.tokenize(this.#model.tokenizer);
  }
}

/**
 * Reads a prompt in goes, between which it can be stopped.
 * @returns how many tokens of it were in memory already, and were not read again
 */
async function readInto(
  sequence: LlamaContextSequence,
  prompt: readonly Token[],
  onProgress: () => void,
  signal: AbortSignal,
): Promise<number> {
  // The last token is left for the generation, which begins with what follows it.
  const wanted = prompt.slice(0, -1);
  await sequence.adaptStateToTokens(wanted, false);
  const step = sequence.context.batchSize;
  const cached = sequence.nextTokenIndex;
  for (let at = cached; at < wanted.length; at += step) {
    signal.throwIfAborted();
    await sequence.evaluateWithoutGeneratingNewTokens(wanted.slice(at, at + step));
    onProgress();
  }
  signal.throwIfAborted();
  return cached;
}

/** Each begins with what the user said. */
function turnsOf(items: readonly ChatHistoryItem[]): ChatHistoryItem[][] {
  const turns: ChatHistoryItem[][] = [];
  for (const item of items) {
    if (item.type === "user" || turns.length === 0) turns.push([item]);
    else turns[turns.length - 1].push(item);
  }
  return turns;
}

function toHistoryItem({ role, content }: LlamaRequest["messages"][number]): ChatHistoryItem {
  if (role === "assistant") return { type: "model", response: [content] };
  return { type: role, text: content };
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

const CHOOSE = phrase(
  "Name a chat model in GGUF format with cairn.answer.local.modelPath (CAIRN_LOCAL_MODEL) or --model PATH.",
);

const SMALLER = phrase("Choose a smaller model or a smaller cairn.answer.contextTokens, or close other programs.");
