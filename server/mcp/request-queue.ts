/** Runs jobs a few at a time, in their order, and refuses more than may wait: a flood costs its sender, not the machine. */
export class RequestQueue {
  readonly #atOnce: number;
  readonly #mostWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #drained: (() => void)[] = [];

  constructor(atOnce: number, mostWaiting: number) {
    this.#atOnce = atOnce;
    this.#mostWaiting = mostWaiting;
  }

  /** True when one more job would be one too many. */
  get isFull(): boolean {
    return this.#running >= this.#atOnce && this.#waiting.length >= this.#mostWaiting;
  }

  /** Runs the job when its turn comes; a job whose signal is aborted by then is not begun. */
  async run<Result>(job: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
    if (this.#running >= this.#atOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      signal.throwIfAborted();
      return await job();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else if (--this.#running === 0) for (const resolve of this.#drained.splice(0)) resolve();
    }
  }

  /** Resolves when nothing runs or waits. */
  async drained(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => this.#drained.push(resolve));
  }
}
