import type { RowCounts } from "../../shared/delta-types.ts";

/** The counts of several blocks or files together; undefined when there are none. */
export function sumOfRows(all: readonly RowCounts[]): RowCounts | undefined {
  if (all.length === 0) return undefined;
  return all.reduce((sum, { kept, changed, added }) => ({
    kept: sum.kept + kept,
    changed: sum.changed + changed,
    added: sum.added + added,
  }));
}

/** What the counts of a sample say of all, which is `factor` times as much. */
export function scaledRows({ kept, changed, added }: RowCounts, factor: number): RowCounts {
  return {
    kept: Math.round(factor * kept),
    changed: Math.round(factor * changed),
    added: Math.round(factor * added),
  };
}
