import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { BENCH_RECORD, type BenchArea, type BenchRun, type Measure } from "../../shared/bench-types.ts";
import { phrase } from "../../shared/phrase.ts";
import type { Settings } from "../../shared/settings.ts";
import type { Provider } from "../answer/llm.ts";
import type { Workspace } from "../core-api.ts";
import type { Host } from "../host.ts";
import { cacheDirectoryOf } from "../opening.ts";
import { packageFile } from "../package-files.ts";
import { usageRecorder } from "../usage/usage-recorder.ts";
import { disturbances, thisMachine } from "./machine.ts";
import { measureAnswers } from "./measure-answers.ts";
import { type DeltaPair, measureDeltas } from "./measure-deltas.ts";
import { measureEmbedding } from "./measure-embedding.ts";
import { measureQuality } from "./measure-quality.ts";
import { measureSearch } from "./measure-search.ts";
import { type SampleQueries, sampleQueries } from "./sample-queries.ts";
import { type MeasureOptions, type Section, skippedSection, together } from "./section.ts";

/** What a run is made with. */
export interface RunParts {
  readonly host: Host;
  readonly settings: Settings;
  /** The code base to measure on; undefined when only deltas are. */
  readonly workspace: Workspace | undefined;
  /** Those that the user chose and agreed to. */
  readonly providers: readonly Provider[];
  /** Those of them that run here, without the penalty for repetition. */
  readonly unpenalised?: readonly Provider[];
  /** The user's own pair of models. */
  readonly pair?: DeltaPair;
}

/**
 * Measures the areas, one after the other. What fails in one does not end the others: it is said in the record.
 * @throws what is no failure of a measure, such as a wrong pair of models (CairnError)
 */
export async function runBenchmark(
  areas: readonly BenchArea[],
  { host, settings, workspace, providers, unpenalised, pair }: RunParts,
  options: MeasureOptions,
): Promise<BenchRun> {
  const { clock, signal } = options;
  const started = { at: clock.wall(), steady: clock.steady() };
  const machine = thisMachine();
  const warnings = disturbances(await host.onBattery(), machine.cores);
  const sample = workspace ? await sampleQueries(workspace, signal) : NO_SAMPLE;
  const sections: Section[] = [];
  for (const area of areas) {
    if (signal.aborted) break;
    const before: Measure[] = sections.flatMap(({ measures }) => measures);
    const within = {
      ...options,
      onProgress: (taken: readonly Measure[]) => options.onProgress?.([...before, ...taken]),
    };
    const section = await measure(area, within).catch((error: unknown) => {
      // Work between the rounds that the user ends says so in its own way.
      if (signal.aborted) return together([]);
      throw error;
    });
    sections.push(section);
  }
  const status = await workspace?.status();
  const { measures, skipped, quality, vectors, warnings: own } = together(sections);
  return {
    record: BENCH_RECORD,
    id: idOf(started.at),
    cairn: JSON.parse(readFileSync(packageFile("package.json"), "utf8")).version,
    started: new Date(started.at).toISOString(),
    seconds: Math.round((clock.steady() - started.steady) / 100) / 10,
    quick: options.quick,
    machine,
    ...(status && { subject: { folder: status.root, files: status.files, chunks: status.chunks } }),
    measures,
    skipped,
    ...(quality && { quality }),
    ...(vectors && { vectors }),
    warnings: [...warnings, ...own],
    cancelled: signal.aborted,
  };

  async function measure(area: BenchArea, within: MeasureOptions): Promise<Section> {
    if (area === "delta") return measureDeltas(pair, within);
    if (!workspace) return skippedSection(area, phrase("all"), phrase("No folder was given to measure on."));
    if (area === "search") return measureSearch(host, settings, workspace, sample, within);
    if (area === "embed") return measureEmbedding(host, settings, workspace, sample, within);
    if (area === "quality") return measureQuality(host, settings, workspace, within);
    const onUsed = usageRecorder(settings, cacheDirectoryOf(settings, host.env));
    return measureAnswers(settings, workspace, sample, providers, within, { onUsed, unpenalised });
  }
}

const NO_SAMPLE: SampleQueries = { names: [], descriptions: [], paths: [], places: [] };

/** Sorts by time; two runs of one second differ. */
function idOf(at: number): string {
  const time = new Date(at).toISOString().slice(0, 19).replaceAll(":", "").replace("T", "-");
  return `${time}-${randomBytes(2).toString("hex")}`;
}
