import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { SERVER_ENVIRONMENT } from "../../shared/server-environment.ts";
import { entryFile } from "../package-files.ts";
import { Caller } from "../thread-rpc.ts";
import type { EmbeddingEngine } from "./embedding-engine.ts";
import {
  BATCH_TOKENS,
  type EmbeddedTexts,
  type EngineMethods,
  type EngineModel,
  type EngineRun,
  type LoadedModel,
  type TextKind,
} from "./engine-model.ts";
import { childChannel } from "./process-channel.ts";

const USUAL_RUN: EngineRun = { device: "cpu", threads: 0, batchTokens: BATCH_TOKENS, copyMs: 60_000 };
/** Of what the process says before it dies. */
const LAST_WORDS = 300;

/**
 * A model in a process of its own. Native code blocks the thread it runs on, and a fault in it ends the process: both stay
 * there. A process that ends is an error of the calls under way and of those that follow.
 */
export class Engine implements EmbeddingEngine {
  #loaded: LoadedModel;
  /** Resolves when its process has ended, whatever the cause. */
  readonly ended: Promise<undefined>;
  readonly #child: ChildProcess;
  readonly #caller: Caller<EngineMethods>;

  private constructor(child: ChildProcess, caller: Caller<EngineMethods>, loaded: LoadedModel) {
    this.#child = child;
    this.#caller = caller;
    this.#loaded = loaded;
    this.ended = hasEnded(child) ? Promise.resolve(undefined) : once(child, "exit").then(() => undefined);
  }

  /**
   * @param run default: on the processor, with as many threads as suit the format and the machine
   * @param signal ends the process while it loads the model
   * @throws {CairnError} `output` for a model that cannot be used, `unavailable` when the engine is not there or dies
   */
  static async start(model: EngineModel, run: Partial<EngineRun> = {}, signal?: AbortSignal): Promise<Engine> {
    signal?.throwIfAborted();
    const child = fork(entryFile("server/native/engine-process"), [], {
      // Not those of this process: they may name a program of their own.
      execArgv: [],
      env: { ...process.env, ...SERVER_ENVIRONMENT },
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    const caller = new Caller<EngineMethods>(childChannel(child));
    let lastWords = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      lastWords = (lastWords + text).slice(-LAST_WORDS);
    });
    // `close` comes when its last words are in; `error` when it could not even start.
    child.once("close", (code, signal) => caller.fail(ended(model, signal ?? `exit code ${code}`, lastWords)));
    child.once("error", (error) => caller.fail(ended(model, error.message, "")));
    const stop = () => void child.kill("SIGKILL");
    signal?.addEventListener("abort", stop, { once: true });
    try {
      return new Engine(child, caller, await caller.call("load", { model, run: { ...USUAL_RUN, ...run } }));
    } catch (error) {
      stop();
      throw error;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  get loaded(): LoadedModel {
    return this.#loaded;
  }

  /** It was started before it was known how many tokens are best brought to it at once. */
  useBatches(batchTokens: number): void {
    this.#loaded = { ...this.#loaded, batchTokens };
  }

  /** Process id, for messages and tests. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  embed(texts: readonly string[], kind: TextKind): Promise<EmbeddedTexts> {
    return this.#caller.call("embed", { texts, kind });
  }

  /** Bytes of memory that its process has. */
  memory(): Promise<number> {
    return this.#caller.call("memory", null);
  }

  /** Ends the process; calls under way fail. */
  async close(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function ended({ name }: EngineModel, how: string, lastWords: string): CairnError {
  const words = lastWords.trim().split("\n").at(-1) ?? "";
  return new CairnError(
    "unavailable",
    phrase("The engine that runs {0} has ended ({1}). {2}", name, how, words),
    phrase("Try again. `cairn models verify` checks the model's files, `cairn doctor` the machine."),
  );
}
