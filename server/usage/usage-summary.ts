import type { UsageEntry, UsageRow, UsageSummary } from "../../shared/usage-types.ts";
import { median, percentile } from "../measure/statistics.ts";
import type { ModelPrice, PriceTable } from "./price-table.ts";
import type { UsageRecord } from "./usage-record.ts";

/** Sums up what was recorded, by provider and model, with what it cost where the price is known. */
export function summariseUsage({ entries, unreadable }: UsageRecord, prices: PriceTable): UsageSummary {
  const groups = Map.groupBy(entries, ({ kind, provider, model }) => JSON.stringify([kind, provider, model]));
  const rows = [...groups.values()].map((group) => rowOf(group, prices));
  rows.sort((a, b) => b.inputTokens + b.outputTokens - (a.inputTokens + a.outputTokens));
  return {
    from: entries[0]?.at ?? "",
    to: entries.at(-1)?.at ?? "",
    entries: entries.length,
    unreadable,
    rows,
    cost: rows.reduce((sum, { cost = 0 }) => sum + cost, 0),
    lookedUp: entries.filter(({ kept }) => kept !== undefined).length,
    found: entries.filter(({ kept }) => kept).length,
    saved: rows.reduce((sum, { saved = 0 }) => sum + saved, 0),
    unpriced: rows
      .filter(
        ({ remote, cost, inputTokens, outputTokens }) => remote && cost === undefined && inputTokens + outputTokens > 0,
      )
      .map(({ provider, model }) => `${provider} ${model}`.trim()),
  };
}

/** What tokens cost, in US dollars; those that the provider had already by their own price, where that is known. */
export function costOfTokens(
  { input, output, cachedInput = input }: Pick<ModelPrice, "input" | "output" | "cachedInput">,
  { inputTokens, outputTokens, cachedTokens }: TokenCounts,
): number {
  return ((inputTokens - cachedTokens) * input + cachedTokens * cachedInput + outputTokens * output) / 1e6;
}

export interface TokenCounts {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Some of the input tokens. */
  readonly cachedTokens: number;
}

const ANSWERED: ReadonlySet<string> = new Set(["complete", "length"]);

function rowOf(all: readonly UsageEntry[], prices: PriceTable): UsageRow {
  const { kind, provider, model, remote } = all[0];
  const kept = all.filter((entry) => entry.kept);
  const entries = all.filter((entry) => !entry.kept);
  const answered = entries.filter(({ outcome }) => ANSWERED.has(outcome));
  const stopped = entries.filter(({ outcome }) => outcome === "stopped").length;
  const failed = entries.length - answered.length - stopped;
  const counted = entries.filter(({ inputTokens }) => inputTokens !== undefined);
  const sum = (of: (entry: UsageEntry) => number | undefined) =>
    counted.reduce((total, entry) => total + (of(entry) ?? 0), 0);
  const tokens = {
    inputTokens: sum((entry) => entry.inputTokens),
    outputTokens: sum((entry) => entry.outputTokens),
    cachedTokens: sum((entry) => entry.cachedTokens),
  };
  const saved = {
    inputTokens: kept.reduce((total, { savedInputTokens = 0 }) => total + savedInputTokens, 0),
    outputTokens: kept.reduce((total, { savedOutputTokens = 0 }) => total + savedOutputTokens, 0),
    cachedTokens: 0,
  };
  const first = answered.flatMap(({ firstSeconds }) => firstSeconds ?? []);
  const price = prices.find(provider, model);
  return {
    kind,
    provider,
    model,
    remote,
    answers: answered.length,
    kept: kept.length,
    savedInputTokens: saved.inputTokens,
    savedOutputTokens: saved.outputTokens,
    failed,
    stopped,
    errorRate: answered.length + failed > 0 ? failed / (answered.length + failed) : 0,
    ...tokens,
    uncounted: model === "" ? 0 : answered.filter(({ inputTokens }) => inputTokens === undefined).length,
    ...(first.length > 0 && { firstMedian: median(first), firstP95: percentile(first, 0.95) }),
    ...(answered.length > 0 && { secondsMedian: median(answered.map(({ seconds }) => seconds)) }),
    ...(price && kept.length > 0 && { saved: costOfTokens(price, saved) }),
    ...(price && counted.length > 0 && { cost: costOfTokens(price, tokens), priceAsOf: price.asOf }),
  };
}
