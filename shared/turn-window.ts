/**
 * How many of the oldest turns of a conversation leave, so that the others fit. Once they no longer fit, turns leave until
 * half of the room is free, counted from the beginning of the conversation: the next questions then leave out the same
 * ones, so that a model which keeps what it has read need not read the others again.
 * @param costs tokens of each turn, the oldest first
 * @param room tokens for all that stay
 */
export function turnsThatLeave(costs: readonly number[], room: number): number {
  let first = 0;
  let sum = 0;
  for (const [i, cost] of costs.entries()) {
    sum += cost;
    if (sum <= room) continue;
    while (first < i && sum > room / 2) sum -= costs[first++];
    // The latest one takes more than half by itself; it may still fit.
    if (sum > room) sum -= costs[first++];
  }
  return first;
}
