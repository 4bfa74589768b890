import type { DeltaProgress, DeltaTensor, FoundBases, FoundDescent, RowCounts } from "./delta-types.ts";

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

/** What the fields of a scan hold. */
export interface ScanInputs {
  /** Where models are looked for; "" for the Hub's cache. */
  folder: string;
  /** The folder of deltas. */
  deltas: string;
}

export type ScanField = keyof ScanInputs;

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
  /** Of the datasets in it; undefined where there are none. */
  rows?: RowCounts;
  /** Largest first. */
  tensors: readonly DeltaTensor[];
}

/** The models that one may have been made from. */
export interface DeltaBases extends FoundBases {
  fine: string;
}

/** A model or a dataset that a scan has found to be made from another. */
export interface Proposal extends FoundDescent {
  /** What a delta would take, once that is estimated. */
  estimate?: { deltaBytes: number; error: number };
  /** Why there is no estimate, or no delta. */
  problem?: string;
  /** The delta that was made. */
  made?: { delta: string; deltaBytes: number; replaced: boolean };
}

export interface ScanPicture {
  folder: string;
  /** Whether the folder is the Hub's cache, where nothing is removed. */
  isHub: boolean;
  /** How many are there. */
  models: number;
  datasets: number;
  proposals: readonly Proposal[];
}

export type DeltaWork =
  | "estimate"
  | "compress"
  | "describe"
  | "verify"
  | "reconstruct"
  | "findBases"
  | "scan"
  | "collect"
  | "undo";

export interface RunningWork {
  work: DeltaWork;
  /** The file or folder that it is about. */
  path: string;
  cancelling: boolean;
  /** Which of how many it is at, from 1 on, where one piece of work is about several. */
  item?: { number: number; count: number };
  progress?: Omit<DeltaProgress, "task">;
}

/** How the last piece of work ended. */
export type DeltaOutcome =
  | { kind: "compressed"; path: string; checked: boolean; resumed: boolean }
  | { kind: "verified"; path: string; files: number; tensors: number; bytes: number }
  | { kind: "reconstructed"; path: string; bytes: number }
  /** Of deltas that were made in a folder; of those that were not, it is said why where they are listed. */
  | { kind: "collected"; folder: string; deltas: number; bytes: number; deltaBytes: number; failed: number }
  | { kind: "undone"; folder: string; deltas: number }
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
  bases?: DeltaBases;
  scan?: ScanPicture;
  /** Newest first. */
  history: readonly DeltaRecord[];
}

/** Extension to delta workbench. */
export type ToDeltaPanel =
  | { type: "state"; state: DeltaPanelState }
  | { type: "progress"; running: RunningWork }
  /** What a scan knows by now. */
  | { type: "scan"; scan: ScanPicture }
  /** The user has chosen something outside the page. */
  | { type: "inputs"; inputs: Partial<DeltaInputs> }
  | { type: "scanInputs"; inputs: Partial<ScanInputs> };

/** What can be done with a delta that was made. */
export type RecordAction = "verify" | "reconstruct" | "describe" | "remove";

/** Delta workbench to extension. */
export type FromDeltaPanel =
  /** The page is loaded and wants its state. */
  | { type: "ready" }
  | { type: "choose"; field: DeltaField; how: "file" | "folder" | "recent"; inputs: DeltaInputs }
  /** Look for what the fine-tune was made from: beside it and in the Hub's cache, or in a folder that is asked for. */
  | { type: "findBases"; fine: string; where: "near" | "folder" }
  | { type: "chooseFolder"; field: ScanField; inputs: ScanInputs }
  /** Look which models and datasets in a folder were made from which, and estimate each. */
  | { type: "scan"; folder: string; fast: boolean }
  /** Make deltas of these fine-tunes that the scan has found. */
  | { type: "collect"; fines: readonly string[]; deltas: string; replace: boolean; fast: boolean }
  | { type: "undo"; deltas: string }
  | { type: "estimate"; inputs: DeltaInputs; choices: DeltaChoices }
  | { type: "compress"; inputs: DeltaInputs; choices: DeltaChoices }
  /** What was not begun because something is there: do it all the same. */
  | { type: "replace" }
  | { type: "cancel" }
  | { type: "record"; id: string; action: RecordAction };
