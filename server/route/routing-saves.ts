import type { RoutingCost } from "../../shared/cost-types.ts";
import type { RouteEntry } from "./route-record.ts";
import { routeReport } from "./route-report.ts";

const MONTH_DAYS = 30;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * What routing saves a month by its own record: a routed question beside one of the conversations that are kept out of it
 * for comparison (A/B). Undefined when nothing was routed.
 * @param entries oldest first
 */
export function routingSaves(entries: readonly RouteEntry[]): RoutingCost | undefined {
  if (entries.length === 0) return undefined;
  const { routed, control, saved } = routeReport(entries);
  const [first, last] = [entries[0], entries[entries.length - 1]].map(({ at }) => Date.parse(at));
  const days = Math.max(1, (last - first) / DAY_MS);
  const counts = { routed: routed.questions, control: control.questions, byWeak: routed.byWeak };
  if (saved === undefined || routed.cost === undefined || control.cost === undefined) return counts;
  return { ...counts, saved, monthly: ((control.cost - routed.cost) * routed.questions * MONTH_DAYS) / days };
}
