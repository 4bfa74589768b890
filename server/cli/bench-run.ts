import type { BenchArea, BenchRun, Measure } from "../../shared/bench-types.ts";
import type { Phrase } from "../../shared/phrase.ts";
import type { IndexStatus } from "../../shared/search-types.ts";
import type { Settings } from "../../shared/settings.ts";
import type { Provider } from "../answer/llm.ts";
import type { BenchHistory } from "../measure/history.ts";
import { runsHere } from "../measure/measure-answer-gains.ts";
import { SYSTEM_CLOCK } from "../measure/rounds.ts";
import { type RunParts, runBenchmark } from "../measure/run.ts";
import { nodeHost } from "../node-host.ts";
import type { CommandContext } from "./command.ts";
import { untilIndexed, withWorkspace } from "./session.ts";

/** What is to be measured, and with what. */
export interface BenchOrder {
  readonly areas: readonly BenchArea[];
  readonly quick: boolean;
  /** Absolute; for everything but deltas. */
  readonly folder: string;
  /** Those that the user agreed to. */
  readonly providers: readonly Provider[];
  /** Those of them that run here, without the penalty for repetition. */
  readonly unpenalised: readonly Provider[];
  readonly pair?: RunParts["pair"];
  readonly settings: Settings;
}

/** The same providers without the penalty for repetition, as far as they run here; none where it is off anyway. */
export function withoutPenalty(
  settings: Settings,
  chosenWith: (changes: Partial<Settings>) => readonly Provider[],
): readonly Provider[] {
  if (settings[PENALTY] <= 1) return [];
  return chosenWith({ [PENALTY]: 1 }).filter(runsHere);
}

const PENALTY = "answer.local.repeatPenalty";

/** Is told how far a run is. */
export interface BenchWatcher {
  note(what: Phrase): void;
  onIndexing?(status: IndexStatus): void;
  onProgress?(measures: readonly Measure[]): void;
}

/** Brings the index of the folder up to date, measures, and keeps the run when there is something in it. */
export async function measureAndKeep(
  context: CommandContext,
  { areas, quick, folder, providers, unpenalised, pair, settings }: BenchOrder,
  { note, onIndexing, onProgress }: BenchWatcher,
  history: BenchHistory,
): Promise<BenchRun> {
  const { env, signal } = context;
  const run = (workspace: RunParts["workspace"]) =>
    runBenchmark(
      areas,
      { host: nodeHost({ env }), settings, workspace, providers, unpenalised, pair },
      { quick, signal, clock: SYSTEM_CLOCK, note, onProgress },
    );
  const onCode = async (workspace: RunParts["workspace"] & object) => {
    await untilIndexed(context, workspace, onIndexing);
    return run(workspace);
  };
  const needsCode = areas.some((area) => area !== "delta");
  const measured = needsCode ? withWorkspace(context, folder, onCode, settings) : run(undefined);
  const record = await measured.finally(() =>
    Promise.all([...providers, ...unpenalised].map((provider) => provider.close?.())),
  );
  if (record.measures.length > 0) history.add(record);
  return record;
}
