import type { DeltaTensor } from "../shared/delta-types.ts";
import { inWords } from "../shared/phrase.ts";
import { codecInWords, savedShare } from "./delta-wording.ts";

export type TensorColumn = "name" | "dtype" | "bytes" | "change" | "codec" | "saved";

export interface TensorOrder {
  column: TensorColumn;
  descending: boolean;
}

export const LARGEST_FIRST: TensorOrder = { column: "bytes", descending: true };

/** The tensors in another order; those that have no value in the column come last, whichever way it goes. */
export function inOrder(tensors: readonly DeltaTensor[], { column, descending }: TensorOrder): DeltaTensor[] {
  const way = descending ? -1 : 1;
  return tensors.toSorted((a, b) => {
    const [left, right] = [VALUES[column](a), VALUES[column](b)];
    if (left === undefined || right === undefined) return Number(left === undefined) - Number(right === undefined);
    return way * compare(left, right) || compare(a.name, b.name);
  });
}

/** The order after a click on a column's title: the other way round, or what one wants to see first. */
export function clicked(order: TensorOrder, column: TensorColumn): TensorOrder {
  if (order.column === column) return { column, descending: !order.descending };
  return { column, descending: column === "bytes" || column === "change" || column === "saved" };
}

const VALUES: Readonly<Record<TensorColumn, (tensor: DeltaTensor) => string | number | undefined>> = {
  name: ({ name }) => name,
  dtype: ({ dtype }) => dtype,
  bytes: ({ bytes }) => bytes,
  change: ({ change }) => change,
  codec: ({ codec }) => inWords(codecInWords(codec)),
  saved: savedShare,
};

/** Numbers in names count as numbers: layer 10 comes after layer 9. */
const names = new Intl.Collator("en", { numeric: true });

function compare(a: string | number, b: string | number): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return names.compare(String(a), String(b));
}
