import type { ProviderKey } from "./answer-types.ts";
import type {
  BenchArea,
  BenchComparison,
  BenchReport,
  ExportFormat,
  MeasureSummary,
  RunSummary,
} from "./bench-types.ts";
import type { CostOrder, CostReport } from "./cost-types.ts";
import type { WireError } from "./errors.ts";
import type { Phrase } from "./phrase.ts";

/**
 * What `cairn bench --stdio` and the program that started it say to each other: one JSON object a line. The program ends
 * when its standard input does; a run that is on its way is ended early, and kept.
 */
export interface BenchRequests {
  /** The runs that are kept, oldest first. */
  list: { params: object; result: RunList };
  report: { params: { run: string }; result: BenchReport };
  compare: { params: { one: string; other: string }; result: BenchComparison };
  /** The content of the file. */
  export: { params: { run: string; format: ExportFormat }; result: string };
  /** Takes a run that was exported into the list. */
  import: { params: { file: string }; result: RunSummary };
  remove: { params: { run: string }; result: null };
  /** What a month costs, by the prices and the record of usage. */
  costs: { params: CostOrder; result: CostReport };
  /** Those that the settings name. */
  providers: { params: object; result: readonly BenchProvider[] };
  /** Measures; one run at a time. Says how far it is in {@link BenchEvent}s. */
  run: { params: RunParams; result: BenchReport };
  /** Ends the run early: its request is answered with what was complete. */
  cancel: { params: object; result: null };
}

export type BenchMethod = keyof BenchRequests;

export interface BenchRequest<Method extends BenchMethod = BenchMethod> {
  readonly id: number;
  readonly method: Method;
  readonly params: BenchRequests[Method]["params"];
  /** The section `cairn` of the editor's settings, where it holds; the environment alone without. */
  readonly settings?: unknown;
  /** The keys that the editor keeps for the user, where providers are asked for or measured. */
  readonly keys?: readonly ProviderKey[];
}

export interface RunParams {
  readonly areas: readonly BenchArea[];
  readonly quick: boolean;
  /** Absolute; for everything but deltas. */
  readonly folder?: string;
  /** Those to measure, by the names that `providers` gives. */
  readonly providers: readonly string[];
  /** The user was told what is sent and where, and agreed; remembered for next time. */
  readonly agreed: boolean;
}

/** The runs that are kept, oldest first, and what could not be read. */
export interface RunList {
  readonly runs: readonly RunSummary[];
  readonly unreadable: readonly { readonly file: string; readonly reason: string }[];
}

/** Somebody who can write answers. */
export interface BenchProvider {
  readonly name: string;
  /** Where what is sent goes: a host. */
  readonly destination: string;
  readonly remote: boolean;
  readonly hasKey: boolean;
  /** False while the user would have to be asked. */
  readonly agreed: boolean;
}

/** The answer to a request. */
export type BenchAnswer =
  | { readonly type: "result"; readonly id: number; readonly result: BenchRequests[BenchMethod]["result"] }
  | { readonly type: "error"; readonly id: number; readonly error: WireError };

/** How far a run is. */
export type BenchEvent =
  /** What is done now. */
  | { readonly type: "note"; readonly said: Phrase }
  /** Measures that have more rounds than before; at most four times a second. */
  | { readonly type: "progress"; readonly measures: readonly MeasureSummary[] };
