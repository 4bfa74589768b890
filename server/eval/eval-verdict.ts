import type { Estimate } from "./bootstrap.ts";
import type { EvalReport } from "./eval-report.ts";
import { FEWEST_FOR_VERDICT } from "./evaluation.ts";

/** What a report says, in a sentence or two; it claims nothing that the bounds of the figures do not bear. */
export function verdictOf({ first, second, difference }: EvalReport): string {
  const { queries, ndcg10, recall10 } = first.overall;
  if (!second || !difference) {
    const found = `${percent(recall10.mean)} of what was asked for is among the first ten hits`;
    return `${found}; NDCG@10 is ${bounded(ndcg10)}, on ${asked(queries)}.`;
  }
  const what = nameOf(second.disable);
  const figures = `NDCG@10 is ${shown(ndcg10.mean)} with and ${shown(second.overall.ndcg10.mean)} without`;
  const by = `a difference of ${bounded(difference.ndcg10)}, on ${asked(queries)}`;
  switch (difference.verdict) {
    case "better":
      return `${sentence(what)} is worth it here: ${figures}, ${by}.`;
    case "worse":
      return `${sentence(what)} does harm here: ${figures}, ${by}.`;
    case "no difference":
      return `No difference was found between searching with and without ${what}: ${figures}, ${by}.`;
    case "too few queries":
      return `${asked(queries)}: too few to tell, for which it takes ${FEWEST_FOR_VERDICT}; ${figures}.`;
  }
}

/** "0.713 (0.655 to 0.768)": the mean and where it lies with a confidence of 95 %. */
export function bounded({ mean, low, high }: Estimate): string {
  return `${shown(mean)} (${shown(low)} to ${shown(high)})`;
}

function shown(value: number): string {
  // A change too small to be shown is none, and has no sign.
  return value.toFixed(3).replace(/^-(?=0\.000$)/, "");
}

function asked(queries: number): string {
  return `${queries} ${queries === 1 ? "query" : "queries"}`;
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

function nameOf(disable: readonly string[]): string {
  const names = disable.map((term) => (term === "semantic" ? "search by meaning" : `"${term}"`));
  return names.length === 1 ? names[0] : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

function sentence(text: string): string {
  return `${text[0].toUpperCase()}${text.slice(1)}`;
}
