/// <reference lib="dom" />
import { type ChartManner, type ChartRow, drawChart, standaloneChart } from "./bench-chart.ts";
import { button, element } from "./dom.ts";
import { l10n } from "./l10n.ts";

/** What a figure shows: as a chart, and the same as a table. */
export interface FigureContent extends ChartManner {
  /** The name of the file that it is saved to, without its ending. */
  readonly name: string;
  readonly title: string;
  readonly rows: readonly ChartRow[];
  readonly heads: readonly string[];
  /** A row begins with what it is about. */
  readonly cells: readonly (readonly string[])[];
}

/** A chart with its table; drawn anew when its content or its width has changed. */
export class BenchFigure {
  readonly element = element("figure", "measure-figure");
  readonly #title = element("figcaption", "figure-title");
  readonly #chart = element("div", "chart-box");
  readonly #table = element("div", "scroller", { tabindex: "0", role: "region" });
  readonly #resized = new ResizeObserver(() => this.#draw());
  #content: FigureContent | undefined;
  #drawn = "";

  /** @param save is given the chart as an SVG file */
  constructor(save: (name: string, svg: string) => void) {
    const saved = button(
      l10n.t("Save Chart…"),
      () => {
        const drawn = this.#chart.querySelector("svg");
        if (drawn && this.#content) save(this.#content.name, standaloneChart(drawn, this.#content.title));
      },
      "link save-chart",
    );
    this.element.append(element("div", "figure-head", {}, this.#title, saved), this.#chart, this.#table);
    this.#resized.observe(this.#chart);
  }

  show(content: FigureContent): void {
    this.#content = content;
    this.#draw();
  }

  /** No longer on the page. */
  drop(): void {
    this.#resized.disconnect();
    this.element.remove();
  }

  #draw(): void {
    const width = this.#chart.clientWidth;
    if (!this.#content || width === 0) return;
    const state = JSON.stringify([width, this.#content]);
    if (state === this.#drawn) return;
    this.#drawn = state;
    const { title, heads, cells, rows } = this.#content;
    this.#title.textContent = title;
    this.#table.setAttribute("aria-label", title);
    this.#chart.replaceChildren(...(rows.length > 0 ? [drawChart(rows, this.#content, width)] : []));
    const { scrollLeft, scrollTop } = this.#table;
    this.#table.replaceChildren(tableOf(heads, cells));
    this.#table.scrollTo(scrollLeft, scrollTop);
  }
}

function tableOf(heads: readonly string[], cells: readonly (readonly string[])[]): HTMLElement {
  const rows = cells.map(([first, ...others]) =>
    element(
      "tr",
      "",
      {},
      element("th", "", { scope: "row", title: first }, first),
      ...others.map((text) => element("td", "number", {}, text)),
    ),
  );
  const titles = heads.map((head, at) => element("th", at === 0 ? "" : "number", { scope: "col" }, head));
  return element(
    "table",
    "figures",
    {},
    element("thead", "", {}, element("tr", "", {}, ...titles)),
    element("tbody", "", {}, ...rows),
  );
}
