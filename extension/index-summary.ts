import type { IndexPhase, IndexStatus } from "../shared/search-types.ts";
import type { PanelIndex } from "../shared/webview-messages.ts";

/** The folder whose phase comes first here speaks for the whole workspace. */
const BY_URGENCY: readonly IndexPhase[] = ["failed", "opening", "scanning", "indexing", "paused", "closed", "ready"];

/** The indexes of all open folders as one: counts added up, the most urgent phase and its message. */
export function summarise(statuses: Iterable<IndexStatus>): PanelIndex {
  const all = [...statuses];
  const add = (count: (status: IndexStatus) => number): number => all.reduce((sum, status) => sum + count(status), 0);
  const phase = BY_URGENCY.find((candidate) => all.some((status) => status.phase === candidate)) ?? "opening";
  return {
    phase,
    files: add(({ files }) => files),
    chunks: add(({ chunks }) => chunks),
    changes: add(({ changes }) => changes),
    done: add(({ done }) => done),
    total: add(({ total }) => total),
    message: all.find((status) => status.phase === phase && status.message)?.message ?? "",
  };
}
