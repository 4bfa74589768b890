import type { RouteEntry } from "./route-record.ts";

/** What came of some routed questions. */
export interface RouteSummary {
  readonly questions: number;
  /** Shares of the questions, 0 to 1. */
  readonly byWeak: number;
  readonly failed: number;
  readonly unfinished: number;
  /** Medians in milliseconds; undefined without any. */
  readonly firstWordMs?: number;
  readonly totalMs?: number;
  /** US dollars a question, over those whose price is known; undefined without any. */
  readonly cost?: number;
  /** Citations that held, as a share of all; undefined without any. */
  readonly heldCitations?: number;
}

export interface RouteReport {
  /** Conversations that are routed, and those that are kept out of it for comparison. */
  readonly routed: RouteSummary;
  readonly control: RouteSummary;
  /** Of the routed, by the model that was chosen. */
  readonly strong: RouteSummary;
  readonly weak: RouteSummary;
  /** How much less a routed question costs than one of the control group, 0 to 1; undefined where either is not known. */
  readonly saved?: number;
}

export function routeReport(entries: readonly RouteEntry[]): RouteReport {
  const routed = entries.filter(({ reason }) => reason !== "control");
  const control = entries.filter(({ reason }) => reason === "control");
  const report = {
    routed: summary(routed),
    control: summary(control),
    strong: summary(routed.filter(({ tier }) => tier === "strong")),
    weak: summary(routed.filter(({ tier }) => tier === "weak")),
  };
  const [cost, usual] = [report.routed.cost, report.control.cost];
  return cost === undefined || !usual ? report : { ...report, saved: 1 - cost / usual };
}

function summary(entries: readonly RouteEntry[]): RouteSummary {
  const share = (which: (entry: RouteEntry) => boolean) =>
    entries.length === 0 ? 0 : entries.filter(which).length / entries.length;
  const costs = entries.flatMap(({ cost }) => cost ?? []);
  const held = entries.reduce((sum, { citations }) => sum + citations, 0);
  const removed = entries.reduce((sum, entry) => sum + entry.removed, 0);
  return {
    questions: entries.length,
    byWeak: share(({ tier }) => tier === "weak"),
    failed: share(({ failed }) => failed > 0),
    unfinished: share(({ finish }) => finish !== "complete"),
    firstWordMs: medianOf(entries.flatMap(({ firstTokenMs }) => firstTokenMs ?? [])),
    totalMs: medianOf(entries.map(({ totalMs }) => totalMs)),
    cost: costs.length === 0 ? undefined : costs.reduce((sum, cost) => sum + cost, 0) / costs.length,
    heldCitations: held + removed === 0 ? undefined : held / (held + removed),
  };
}

function medianOf(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
