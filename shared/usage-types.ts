import type { Failure } from "./answer-types.ts";

/** How an answer ended: whole, cut at its limit, stopped by the user, or why the provider failed. */
export type UsageOutcome = "complete" | "length" | "stopped" | Failure;

/** One time that somebody was asked, as it is recorded: no question, no code, no path. */
export interface UsageEntry {
  /** When it ended, ISO 8601. */
  readonly at: string;
  readonly kind: "answer" | "embedding";
  /** `extractive` when passages were quoted, without a model. */
  readonly provider: string;
  /** Empty when it was not known yet, or there is none. */
  readonly model: string;
  /** On another machine. */
  readonly remote: boolean;
  /** As the provider counted them; missing when it did not. */
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  /** Of the input tokens those that the provider had from an earlier request. */
  readonly cachedTokens?: number;
  /** Seconds from the request to the first word. */
  readonly firstSeconds?: number;
  /** Seconds from when it was asked to the end. */
  readonly seconds: number;
  readonly outcome: UsageOutcome;
  /** True for an answer that was kept from before; false where none was kept; missing where it was not looked for. */
  readonly kept?: boolean;
  /** What a kept answer took when it was written, and did not take again. */
  readonly savedInputTokens?: number;
  readonly savedOutputTokens?: number;
}

/** What one model of one provider was used for, summed up. */
export interface UsageRow extends Pick<UsageEntry, "kind" | "provider" | "model" | "remote"> {
  /** Answers that came, whole or cut at their limit. */
  readonly answers: number;
  /** Answers that were kept from before; they are in no other number but these. */
  readonly kept: number;
  /** What those would have taken. */
  readonly savedInputTokens: number;
  readonly savedOutputTokens: number;
  /** US dollars that they would have cost; missing when the price is not known. */
  readonly saved?: number;
  readonly failed: number;
  readonly stopped: number;
  /** Failed ones among those that were not stopped, from 0 to 1. */
  readonly errorRate: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens: number;
  /** Answers whose tokens the provider did not count: they are in no sum of tokens or cost. */
  readonly uncounted: number;
  /** Seconds; missing without a single answer of which it is known. */
  readonly firstMedian?: number;
  readonly firstP95?: number;
  readonly secondsMedian?: number;
  /** US dollars; missing when the price is not known, never 0 then. */
  readonly cost?: number;
  /** The date of the price that the cost is counted with; empty for the user's own. */
  readonly priceAsOf?: string;
}

/** The record of usage, summed up. */
export interface UsageSummary {
  /** Time of the first and the last entry, ISO 8601; empty without any. */
  readonly from: string;
  readonly to: string;
  readonly entries: number;
  /** Lines that could not be read: cut by a crash, or of a later Cairn. */
  readonly unreadable: number;
  /** By provider and model, those with most tokens first. */
  readonly rows: readonly UsageRow[];
  /** US dollars of all rows whose price is known. */
  readonly cost: number;
  /** Questions whose answer was looked for among those that are kept, and those of them whose answer was there. */
  readonly lookedUp: number;
  readonly found: number;
  /** US dollars that kept answers have saved, as far as prices are known. */
  readonly saved: number;
  /** Models on other machines whose price is not known: their cost is missing in the sum. */
  readonly unpriced: readonly string[];
}
