import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { EngineStatus } from "../../shared/search-types.ts";
import type { Host } from "../host.ts";
import { EngineQueue, type QueueOptions } from "../native/engine-queue.ts";
import { KeptEngine, OF_SERVER } from "../native/kept-engine.ts";
import type { EmbeddingServer } from "../remote/embedding-server.ts";
import type { AskedForm } from "../vectors/stored-form.ts";
import type { ChosenModel } from "./chosen-model.ts";

/** A question that takes longer is answered with the bundled model: someone is waiting. */
const QUESTION_MS = 3_000;

/** Texts that wait for an engine at a time, of one index. */
const TEXTS_AT_ONCE = { process: 64, server: 256 };

/** Of one request; a server that takes fewer says so. */
const TEXTS_OF_REQUEST = 64;

/** The engine of the model that the user chose: one a process, whatever the number of folders that are open. */
export class ChosenEngine {
  /** As the setting names it, with its precision. */
  readonly name: string;
  /** Part of the key of its vectors. */
  readonly model: string;
  /** As many as the model gives. */
  readonly dims: number;
  /** How its vectors are to be kept. */
  readonly form: AskedForm;
  /** Where it runs, unless that is a process of this machine. */
  readonly server: EmbeddingServer | undefined;
  readonly #engine: KeptEngine;
  readonly #queue: EngineQueue;
  #logged = "";
  readonly #listeners = new Set<() => void>();

  /** Begins to load the model, or to ask its server. */
  constructor(host: Host, model: ChosenModel, form: AskedForm) {
    const { server } = model;
    this.name = model.name;
    this.model = model.identity;
    this.dims = model.dims;
    this.form = form;
    this.server = server;
    this.#engine = new KeptEngine(
      (signal, deaths) => model.start(signal, deaths),
      () => this.#changed(host),
      server && OF_SERVER,
    );
    this.#queue = new EngineQueue(this.#engine, model.dims, server && TEXTS_OF_REQUEST);
  }

  /** How many texts are worth bringing to it at a time. */
  get textsAtOnce(): number {
    return TEXTS_AT_ONCE[this.server ? "server" : "process"];
  }

  /** Why it does not run now; undefined while it does, and while it is started for the first time. */
  get failure(): KeptEngine["failure"] {
    return this.#engine.failure;
  }

  get isRunning(): boolean {
    return this.#engine.isRunning;
  }

  /** True when it will not run any more. */
  get hasGivenUp(): boolean {
    return this.#engine.hasGivenUp;
  }

  /** True when nobody should wait for it now. */
  get isLost(): boolean {
    return this.#engine.isLost;
  }

  get status(): EngineStatus {
    const { pid = 0, device, restarts } = this.#engine;
    return { pid, ...(device && { device }), ...this.#queue.metrics, restarts };
  }

  /** Calls back when it runs, and when it no longer does. */
  onChange(listener: () => void): { dispose(): void } {
    this.#listeners.add(listener);
    return { dispose: () => void this.#listeners.delete(listener) };
  }

  /** The unit vector of a question. @throws {CairnError} when it cannot be asked now, or does not answer in time; the signal's reason */
  question(text: string, signal?: AbortSignal): Promise<Float32Array> {
    return this.#queue.embed(text, "query", { signal, withinMs: QUESTION_MS });
  }

  /** The unit vector of a piece of code, `ahead` of others; waits until the engine runs. @throws {CairnError} `output` where it fails */
  passage(text: string, signal?: AbortSignal, { ahead }: Pick<QueueOptions, "ahead"> = {}): Promise<Float32Array> {
    return this.#queue.embed(text, "passage", { signal, ahead });
  }

  /** What it may have waited for, such as a key, is there. */
  tryAgain(): void {
    if (this.#engine.isRunning) return;
    this.#queue.reopen();
    this.#engine.tryAgain();
  }

  async close(): Promise<void> {
    this.#queue.end(new CairnError("unavailable", phrase("The index is closed."), phrase("Open the folder again.")));
    await this.#engine.close();
  }

  #changed(host: Host): void {
    const { failure } = this.#engine;
    // A server that stays away is away for the same reason each time that it is asked.
    if (failure && failure.message !== this.#logged) {
      host.log.warn(`embedding with ${this.name}: ${failure.message} ${failure.hint}`);
    }
    this.#logged = failure?.message ?? "";
    if (failure && this.#engine.hasGivenUp) this.#queue.end(failure);
    else this.#queue.advance();
    for (const listener of this.#listeners) listener();
  }
}
