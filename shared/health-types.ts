/** How one thing that is asked does: the index with the model in the package, a chosen model, a provider of answers. */
export interface ModelHealth {
  readonly role: "search" | "answer";
  /** `index`, the model as settings name it, or a provider and its model. */
  readonly name: string;
  /**
   * `ready`: it works. `working`: it is loaded, or vectors are made. `failing`: its last try failed, or its engine does not
   * run.
   */
  readonly state: "ready" | "working" | "failing";
  /** Milliseconds until a search was answered, a question embedded, the first word of an answer there; undefined before any. */
  readonly medianMs?: number;
  readonly p95Ms?: number;
  /** Of the calls, 0 to 1, and how many calls that is of. */
  readonly errorRate: number;
  readonly calls: number;
  /** Of its process; undefined where it has none of its own. */
  readonly memoryBytes?: number;
  /** How often its process was started again; undefined where it has none of its own. */
  readonly restarts?: number;
}

/** Whether all that Cairn asks works, and how well. */
export interface Health {
  /** When this was looked at, ISO 8601. */
  readonly at: string;
  readonly models: readonly ModelHealth[];
}
