import { statSync } from "node:fs";
import { totalmem } from "node:os";
import { Worker } from "node:worker_threads";
import { entryFile } from "../package-files.ts";
import { Caller } from "../thread-rpc.ts";
import type { EmbeddedTexts, EngineRun, LoadedModel, OnnxFiles, RunningModel, TextKind } from "./engine-model.ts";
import type { OnnxModel } from "./onnx-model.ts";

/** A question that comes so many milliseconds after passages, or sooner, was asked while there was work on them. */
const MEANWHILE_MS = 1_000;
/** The part of the machine's memory that the weights may take a second time. */
const SPARED = 1 / 32;

/** What the thread for passages does when it is asked. */
export interface PassageMethods {
  load(argument: { model: OnnxFiles; run: EngineRun }): void;
  embed(argument: { texts: readonly string[] }): EmbeddedTexts;
  release(argument: null): void;
}

/**
 * A model that answers questions while it is at work on passages. Native code keeps its thread for a whole batch, however
 * long that takes: once questions come meanwhile, a copy of the model takes the passages to another thread, until there
 * have been none for a while. The thread stays: the runtime takes the process along when one that it ran on ends.
 */
export class QuestionsAside implements RunningModel {
  readonly loaded: LoadedModel;
  readonly #model: OnnxModel;
  readonly #files: OnnxFiles;
  readonly #run: EngineRun;
  #thread: Caller<PassageMethods> | undefined;
  #copy: "none" | "loading" | "ready" | "refused" = "none";
  #lastPassages = Number.NEGATIVE_INFINITY;
  /** Passages that the copy has. */
  #underWay = 0;
  #idle: NodeJS.Timeout | undefined;

  /** @param model loaded of the files, as the run says */
  constructor(model: OnnxModel, files: OnnxFiles, run: EngineRun) {
    this.loaded = model.loaded;
    this.#model = model;
    this.#files = files;
    this.#run = run;
  }

  /** Whether a second copy of a model is no burden: on the processor, and small beside the memory of the machine. */
  static suits({ weights }: OnnxFiles, { device }: EngineRun): boolean {
    // In a container less may be given than the machine has; elsewhere this is 0, or more than there is.
    const memory = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
    return device === "cpu" && statSync(weights).size <= SPARED * memory;
  }

  async embed(texts: readonly string[], kind: TextKind): Promise<EmbeddedTexts> {
    if (kind === "query") {
      if (performance.now() - this.#lastPassages < MEANWHILE_MS) void this.#makeCopy();
      return this.#model.embed(texts, kind);
    }
    this.#lastPassages = performance.now();
    const embedded = await (this.#copy === "ready" ? this.#byCopy(texts) : this.#model.embed(texts, kind));
    this.#lastPassages = performance.now();
    return embedded;
  }

  async #byCopy(texts: readonly string[]): Promise<EmbeddedTexts> {
    clearTimeout(this.#idle);
    this.#underWay++;
    try {
      return await (this.#thread as Caller<PassageMethods>).call("embed", { texts });
    } finally {
      this.#underWay--;
      this.#giveUpLater();
    }
  }

  async #makeCopy(): Promise<void> {
    if (this.#copy !== "none") return;
    this.#copy = "loading";
    try {
      this.#thread ??= this.#startThread();
      await this.#thread.call("load", { model: this.#files, run: this.#run });
      this.#copy = "ready";
      this.#giveUpLater();
    } catch {
      // There may be no memory for it. Questions wait for a batch then, as they did.
      this.#copy = "refused";
    }
  }

  #startThread(): Caller<PassageMethods> {
    const worker = new Worker(entryFile("server/native/passage-worker"));
    const caller = new Caller<PassageMethods>(worker);
    worker.once("error", (error: Error) => {
      this.#copy = "refused";
      caller.fail(error);
    });
    return caller;
  }

  #giveUpLater(): void {
    clearTimeout(this.#idle);
    if (this.#underWay > 0) return;
    this.#idle = setTimeout(() => {
      // Before it is asked to: what comes from now on is not brought to it.
      this.#copy = "loading";
      this.#thread?.call("release", null).then(
        () => (this.#copy = "none"),
        () => (this.#copy = "refused"),
      );
    }, this.#run.copyMs).unref();
  }
}
