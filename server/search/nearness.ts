/**
 * How alike two folded words are, 0 to 1: 1 for the same, less when one begins with the other (`auth`,
 * `authentication`) or both share all but their endings (`parsing`, `parser`).
 */
export function nearness(a: string, b: string): number {
  if (a === b) return 1;
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  if (short.length < 3) return 0;
  let shared = 0;
  while (shared < short.length && short.charCodeAt(shared) === long.charCodeAt(shared)) shared++;
  if (shared === short.length) return Math.max(0.5, short.length / long.length);
  const onlyEndingsDiffer = shared >= 4 && short.length - shared <= 3 && long.length - shared <= 4;
  return onlyEndingsDiffer ? 0.2 + (0.6 * shared) / long.length : 0;
}
