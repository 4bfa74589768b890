import { appendFileSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { AnswerRecord, Routing, Tier } from "../../shared/answer-types.ts";
import type { Log } from "../host.ts";
import { writeWhole } from "../whole-file.ts";

/** One routed question and what came of it. Its text is not in it. */
export interface RouteEntry
  extends Pick<Routing, "tier" | "reason" | "quality" | "novelty">,
    Pick<
      AnswerRecord,
      "provider" | "model" | "finish" | "firstTokenMs" | "totalMs" | "cost" | "citations" | "removed" | "unsupported"
    > {
  /** ISO 8601. */
  readonly at: string;
  /** Beginnings of SHA-256. */
  readonly question: string;
  readonly conversation: string;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  /** Providers that were asked in vain before. */
  readonly failed: number;
}

const FILE = "routing.jsonl";
/** Above, the older half goes: about 5,000 questions stay at least. */
const MOST_BYTES = 4_000_000;
/** Fewer answers say nothing of how fast a model is. */
const FEWEST_TIMES = 3;

/** The routed questions of this user, one JSON object a line, in the folder of caches. It never leaves the machine. */
export class RouteRecord {
  readonly #path: string;
  readonly #log: Pick<Log, "warn">;
  #entries: RouteEntry[] | undefined;

  /** @param cacheDirectory absolute */
  constructor(cacheDirectory: string, log: Pick<Log, "warn">) {
    this.#path = join(cacheDirectory, FILE);
    this.#log = log;
  }

  /** What cannot be written is lost, for an answer is worth more than its record; the log says so. */
  add(entry: RouteEntry): void {
    this.#entries?.push(entry);
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      appendFileSync(this.#path, `${JSON.stringify(entry)}\n`, { mode: 0o600 });
      if (statSync(this.#path).size > MOST_BYTES) this.#halve();
    } catch (error) {
      this.#log.warn(`The routing of a question could not be written to ${this.#path} (${codeOf(error)}).`);
    }
  }

  /** Oldest first. A line that was cut short, or is of another version, is left out. */
  read(): RouteEntry[] {
    return this.#lines().flatMap((line) => {
      try {
        const entry: unknown = JSON.parse(line);
        return isEntry(entry) ? [entry] : [];
      } catch {
        return [];
      }
    });
  }

  /** Median of the milliseconds to the first word of a routed model; undefined before it has answered a few times. */
  firstWordMs(tier: Tier): number | undefined {
    this.#entries ??= this.read();
    const times = this.#entries.flatMap((entry) =>
      entry.tier === tier && entry.failed === 0 && entry.firstTokenMs !== undefined ? [entry.firstTokenMs] : [],
    );
    return times.length < FEWEST_TIMES ? undefined : times.sort((a, b) => a - b)[times.length >> 1];
  }

  #lines(): string[] {
    try {
      return readFileSync(this.#path, "utf8").split("\n").filter(Boolean);
    } catch {
      // Nothing was routed yet.
      return [];
    }
  }

  #halve(): void {
    const lines = this.#lines();
    writeWhole(this.#path, `${lines.slice(lines.length >> 1).join("\n")}\n`);
  }
}

function isEntry(value: unknown): value is RouteEntry {
  const entry = value as Partial<RouteEntry> | null;
  return (
    typeof entry === "object" &&
    (entry?.tier === "strong" || entry?.tier === "weak") &&
    typeof entry.reason === "string" &&
    typeof entry.totalMs === "number"
  );
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
