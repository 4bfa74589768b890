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
/** Above it the title of the axis stands. */
const HIGHEST_PX = 0;
const DOT_PX = 6;
/** Between a point and its name. */
const GAP_PX = 10;
/** Above the point, below it, and further away. */
const SHIFTS_PX = [-14, 14, -28, 28, -42, 42, -56, 56, 70, 84];
/** What is above so much altogether is looked at from closer. */
const CLOSER = 0.45;
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
  const [inner, tall] = [width - LEFT_PX - RIGHT_PX, HEIGHT_PX - TOP_PX - BOTTOM_PX];
  const low = Math.min(...points.map(({ upLow }) => upLow));
  const lowest = low > CLOSER ? Math.floor(10 * low - 0.5) / 10 : 0;
  const names = placedNames(
    points.map(({ name, across, up }) => ({
      name,
      x: (inner * Math.log(across / domain[0])) / Math.log(domain[1] / domain[0]),
      y: (tall * (1 - up)) / (1 - lowest),
    })),
    inner,
    tall,
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
    y: { domain: [lowest, 1], label: manner.upAxis, labelArrow: "none", ticks: 5, tickFormat: shortNumber },
    color: { type: "identity" },
    marks: [
      ruleY([lowest], { strokeOpacity: 0.4 }),
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

/**
 * Where each name stands, as near to its point as there is room: over no other name, no other point, and not over the title
 * of the axis. Points are in pixels.
 */
function placedNames(
  points: readonly { name: string; x: number; y: number }[],
  width: number,
  height: number,
): Placed[] {
  const taken = points.map(({ x, y }) => ({ left: x - DOT_PX, right: x + DOT_PX, y }));
  const places = SHIFTS_PX.flatMap((dy) => [true, false].map((isRight) => ({ dy, isRight })));
  return points.map(({ name, x, y }) => {
    const length = name.length * LETTER_PX;
    const at = ({ dy, isRight }: { dy: number; isRight: boolean }) => {
      const left = isRight ? x + GAP_PX : x - GAP_PX - length;
      return { left, right: left + length, y: y + dy };
    };
    const isInside = (box: ReturnType<typeof at>) =>
      box.left >= 0 && box.right <= width && box.y >= HIGHEST_PX && box.y <= height;
    const isFree = (box: ReturnType<typeof at>) =>
      isInside(box) &&
      !taken.some((other) => Math.abs(other.y - box.y) < LINE_PX && other.left < box.right && box.left < other.right);
    const place = places.find((one) => isFree(at(one))) ??
      places.find((one) => isInside(at(one))) ?? { dy: 14, isRight: true };
    taken.push(at(place));
    return { textAnchor: place.isRight ? "start" : "end", dx: place.isRight ? GAP_PX : -GAP_PX, dy: place.dy };
  });
}
