import { TOKENS } from "./context-model.ts";

/** The frequencies of a context's tokens add up to this; none is all of it, so that 12 bits hold each. */
export const TOTAL = 4096;
const TOTAL_BITS = 12;
/** Where the states of the coder begin: they stay within [2^15, 2^31). */
const LOW_BITS = 15;

/** Scales counts to frequencies that add up to {@link TOTAL}; every token that occurs keeps at least one. */
export function normalise(counts: Uint32Array): Uint16Array {
  const frequencies = new Uint16Array(TOKENS);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const only = counts.findIndex((count) => count === total);
  if (only >= 0) {
    frequencies[only] = TOTAL - 1;
    frequencies[only ^ 1] = 1;
    return frequencies;
  }
  let left = TOTAL;
  for (let token = 0; token < TOKENS; token++) {
    if (counts[token] === 0) continue;
    frequencies[token] = Math.max(1, Math.round((counts[token] * TOTAL) / total));
    left -= frequencies[token];
  }
  // What rounding left over or took too much goes where a step costs or gains the most bits.
  for (; left !== 0; left -= Math.sign(left))
    frequencies[bestStep(counts, frequencies, Math.sign(left))] += Math.sign(left);
  return frequencies;
}

function bestStep(counts: Uint32Array, frequencies: Uint16Array, step: number): number {
  let best = -1;
  let bestGain = Number.NEGATIVE_INFINITY;
  for (let token = 0; token < TOKENS; token++) {
    if (frequencies[token] === 0 || frequencies[token] + step < 1) continue;
    const gain = counts[token] * Math.log2((frequencies[token] + step) / frequencies[token]);
    if (gain > bestGain) [best, bestGain] = [token, gain];
  }
  return best;
}

/** Bits that the counted tokens take when they are coded with the frequencies. */
export function codedBits(counts: Uint32Array, frequencies: Uint16Array): number {
  let bits = 0;
  for (let token = 0; token < TOKENS; token++) {
    if (counts[token] > 0) bits += counts[token] * (TOTAL_BITS - Math.log2(frequencies[token]));
  }
  return bits;
}

/** Appends the frequencies up to the last that is not zero: their number, then each in one or two bytes. */
export function writeFrequencies(frequencies: Uint16Array, out: number[]): void {
  const count = frequencies.findLastIndex((frequency) => frequency > 0) + 1;
  out.push(count);
  for (const frequency of frequencies.subarray(0, count)) {
    if (frequency < 128) out.push(frequency);
    else out.push(128 + (frequency & 127), frequency >> 7);
  }
}

/** Reads what {@link writeFrequencies} wrote at an offset; undefined when it is not that. */
export function readFrequencies(bytes: Uint8Array, at: number): { frequencies: Uint16Array; next: number } | undefined {
  const frequencies = new Uint16Array(TOKENS);
  const count = bytes[at++];
  if (!(count <= TOKENS)) return undefined;
  let total = 0;
  for (let token = 0; token < count; token++) {
    if (at >= bytes.length) return undefined;
    let frequency = bytes[at++];
    if (frequency >= 128) {
      if (at >= bytes.length) return undefined;
      frequency = frequency - 128 + bytes[at++] * 128;
    }
    if (frequency >= TOTAL) return undefined;
    frequencies[token] = frequency;
    total += frequency;
  }
  return total === TOTAL ? { frequencies, next: at } : undefined;
}

/** Fills the encoder's table of a context: see `encode` in `delta-kernels.wat`. */
export function fillSymbols(frequencies: Uint16Array, table: DataView, at: number): void {
  let start = 0;
  for (let token = 0; token < TOKENS; token++, at += 16) {
    const frequency = frequencies[token];
    if (frequency === 0) continue;
    // Division by multiplication: with one shift for all, exact for every state x < f * 2^19, since what rounding up
    // adds, less than x / 2^43, stays below 1 / f.
    const reciprocal = Math.ceil(2 ** 43 / frequency);
    table.setUint32(at, reciprocal % 2 ** 32, true);
    table.setUint32(at + 4, Math.floor(reciprocal / 2 ** 32), true);
    table.setUint32(at + 8, frequency * 2 ** (LOW_BITS - TOTAL_BITS + 16), true);
    table.setUint16(at + 12, start, true);
    table.setUint16(at + 14, TOTAL - frequency, true);
    start += frequency;
  }
}

/** Fills the decoder's table of a context: see `decode` in `delta-kernels.wat`. */
export function fillSlots(frequencies: Uint16Array, slots: Uint32Array): void {
  let slot = 0;
  for (let token = 0; token < TOKENS; token++) {
    const frequency = frequencies[token];
    for (let offset = 0; offset < frequency; offset++) {
      slots[slot++] = token | (frequency << 8) | (offset << 20);
    }
  }
}
