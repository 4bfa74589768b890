import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { costReport } from "../server/usage/cost.ts";
import { type ModelPrice, PriceTable } from "../server/usage/price-table.ts";
import { summariseUsage } from "../server/usage/usage-summary.ts";
import type { UsageEntry } from "../shared/usage-types.ts";

const KNOWN = { provider: "acme", asOf: "2026-01-01", source: "a test" } as const;
const PRICES: readonly ModelPrice[] = [
  { ...KNOWN, model: "large", kind: "answer", input: 2, output: 10, cachedInput: 1 },
  { ...KNOWN, model: "small", kind: "answer", input: 0.1, output: 0.5 },
  { ...KNOWN, model: "embedder", kind: "embedding", input: 0.02, output: 0 },
];
const prices = new PriceTable([], PRICES);

const ANSWER: UsageEntry = {
  at: "2026-11-01T00:00:00.000Z",
  kind: "answer",
  provider: "acme",
  model: "large",
  remote: true,
  inputTokens: 900,
  outputTokens: 100,
  cachedTokens: 300,
  seconds: 1,
  outcome: "complete",
};

/** Answers that were given on the first and on the fourth of the month. */
function recorded(...more: readonly Partial<UsageEntry>[]) {
  const last = { ...ANSWER, at: "2026-11-04T00:00:00.000Z" };
  const entries = [ANSWER, ...more.map((one) => ({ ...ANSWER, ...one })), last];
  return summariseUsage({ entries, unreadable: 0 }, prices);
}

const NOTHING = summariseUsage({ entries: [], unreadable: 0 }, prices);

describe("the costs of a month", () => {
  it("are those of ten million tokens when nothing is said and nothing recorded", () => {
    const report = costReport(NOTHING, prices);
    assert.deepEqual([report.basis, report.shares, report.days], ["stated", "assumed", 0]);
    assert.deepEqual([report.inputTokens, report.outputTokens], [8_750_000, 1_250_000]);
    assert.deepEqual(
      report.answers.map(({ model, monthly }) => [model, monthly]),
      [
        ["small", 0.875 + 0.625],
        ["large", 17.5 + 12.5],
      ],
    );
    assert.deepEqual(
      report.embeddings.map(({ model, monthly }) => [model, monthly]),
      [["embedder", 0.2]],
    );
    assert.deepEqual([report.used, report.hardware], [[], undefined]);
  });

  it("are those of the user's own tokens, of three days as they would be in thirty", () => {
    const report = costReport(recorded(), prices);
    assert.deepEqual([report.basis, report.shares, report.days], ["recorded", "recorded", 3]);
    assert.deepEqual([report.inputTokens, report.outputTokens], [18_000, 2_000]);
    const [used] = report.used;
    // Of each answer's 900 tokens of input 300 came from a cache, at half the price.
    assert.equal(used.monthly?.toFixed(6), ((10 * 2 * (600 * 2 + 300 * 1 + 100 * 10)) / 1e6).toFixed(6));
    assert.equal(report.cachesSave.toFixed(6), ((10 * 2 * 300 * (2 - 1)) / 1e6).toFixed(6));
    assert.equal(report.cachedUnpriced, 0);
  });

  it("are those of a stated volume in the shares of the user's answers", () => {
    const report = costReport(recorded(), prices, { tokens: 1_000_000 });
    assert.deepEqual([report.basis, report.shares], ["stated", "recorded"]);
    assert.deepEqual([report.inputTokens, report.outputTokens, report.embeddingTokens], [900_000, 100_000, 1_000_000]);
  });

  it("leave out what has no price, and say so", () => {
    const report = costReport(
      recorded({ model: "secret" }, { provider: "llama", model: "tiny", remote: false }),
      prices,
    );
    const [, secret, tiny] = report.used;
    assert.deepEqual(
      [secret.model, secret.monthly, tiny.model, tiny.monthly],
      ["secret", undefined, "tiny", undefined],
    );
    // The model on this machine has a cache too, but nobody is paid for its tokens.
    assert.equal(report.cachedUnpriced, 10 * 300);
  });

  it("have the user's machine in them when the user has said all of it", () => {
    const hardware = { watts: 200, hours: 50, pricePerKwh: 0.4, purchase: 900, months: 36 };
    assert.deepEqual(costReport(NOTHING, prices, { hardware }).hardware, { power: 4, purchase: 25 });
  });
});
