import type { Memento } from "vscode";

/** More would not be looked through with arrow keys. */
const MAX_QUERIES = 50;
const KEY = "cairn.searchHistory";

/** What was asked in this workspace, newest first; kept with the workspace. */
export class SearchHistory {
  readonly #state: Memento;

  constructor(state: Memento) {
    this.#state = state;
  }

  get queries(): readonly string[] {
    return this.#state.get<readonly string[]>(KEY, []);
  }

  async add(query: string): Promise<void> {
    await this.#state.update(KEY, remember(this.queries, query));
  }

  async clear(): Promise<void> {
    await this.#state.update(KEY, undefined);
  }
}

/** The history with this query as the newest; a query is in it once. */
export function remember(history: readonly string[], query: string): string[] {
  const asked = query.trim();
  if (asked === "") return [...history];
  return [asked, ...history.filter((earlier) => earlier !== asked)].slice(0, MAX_QUERIES);
}
