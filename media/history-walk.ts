/** A walk through earlier queries that starts, and can end, at what was being typed. */
export class HistoryWalk {
  readonly #queries: readonly string[];
  /** 0 is what was being typed. */
  #at = 0;

  /** @param history newest first */
  constructor(history: readonly string[], typed: string) {
    this.#queries = [typed, ...history.filter((query) => query !== typed.trim())];
  }

  /** True while an earlier query is shown. */
  get inPast(): boolean {
    return this.#at > 0;
  }

  /** The query before the one that is shown; undefined when there is none. */
  older(): string | undefined {
    return this.#at + 1 < this.#queries.length ? this.#queries[++this.#at] : undefined;
  }

  /** The query after the one that is shown, at last what was being typed; undefined when that is shown. */
  newer(): string | undefined {
    return this.#at > 0 ? this.#queries[--this.#at] : undefined;
  }
}
