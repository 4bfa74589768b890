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
  phase: "sampling" | "coding" | "hashing" | "checking" | "rebuilding" | "looking" | "relating";
  /** In bytes of the fine-tune; in models while they are looked for (the total is 0) and related to each other. */
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

/** What became of a dataset's rows, compared with those of its base. */
export interface RowCounts {
  /** As they stand in the base, wherever they stand there. */
  kept: number;
  /** Stored as a patch of a row of the base. */
  changed: number;
  /** Like no row of the base. */
  added: number;
}

/** What a delta would take, from a sample. */
export interface DeltaEstimate {
  bytes: number;
  deltaBytes: number;
  /** Two standard errors of the share that is saved, 0 to 1. */
  error: number;
  /** Of all datasets in it, from a sample of their rows; undefined where there are none. */
  rows?: RowCounts;
  /** Largest first. */
  tensors: readonly DeltaTensor[];
}

/** What a delta holds. */
export interface DeltaContents {
  path: string;
  /** Of the fine-tune. */
  bytes: number;
  deltaBytes: number;
  /** Of all datasets in it; undefined where there are none. */
  rows?: RowCounts;
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

/** What is compared value by value, or row by row. */
export type FoundKind = "model" | "dataset";

/** Percent that a delta must save for a scan to make it, unless the user says otherwise. */
export const LEAST_SAVED: Readonly<Record<FoundKind, number>> = { model: 60, dataset: 70 };

/** What speaks for a model or a dataset being made from another. */
export interface DeltaKinship {
  kind: FoundKind;
  /** Whether it names the base itself, in its card or its configuration. */
  declared: boolean;
  /** Whether both have the same architecture, by their configurations; undefined where one does not say. */
  sameArchitecture?: boolean;
  /**
   * Share of a model's bytes in tensors that the base has too, by name, format and shape; of a dataset's rows or cells
   * that the base has too, by a sample; 0 to 1.
   */
  shared: number;
  /**
   * Length of the difference over that of the base's weights, by a sample; for datasets, what is not shared. Undefined
   * where nothing can be compared.
   */
  distance?: number;
}

export interface FindBasesParams {
  fine: string;
  /** Where to look; beside the model and in the Hub's cache unless given. */
  folder?: string;
}

/**
 * What to make of a candidate: `likely` the base; rather made `after` the model, by what it says or the dates of the
 * files; `unrelated`, with other weights; or there is too `little` to compare.
 */
export type BaseStanding = "likely" | "after" | "unrelated" | "little";

/** A model that another may have been made from. */
export interface CandidateBase extends DeltaKinship {
  path: string;
  bytes: number;
  standing: BaseStanding;
}

export interface FoundBases {
  /** Where was looked. */
  folders: readonly string[];
  /** How many are there, of the same kind. */
  models: number;
  /** The likeliest first. */
  candidates: readonly CandidateBase[];
}

export interface ScanParams {
  /** The Hub's cache unless given. */
  folder?: string;
}

/** A model that was made from another, as far as can be told. */
export interface FoundDescent extends DeltaPair, DeltaKinship {
  /** Of the fine-tune. */
  bytes: number;
}

export interface FoundDescents {
  folder: string;
  /** How many are there. */
  models: number;
  datasets: number;
  /** The largest first. */
  descents: readonly FoundDescent[];
}

export interface CollectParams extends EstimateParams {
  /** The folder of deltas that it is added to; made when it is not there. */
  folder: string;
  /** Removes the original once its delta is made, checked and listed. */
  replace?: boolean;
}

/** A download that was made from another, and what a delta of it would take, by an estimate. */
export interface DerivedDownload extends DeltaPair {
  /** Of the fine-tune. */
  bytes: number;
  deltaBytes: number;
}

/** A delta in a folder of deltas. */
export interface CollectedDelta extends DeltaPair {
  /** The file. */
  delta: string;
  bytes: number;
  deltaBytes: number;
  /** Whether the original was removed; it stays where a delta does not hold all that would be. */
  replaced: boolean;
}
