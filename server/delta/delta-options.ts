import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { BlockWorkers } from "./block-workers.ts";

/**
 * How far a piece of work is, in bytes of the fine-tune; in models where models are looked for (how many there are is
 * not known: the total is 0) and related to each other.
 */
export interface DeltaProgress {
  phase: "coding" | "hashing" | "rebuilding" | "checking" | "sampling" | "looking" | "relating";
  done: number;
  total: number;
}

export interface DeltaOptions {
  workers: BlockWorkers;
  signal: AbortSignal;
  onProgress?: (progress: DeltaProgress) => void;
}

/** Throws when the work is to stop. */
export function stopWhen(signal: AbortSignal): void {
  if (signal.aborted)
    throw new CairnError("unavailable", phrase("The work was cancelled."), phrase("Nothing was written."));
}
