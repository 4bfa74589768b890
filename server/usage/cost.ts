import {
  type CostOrder,
  type CostReport,
  type CostRow,
  DEFAULT_TOKENS,
  type Hardware,
  type UsedRow,
} from "../../shared/cost-types.ts";
import type { UsageRow, UsageSummary } from "../../shared/usage-types.ts";
import type { ModelPrice, PriceTable } from "./price-table.ts";
import { costOfTokens } from "./usage-summary.ts";

const MONTH_DAYS = 30;
const DAY_MS = 24 * 60 * 60 * 1000;
/** A window of 8,192 tokens, of which an answer may have 1,024. */
const ASSUMED_INPUT_SHARE = 7 / 8;

/** What a month costs, at each provider and as the record says, embedding and answers apart. */
export function costReport(
  summary: UsageSummary,
  prices: PriceTable,
  { tokens, hardware }: CostOrder = {},
): CostReport {
  const days = summary.entries === 0 ? 0 : Math.max(1, (Date.parse(summary.to) - Date.parse(summary.from)) / DAY_MS);
  const monthly = (amount: number) => (days === 0 ? 0 : (amount * MONTH_DAYS) / days);
  const asked = summary.rows.filter(({ inputTokens, outputTokens }) => inputTokens + outputTokens > 0);
  const answered = asked.filter(({ kind }) => kind === "answer");
  const input = sum(answered, ({ inputTokens }) => inputTokens);
  const recorded = input + sum(answered, ({ outputTokens }) => outputTokens);
  const basis = tokens === undefined && recorded > 0 ? "recorded" : "stated";
  const volume = Math.round(tokens ?? (recorded > 0 ? monthly(recorded) : DEFAULT_TOKENS));
  const inputTokens = Math.round(volume * (recorded > 0 ? input / recorded : ASSUMED_INPUT_SHARE));
  const counts = { inputTokens, outputTokens: volume - inputTokens, cachedTokens: 0 };
  const embeddingTokens = tokens ?? DEFAULT_TOKENS;
  const embedded = { inputTokens: embeddingTokens, outputTokens: 0, cachedTokens: 0 };
  const caches = asked.map((row) => savedByCache(row, prices.find(row.provider, row.model)));
  return {
    basis,
    days,
    inputTokens,
    outputTokens: counts.outputTokens,
    shares: recorded > 0 ? "recorded" : "assumed",
    embeddingTokens,
    used: asked.map((row) => usedRow(row, monthly)),
    answers: prices
      .all("answer")
      .map((price) => costRow(price, costOfTokens(price, counts)))
      .sort(byCost),
    embeddings: prices
      .all("embedding")
      .map((price) => costRow(price, costOfTokens(price, embedded)))
      .sort(byCost),
    cachesSave: monthly(sum(caches, ({ saved }) => saved)),
    keptAnswersSave: monthly(summary.saved),
    cachedUnpriced: Math.round(monthly(sum(caches, ({ unpriced }) => unpriced))),
    ...(hardware && { hardware: costOfHardware(hardware) }),
  };
}

/** US dollars a month. */
function costOfHardware({ watts, hours, pricePerKwh, purchase, months }: Hardware): CostReport["hardware"] {
  return { power: (watts / 1000) * hours * pricePerKwh, purchase: purchase / months };
}

/** What the tokens that a provider had already would have cost more as new ones. */
function savedByCache({ cachedTokens, remote }: UsageRow, price: ModelPrice | undefined) {
  if (!remote) return { saved: 0, unpriced: 0 };
  if (price?.cachedInput === undefined) return { saved: 0, unpriced: cachedTokens };
  return { saved: (cachedTokens * (price.input - price.cachedInput)) / 1e6, unpriced: 0 };
}

function usedRow(row: UsageRow, monthly: (amount: number) => number): UsedRow {
  const { provider, model, remote, inputTokens, outputTokens, cost, priceAsOf } = row;
  const tokens = Math.round(monthly(inputTokens + outputTokens));
  return {
    provider,
    model,
    remote,
    tokens,
    ...(cost !== undefined && { monthly: monthly(cost), asOf: priceAsOf }),
  };
}

function costRow({ provider, model, asOf, source }: ModelPrice, monthly: number): CostRow {
  return { provider, model, monthly, asOf, source };
}

function byCost(one: CostRow, other: CostRow): number {
  return one.monthly - other.monthly;
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
