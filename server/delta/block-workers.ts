import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { entryFile, packageFile } from "../package-files.ts";
import { Caller } from "../thread-rpc.ts";
import { compileModule } from "../vectors/kernels.ts";
import type { KernelModule } from "../vectors/web-assembly.ts";
import type { BlockWorkerData, BlockWorkerMethods, DecodeJob, EncodedBlock, EncodeJob } from "./block-jobs.ts";
import { BLOCK_BYTES } from "./codec-memory.ts";

type Job<K extends keyof BlockWorkerMethods> = Parameters<BlockWorkerMethods[K]>[0];
type Answer<K extends keyof BlockWorkerMethods> = Awaited<ReturnType<BlockWorkerMethods[K]>>;

/** Threads beyond this gain nothing: files are read and written by one. */
const MOST_THREADS = 16;
/** How large the part of a thread's heap may grow in which objects begin their life: they hold blocks, not objects. */
const YOUNG_GENERATION_MB = 3;

interface Member {
  worker: Worker;
  caller: Caller<BlockWorkerMethods>;
}

/** Threads that code, decode and hash. Jobs wait in the order they came; each thread has one at a time. */
export class BlockWorkers {
  readonly count: number;
  readonly #kernels: KernelModule | undefined;
  readonly #idle: Member[] = [];
  readonly #all: Member[] = [];
  readonly #rooms: ArrayBuffer[] = [];
  readonly #waiting: ((member: Member | CairnError) => void)[] = [];
  #failure: CairnError | undefined;

  /** @param threads 0 for as many as the machine has cores */
  constructor(threads: number, kernels = loadDeltaKernels()) {
    this.count = Math.min(MOST_THREADS, threads > 0 ? threads : availableParallelism());
    this.#kernels = kernels;
  }

  /** Codes a block; {@link giveBack} its bytes when they are no longer needed. */
  encode(job: EncodeJob): Promise<EncodedBlock> {
    return this.#runInRoom("encode", job);
  }

  /** Decodes a block; {@link giveBack} its bytes when they are no longer needed. */
  decode(job: DecodeJob): Promise<Uint8Array<ArrayBuffer>> {
    return this.#runInRoom("decode", job);
  }

  /** Makes the memory of a result that nobody looks at any more that of the next. */
  giveBack(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.buffer.byteLength === BLOCK_BYTES) this.#rooms.push(bytes.buffer);
  }

  async #runInRoom<K extends "encode" | "decode">(method: K, job: Job<K>): Promise<Answer<K>> {
    const member = await this.#take();
    const room = this.#rooms.pop() ?? new ArrayBuffer(BLOCK_BYTES);
    return this.#runOn(member, method, { ...job, room }, [room]);
  }

  async run<K extends keyof BlockWorkerMethods & string>(method: K, job: Job<K>): Promise<Answer<K>> {
    return this.#runOn(await this.#take(), method, job, []);
  }

  async #runOn<K extends keyof BlockWorkerMethods & string>(
    member: Member,
    method: K,
    job: Job<K>,
    transfer: readonly ArrayBuffer[],
  ): Promise<Answer<K>> {
    try {
      return (await member.caller.call(method, job as never, transfer)) as Answer<K>;
    } finally {
      const next = this.#waiting.shift();
      if (next) next(member);
      else this.#idle.push(member);
    }
  }

  /** Ends the threads; jobs under way fail. */
  async close(): Promise<void> {
    this.#fail(new CairnError("unavailable", phrase("The work was cancelled.")));
    await Promise.all(this.#all.map(({ worker }) => worker.terminate()));
  }

  #take(): Promise<Member> {
    if (this.#failure) return Promise.reject(this.#failure);
    const idle = this.#idle.pop();
    if (idle) return Promise.resolve(idle);
    if (this.#all.length < this.count) return Promise.resolve(this.#start());
    return new Promise((resolve, reject) => {
      this.#waiting.push((member) => (member instanceof CairnError ? reject(member) : resolve(member)));
    });
  }

  #start(): Member {
    const workerData: BlockWorkerData = { kernels: this.#kernels };
    const worker = new Worker(entryFile("server/delta/block-worker"), {
      workerData,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    const member = { worker, caller: new Caller<BlockWorkerMethods>(worker) };
    const died = (cause?: unknown) =>
      this.#fail(
        new CairnError(
          "unavailable",
          phrase("A thread that codes blocks has stopped."),
          phrase("Start again; what is done is kept."),
          {
            cause,
          },
        ),
      );
    worker.once("error", died);
    worker.once("exit", () => died());
    this.#all.push(member);
    return member;
  }

  #fail(error: CairnError): void {
    this.#failure ??= error;
    for (const { caller } of this.#all) caller.fail(this.#failure);
    for (const waiting of this.#waiting.splice(0)) waiting(this.#failure);
  }
}

/**
 * Runs jobs side by side, as many as keep the threads busy, and yields their results in the order of the jobs; so that
 * only a few results are in memory, however many jobs there are.
 */
export async function* inOrder<J, R>(
  jobs: Iterable<J>,
  atOnce: number,
  run: (job: J) => Promise<R>,
): AsyncGenerator<[J, R]> {
  const running: { job: J; result: Promise<R> }[] = [];
  const next = async (): Promise<[J, R]> => {
    const { job, result } = running.shift() as { job: J; result: Promise<R> };
    return [job, await result];
  };
  for (const job of jobs) {
    const result = run(job);
    // Its failure is seen when its turn comes, or not at all when an earlier one fails.
    result.catch(() => {});
    running.push({ job, result });
    if (running.length >= atOnce) yield await next();
  }
  while (running.length > 0) yield await next();
}

/** The kernels that the build left in `dist/`, or undefined: the plain ones give the same bits, only slower. */
function loadDeltaKernels(): KernelModule | undefined {
  try {
    return compileModule(readFileSync(packageFile("dist", "delta-kernels.wasm")));
  } catch {
    return undefined;
  }
}
