/// <reference lib="dom" />
import type { Health, ModelHealth } from "../shared/health-types.ts";
import { element } from "./dom.ts";
import { l10n } from "./l10n.ts";

/** A table of what searches, and one of what answers; of the latter a sentence where nothing was asked. */
export function healthTables({ models }: Health): HTMLElement[] {
  const of = (role: ModelHealth["role"]) => models.filter((model) => model.role === role);
  const [search, answer] = [of("search"), of("answer")];
  return [
    table(l10n.t("Search"), l10n.t("Median of a question"), search),
    ...(answer.length > 0
      ? [table(l10n.t("Answers"), l10n.t("Median until the first word"), answer)]
      : [element("p", "dim", {}, l10n.t("No provider of answers was asked in the last seven days."))]),
  ];
}

function table(title: string, median: string, models: readonly ModelHealth[]): HTMLElement {
  const columns = [
    l10n.t("State"),
    median,
    l10n.t("95 of 100 within"),
    l10n.t("Failed"),
    l10n.t("Calls"),
    l10n.t("Memory"),
    l10n.t("Started again"),
  ];
  const head = [l10n.t("What"), ...columns].map((name, at) =>
    element("th", at < 2 ? "" : "number", { scope: "col" }, name),
  );
  return element(
    "table",
    "figures",
    {},
    element("caption", "", {}, title),
    element("thead", "", {}, element("tr", "", {}, ...head)),
    element("tbody", "", {}, ...models.map(row)),
  );
}

function row({ name, state, medianMs, p95Ms, errorRate, calls, memoryBytes, restarts }: ModelHealth): HTMLElement {
  const cells = [
    milliseconds(medianMs),
    milliseconds(p95Ms),
    calls === 0 ? NOTHING : percent(errorRate),
    l10n.number(calls),
    memoryBytes === undefined ? NOTHING : l10n.t("{0} MB", l10n.number(Math.round(memoryBytes / 1e6))),
    restarts === undefined ? NOTHING : l10n.number(restarts),
  ];
  return element(
    "tr",
    "",
    {},
    element("th", "", { scope: "row" }, name === "index" ? l10n.t("The index") : name),
    element(
      "td",
      "",
      {},
      // Its colour alone would be too pale for words on white.
      element("span", `state-${state}`, { "aria-hidden": "true" }, SIGNS[state]),
      ` ${stateInWords(state)}`,
    ),
    ...cells.map((text) => element("td", "number", {}, text)),
  );
}

/** In a cell that does not apply. */
const NOTHING = "–";

/** For who cannot tell the colours. */
const SIGNS = { ready: "✓", working: "…", failing: "✗" } as const;

function stateInWords(state: ModelHealth["state"]): string {
  switch (state) {
    case "ready":
      return l10n.t("works");
    case "working":
      return l10n.t("at work");
    case "failing":
      return l10n.t("failing");
  }
}

function milliseconds(value: number | undefined): string {
  if (value === undefined) return NOTHING;
  if (value >= 1000) return l10n.t("{0} s", (value / 1000).toFixed(1));
  return l10n.t("{0} ms", value < 10 ? value.toFixed(1) : Math.round(value));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0 && share < 0.01 ? 1 : 0)} %`;
}
