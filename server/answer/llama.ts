import { homedir } from "node:os";
import { basename, resolve } from "node:path";
import type { Failure } from "../../shared/answer-types.ts";
import { phrase } from "../../shared/phrase.ts";
import type { Host } from "../host.ts";
import { graphicsStartMs } from "../native/graphics-start.ts";
import { LlamaEngine } from "../native/llama-engine.ts";
import { LlamaError, type LlamaFailure, type LlamaLoad, type Sampling } from "../native/llama-messages.ts";
import type { ChatRequest, ModelEvent, Provider } from "./llm.ts";
import { ProviderError } from "./provider-error.ts";
import { type Deadlines, Watchdog } from "./watchdog.ts";

/** What the settings say of a model file. */
export interface LlamaOptions extends LlamaLoad {
  /** Of the provider, as the user chose it. */
  readonly name: string;
  readonly sampling: Sampling;
  /** 0 for never. */
  readonly unloadAfterMs: number;
  readonly deadlines: Deadlines;
}

/**
 * A model file that Cairn runs itself, in a process of its own that is started with the first question and stays for the
 * next ones. Nothing leaves this machine.
 */
export function llama(host: Pick<Host, "files" | "log">, options: LlamaOptions): Provider {
  const { name, sampling, deadlines } = options;
  const modelPath = options.modelPath && resolve(options.modelPath.replace(/^~(?=[\\/])/, homedir()));
  const model = basename(modelPath);
  const engine = new LlamaEngine({ ...options, modelPath }, options.unloadAfterMs, {
    limitMs: graphicsStartMs(modelPath),
    onFailure: (reason) => host.log.warn(`${model} runs on the processor alone from now on: ${reason}`),
  });
  return {
    name,
    destination: "file://",
    remote: false,
    identity: JSON.stringify([versionOf(host, modelPath), options.contextTokens, sampling]),
    hasKey: true,
    close: () => engine.close(),
    async open(signal) {
      if (!modelPath) {
        const hint = phrase(
          "Cairn: Choose Local LLM or `cairn models` finds one; a GGUF file of your own is named with cairn.answer.local.modelPath (CAIRN_LOCAL_MODEL) or --model PATH.",
        );
        throw new ProviderError(name, "model-gone", phrase("no model file was chosen."), hint);
      }
      const { contextTokens } = await watched(name, signal, async (watchdog) => {
        watchdog.expect("model", deadlines.connectMs);
        return await engine.open(watchdog.signal);
      });
      return { name: model, contextTokens, stream };
    },
  };

  async function* stream(request: ChatRequest, signal: AbortSignal): AsyncGenerator<ModelEvent, void, undefined> {
    const watchdog = new Watchdog(name, signal);
    const { messages, maxOutputTokens } = request;
    let anyText = false;
    try {
      watchdog.expect("first-word", deadlines.firstTokenMs);
      for await (const event of engine.stream({ messages, maxOutputTokens, sampling }, watchdog.signal)) {
        if (event.type === "text") {
          anyText ||= event.text !== "";
          // Reading a long question is a sign of life too.
          if (anyText) watchdog.expect("next-word", deadlines.nextTokenMs);
          else watchdog.expect("first-word", deadlines.firstTokenMs);
          if (event.text !== "") yield event;
          continue;
        }
        const { finish, inputTokens, cachedTokens, outputTokens, queueMs, promptMs, completionMs, device } = event.end;
        if (!anyText) throw new ProviderError(name, "output", phrase("its answer was empty."), EMPTY[finish]);
        const usage = { inputTokens, outputTokens, cachedTokens };
        const timing = { queueMs, promptMs, completionMs, totalMs: queueMs + promptMs + completionMs };
        yield { type: "end", finish, usage, timing, device };
      }
    } catch (error) {
      signal.throwIfAborted();
      throw asProviderError(name, error);
    } finally {
      watchdog.stop();
    }
  }
}

/** Tells a file from another one under the same path. */
function versionOf({ files }: Pick<Host, "files">, path: string): string {
  try {
    const { size, mtimeMs } = files.stat(path);
    return `${path} ${size} ${mtimeMs}`;
  } catch {
    // What is not there answers nothing either.
    return path;
  }
}

const EMPTY = {
  length: phrase("Raise cairn.answer.maxOutputTokens: the model may think first."),
  stop: phrase("Is this a chat model?"),
};

async function watched<Result>(
  name: string,
  signal: AbortSignal,
  work: (watchdog: Watchdog) => Promise<Result>,
): Promise<Result> {
  const watchdog = new Watchdog(name, signal);
  try {
    return await work(watchdog);
  } catch (error) {
    signal.throwIfAborted();
    throw asProviderError(name, error);
  } finally {
    watchdog.stop();
  }
}

const FAILURES: Readonly<Record<LlamaFailure, Failure>> = {
  "no-engine": "rejected",
  "no-model": "model-gone",
  "no-memory": "rejected",
  "too-long": "context-too-long",
  ended: "server",
  stopped: "server",
};

/** What is neither is a defect, and is passed on as one. */
function asProviderError(name: string, error: unknown): unknown {
  if (!(error instanceof LlamaError)) return error;
  return new ProviderError(name, FAILURES[error.failure], error.said, error.advice, { cause: error });
}
