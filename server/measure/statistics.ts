/** What many values of one measure come to. */
export interface Summary {
  readonly count: number;
  readonly median: number;
  /** The median of all values that could have been taken lies between these, with a confidence of at least 95 %. */
  readonly low: number;
  readonly high: number;
  readonly p95: number;
  readonly p99: number;
  readonly least: number;
  readonly most: number;
  /** Values far outside the middle half of all: by more than three times its width. They count all the same. */
  readonly outliers: number;
}

/** How one measure compares with another: 2 means twice the value. */
export interface Ratio {
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
}

/** @param values at least one, in any order */
export function summarise(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  const { low, high } = boundsOfMedian(sorted);
  return {
    count: sorted.length,
    median: middle(sorted),
    low,
    high,
    p95: atShare(sorted, 0.95),
    p99: atShare(sorted, 0.99),
    least: sorted[0],
    most: sorted[sorted.length - 1],
    outliers: countOutliers(sorted),
  };
}

/**
 * The value below which the given share of the values lies, by the nearest rank.
 * @param values at least one, in any order
 */
export function percentile(values: readonly number[], share: number): number {
  return atShare(
    values.toSorted((a, b) => a - b),
    share,
  );
}

/** By the nearest rank: one of the values. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/**
 * The ratio of two measures whose rounds were taken in turns: round by round, so that whatever slows the machine down
 * for a while slows both.
 * @param values as many as `others`, at least one
 */
export function pairedRatio(values: readonly number[], others: readonly number[]): Ratio {
  const ratios = values.map((value, i) => value / others[i]).sort((a, b) => a - b);
  return { ratio: middle(ratios), ...boundsOfMedian(ratios) };
}

/** The ratio of two measures that were taken apart, with the widest bounds that theirs allow. */
export function ratioOf(one: Summary, other: Summary): Ratio {
  return { ratio: one.median / other.median, low: one.low / other.high, high: one.high / other.low };
}

/** Half the width of the bounds, as a share of the median; infinite while there are too few values for bounds. */
export function spread({ count, median: mid, low, high }: Summary): number {
  return count < FEWEST_FOR_BOUNDS || mid === 0 ? Number.POSITIVE_INFINITY : (high - low) / 2 / Math.abs(mid);
}

/** The least and the greatest of five values miss the median in one case of sixteen; of six, in one of thirty-two. */
const FEWEST_FOR_BOUNDS = 6;

/**
 * The values between which the median lies, by their ranks alone: nothing is assumed of how values are spread. With so
 * many above each bound as a fair coin would give in all but one case of forty.
 */
function boundsOfMedian(sorted: readonly number[]): { low: number; high: number } {
  const { length } = sorted;
  const rank = ranksBelow(length);
  return { low: sorted[rank], high: sorted[length - 1 - rank] };
}

/** How many values lie below the lower bound: the most for which P(heads <= it) of `count` coins is at most 2.5 %. */
function ranksBelow(count: number): number {
  let chance = 0.5 ** count;
  // Of a thousand coins no heads at all is less likely than a number can say: the bell curve is exact enough then.
  if (chance < 1e-290) return Math.floor(count / 2 - 0.98 * Math.sqrt(count)) - 1;
  let sum = 0;
  for (let heads = 0; ; heads++) {
    sum += chance;
    if (sum > 0.025) return Math.max(0, heads - 1);
    chance *= (count - heads) / (heads + 1);
  }
}

function countOutliers(sorted: readonly number[]): number {
  const [first, third] = [atShare(sorted, 0.25), atShare(sorted, 0.75)];
  const reach = 3 * (third - first);
  return sorted.filter((value) => value < first - reach || value > third + reach).length;
}

function middle(sorted: readonly number[]): number {
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

function atShare(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))];
}
