import { type Phrase, phrase } from "../../shared/phrase.ts";
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

/** What is waited for, by what is said when it does not come. */
const LATE = {
  connection: (seconds: string) => phrase("A connection did not come within {0} s.", seconds),
  "list-of-models": (seconds: string) => phrase("The list of models did not come within {0} s.", seconds),
  model: (seconds: string) => phrase("The model did not come within {0} s.", seconds),
  "its-model": (seconds: string) => phrase("Its model did not come within {0} s.", seconds),
  "first-word": (seconds: string) => phrase("The first word did not come within {0} s.", seconds),
  "next-word": (seconds: string) => phrase("The next word did not come within {0} s.", seconds),
  vectors: (seconds: string) => phrase("Vectors did not come within {0} s.", seconds),
} as const satisfies Readonly<Record<string, (seconds: string) => Phrase>>;

/**
 * Ends a request whose provider has fallen silent: the clients' own time-outs end with the headers of the response, and
 * a stream may stall for ever after them.
 */
export class Watchdog {
  readonly #provider: string;
  readonly #ending = new AbortController();
  readonly #ended: Promise<never>;
  readonly #letGo: () => void;
  #timer: NodeJS.Timeout | undefined;
  /** For the request: aborted by the caller or by silence. */
  readonly signal: AbortSignal = this.#ending.signal;

  constructor(provider: string, signal: AbortSignal) {
    this.#provider = provider;
    // Not `AbortSignal.any`: as long as anyone listens to such a signal, and clients of providers never stop to, Node keeps
    // it for good, and with it the whole response.
    const follow = () => this.#ending.abort(signal.reason);
    signal.addEventListener("abort", follow, { once: true });
    this.#letGo = () => signal.removeEventListener("abort", follow);
    this.#ended = new Promise((_, reject) => {
      this.signal.addEventListener("abort", () => reject(this.signal.reason), { once: true });
    });
    if (signal.aborted) follow();
    // It may end when nobody waits for anything.
    this.#ended.catch(() => {});
  }

  /** From now on the next sign of life must come within so many milliseconds. */
  expect(what: keyof typeof LATE, withinMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ending.abort(this.#silent(what, withinMs)), withinMs);
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

  /** The request has ended. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#letGo();
  }

  #silent(what: keyof typeof LATE, withinMs: number): ProviderError {
    const message = LATE[what]((withinMs / 1000).toLocaleString("en"));
    const hint = phrase("Try again, or raise the time-outs in the settings.");
    return new ProviderError(this.#provider, "timeout", message, hint);
  }
}
