/// <reference lib="dom" />
import {
  type CostOrder,
  type CostReport,
  type CostRow,
  type Hardware,
  MOST_TOKENS,
  type RoutingCost,
} from "../shared/cost-types.ts";
import { BenchFigure, type ChartSaver, type FigureContent } from "./bench-figure.ts";
import { shortNumber } from "./bench-wording.ts";
import { element } from "./dom.ts";
import { l10n } from "./l10n.ts";

const HARDWARE = ["watts", "hours", "pricePerKwh", "purchase", "months"] as const satisfies readonly (keyof Hardware)[];

const LABELS: Readonly<Record<keyof Hardware, string>> = {
  watts: l10n.t("Watts"),
  hours: l10n.t("Hours a month"),
  pricePerKwh: l10n.t("Dollars a kWh"),
  purchase: l10n.t("Dollars it cost"),
  months: l10n.t("Months to spread that over"),
};

/** What a month costs: a volume to type in, and a figure each for answers, embeddings and what was used. */
export class CostView {
  readonly element = element("section", "costs", { "aria-labelledby": "costs-title" });
  readonly #tokens = amount("tokens", { min: "1", max: String(MOST_TOKENS), step: "1" });
  readonly #hardware = new Map(HARDWARE.map((name) => [name, amount(`hardware-${name}`, { min: "0", step: "any" })]));
  readonly #said = element("div", "costs-said");
  readonly #figures: readonly BenchFigure[];
  readonly #form: HTMLFormElement;

  /** @param ask is told what to count with */
  constructor(ask: (order: CostOrder) => void, save: ChartSaver) {
    this.#figures = [new BenchFigure(save), new BenchFigure(save), new BenchFigure(save)];
    const hardware = element(
      "details",
      "hardware",
      {},
      element("summary", "", {}, l10n.t("A machine that runs models")),
      element("p", "dim", {}, l10n.t("Nothing is assumed of it: fill in all five to have it counted.")),
      ...HARDWARE.flatMap((name) => field(LABELS[name], this.#hardware.get(name))),
    );
    this.#form = element("form", "", {}, ...field(l10n.t("Tokens a month"), this.#tokens), hardware);
    this.#form.addEventListener("change", () => this.#form.reportValidity() && ask(this.#order()));
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.element.append(
      element("h2", "", { id: "costs-title" }, l10n.t("Costs")),
      this.#form,
      this.#said,
      ...this.#figures.map((figure) => figure.element),
    );
    this.element.hidden = true;
  }

  show(report: CostReport | undefined): void {
    this.element.hidden = !report;
    if (!report) return;
    const { inputTokens, outputTokens } = report;
    if (this.#tokens.value === "") this.#tokens.value = String(inputTokens + outputTokens);
    this.#said.replaceChildren(...sentences(report).map((text) => element("p", "dim", {}, text)));
    const contents = [answers(report), embeddings(report), used(report)];
    this.#figures.forEach((figure, at) => {
      figure.element.hidden = contents[at].cells.length === 0;
      figure.show(contents[at]);
    });
  }

  #order(): CostOrder {
    const values = HARDWARE.map((name) => [name, this.#hardware.get(name)?.valueAsNumber ?? Number.NaN] as const);
    const given = Object.fromEntries(values) as unknown as Hardware;
    const isWhole = values.every(([, value]) => Number.isFinite(value)) && given.months > 0;
    return {
      ...(this.#tokens.value !== "" && { tokens: this.#tokens.valueAsNumber }),
      ...(isWhole && { hardware: given }),
    };
  }
}

function amount(id: string, limits: Record<string, string>): HTMLInputElement {
  return element("input", "choice amount", { id, type: "number", inputmode: "decimal", ...limits });
}

function field(label: string, input: HTMLInputElement | undefined): HTMLElement[] {
  if (!input) return [];
  return [element("div", "field", {}, element("label", "", { for: input.id }, label), input)];
}

function sentences(report: CostReport): string[] {
  const {
    inputTokens,
    outputTokens,
    basis,
    shares,
    cachesSave,
    keptAnswersSave,
    cachedUnpriced,
    hardware,
    embeddings,
    routing,
  } = report;
  const [cheapest] = embeddings;
  const dearest = embeddings.at(-1);
  return [
    basis === "recorded"
      ? l10n.t("{0} tokens in and {1} out: your own volume.", l10n.number(inputTokens), l10n.number(outputTokens))
      : l10n.t("{0} tokens in and {1} out.", l10n.number(inputTokens), l10n.number(outputTokens)),
    shares === "recorded"
      ? l10n.t("Their shares are those of your answers.")
      : l10n.t("No answers are recorded: their shares are those of a full window with the settings as they come."),
    ...(cheapest && dearest
      ? [
          l10n.t(
            "Embedding as many on this machine instead of elsewhere saves {0} to {1} a month.",
            dollars(cheapest.monthly),
            dollars(dearest.monthly),
          ),
        ]
      : []),
    ...(cachesSave > 0 ? [l10n.t("The providers' caches save you {0} a month.", dollars(cachesSave))] : []),
    ...(keptAnswersSave > 0 ? [l10n.t("Kept answers save you {0} a month.", dollars(keptAnswersSave))] : []),
    ...(cachedUnpriced > 0
      ? [l10n.t("{0} tokens a month come from caches at a price that is not known.", l10n.number(cachedUnpriced))]
      : []),
    ...(routing ? [routed(routing)] : []),
    ...(hardware
      ? [
          l10n.t(
            "Your machine takes {0} a month: {1} for power, {2} for what it cost.",
            dollars(hardware.power + hardware.purchase),
            dollars(hardware.power),
            dollars(hardware.purchase),
          ),
        ]
      : []),
  ];
}

function routed({ routed, control, byWeak, saved, monthly }: RoutingCost): string {
  const [asked, kept] = [l10n.number(routed), l10n.number(control)];
  if (saved === undefined || monthly === undefined) {
    return l10n.t(
      "{0} questions were routed, {1} kept out of it for comparison. What that saves is known once both have answers whose price is known.",
      asked,
      kept,
    );
  }
  return l10n.t(
    "{0} questions were routed, {1} of 100 to the weaker model, and {2} kept out of it for comparison: a routed one costs {3} % of what the others do, which saves {4} a month.",
    asked,
    shortNumber(100 * byWeak),
    kept,
    shortNumber(100 * (1 - saved)),
    dollars(monthly),
  );
}

function answers({ answers: rows }: CostReport): FigureContent {
  return ofPrices("cost-answers", l10n.t("Answers, dollars a month: less is better"), rows);
}

function embeddings({ embeddings: rows }: CostReport): FigureContent {
  return ofPrices("cost-embeddings", l10n.t("Embedding elsewhere, dollars a month: here it costs none"), rows);
}

function ofPrices(name: string, title: string, rows: readonly CostRow[]): FigureContent {
  return {
    name,
    title,
    axis: l10n.t("Dollars a month"),
    rows: rows.map((row) => chartRow(nameOf(row), row.monthly)),
    heads: [l10n.t("Model"), l10n.t("Dollars a month"), l10n.t("Price of"), l10n.t("By whom")],
    cells: rows.map((row) => [nameOf(row), dollars(row.monthly), row.asOf || l10n.t("your settings"), row.source]),
  };
}

function used({ used: rows, days }: CostReport): FigureContent {
  return {
    name: "cost-used",
    title: l10n.t("What you used in {0} days, as it would be in 30", shortNumber(days)),
    axis: l10n.t("Dollars a month"),
    rows: rows.flatMap((row) => (row.monthly === undefined ? [] : chartRow(nameOf(row), row.monthly))),
    heads: [l10n.t("Model"), l10n.t("Tokens a month"), l10n.t("Dollars a month"), l10n.t("Price of")],
    cells: rows.map((row) => [nameOf(row), l10n.number(row.tokens), costOf(row), row.asOf ?? ""]),
  };
}

function costOf({ monthly, remote }: CostReport["used"][number]): string {
  if (monthly !== undefined) return dollars(monthly);
  return remote ? l10n.t("price not known") : l10n.t("on this machine");
}

function nameOf({ provider, model }: Pick<CostRow, "provider" | "model">): string {
  return [provider, model].filter(Boolean).join(" ");
}

function chartRow(name: string, value: number): FigureContent["rows"][number] {
  return { name, value, low: value, high: value, shown: dollars(value) };
}

function dollars(value: number): string {
  const digits = value > 0 && value < 0.01 ? 4 : 2;
  return value.toLocaleString(document.documentElement.lang, {
    style: "currency",
    currency: "USD",
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}
