import type { DeltaProgress, DeltaTensor } from "./delta-types.ts";

/** What the fields of the workbench hold: paths, or names of repositories in the Hub's local cache. */
export interface DeltaInputs {
  base: string;
  fine: string;
  /** Where the delta goes. */
  out: string;
}

export interface DeltaChoices {
  /** Rebuild everything in memory and compare before a delta gets its name. */
  check: boolean;
  /** Look for no changes of low rank. */
  fast: boolean;
}

export type DeltaField = keyof DeltaInputs;

/** The picture of a fine-tune, tensor by tensor. */
export interface DeltaPicture {
  /** Each has another number: one that is shown already stays as the user has sorted it. */
  id: number;
  base: string;
  /** What it is of: the fine-tune that was estimated, or the delta that was made or looked into. */
  subject: string;
  /** True for what lies in a delta, false for what a sample says. */
  measured: boolean;
  bytes: number;
  deltaBytes: number;
  /** Two standard errors of the share that is saved, 0 to 1. */
  error: number;
  /** Largest first. */
  tensors: readonly DeltaTensor[];
}

export type DeltaWork = "estimate" | "compress" | "describe" | "verify" | "reconstruct";

export interface RunningWork {
  work: DeltaWork;
  /** The file or folder that it is about. */
  path: string;
  cancelling: boolean;
  progress?: Omit<DeltaProgress, "task">;
}

/** How the last piece of work ended. */
export type DeltaOutcome =
  | { kind: "compressed"; path: string; checked: boolean; resumed: boolean }
  | { kind: "verified"; path: string; files: number; tensors: number; bytes: number }
  | { kind: "reconstructed"; path: string; bytes: number }
  | { kind: "cancelled"; work: DeltaWork }
  /** Nothing was begun: what is there would have to be replaced. */
  | { kind: "exists"; path: string }
  | { kind: "failed"; work: DeltaWork; message: string; hint: string };

/** A delta that was made here. */
export interface DeltaRecord {
  id: string;
  base: string;
  fine: string;
  delta: string;
  bytes: number;
  deltaBytes: number;
  /** ISO 8601. */
  madeAt: string;
  /** When everything was last rebuilt in memory and compared. */
  verifiedAt?: string;
}

export interface DeltaPanelState {
  running?: RunningWork;
  outcome?: DeltaOutcome;
  picture?: DeltaPicture;
  /** Newest first. */
  history: readonly DeltaRecord[];
}

/** Extension to delta workbench. */
export type ToDeltaPanel =
  | { type: "state"; state: DeltaPanelState }
  | { type: "progress"; running: RunningWork }
  /** The user has chosen something outside the page. */
  | { type: "inputs"; inputs: Partial<DeltaInputs> };

/** What can be done with a delta that was made. */
export type RecordAction = "verify" | "reconstruct" | "describe" | "remove";

/** Delta workbench to extension. */
export type FromDeltaPanel =
  /** The page is loaded and wants its state. */
  | { type: "ready" }
  | { type: "choose"; field: DeltaField; how: "file" | "folder" | "recent"; inputs: DeltaInputs }
  | { type: "estimate"; inputs: DeltaInputs; choices: DeltaChoices }
  | { type: "compress"; inputs: DeltaInputs; choices: DeltaChoices }
  /** What was not begun because something is there: do it all the same. */
  | { type: "replace" }
  | { type: "cancel" }
  | { type: "record"; id: string; action: RecordAction };
