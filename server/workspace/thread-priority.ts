import { constants, setPriority } from "node:os";

/**
 * Lets the threads of other programs, and the one that answers searches, go before this thread. Only Linux knows a
 * priority of single threads; elsewhere it would be that of the whole process, which answers searches, and stays.
 */
export function yieldToOthers(): void {
  if (process.platform !== "linux") return;
  try {
    // On Linux, 0 means the calling thread.
    setPriority(0, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // A sandbox may refuse it; the work is done all the same.
  }
}
