import type { Settings } from "../../shared/settings.ts";
import type { ChosenModel } from "../chosen/chosen-model.ts";
import { BUNDLED, keepChoice } from "../chosen/model-choice.ts";
import type { Workspace } from "../core-api.ts";
import type { CommandContext } from "./command.ts";
import { untilIndexed, withWorkspace } from "./session.ts";
import { tryModel } from "./try-model.ts";

/** What it takes to search a folder by another model. */
export interface EmbeddingCost {
  /** As `cairn.embedding.model` takes it. */
  readonly model: string;
  readonly folder: string;
  readonly files: number;
  readonly chunks: number;
  /** Measured here, on code of the folder; 0 where it has none. */
  readonly textsPerSecond: number;
  readonly seconds: number;
  /** Of the vectors on disk. */
  readonly bytes: number;
}

/** Chunks of the folder that are embedded over and over to measure the speed. */
const SAMPLES = 16;
/** A row of the store beside its codes: the hash twice, the scale, and what SQLite needs. */
const ROW_BYTES = 64;
const QUESTION = "where is this done?";

/**
 * Measures what it would cost to embed all of a folder with a model that is on disk.
 * @throws {CairnError} what starting it throws
 */
export async function costOf(
  context: CommandContext,
  settings: Settings,
  model: ChosenModel,
  folder: string,
): Promise<EmbeddingCost> {
  // By the model in the package: an engine that is to be replaced need not start.
  const bundled = { ...settings, "embedding.model": BUNDLED };
  const counted = async (workspace: Workspace) => {
    const { files, chunks } = await untilIndexed(context, workspace);
    return { files, chunks, samples: await samplesOf(workspace) };
  };
  const { files, chunks, samples } = await withWorkspace(context, folder, counted, bundled);
  context.terminal.progress(`Measuring ${model.name} ...`);
  const texts = [QUESTION, ...samples];
  const tried = samples.length > 0 && (await tryModel(model, texts, context.signal));
  const textsPerSecond = tried ? tried.textsPerSecond : 0;
  return {
    model: model.name,
    folder,
    files,
    chunks,
    textsPerSecond,
    seconds: textsPerSecond === 0 ? 0 : chunks / textsPerSecond,
    bytes: chunks * (model.dims + ROW_BYTES),
  };
}

/**
 * Keeps the choice for this user's terminals and editors. A terminal has no settings file: it lies in the cache folder.
 * @param name undefined for the model in the package
 * @returns where it lies, and what the environment says instead; empty when it says nothing
 */
export function useModel(
  settings: Settings,
  cacheDirectory: string,
  name: string | undefined,
): { file: string; overruledBy: string } {
  const file = keepChoice(cacheDirectory, name);
  return { file, overruledBy: settings["embedding.model"] };
}

/** Code of symbols from all over the folder. */
async function samplesOf(workspace: Workspace): Promise<string[]> {
  const symbols = await workspace.symbols("", 100 * SAMPLES);
  const step = Math.max(1, Math.floor(symbols.length / SAMPLES));
  const chosen = symbols.filter((_, i) => i % step === 0).slice(0, SAMPLES);
  const read = chosen.map(({ path, startLine }) => workspace.read({ path, line: startLine }).catch(() => undefined));
  return (await Promise.all(read)).flatMap((excerpt) => (excerpt ? [excerpt.text] : []));
}
