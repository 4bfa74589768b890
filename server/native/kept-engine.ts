import { asCairnError, CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { EmbeddingEngine } from "./embedding-engine.ts";
import { BATCH_TOKENS, type EmbeddedTexts, type TextKind } from "./engine-model.ts";
import { didNotStart } from "./graphics-start.ts";

/** The first new start comes at once; each further one that finds the engine dead again waits twice as long. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 30_000;
/** Timers take no more. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** So many starts in a row without a text embedded between them, and it is left alone. */
const MOST_FAILURES = 8;

/** A call takes a second on a slow machine; an engine that has not answered by then hangs, and is ended. */
const HUNG_MS = 60_000;

/** Its files are read to their end first, and where it is new several devices are tried. */
const START_MS = 600_000;

/** How long a start and a call may take, and how often an engine may fail to start before it is left alone. */
export interface KeptOptions {
  /** Milliseconds until it runs; undefined for an engine that has time-outs of its own. */
  readonly startMs: number | undefined;
  /** Milliseconds for one call; the same. */
  readonly hungMs: number | undefined;
  readonly mostFailures: number;
}

/** A process of this machine. */
const OF_PROCESS: KeptOptions = { startMs: START_MS, hungMs: HUNG_MS, mostFailures: MOST_FAILURES };

/** A server may be away for hours and come back. */
export const OF_SERVER: KeptOptions = { startMs: undefined, hungMs: undefined, mostFailures: Number.POSITIVE_INFINITY };

type State = "starting" | "running" | "waiting" | "given-up" | "closed";

/** The engine did not run when it was asked: nothing is wrong with the texts that it was to embed. */
export class EngineAway extends CairnError {
  constructor(cause: CairnError | undefined) {
    const said = cause?.said ?? phrase("The engine is being started.");
    super("unavailable", said, cause?.advice ?? phrase("Try again in a moment."), { cause });
  }
}

/** An engine that is started, and started again with growing pauses when its process ends. */
export class KeptEngine {
  readonly #start: (signal: AbortSignal, deaths: number) => Promise<EmbeddingEngine>;
  readonly #onChange: () => void;
  readonly #options: KeptOptions;
  readonly #ending = new AbortController();
  #starting: Promise<void>;
  #engine: EmbeddingEngine | undefined;
  #state: State = "starting";
  #failure: CairnError | undefined;
  #failures = 0;
  #deaths = 0;
  #waitMs = 0;
  #timer: NodeJS.Timeout | undefined;
  restarts = 0;

  /**
   * @param start starts the engine, once every file of its model was compared; ends it when its signal fires. It is told
   * how often the engine has ended at work, or was ended because it hung
   * @param onChange called when it runs, and when it no longer does
   */
  constructor(
    start: (signal: AbortSignal, deaths: number) => Promise<EmbeddingEngine>,
    onChange: () => void,
    options: KeptOptions = OF_PROCESS,
  ) {
    this.#start = start;
    this.#onChange = onChange;
    this.#options = options;
    this.#starting = this.#bringUp();
  }

  /** Why it does not run; undefined while it does, and before it was started for the first time. */
  get failure(): CairnError | undefined {
    return this.#failure;
  }

  get isRunning(): boolean {
    return this.#state === "running";
  }

  /** Tokens that it is best given at once. */
  get batchTokens(): number {
    return this.#engine?.loaded.batchTokens ?? BATCH_TOKENS;
  }

  /** True when it will not be tried again. */
  get hasGivenUp(): boolean {
    return this.#state === "given-up" || this.#state === "closed";
  }

  /** True when nobody should wait for it: it stays away, or wants to be left alone for long. */
  get isLost(): boolean {
    if (this.hasGivenUp) return true;
    return this.#state === "waiting" && (this.#failures > MOST_FAILURES || this.#waitMs > LONGEST_WAIT_MS);
  }

  /** Of its process; for messages and tests. */
  get pid(): number | undefined {
    return this.#engine?.pid;
  }

  /** What it runs on, for people; undefined while it does not run. */
  get device(): string | undefined {
    return this.#engine?.loaded.device;
  }

  /**
   * @throws {EngineAway} at once, while it does not run
   * @throws {CairnError} what the engine throws, also when its process ends meanwhile
   */
  async embed(texts: readonly string[], kind: TextKind): Promise<EmbeddedTexts> {
    const engine = this.#engine;
    if (!engine || !this.isRunning) throw new EngineAway(this.#failure);
    const { hungMs } = this.#options;
    const watchdog = hungMs === undefined ? undefined : setTimeout(() => void engine.close(), hungMs).unref();
    try {
      const embedded = await engine.embed(texts, kind);
      this.#failures = 0;
      return embedded;
    } finally {
      clearTimeout(watchdog);
    }
  }

  /** What it may have waited for is there: it is tried at once. */
  tryAgain(): void {
    if (this.#state !== "waiting" && this.#state !== "given-up") return;
    clearTimeout(this.#timer);
    this.#failures = 0;
    this.restarts++;
    this.#starting = this.#bringUp();
  }

  async close(): Promise<void> {
    this.#state = "closed";
    clearTimeout(this.#timer);
    this.#ending.abort();
    this.#onChange();
    await this.#starting;
    await this.#engine?.close();
  }

  async #bringUp(): Promise<void> {
    this.#state = "starting";
    const { startMs } = this.#options;
    const ending = this.#ending.signal;
    const tooLong = startMs === undefined ? undefined : AbortSignal.timeout(startMs);
    try {
      const engine = await this.#start(tooLong ? AbortSignal.any([ending, tooLong]) : ending, this.#deaths);
      this.#engine = engine;
      if (this.hasGivenUp) return void (await engine.close());
      this.#state = "running";
      this.#failure = undefined;
      void engine.ended.then((why) => {
        this.#deaths++;
        this.#failed(why ?? died());
      });
    } catch (error) {
      this.#failed(startMs !== undefined && tooLong?.aborted ? didNotStart(startMs) : asCairnError(error));
    }
    this.#onChange();
  }

  #failed(failure: CairnError): void {
    if (this.hasGivenUp) return;
    this.#engine = undefined;
    this.#failure = failure;
    this.#failures++;
    // Files that are missing or wrong, and a model that is none, are so at the next try too.
    if (failure.kind !== "unavailable" || this.#failures > this.#options.mostFailures) {
      this.#state = "given-up";
    } else {
      this.#state = "waiting";
      const pause = this.#failures === 1 ? 0 : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (this.#failures - 2));
      this.#waitMs = Math.min(LONGEST_TIMER_MS, Math.max(pause, waitOf(failure)));
      this.#timer = setTimeout(() => {
        this.restarts++;
        this.#starting = this.#bringUp();
      }, this.#waitMs).unref();
    }
    this.#onChange();
  }
}

/** Milliseconds for which a server wants to be left alone. */
function waitOf({ cause }: CairnError): number {
  const { waitMs } = (cause ?? {}) as { waitMs?: unknown };
  return typeof waitMs === "number" ? waitMs : 0;
}

function died(): CairnError {
  return new CairnError("unavailable", phrase("Its process has ended."), phrase("It is started again by itself."));
}
