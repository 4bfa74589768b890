/** Tokens of a window: attention takes memory with their square, and what is embedded is seldom longer. */
export const WINDOW_TOKENS = 512;
/** Tokens of two windows of one text that are the same: what stands across a border is whole in one of them. */
export const WINDOW_OVERLAP = 32;

export interface Special {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/**
 * Cuts a text that is too long for a model into windows, each with the tokens that open and close a text and with the
 * prefix. A text that fits is one window.
 *
 * @param ids tokens of prefix and text, without the special ones
 * @param prefix tokens of the prefix alone
 * @param most tokens of a window, the special ones included
 */
export function textWindows(
  ids: readonly number[],
  prefix: readonly number[],
  special: Special,
  most: number,
): number[][] {
  const wrap = (window: readonly number[]) => [...special.before, ...window, ...special.after];
  const room = most - special.before.length - special.after.length;
  if (ids.length <= room) return [wrap(ids)];
  const windows = [wrap(ids.slice(0, room))];
  const further = room - prefix.length;
  const overlap = Math.min(WINDOW_OVERLAP, Math.floor(further / 4));
  for (let end = room; end < ids.length; ) {
    const start = end - overlap;
    windows.push(wrap([...prefix, ...ids.slice(start, start + further)]));
    end = start + further;
  }
  return windows;
}

/**
 * Puts windows into batches: alike in length, for the shorter are padded to the longest, and below a number of tokens,
 * padding included. Beyond that a CPU gains nothing, and memory grows with every token.
 *
 * @returns indices of the windows, batch by batch, the shortest first
 */
export function tokenBatches(lengths: readonly number[], budget: number): number[][] {
  const order = [...lengths.keys()].sort((a, b) => lengths[a] - lengths[b]);
  const batches: number[][] = [];
  for (const index of order) {
    const batch = batches.at(-1);
    if (batch && (batch.length + 1) * lengths[index] <= budget) batch.push(index);
    else batches.push([index]);
  }
  return batches;
}
