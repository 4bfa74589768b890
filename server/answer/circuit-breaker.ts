/** Stops asking a provider that has failed again and again, and lets one request through to see whether it is back. */
export class CircuitBreaker {
  readonly #threshold: number;
  readonly #openMs: number;
  readonly #now: () => number;
  #failures = 0;
  #openUntil: number | undefined;
  #probing = false;

  /**
   * @param threshold failures in a row after which nothing is asked
   * @param openMs how long
   * @param now milliseconds that never go back
   */
  constructor(threshold = 3, openMs = 30_000, now: () => number = () => performance.now()) {
    this.#threshold = threshold;
    this.#openMs = openMs;
    this.#now = now;
  }

  /** Milliseconds to wait before anything is asked; 0 to go on. Who goes on must tell the outcome. */
  enter(): number {
    if (this.#openUntil === undefined) return 0;
    const wait = this.#openUntil - this.#now();
    if (wait > 0) return wait;
    if (this.#probing) return this.#openMs;
    this.#probing = true;
    return 0;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#openUntil = undefined;
    this.#probing = false;
  }

  failed(): void {
    this.#failures++;
    if (this.#failures >= this.#threshold || this.#probing) this.#openUntil = this.#now() + this.#openMs;
    this.#probing = false;
  }

  /** Neither: the request was given up, or failed for a reason of its own. */
  undecided(): void {
    this.#probing = false;
  }
}
