/// <reference lib="dom" />
import { dot, line, plot, ruleX, ruleY, text } from "@observablehq/plot";
import { shortNumber } from "./bench-wording.ts";

/** One configuration: what it costs (across) and what it is worth (up), each between its bounds. */
export interface ScatterPoint {
  readonly name: string;
  readonly across: number;
  readonly acrossLow: number;
  readonly acrossHigh: number;
  readonly up: number;
  readonly upLow: number;
  readonly upHigh: number;
  /** No other is better in one and at least as good in the other. */
  readonly onFront: boolean;
}

export interface ScatterManner {
  readonly axis: string;
  readonly upAxis: string;
}

const HEIGHT_PX = 340;
const [LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX] = [44, 12, 28, 44];
/** Of one character, about, in the chart's letters. */
const LETTER_PX = 6.6;
const LINE_PX = 15;
/** Above the point, below it, and further away. */
const SHIFTS_PX = [-12, 14, -28, 30, -44, 46, -60, 62];
const FRONT = "var(--vscode-charts-green, currentColor)";
const OTHER = "var(--vscode-charts-blue, currentColor)";

/**
 * Draws configurations by two measures, with their bounds; those of the Pareto front are filled and joined by a line.
 * Screen readers are told to read the table instead.
 * @param points at least one, all across values above zero
 * @param width CSS pixels
 */
export function drawScatter(points: readonly ScatterPoint[], manner: ScatterManner, width: number): SVGSVGElement {
  const colour = ({ onFront }: ScatterPoint) => (onFront ? FRONT : OTHER);
  const front = points.filter(({ onFront }) => onFront).sort((a, b) => a.across - b.across);
  const least = Math.min(...points.map(({ acrossLow }) => acrossLow));
  const most = Math.max(...points.map(({ acrossHigh }) => acrossHigh));
  const domain = [least / 1.3, most * 1.3];
  const inner = width - LEFT_PX - RIGHT_PX;
  const names = placedNames(
    points.map(({ name, across, up }) => ({
      name,
      x: (inner * Math.log(across / domain[0])) / Math.log(domain[1] / domain[0]),
      y: (HEIGHT_PX - TOP_PX - BOTTOM_PX) * (1 - up),
    })),
    inner,
  );
  const drawn = plot({
    className: "chart",
    width,
    height: HEIGHT_PX,
    marginLeft: LEFT_PX,
    marginRight: RIGHT_PX,
    marginTop: TOP_PX,
    marginBottom: BOTTOM_PX,
    x: {
      type: "log",
      domain,
      label: manner.axis,
      labelAnchor: "left",
      labelArrow: "none",
      labelOffset: 36,
      ticks: Math.max(2, Math.floor(width / 110)),
      tickFormat: shortNumber,
    },
    y: { domain: [0, 1], label: manner.upAxis, labelArrow: "none", ticks: 5, tickFormat: shortNumber },
    color: { type: "identity" },
    marks: [
      ruleY([0], { strokeOpacity: 0.4 }),
      line(front, { x: "across", y: "up", stroke: FRONT, strokeDasharray: "4,3", strokeOpacity: 0.8 }),
      ruleX(points, { x: "across", y1: "upLow", y2: "upHigh", stroke: colour, strokeWidth: 3, strokeOpacity: 0.4 }),
      ruleY(points, { y: "up", x1: "acrossLow", x2: "acrossHigh", stroke: colour, strokeWidth: 3, strokeOpacity: 0.4 }),
      dot(points, { x: "across", y: "up", fill: colour, r: 5 }),
      ...points.map((point, i) => text([point], { x: "across", y: "up", text: "name", ...names[i] })),
    ],
  }) as SVGSVGElement;
  // The page's policy lets no style within the page hold; its rules are in the style sheet.
  drawn.querySelector("style")?.remove();
  drawn.setAttribute("aria-hidden", "true");
  return drawn;
}

interface Placed {
  readonly textAnchor: "start" | "end";
  readonly dx: number;
  readonly dy: number;
}

/** Where each name stands so that none lies over another, as far as there is room; points are in pixels. */
function placedNames(points: readonly { name: string; x: number; y: number }[], width: number): Placed[] {
  const taken: { left: number; right: number; y: number }[] = [];
  return points.map(({ name, x, y }) => {
    const length = name.length * LETTER_PX;
    const isRight = x + length + 8 < width;
    const left = isRight ? x + 8 : x - 8 - length;
    const isFree = (dy: number) =>
      !taken.some((other) => Math.abs(other.y - y - dy) < LINE_PX && other.left < left + length && left < other.right);
    const dy = SHIFTS_PX.find(isFree) ?? SHIFTS_PX[0];
    taken.push({ left, right: left + length, y: y + dy });
    return { textAnchor: isRight ? "start" : "end", dx: isRight ? 8 : -8, dy };
  });
}
