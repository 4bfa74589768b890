import { ProviderError } from "./provider-error.ts";

/** How long a provider may take, in milliseconds. */
export interface Deadlines {
  /** Until it has taken the request. */
  readonly connectMs: number;
  /** From there to the first piece of the answer. */
  readonly firstTokenMs: number;
  /** Between two pieces. */
  readonly nextTokenMs: number;
}

/**
 * Ends a request whose provider has fallen silent: the clients' own time-outs end with the headers of the response, and
 * a stream may stall for ever after them.
 */
export class Watchdog {
  readonly #provider: string;
  readonly #silence = new AbortController();
  readonly #ended: Promise<never>;
  #timer: NodeJS.Timeout | undefined;
  /** For the request: aborted by the caller or by silence. */
  readonly signal: AbortSignal;

  constructor(provider: string, signal: AbortSignal) {
    this.#provider = provider;
    this.signal = AbortSignal.any([signal, this.#silence.signal]);
    this.#ended = new Promise((_, reject) => {
      const end = () => reject(this.signal.reason);
      if (this.signal.aborted) end();
      this.signal.addEventListener("abort", end, { once: true });
    });
    // It may end when nobody waits for anything.
    this.#ended.catch(() => {});
  }

  /** From now on the next sign of life must come within so many milliseconds. */
  expect(what: string, withinMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#silence.abort(this.#silent(what, withinMs)), withinMs);
  }

  /** The promise's outcome, or a rejection as soon as the caller or silence ends the request. */
  async race<Value>(promise: Promise<Value>): Promise<Value> {
    try {
      return await Promise.race([promise, this.#ended]);
    } catch (error) {
      // What the client says of an aborted request is not why it was aborted.
      throw this.signal.aborted ? this.signal.reason : error;
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #silent(what: string, withinMs: number): ProviderError {
    const message = `${what} did not come within ${(withinMs / 1000).toLocaleString("en")} s.`;
    return new ProviderError(this.#provider, "timeout", message, "Try again, or raise the time-outs in the settings.");
  }
}
