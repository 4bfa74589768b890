/** What is weighed against each other: less of the cost is better, more of the worth. */
export interface Weighed {
  readonly cost: number;
  readonly worth: number;
}

/** Whether each is on the Pareto front: none of the others is better in one and at least as good in the other. */
export function paretoFront(all: readonly Weighed[]): boolean[] {
  return all.map((one) => !all.some((other) => dominates(other, one)));
}

function dominates(one: Weighed, other: Weighed): boolean {
  const asGood = one.cost <= other.cost && one.worth >= other.worth;
  return asGood && (one.cost < other.cost || one.worth > other.worth);
}
