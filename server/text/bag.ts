/** Terms with how often each occurs, in order of first occurrence. */
export function bagOf(terms: readonly string[]): Map<string, number> {
  const bag = new Map<string, number>();
  for (const term of terms) bag.set(term, (bag.get(term) ?? 0) + 1);
  return bag;
}
