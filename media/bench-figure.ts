/// <reference lib="dom" />
import type { SavedChart } from "../shared/bench-panel-messages.ts";
import { type ChartManner, type ChartRow, drawChart, standaloneChart } from "./bench-chart.ts";
import { drawScatter, type ScatterPoint } from "./bench-scatter.ts";
import { pngOf } from "./chart-image.ts";
import { button, element } from "./dom.ts";
import { l10n } from "./l10n.ts";

/** What a figure shows: as a chart, and the same as a table. */
export interface FigureContent extends ChartManner {
  /** The name of the file that it is saved to, without its ending. */
  readonly name: string;
  readonly title: string;
  readonly rows: readonly ChartRow[];
  /** Drawn in the place of rows, one axis by the other. */
  readonly scatter?: { readonly points: readonly ScatterPoint[]; readonly upAxis: string };
  readonly heads: readonly string[];
  /** A row begins with what it is about. */
  readonly cells: readonly (readonly string[])[];
}

/** Is given a drawn chart as a file. */
export type ChartSaver = (chart: SavedChart) => void;

/** A chart with its table; drawn anew when its content or its width has changed. */
export class BenchFigure {
  readonly element = element("figure", "measure-figure");
  readonly #title = element("figcaption", "figure-title");
  readonly #chart = element("div", "chart-box");
  readonly #table = element("div", "scroller", { tabindex: "0", role: "region" });
  readonly #resized = new ResizeObserver(() => this.#draw());
  #content: FigureContent | undefined;
  #drawn = "";

  constructor(save: ChartSaver) {
    const svg = button(l10n.t("Save as SVG…"), () => this.#save(save), "link save-chart");
    const png = button(l10n.t("Save as PNG…"), () => this.#saveImage(save), "link save-image");
    const buttons = element("div", "figure-actions", {}, svg, png);
    this.element.append(element("div", "figure-head", {}, this.#title, buttons), this.#chart, this.#table);
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

  #save(save: ChartSaver): void {
    const [drawn, content] = [this.#chart.querySelector("svg"), this.#content];
    if (drawn && content) save({ name: content.name, format: "svg", content: standaloneChart(drawn, content.title) });
  }

  async #saveImage(save: ChartSaver): Promise<void> {
    const [drawn, content] = [this.#chart.querySelector("svg"), this.#content];
    if (!drawn || !content) return;
    const { width, height } = drawn.getBoundingClientRect();
    const image = await pngOf(standaloneChart(drawn, content.title), width, height);
    save({ name: content.name, format: "png", content: image });
  }

  #draw(): void {
    const width = this.#chart.clientWidth;
    if (!this.#content || width === 0) return;
    const state = JSON.stringify([width, this.#content]);
    if (state === this.#drawn) return;
    this.#drawn = state;
    const { title, heads, cells } = this.#content;
    this.#title.textContent = title;
    this.#table.setAttribute("aria-label", title);
    this.#chart.replaceChildren(...drawn(this.#content, width));
    const { scrollLeft, scrollTop } = this.#table;
    this.#table.replaceChildren(tableOf(heads, cells));
    this.#table.scrollTo(scrollLeft, scrollTop);
  }
}

function drawn(content: FigureContent, width: number): SVGSVGElement[] {
  const { rows, scatter, axis } = content;
  if (scatter) return [drawScatter(scatter.points, { axis, upAxis: scatter.upAxis }, width)];
  return rows.length > 0 ? [drawChart(rows, content, width)] : [];
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
