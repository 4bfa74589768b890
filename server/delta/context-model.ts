import { ReusedArray } from "./reused-array.ts";

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
  sample: Sample;
  rows: number;
  cols: number;
  /** Sums of the changes' sizes; none for blocks without keys of rows and columns. */
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

/** Whether rows and columns of a block of this shape can have keys. */
export function canHaveKeys(rows: number, cols: number): boolean {
  return rows > 1 && cols >= NARROWEST_ROW;
}

/**
 * Chooses, by the entropy of a sample, among contexts by exponent alone, by exponent and class of row, and by the
 * expected size of the change in units of the last place, when each row and each column has a scale of its own.
 */
export function chooseContexts(block: BlockStatistics): ContextModel {
  const candidates = [byExponent(block)];
  if (canHaveKeys(block.rows, block.cols)) {
    const [rowOctaves, colOctaves] = [relativeOctaves(block.rowSums), relativeOctaves(block.colSums)];
    candidates.push(byRowClass(block, rowOctaves), byScale(rowOctaves, colOctaves));
  }
  let best: ContextModel | undefined;
  let bestBits = Number.POSITIVE_INFINITY;
  for (const keys of candidates) {
    const { bounds, bits } = mergeKeys(keys, block);
    const total = bits + keyBits(keys.rowKeys) + keyBits(keys.colKeys);
    if (total < bestBits) {
      best = { ...keys, bounds };
      bestBits = total;
    }
  }
  if (!best) throw new Error("A block has no contexts.");
  return best;
}

/** For every key the number of its context times `unit`, plus `origin`. */
export function contextMap(bounds: readonly number[], map: Uint32Array, unit: number, origin: number): void {
  let key = 0;
  bounds.forEach((bound, context) => {
    map.fill(origin + unit * context, key, bound);
    key = bound;
  });
  map.fill(origin + unit * Math.max(0, bounds.length - 1), key);
}

/** The token of a zigzag difference. */
function tokenOf(z: number): number {
  if (z < 16) return z;
  const top = 31 - Math.clz32(z);
  return (z >>> (top - 2)) + ((top - 1) << 2);
}

/** Of the sample, of which there is one at a time. */
const TOKENS_OF_SAMPLE = new ReusedArray((length) => new Uint8Array(length));
const EXPONENTS_OF_SAMPLE = new ReusedArray((length) => new Uint8Array(length));
const ROWS_OF_SAMPLE = new ReusedArray((length) => new Uint32Array(length));
const COLUMNS_OF_SAMPLE = new ReusedArray((length) => new Uint32Array(length));

/** Some of a block's values, evenly spread, taken as they become known; until the next block's are taken. */
export class Sample {
  readonly count: number;
  readonly tokens: Uint8Array;
  readonly e: Uint8Array;
  /** Numbers of their rows and columns. */
  readonly row: Uint32Array;
  readonly col: Uint32Array;
  readonly #cols: number;
  readonly #stride: number;
  #taken = 0;
  #row = 0;
  #col = 0;

  constructor(rows: number, cols: number) {
    const n = rows * cols;
    const wanted = Math.max(SMALLEST_SAMPLE, Math.min(LARGEST_SAMPLE, n / 32));
    // Odd, so that it passes through all columns.
    this.#stride = n > wanted ? Math.floor(n / wanted) | 1 : 1;
    this.#cols = cols;
    this.count = Math.ceil(n / this.#stride);
    this.tokens = TOKENS_OF_SAMPLE.ofLength(this.count);
    this.e = EXPONENTS_OF_SAMPLE.ofLength(this.count);
    this.row = ROWS_OF_SAMPLE.ofLength(this.count);
    this.col = COLUMNS_OF_SAMPLE.ofLength(this.count);
  }

  /** Takes what it wants of the values from the last call's end up to `end`: zigzag differences, exponents of the base. */
  take(z: Uint32Array, e: Uint8Array, end: number): void {
    for (let at = this.#taken * this.#stride; at < end; at += this.#stride) {
      this.tokens[this.#taken] = tokenOf(z[at]);
      this.e[this.#taken] = e[at];
      this.row[this.#taken] = this.#row;
      this.col[this.#taken] = this.#col;
      this.#taken++;
      this.#col += this.#stride;
      if (this.#col < this.#cols) continue;
      const rows = Math.floor(this.#col / this.#cols);
      this.#row += rows;
      this.#col -= rows * this.#cols;
    }
  }
}

type Keys = Omit<ContextModel, "bounds">;

function byExponent({ rows, cols }: BlockStatistics): Keys {
  return { step: 0, rowKeys: new Uint8Array(rows), colKeys: new Uint8Array(cols) };
}

function byRowClass({ rows, cols }: BlockStatistics, octaves: Float64Array): Keys {
  const rowKeys = new Uint8Array(rows);
  for (let row = 0; row < rows; row++)
    rowKeys[row] = Math.max(0, Math.min(ROW_CLASSES - 1, 10 + Math.round(2 * octaves[row])));
  return { step: 4, rowKeys, colKeys: new Uint8Array(cols) };
}

function byScale(rowOctaves: Float64Array, colOctaves: Float64Array): Keys {
  return { step: 2, rowKeys: scaleKeys(rowOctaves), colKeys: scaleKeys(colOctaves) };
}

function scaleKeys(octaves: Float64Array): Uint8Array {
  const keys = new Uint8Array(octaves.length);
  for (let i = 0; i < keys.length; i++)
    keys[i] = Math.max(0, Math.min(2 * MIDDLE_KEY, MIDDLE_KEY - Math.round(4 * octaves[i])));
  return keys;
}

/** Base-two logarithms of the sums over their mean; -100 for none. */
function relativeOctaves(sums: Float32Array): Float64Array {
  let total = 0;
  let counted = 0;
  for (let i = 0; i < sums.length; i++) {
    if (!Number.isFinite(sums[i])) continue;
    total += sums[i];
    counted++;
  }
  const mean = total / Math.max(1, counted);
  const octaves = new Float64Array(sums.length);
  for (let i = 0; i < sums.length; i++)
    octaves[i] = sums[i] > 0 && Number.isFinite(sums[i]) ? Math.log2(sums[i] / mean) : -100;
  return octaves;
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
  /** By token, up to the largest of the sample. */
  counts: Uint32Array;
  /** Bits of the sample in it, and of all that it costs. */
  bits: number;
  /** The same for this group and the next as one. */
  merged: number;
}

/** Joins neighbouring keys as long as that saves bits, and until there are few enough contexts. */
function mergeKeys(keys: Keys, { sample, rows, cols }: BlockStatistics) {
  const tableBits = (TABLE_BITS * sample.count) / (rows * cols);
  const groups = groupByKey(keys, sample);
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
    for (let token = 0; token < first.counts.length; token++) first.counts[token] += second.counts[token];
    groups.splice(best, 0, { bound: second.bound, counts: first.counts, bits: first.merged, merged: 0 });
    updateMerged(best);
    updateMerged(best - 1);
  }
  const bits = groups.reduce((sum, group) => sum + group.bits, 0) * ((rows * cols) / sample.count);
  const bounds = groups.map(({ bound }) => bound);
  // Keys that the sample did not meet go to the nearest context.
  if (bounds.length > 0) bounds[bounds.length - 1] = MOST_KEYS;
  return { bounds, bits };
}

/** Of the groups, which are done with when they are merged. */
const KEYS_OF_GROUPS = new ReusedArray((length) => new Uint16Array(length));
const COUNTS_OF_GROUPS = new ReusedArray((length) => new Uint32Array(length));

function groupByKey({ step, rowKeys, colKeys }: Keys, sample: Sample): Group[] {
  const { count, tokens, e, row, col } = sample;
  const keys = KEYS_OF_GROUPS.ofLength(count);
  const seen = new Uint8Array(MOST_KEYS);
  let most = 0;
  for (let s = 0; s < count; s++) {
    keys[s] = (e[s] << step) + rowKeys[row[s]] + colKeys[col[s]];
    seen[keys[s]] = 1;
    if (tokens[s] > most) most = tokens[s];
  }
  const groupOf = new Uint16Array(MOST_KEYS);
  const groups: Group[] = [];
  for (let key = 0; key < MOST_KEYS; key++) {
    if (seen[key] === 0) continue;
    groupOf[key] = groups.length;
    groups.push({ bound: key + 1, counts: NO_COUNTS, bits: 0, merged: 0 });
  }
  const width = most + 1;
  const counts = COUNTS_OF_GROUPS.ofLength(groups.length * width).fill(0);
  for (let s = 0; s < count; s++) counts[groupOf[keys[s]] * width + tokens[s]]++;
  for (const [at, group] of groups.entries()) group.counts = counts.subarray(at * width, (at + 1) * width);
  return groups;
}

const NO_COUNTS = new Uint32Array();

/**
 * Bits that the tokens of a context take. A sample looks more regular than the whole: (tokens - 1) / 2 nats are what
 * that hides (Miller and Madow's correction), and they keep contexts from following noise.
 */
function groupBits(a: Uint32Array, b: Uint32Array | undefined, tableBits: number): number {
  let total = 0;
  let bits = 0;
  let distinct = 0;
  for (let token = 0; token < a.length; token++) {
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
