import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { paretoFront } from "../server/measure/pareto.ts";
import { shownNumber } from "../server/measure/shown.ts";
import { pairedRatio, ratioOf, spread, summarise } from "../server/measure/statistics.ts";
import { normal, randomNumbers } from "./delta-fixture.ts";

/** So many values of a normal distribution around 10 with a spread of 2. */
function sample(random: () => number, count: number): number[] {
  return Array.from({ length: count }, () => 10 + normal(random, 2));
}

describe("the summary of many values", () => {
  it("has the percentiles by the nearest rank and the median by the middle", () => {
    const { count, median, p95, p99, least, most } = summarise(Array.from({ length: 100 }, (_, i) => 100 - i));
    assert.deepEqual(
      { count, median, p95, p99, least, most },
      { count: 100, median: 50.5, p95: 95, p99: 99, least: 1, most: 100 },
    );
  });

  it("bounds the median by ranks: those of the binomial distribution", () => {
    // Tables of the sign test: of 10 values the 2nd and the 9th, of 25 the 8th and the 18th, of 100 the 40th and the 61st.
    for (const [count, low, high] of [
      [10, 2, 9],
      [25, 8, 18],
      [100, 40, 61],
    ]) {
      const summary = summarise(Array.from({ length: count }, (_, i) => i + 1));
      assert.deepEqual([summary.low, summary.high], [low, high], `${count}`);
    }
  });

  it("bounds that hold the true median at least 95 times of 100", () => {
    const random = randomNumbers(3);
    for (const count of [6, 15, 40]) {
      let held = 0;
      for (let trial = 0; trial < 1_000; trial++) {
        const { low, high } = summarise(sample(random, count));
        if (low <= 10 && 10 <= high) held++;
      }
      assert.ok(held >= 935, `${held} of 1000 with ${count} values`);
    }
  });

  it("narrows with more values, and has no spread worth a name with five", () => {
    const random = randomNumbers(5);
    const [few, many] = [20, 2_000].map((count) => spread(summarise(sample(random, count))));
    assert.ok(many < few / 4, `${many} of ${few}`);
    assert.equal(spread(summarise([1, 1, 1, 1, 1])), Number.POSITIVE_INFINITY);
  });

  it("takes tens of thousands of values", () => {
    const { low, high, median } = summarise(Array.from({ length: 50_001 }, (_, i) => i));
    assert.deepEqual([low, median, high], [24_780, 25_000, 25_220]);
  });

  it("counts outliers and keeps them", () => {
    const { outliers, most } = summarise([10, 11, 12, 10, 11, 12, 10, 11, 12, 500]);
    assert.deepEqual({ outliers, most }, { outliers: 1, most: 500 });
  });
});

describe("the ratio of two measures", () => {
  it("taken in turns is not disturbed by what slows both down", () => {
    const random = randomNumbers(9);
    const drift = Array.from({ length: 60 }, (_, round) => 1 + round / 10);
    const slow = drift.map((factor) => factor * (2 + normal(random, 0.01)));
    const fast = drift.map((factor) => factor * (1 + normal(random, 0.01)));
    const { ratio, low, high } = pairedRatio(slow, fast);
    assert.ok(Math.abs(ratio - 2) < 0.02 && low > 1.98 && high < 2.02, `${low} ${ratio} ${high}`);
  });

  it("of two runs has bounds as wide as theirs allow", () => {
    const one = summarise([10, 10, 11, 11, 12, 12, 12]);
    const other = summarise([20, 20, 21, 22, 23, 24, 24]);
    const { ratio, low, high } = ratioOf(one, other);
    assert.deepEqual([ratio, low, high], [11 / 22, 10 / 24, 12 / 20]);
  });
});

describe("the Pareto front", () => {
  it("has what no other beats in one without losing in the other", () => {
    const [fast, good, dominated, both] = [
      { cost: 1, worth: 0.3 },
      { cost: 9, worth: 0.9 },
      { cost: 9, worth: 0.5 },
      { cost: 4, worth: 0.6 },
    ];
    assert.deepEqual(paretoFront([fast, good, dominated, both]), [true, true, false, true]);
    assert.deepEqual(paretoFront([good, dominated]), [true, false]);
  });

  it("has both of two that are alike, and nothing of nothing", () => {
    const one = { cost: 1, worth: 1 };
    assert.deepEqual(paretoFront([one, { ...one }]), [true, true]);
    assert.deepEqual(paretoFront([]), []);
  });
});

describe("a figure for people", () => {
  it("has three digits, and more where three would say that a share is all", () => {
    const shown = [0.123456, 12.3456, 1234.56, 99.949, 99.96, 99.9981, 100, 0.9996, 1].map(shownNumber);
    assert.deepEqual(shown, ["0.123", "12.3", "1,235", "99.9", "99.96", "99.998", "100", "0.9996", "1"]);
  });
});
