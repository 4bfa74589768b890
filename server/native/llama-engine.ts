import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { basename } from "node:path";
import { type Phrase, phrase } from "../../shared/phrase.ts";
import { entryFile } from "../package-files.ts";
import type { GraphicsStart } from "./graphics-start.ts";
import {
  type FromLlama,
  type LlamaEnd,
  LlamaError,
  type LlamaLoad,
  type LlamaRequest,
  type LoadedLlama,
  type ToLlama,
} from "./llama-messages.ts";

export type LlamaEvent =
  /** Empty when there is progress, but nothing to show. */
  { readonly type: "text"; readonly text: string } | { readonly type: "end"; readonly end: LlamaEnd };

/**
 * A process that does not stop within this many milliseconds is ended, unless it writes another answer too: it would go on
 * using the processor.
 */
const STOP_WITHIN_MS = 2_000;

/**
 * A language model in a process of its own, which is started when it is asked, started anew after it died, and ended when
 * nobody has asked for a while.
 */
export class LlamaEngine {
  #load: LlamaLoad;
  readonly #unloadAfterMs: number;
  readonly #graphics: GraphicsStart;
  #child: LlamaChild | undefined;
  #users = 0;
  #idle: NodeJS.Timeout | undefined;

  /**
   * @param unloadAfterMs milliseconds without a question after which the process ends; 0 for never
   * @param graphics what a driver may take, and who is told when it fails and the processor is used from then on
   */
  constructor(load: LlamaLoad, unloadAfterMs: number, graphics: GraphicsStart) {
    this.#load = load;
    this.#unloadAfterMs = unloadAfterMs;
    this.#graphics = graphics;
  }

  /** Process id while a model is loaded or being loaded, for messages and tests. */
  get pid(): number | undefined {
    return this.#child?.isAlive ? this.#child.pid : undefined;
  }

  /**
   * Loads the model, unless it is.
   * @throws LlamaError when it cannot be loaded; the signal's reason when aborted
   */
  async open(signal: AbortSignal): Promise<LoadedLlama> {
    const child = this.#enter();
    try {
      return await (await this.#whenLoaded(child, signal)).loaded;
    } finally {
      this.#leave();
    }
  }

  /**
   * Streams one answer; `end` is the last event. Leaving the loop earlier stops the model.
   * @throws LlamaError; the signal's reason as soon as it is aborted, even if the model needs longer to stop
   */
  async *stream(request: LlamaRequest, signal: AbortSignal): AsyncGenerator<LlamaEvent, void, undefined> {
    const child = this.#enter();
    try {
      yield* this.#generate(await this.#whenLoaded(child, signal), request, signal);
    } finally {
      this.#leave();
    }
  }

  /** Ends the process; answers under way fail. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#child?.end();
  }

  /** @returns the process that has loaded it: that one, or the next when a driver has ended it */
  async #whenLoaded(child: LlamaChild, signal: AbortSignal): Promise<LlamaChild> {
    try {
      await orAborted(child.loaded, signal);
      return child;
    } catch (error) {
      // It failed, or nobody waits for it any more: its memory is better used otherwise.
      if (!child.isLoaded && (this.#users === 1 || error instanceof LlamaError)) child.end();
      return this.#whenLoaded(this.#onProcessorAfter(child, error, signal), signal);
    }
  }

  /** Asks once more, on the processor, when the first answer on a graphics processor ends the process without a word. */
  async *#generate(child: LlamaChild, request: LlamaRequest, signal: AbortSignal): AsyncGenerator<LlamaEvent, void> {
    let anyText = false;
    try {
      for await (const event of child.generate(request, signal)) {
        anyText ||= event.type === "text" && event.text !== "";
        yield event;
      }
    } catch (error) {
      if (anyText || child.hasAnswered) throw error;
      const next = this.#onProcessorAfter(child, error, signal);
      yield* (await this.#whenLoaded(next, signal)).generate(request, signal);
    }
  }

  /**
   * A process that may use a graphics processor has ended by itself: its driver is the likeliest cause, and none is used
   * any more.
   * @throws the error, for any other end
   */
  #onProcessorAfter(child: LlamaChild, error: unknown, signal: AbortSignal): LlamaChild {
    const isEnd = error instanceof LlamaError && error.failure === "ended";
    if (signal.aborted || !isEnd || !child.mayUseGraphics) throw error;
    if (this.#load.gpu !== "off") {
      this.#load = { ...this.#load, gpu: "off" };
      this.#graphics.onFailure(error.message);
    }
    return this.#current();
  }

  #enter(): LlamaChild {
    clearTimeout(this.#idle);
    this.#users++;
    return this.#current();
  }

  #current(): LlamaChild {
    if (!this.#child?.isAlive) this.#child = new LlamaChild(this.#load, this.#graphics.limitMs);
    this.#child.keepAlive(true);
    return this.#child;
  }

  #leave(): void {
    this.#users--;
    if (this.#users > 0) return;
    const child = this.#child;
    child?.keepAlive(false);
    if (this.#unloadAfterMs > 0) this.#idle = setTimeout(() => child?.end(), this.#unloadAfterMs).unref();
  }
}

/** One run of the process. */
class LlamaChild {
  readonly loaded: Promise<LoadedLlama>;
  readonly #child: ChildProcess;
  readonly #model: string;
  readonly #answers = new Map<number, AnswerQueue>();
  /** Of the answers, those that nobody wants any more. */
  readonly #stopping = new Set<number>();
  readonly #onLoaded = Promise.withResolvers<LoadedLlama>();
  readonly mayUseGraphics: boolean;
  isLoaded = false;
  /** It has written an answer to its end. */
  hasAnswered = false;
  #ended: LlamaError | undefined;
  #next = 1;

  /** @param limitMs milliseconds in which it must be loaded, when it may use a graphics processor */
  constructor(load: LlamaLoad, limitMs: number) {
    this.#model = basename(load.modelPath);
    this.mayUseGraphics = load.gpu !== "off";
    this.loaded = this.#onLoaded.promise;
    // Whoever waits for it hears of it; nobody may be waiting.
    this.loaded.catch(() => {});
    this.#child = fork(entryFile("server/native/llama-process"), [], {
      // Not those of this process: they may name a program of their own.
      execArgv: [],
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    this.#child.on("message", (message: FromLlama) => this.#receive(message));
    this.#child.once("exit", (code, signal) => this.#onEnd(signal ?? `exit code ${code}`));
    this.#child.once("error", (error) => this.#onEnd(error.message));
    this.#send({ type: "load", load });
    if (!this.mayUseGraphics) return;
    const tooLong = setTimeout(() => {
      this.#onEnd(phrase("it did not start within {0} s", (limitMs / 1000).toLocaleString("en")));
      this.#child.kill("SIGKILL");
    }, limitMs);
    const settled = () => clearTimeout(tooLong);
    this.loaded.then(settled, settled);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isAlive(): boolean {
    return this.#ended === undefined;
  }

  /** Whether this process waits for the child before it exits by itself. */
  keepAlive(keep: boolean): void {
    if (keep) {
      this.#child.ref();
      this.#child.channel?.ref();
    } else {
      this.#child.unref();
      this.#child.channel?.unref();
    }
  }

  async *generate(request: LlamaRequest, signal: AbortSignal): AsyncGenerator<LlamaEvent, void, undefined> {
    signal.throwIfAborted();
    if (this.#ended) throw this.#ended;
    const id = this.#next++;
    const queue = new AnswerQueue();
    this.#answers.set(id, queue);
    const abort = () => queue.fail(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      this.#send({ type: "generate", id, request });
      for (;;) {
        const event = await queue.next();
        yield event;
        if (event.type === "end") return;
      }
    } finally {
      signal.removeEventListener("abort", abort);
      if (!queue.isOver && this.isAlive) this.#stop(id, queue);
      else this.#answers.delete(id);
    }
  }

  /** Ends the process at once. */
  async end(): Promise<void> {
    if (!this.isAlive) return;
    this.keepAlive(true);
    const exit = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exit;
  }

  #stop(id: number, queue: AnswerQueue): void {
    this.#send({ type: "stop", id });
    this.#stopping.add(id);
    const kill = () => {
      // Another answer is on its way: its process is not ended for this one.
      if ([...this.#answers.keys()].every((other) => this.#stopping.has(other))) this.#child.kill("SIGKILL");
    };
    const timer = setTimeout(kill, STOP_WITHIN_MS).unref();
    queue.onOver = () => {
      clearTimeout(timer);
      this.#stopping.delete(id);
      this.#answers.delete(id);
    };
  }

  #receive(message: FromLlama): void {
    if (message.type === "loaded") {
      this.isLoaded = true;
      this.#onLoaded.resolve(message.loaded);
    } else if (message.type === "failed") {
      const error = new LlamaError(message.failure, message.message, message.hint);
      if (message.id === undefined) this.#onLoaded.reject(error);
      else this.#answers.get(message.id)?.over(error);
    } else {
      const queue = this.#answers.get(message.id);
      queue?.push(message);
      if (message.type === "end") {
        this.hasAnswered = true;
        queue?.over();
      }
    }
  }

  #onEnd(how: string | Phrase): void {
    const error = new LlamaError(
      "ended",
      phrase("the process that runs {0} has ended ({1}).", this.#model, how),
      phrase("Ask again: it is started anew."),
    );
    this.#ended ??= error;
    this.#onLoaded.reject(error);
    for (const queue of this.#answers.values()) queue.over(error);
    this.#answers.clear();
  }

  #send(message: ToLlama): void {
    // Of a process that has just died its exit tells.
    if (this.#child.connected) this.#child.send(message, () => {});
  }
}

/** What has come of one answer and was not read yet. */
class AnswerQueue {
  readonly #events: LlamaEvent[] = [];
  #failure: { readonly error: unknown } | undefined;
  #wake = () => {};
  /** The process is done with it, whoever still reads. */
  isOver = false;
  onOver = () => {};

  push(event: LlamaEvent): void {
    this.#events.push(event);
    this.#wake();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  over(error?: unknown): void {
    this.isOver = true;
    if (error !== undefined) this.fail(error);
    this.onOver();
  }

  /** The next event; a failure comes when all that was there before it has been read. */
  async next(): Promise<LlamaEvent> {
    for (;;) {
      const event = this.#events.shift();
      if (event) return event;
      if (this.#failure) throw this.#failure.error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** The promise's outcome, or the signal's reason when that comes first. */
async function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
