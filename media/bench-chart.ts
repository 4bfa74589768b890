/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { dot, plot, ruleX, ruleY, text } from "@observablehq/plot";
import { shortNumber } from "./bench-wording.ts";

/** One line of a chart: a value between its bounds. */
export interface ChartRow {
  readonly name: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** The value in words. */
  readonly shown: string;
  readonly verdict?: "better" | "worse" | "same";
}

export interface ChartManner {
  /** What the axis counts. */
  readonly axis: string;
  /** A value to compare the others with: a line across all. */
  readonly reference?: number;
}

const ROW_PX = 40;
const AXIS_PX = 44;
/** Values that are further apart than this are drawn on a logarithmic axis: the small ones would all lie at its end. */
const WIDE = 12;

const COLOURS = {
  better: "var(--vscode-charts-green, currentColor)",
  worse: "var(--vscode-charts-red, currentColor)",
  same: "var(--vscode-charts-foreground, currentColor)",
} as const;
const PLAIN = "var(--vscode-charts-blue, currentColor)";

/**
 * Draws medians as dots on a line from bound to bound, one below the other. Screen readers are told to read the table
 * instead.
 * @param rows at least one, every number of them above zero on a chart with a reference
 * @param width CSS pixels
 */
export function drawChart(rows: readonly ChartRow[], { axis, reference }: ChartManner, width: number): SVGSVGElement {
  const values = rows.flatMap(({ low, high, value }) => [low, value, high]);
  const all = reference === undefined ? values : [...values, reference];
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const isLogarithmic = reference !== undefined || (least > 0 && most / least > WIDE);
  const colour = ({ verdict }: ChartRow) => (verdict ? COLOURS[verdict] : PLAIN);
  const line = rows.map((_, at) => at);
  const drawn = plot({
    className: "chart",
    width,
    height: rows.length * ROW_PX + AXIS_PX,
    marginLeft: 1,
    marginRight: 1,
    marginTop: 4,
    marginBottom: AXIS_PX,
    x: {
      type: isLogarithmic ? "log" : "linear",
      domain: isLogarithmic ? [least / 1.15, most * 1.15] : [Math.min(0, least), most],
      label: axis,
      labelAnchor: "left",
      labelArrow: "none",
      labelOffset: 36,
      ticks: Math.max(2, Math.floor(width / 110)),
      tickFormat: shortNumber,
      insetLeft: 12,
      insetRight: 12,
    },
    y: { axis: null, type: "band", domain: line },
    color: { type: "identity" },
    marks: [
      ruleX(reference === undefined ? [] : [reference], { strokeDasharray: "3,3", strokeOpacity: 0.7 }),
      ruleY(line, { y: line, strokeOpacity: 0.12, dy: 8 }),
      ruleY(rows, {
        y: line,
        x1: "low",
        x2: "high",
        stroke: colour,
        strokeWidth: 5,
        strokeOpacity: 0.45,
        strokeLinecap: "round",
        dy: 8,
      }),
      dot(rows, { x: "value", y: line, fill: colour, r: 4.5, dy: 8 }),
      text(rows, {
        text: "name",
        y: line,
        frameAnchor: "left",
        dy: -8,
        lineWidth: Math.max(8, width / 11 - 9),
        textOverflow: "ellipsis",
      }),
      text(rows, { text: "shown", y: line, frameAnchor: "right", dy: -8, fontWeight: 600 }),
    ],
  }) as SVGSVGElement;
  // The page's policy lets no style within the page hold; its rules are in the style sheet.
  drawn.querySelector("style")?.remove();
  drawn.setAttribute("aria-hidden", "true");
  return drawn;
}

/** A drawn chart as a file: what the theme and the style sheet say is written into it. */
export function standaloneChart(drawn: SVGSVGElement, title: string): string {
  const copy = drawn.cloneNode(true) as SVGSVGElement;
  const copies = copy.querySelectorAll("*");
  drawn.querySelectorAll("*").forEach((original, at) => {
    const { fill, stroke } = getComputedStyle(original);
    if (original.hasAttribute("fill")) copies[at].setAttribute("fill", fill);
    if (original.hasAttribute("stroke")) copies[at].setAttribute("stroke", stroke);
  });
  const { color, fontFamily } = getComputedStyle(drawn);
  const background = getComputedStyle(document.body).getPropertyValue("--vscode-editor-background");
  const attributes = {
    xmlns: "http://www.w3.org/2000/svg",
    fill: color,
    color,
    "font-family": fontFamily,
    role: "img",
  };
  for (const [name, value] of Object.entries(attributes)) copy.setAttribute(name, value);
  copy.removeAttribute("aria-hidden");
  const behind = document.createElementNS(attributes.xmlns, "rect");
  for (const [name, value] of [
    ["width", "100%"],
    ["height", "100%"],
    ["fill", background],
  ]) {
    behind.setAttribute(name, value);
  }
  const named = document.createElementNS(attributes.xmlns, "title");
  named.textContent = title;
  copy.prepend(named, behind);
  return new XMLSerializer().serializeToString(copy);
}
