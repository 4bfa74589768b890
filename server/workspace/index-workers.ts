import { Worker } from "node:worker_threads";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { StaticModelShared } from "../embed/static-model.ts";
import { entryFile } from "../package-files.ts";
import { Caller } from "../thread-rpc.ts";
import type { IndexWorkerData, IndexWorkerMethods } from "./index-jobs.ts";
import type { RootThread } from "./root-thread.ts";

/** Jobs given to one thread at a time: while one waits for the store, the other computes. */
const JOBS_PER_WORKER = 2;
/** While memory is short, a thread is replaced by a fresh one after so many jobs. */
const JOBS_WHEN_TIGHT = 16;
/**
 * How large the part of a thread's heap may grow in which objects begin their life. V8's default of 48 MB is filled
 * whatever the work needs, in every thread.
 */
const YOUNG_GENERATION_MB = 12;

interface Member {
  worker: Worker;
  caller: Caller<IndexWorkerMethods>;
  /** Jobs it was given. */
  jobs: number;
}

export interface IndexWorkersOptions {
  count: number;
  /** Lets other programs go before the threads. */
  lowPriority: boolean;
  /** Above so much resident memory of the process one thread works, and is replaced often; 0 means no cap. */
  maxMemoryBytes: number;
  root: string;
  exclude: readonly string[];
  maxFileBytes: number;
  model: StaticModelShared;
}

/** A job's thread died: the job may be what killed it. */
export class WorkerDied extends CairnError {
  constructor(cause: unknown) {
    super("unavailable", "A thread that reads and parses files has stopped.", "The files are tried one by one.", {
      cause,
    });
  }
}

/** The threads of one index. One stays alive between rounds; the others are started when there is work for them. */
export class IndexWorkers {
  readonly #options: IndexWorkersOptions;
  readonly #thread: RootThread;
  readonly #members: Promise<Member>[] = [];
  readonly #load = new Map<Promise<Member>, number>();
  #closed = false;

  constructor(thread: RootThread, options: IndexWorkersOptions) {
    this.#thread = thread;
    this.#options = options;
  }

  /** How many jobs keep every thread busy. */
  get capacity(): number {
    return this.#isTight ? 1 : this.#options.count * JOBS_PER_WORKER;
  }

  /** Starts the first thread and lets it load what a first file needs. */
  async warm(): Promise<void> {
    await this.run("warm", null);
  }

  /** Runs a job on the thread with the least to do. Throws {@link WorkerDied} when the thread died of it. */
  async run<K extends keyof IndexWorkerMethods & string>(
    method: K,
    argument: Parameters<IndexWorkerMethods[K]>[0],
  ): Promise<ReturnType<IndexWorkerMethods[K]>> {
    return this.#runOn(this.#leastBusy(), method, argument);
  }

  /**
   * Ends all threads but one, so that an idle index costs little memory; after much work that one too, in favour of a
   * fresh one: a thread that has parsed thousands of files keeps a hundred megabytes and more of what they needed.
   */
  async rest(afterMuch: boolean): Promise<void> {
    const spare = this.#members.slice(afterMuch ? 0 : 1).filter((member) => this.#load.get(member) === 0);
    for (const member of spare) this.#forget(member);
    await Promise.all(spare.map(async (member) => (await member).worker.terminate()));
    // Nobody waits for the fresh one; should it fail to start, the next job says so.
    if (afterMuch) this.warm().catch(() => {});
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#members.splice(0).map(async (member) => (await member).worker.terminate()));
  }

  async #runOn<K extends keyof IndexWorkerMethods & string>(
    member: Promise<Member>,
    method: K,
    argument: Parameters<IndexWorkerMethods[K]>[0],
  ): Promise<ReturnType<IndexWorkerMethods[K]>> {
    this.#load.set(member, (this.#load.get(member) ?? 0) + 1);
    try {
      const one = await member;
      one.jobs++;
      return (await one.caller.call(method, argument as never)) as ReturnType<IndexWorkerMethods[K]>;
    } finally {
      const left = this.#load.get(member);
      if (left !== undefined) this.#load.set(member, left - 1);
      if (left === 1 && this.#isTight) await this.#save(member);
    }
  }

  get #isTight(): boolean {
    const { maxMemoryBytes } = this.#options;
    return maxMemoryBytes > 0 && process.memoryUsage.rss() > maxMemoryBytes;
  }

  /** Ends a thread that has just become idle, if another is there or it has done much. */
  async #save(member: Promise<Member>): Promise<void> {
    const one = await member.catch(() => undefined);
    if (!one || this.#load.get(member) !== 0 || (this.#members.length === 1 && one.jobs < JOBS_WHEN_TIGHT)) return;
    this.#forget(member);
    await one.worker.terminate();
  }

  #leastBusy(): Promise<Member> {
    let best: Promise<Member> | undefined;
    for (const member of this.#members) {
      if (best === undefined || (this.#load.get(member) ?? 0) < (this.#load.get(best) ?? 0)) best = member;
    }
    if (
      best !== undefined &&
      (this.#load.get(best) === 0 || this.#isTight || this.#members.length >= this.#options.count)
    )
      return best;
    const started = this.#start();
    this.#members.push(started);
    this.#load.set(started, 0);
    return started;
  }

  async #start(): Promise<Member> {
    if (this.#closed)
      throw new CairnError("unavailable", phrase("The index is closed."), phrase("Open the folder again."));
    const { root, exclude, maxFileBytes, lowPriority, model } = this.#options;
    const store = await this.#thread.port();
    const workerData: IndexWorkerData = { root, exclude, maxFileBytes, lowPriority, store, model };
    const worker = new Worker(entryFile("server/workspace/index-worker"), {
      workerData,
      transferList: [store],
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    const caller = new Caller<IndexWorkerMethods>(worker);
    const died = (error?: unknown) => {
      caller.fail(new WorkerDied(error));
      for (const member of this.#members) {
        void member.then((one) => {
          if (one.worker === worker) this.#forget(member);
        });
      }
    };
    worker.once("error", died);
    worker.once("exit", () => died());
    return { worker, caller, jobs: 0 };
  }

  #forget(member: Promise<Member>): void {
    const at = this.#members.indexOf(member);
    if (at >= 0) this.#members.splice(at, 1);
    this.#load.delete(member);
  }
}
