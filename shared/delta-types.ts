/** Two models, as paths or as names of repositories in the Hub's local cache. */
export interface DeltaPair {
  /** The model that the fine-tune was made from. */
  base: string;
  fine: string;
}

/** What every request about deltas may say of how it is to be done. */
export interface DeltaManner {
  /** Chosen by the client: progress is reported under it. Without one there is none. */
  task?: number;
  /** Threads that code; all cores but one unless given. */
  threads?: number;
}

export interface DeltaProgress {
  task: number;
  phase: "sampling" | "coding" | "hashing" | "checking" | "rebuilding";
  /** In bytes of the fine-tune. */
  done: number;
  total: number;
}

/** A tensor, or small tensors that share a block, and what the delta takes for it. */
export interface DeltaTensor {
  name: string;
  dtype: string;
  bytes: number;
  storedBytes: number;
  /** As FORMAT.md names it. */
  codec: string;
  /** Length of the difference over the length of the base, both as vectors; undefined where it was not measured. */
  change?: number;
}

/** What a delta would take, from a sample. */
export interface DeltaEstimate {
  bytes: number;
  deltaBytes: number;
  /** Two standard errors of the share that is saved, 0 to 1. */
  error: number;
  /** Largest first. */
  tensors: readonly DeltaTensor[];
}

/** What a delta holds. */
export interface DeltaContents {
  path: string;
  /** Of the fine-tune. */
  bytes: number;
  deltaBytes: number;
  /** Largest first. */
  tensors: readonly DeltaTensor[];
}

export interface EstimateParams extends DeltaPair {
  /** Looks for no changes of low rank: several times as fast, but what such changes would save is not. */
  fast?: boolean;
}

export interface CompressParams extends EstimateParams {
  out: string;
  /** Replaces what is there. */
  force?: boolean;
  /** Rebuilds everything in memory and compares before the delta gets its name. */
  check?: boolean;
}

export interface CompressedModel extends DeltaContents {
  /** Blocks that an earlier, interrupted run had left. */
  resumedBlocks: number;
}

export interface VerifyParams {
  delta: string;
  base: string;
}

export interface VerifiedDelta {
  files: number;
  tensors: number;
  bytes: number;
}

export interface ReconstructParams extends VerifyParams {
  out: string;
  /** Replaces what is there. */
  force?: boolean;
}

export interface ReconstructedModel {
  path: string;
  bytes: number;
}
