import type { Health, ModelHealth } from "../shared/health-types.ts";
import type { EmbeddingStatus, IndexStatus } from "../shared/search-types.ts";
import type { UsageEntry } from "../shared/usage-types.ts";
import type { Workspace } from "./core-api.ts";
import { median, percentile } from "./measure/statistics.ts";

/** Questions that are asked of an index to see how it does; no file is likely to hold them word for word. */
const PROBES = [
  "where is the configuration read?",
  "open a connection",
  "parse the arguments",
  "retry after a failure",
];
/** Of providers only what happened lately says how they are. */
const LATELY_MS = 7 * 24 * 60 * 60 * 1000;
/** A question that was given up, or that nobody could answer for want of a key, says nothing of the provider's health. */
const NO_FAULT: ReadonlySet<string> = new Set(["complete", "length", "stopped", "no-key"]);

/**
 * Asks the index of each folder some questions, and reads what is recorded of the models that answer.
 * @param used what is recorded of them
 */
export async function healthOf(
  workspaces: readonly Pick<Workspace, "search" | "status">[],
  used: readonly UsageEntry[],
  now = Date.now(),
): Promise<Health> {
  const times: number[] = [];
  const statuses: IndexStatus[] = [];
  for (const workspace of workspaces) {
    for (const query of PROBES) times.push((await workspace.search({ query, limit: 1 })).tookMs);
    // Afterwards: the questions are among the figures of a chosen model.
    statuses.push(await workspace.status());
  }
  const index: ModelHealth = {
    role: "search",
    name: "index",
    state: stateOf(statuses),
    ...(times.length > 0 && { medianMs: median(times), p95Ms: percentile(times, 0.95) }),
    errorRate: 0,
    calls: times.length,
  };
  const chosen = new Map(statuses.flatMap(({ embedding }) => (embedding ? [[embedding.model, embedding]] : [])));
  return {
    at: new Date(now).toISOString(),
    models: [index, ...[...chosen.values()].map(embeddingHealth), ...answerHealth(used, now)],
  };
}

function stateOf(statuses: readonly IndexStatus[]): ModelHealth["state"] {
  if (statuses.some(({ phase }) => phase === "failed")) return "failing";
  return statuses.every(({ phase }) => phase === "ready") ? "ready" : "working";
}

function embeddingHealth({ model, phase, engine }: EmbeddingStatus): ModelHealth {
  const { questionMs, questionP95Ms, errorRate, batches, memoryBytes, restarts, pid } = engine;
  const calls = Math.round(batches / (1 - Math.min(errorRate, 0.999)));
  return {
    role: "search",
    name: model,
    state: phase === "failed" ? "failing" : phase === "ready" ? "ready" : "working",
    ...(questionMs > 0 && { medianMs: questionMs, p95Ms: questionP95Ms }),
    errorRate,
    calls,
    ...(pid > 0 && { memoryBytes, restarts }),
  };
}

/** By provider and model, those asked most first; answers that were kept from before asked nobody. */
function answerHealth(used: readonly UsageEntry[], now: number): ModelHealth[] {
  const since = new Date(now - LATELY_MS).toISOString();
  const asked = used.filter(({ kept, at, provider }) => !kept && at >= since && provider !== "extractive");
  const groups = Map.groupBy(asked, ({ kind, provider, model }) => JSON.stringify([kind, provider, model]));
  return [...groups.values()]
    .sort((a, b) => b.length - a.length)
    .map((entries): ModelHealth => {
      const { kind, provider, model } = entries[0];
      const failed = entries.filter(({ outcome }) => !NO_FAULT.has(outcome));
      const times = entries.flatMap(
        ({ outcome, seconds, firstSeconds = kind === "embedding" ? seconds : undefined }) =>
          outcome === "complete" && firstSeconds !== undefined ? [1000 * firstSeconds] : [],
      );
      return {
        role: kind === "embedding" ? "search" : "answer",
        name: [provider, model].filter(Boolean).join(" "),
        state: failed.includes(entries[entries.length - 1]) ? "failing" : "ready",
        ...(times.length > 0 && { medianMs: median(times), p95Ms: percentile(times, 0.95) }),
        errorRate: failed.length / entries.length,
        calls: entries.length,
      };
    });
}
