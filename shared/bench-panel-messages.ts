import type { BenchProvider, RunList } from "./bench-messages.ts";
import type { BenchArea, BenchComparison, BenchReport, ExportFormat, MeasureSummary } from "./bench-types.ts";
import type { CostOrder, CostReport } from "./cost-types.ts";

/** What the user has chosen to measure. */
export interface BenchChoices {
  areas: readonly BenchArea[];
  quick: boolean;
  /** Path of one of the open folders; empty when none is open. */
  folder: string;
  /** Names of providers. */
  providers: readonly string[];
}

/** An open folder; `obstacle` says why it cannot be measured on. */
export interface BenchFolder {
  name: string;
  path: string;
  obstacle?: string;
}

export interface RunningBench {
  /** What is done now. */
  said: string;
  cancelling: boolean;
  /** What was measured so far. */
  measures: readonly MeasureSummary[];
}

/** How the last thing that was asked for ended. */
export type BenchOutcome =
  | { kind: "measured"; cancelled: boolean; kept: boolean }
  /** Nothing was begun: the user is to agree to what is sent to these. */
  | { kind: "consent"; providers: readonly BenchProvider[] }
  | { kind: "imported" | "saved"; path: string }
  | { kind: "failed"; message: string; hint: string };

export interface BenchPanelState {
  folders: readonly BenchFolder[];
  /** Those that the settings name, or why they cannot be used. */
  providers: readonly BenchProvider[];
  providerProblem: string;
  running?: RunningBench;
  outcome?: BenchOutcome;
  /** The run that is looked at. */
  report?: BenchReport;
  comparison?: BenchComparison;
  /** Undefined until they were read. */
  history?: RunList;
  /** What a month costs; undefined until it was counted. */
  costs?: CostReport;
}

/** Extension to benchmark panel. */
export type ToBenchPanel = { type: "state"; state: BenchPanelState } | { type: "progress"; running: RunningBench };

/** A chart as a file of its own: text, or the base64 of an image. */
export interface SavedChart {
  /** Without its end. */
  name: string;
  format: "svg" | "png";
  content: string;
}

/** Benchmark panel to extension. */
export type FromBenchPanel =
  /** The page is loaded and wants its state. */
  | { type: "ready" }
  | { type: "run"; choices: BenchChoices }
  /** The user agrees to what was asked. */
  | { type: "agree"; agreed: boolean }
  | { type: "cancel" }
  | { type: "show"; run: string }
  /** The run that is looked at beside this one; empty ends it. */
  | { type: "compare"; run: string }
  | { type: "remove"; run: string }
  | { type: "export"; format: ExportFormat }
  /** A chart as a file of its own. */
  | { type: "saveChart"; chart: SavedChart }
  /** Count the costs of this. */
  | { type: "costs"; order: CostOrder }
  | { type: "import" }
  | { type: "openSettings" };
