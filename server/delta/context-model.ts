/**
 * How a block's tokens are told apart before they are coded. A value's key is `(e << step) + row key + column key`,
 * with e the exponent of its base; contexts are runs of keys, each with frequencies of its own.
 */
export interface ContextModel {
  step: number;
  /** One per row and one per column; the largest of each is 255. */
  rowKeys: Uint8Array;
  colKeys: Uint8Array;
  /** Ascending: context c holds the keys from the bound before it up to, not including, `bounds[c]`. */
  bounds: number[];
}

/** A block as the encoder knows it before it has chosen contexts. */
export interface BlockStatistics {
  /** Zigzag differences and the exponents of the base, row by row. */
  z: Uint32Array;
  e: Uint8Array;
  rows: number;
  cols: number;
  /** Sums of the changes' sizes. */
  rowSums: Float32Array;
  colSums: Float32Array;
}

export const MOST_CONTEXTS = 32;
export const TOKENS = 128;
/** Keys are below this: an exponent of 255 with the largest step, and the largest row and column keys. */
export const MOST_KEYS = (255 << 4) + 255 + 255 + 1;

/** How many values of a block are looked at to choose its contexts: a thirty-second, within these limits. */
const LARGEST_SAMPLE = 16_384;
const SMALLEST_SAMPLE = 4096;
/** What a context adds to a block, roughly: its table of frequencies, compressed. */
const TABLE_BITS = 8 * 28;
/** Rows narrower than this have no keys: they would cost more than they tell. */
const NARROWEST_ROW = 64;
/** A fine-tune changes some rows and columns more than others: classes of rows, half an octave apart. */
const ROW_CLASSES = 16;
/** A key in the middle of a byte, a quarter of an octave from the next. */
const MIDDLE_KEY = 32;
/** Bits per nat. */
const LOG2_E = Math.LOG2E;

/**
 * Chooses, by the entropy of a sample, among contexts by exponent alone, by exponent and class of row, and by the
 * expected size of the change in units of the last place, when each row and each column has a scale of its own.
 */
export function chooseContexts(block: BlockStatistics): ContextModel {
  const sample = takeSample(block);
  const candidates = [byExponent(block)];
  if (block.cols >= NARROWEST_ROW && block.rows > 1) candidates.push(byRowClass(block), byScale(block));
  let best: ContextModel | undefined;
  let bestBits = Number.POSITIVE_INFINITY;
  for (const keys of candidates) {
    const { bounds, bits } = mergeKeys(keys, sample, block);
    const total = bits + keyBits(keys.rowKeys) + keyBits(keys.colKeys);
    if (total < bestBits) {
      best = { ...keys, bounds };
      bestBits = total;
    }
  }
  if (!best) throw new Error("A block has no contexts.");
  return best;
}

/** The context of every key. */
export function contextMap(bounds: readonly number[], map: Uint8Array): void {
  let key = 0;
  bounds.forEach((bound, context) => {
    map.fill(context, key, bound);
    key = bound;
  });
  map.fill(Math.max(0, bounds.length - 1), key);
}

/** The token of a zigzag difference. */
function tokenOf(z: number): number {
  if (z < 16) return z;
  const top = 31 - Math.clz32(z);
  return (z >>> (top - 2)) + ((top - 1) << 2);
}

type Keys = Omit<ContextModel, "bounds">;

interface Sample {
  tokens: Uint8Array;
  e: Uint8Array;
  row: Uint32Array;
  col: Uint32Array;
  /** Values of the block for each of the sample. */
  weight: number;
}

function takeSample({ z, e, rows, cols }: BlockStatistics): Sample {
  const n = rows * cols;
  // Odd, so that it passes through all columns.
  const wanted = Math.max(SMALLEST_SAMPLE, Math.min(LARGEST_SAMPLE, n / 32));
  const stride = n > wanted ? Math.floor(n / wanted) | 1 : 1;
  const count = Math.ceil(n / stride);
  const sample = {
    tokens: new Uint8Array(count),
    e: new Uint8Array(count),
    row: new Uint32Array(count),
    col: new Uint32Array(count),
    weight: n / count,
  };
  for (let s = 0, i = 0; s < count; s++, i += stride) {
    sample.tokens[s] = tokenOf(z[i]);
    sample.e[s] = e[i];
    const row = Math.floor(i / cols);
    sample.row[s] = row;
    sample.col[s] = i - row * cols;
  }
  return sample;
}

function byExponent({ rows, cols }: BlockStatistics): Keys {
  return { step: 0, rowKeys: new Uint8Array(rows), colKeys: new Uint8Array(cols) };
}

function byRowClass({ rows, cols, rowSums }: BlockStatistics): Keys {
  const octaves = relativeOctaves(rowSums);
  const rowKeys = Uint8Array.from({ length: rows }, (_, row) =>
    Math.max(0, Math.min(ROW_CLASSES - 1, 10 + Math.round(2 * octaves[row]))),
  );
  return { step: 4, rowKeys, colKeys: new Uint8Array(cols) };
}

function byScale({ rowSums, colSums }: BlockStatistics): Keys {
  const keys = (sums: Float32Array) =>
    Uint8Array.from(relativeOctaves(sums), (octaves) =>
      Math.max(0, Math.min(2 * MIDDLE_KEY, MIDDLE_KEY - Math.round(4 * octaves))),
    );
  return { step: 2, rowKeys: keys(rowSums), colKeys: keys(colSums) };
}

/** Base-two logarithms of the sums over their mean; -100 for none. */
function relativeOctaves(sums: Float32Array): Float64Array {
  let total = 0;
  let counted = 0;
  for (const sum of sums) {
    if (!Number.isFinite(sum)) continue;
    total += sum;
    counted++;
  }
  const mean = total / Math.max(1, counted);
  return Float64Array.from(sums, (sum) => (sum > 0 && Number.isFinite(sum) ? Math.log2(sum / mean) : -100));
}

/** About what a list of keys takes in the block: its entropy. */
function keyBits(keys: Uint8Array): number {
  const counts = new Uint32Array(256);
  for (const key of keys) counts[key]++;
  let bits = 0;
  for (const count of counts) if (count > 0) bits += count * Math.log2(keys.length / count);
  return bits;
}

/** A run of keys and the tokens of the sample that fall into it. */
interface Group {
  /** One above its last key. */
  bound: number;
  counts: Uint32Array;
  /** Bits of the sample in it, and of all that it costs. */
  bits: number;
  /** The same for this group and the next as one. */
  merged: number;
}

/** Joins neighbouring keys as long as that saves bits, and until there are few enough contexts. */
function mergeKeys({ step, rowKeys, colKeys }: Keys, sample: Sample, { rows, cols }: BlockStatistics) {
  const tableBits = (TABLE_BITS * sample.tokens.length) / (rows * cols);
  const groups = groupByKey(step, rowKeys, colKeys, sample);
  for (const group of groups) group.bits = groupBits(group.counts, undefined, tableBits);
  const updateMerged = (at: number) => {
    if (at < 0 || at >= groups.length) return;
    const next = groups[at + 1];
    groups[at].merged = next ? groupBits(groups[at].counts, next.counts, tableBits) : Number.POSITIVE_INFINITY;
  };
  for (let at = 0; at < groups.length; at++) updateMerged(at);
  while (groups.length > 1) {
    let best = 0;
    let bestGain = Number.NEGATIVE_INFINITY;
    for (let at = 0; at + 1 < groups.length; at++) {
      const gain = groups[at].bits + groups[at + 1].bits - groups[at].merged;
      if (gain > bestGain) [best, bestGain] = [at, gain];
    }
    if (bestGain < 0 && groups.length <= MOST_CONTEXTS) break;
    const [first, second] = groups.splice(best, 2);
    for (let token = 0; token < TOKENS; token++) first.counts[token] += second.counts[token];
    groups.splice(best, 0, { bound: second.bound, counts: first.counts, bits: first.merged, merged: 0 });
    updateMerged(best);
    updateMerged(best - 1);
  }
  const bits = groups.reduce((sum, group) => sum + group.bits, 0) * sample.weight;
  const bounds = groups.map(({ bound }) => bound);
  // Keys that the sample did not meet go to the nearest context.
  if (bounds.length > 0) bounds[bounds.length - 1] = MOST_KEYS;
  return { bounds, bits };
}

function groupByKey(step: number, rowKeys: Uint8Array, colKeys: Uint8Array, sample: Sample): Group[] {
  const byKey: (Uint32Array | undefined)[] = new Array(MOST_KEYS);
  for (let s = 0; s < sample.tokens.length; s++) {
    const key = (sample.e[s] << step) + rowKeys[sample.row[s]] + colKeys[sample.col[s]];
    let counts = byKey[key];
    if (!counts) {
      counts = new Uint32Array(TOKENS);
      byKey[key] = counts;
    }
    counts[sample.tokens[s]]++;
  }
  return byKey.flatMap((counts, key) => (counts ? [{ bound: key + 1, counts, bits: 0, merged: 0 }] : []));
}

/**
 * Bits that the tokens of a context take. A sample looks more regular than the whole: (tokens - 1) / 2 nats are what
 * that hides (Miller and Madow's correction), and they keep contexts from following noise.
 */
function groupBits(a: Uint32Array, b: Uint32Array | undefined, tableBits: number): number {
  let total = 0;
  let bits = 0;
  let distinct = 0;
  for (let token = 0; token < TOKENS; token++) {
    const count = a[token] + (b ? b[token] : 0);
    if (count === 0) continue;
    total += count;
    distinct++;
    bits -= N_LOG_N[count];
  }
  return bits + N_LOG_N[total] + (distinct - 1) * LOG2_E + tableBits;
}

/** n log2 n, for all counts of a sample. */
const N_LOG_N = Float64Array.from({ length: 2 * LARGEST_SAMPLE + 2 }, (_, n) => (n > 0 ? n * Math.log2(n) : 0));
