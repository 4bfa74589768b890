import { accessSync, constants, statSync } from "node:fs";
import { resolve } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { readSettings } from "../../shared/read-settings.ts";
import type { EmbeddingPhase, EmbeddingStatus, IndexStatus } from "../../shared/search-types.ts";
import type { Settings } from "../../shared/settings.ts";
import type { Workspace } from "../core-api.ts";
import { nodeHost } from "../node-host.ts";
import { beginOpening } from "../opening.ts";
import type { CommandContext } from "./command.ts";

/**
 * Opens the index of a folder, hands it to `work` and closes it again, whatever happens.
 * @param settings what an editor gave; a terminal's come from the environment
 */
export async function withWorkspace<Result>(
  context: CommandContext,
  folder: string,
  work: (workspace: Workspace) => Promise<Result>,
  settings = terminalSettings(context),
): Promise<Result> {
  const host = nodeHost({ env: context.env });
  // The thread needs longer to start than the rest needs to load.
  const opening = beginOpening(host, settings, folder);
  const { createCore } = await import("../core.ts");
  const core = createCore(host, settings, { role: "terminal" });
  try {
    return await work(await core.open(opening));
  } finally {
    context.terminal.progress("");
    await core.close();
  }
}

/** The settings of the terminal come from the environment alone. */
export function terminalSettings(context: CommandContext): Settings {
  const { settings, problems } = readSettings({}, context.env);
  for (const problem of problems) context.terminal.note(`cairn: ${problem}\n`);
  return settings;
}

/** Absolute path of the folder a command is about; throws an input error that says why it cannot be used. */
export function folderToUse(context: CommandContext, given: string | undefined): string {
  const folder = resolve(context.cwd, given ?? ".");
  let isDirectory: boolean;
  try {
    isDirectory = statSync(folder).isDirectory();
    if (isDirectory) accessSync(folder, constants.R_OK | constants.X_OK);
  } catch (error) {
    throw folderError(folder, error as NodeJS.ErrnoException);
  }
  if (isDirectory) return folder;
  throw new CairnError(
    "input",
    `${folder} is a file, not a folder.`,
    "Give the folder that holds it; --path narrows a search to one file.",
  );
}

/**
 * Waits until everything is indexed.
 * @param show is told how far it is; unless given, a line of progress where someone may be watching
 */
export async function untilIndexed(
  context: CommandContext,
  workspace: Workspace,
  show: (status: IndexStatus) => void = (status) => context.terminal.progress(progressLine(status)),
): Promise<IndexStatus> {
  const progress = workspace.onStatus(show);
  try {
    const status = await workspace.idle(context.signal);
    if (status.phase === "failed")
      throw new CairnError("unavailable", status.message || `${status.root} could not be indexed.`);
    return status;
  } finally {
    progress.dispose();
    context.terminal.progress("");
  }
}

/**
 * Waits until the model that the user chose, if any, has its vectors and its engine, or can have neither now.
 * @param phases in which there is something to wait for
 */
export function untilEmbedded(
  workspace: Workspace,
  signal: AbortSignal,
  phases: readonly EmbeddingPhase[] = ["loading", "embedding"],
  show: (status: EmbeddingStatus) => void = () => {},
): Promise<IndexStatus> {
  return new Promise((resolve, reject) => {
    const settle = (status: IndexStatus) => {
      if (status.embedding && phases.includes(status.embedding.phase)) return show(status.embedding);
      subscription.dispose();
      resolve(status);
    };
    const subscription = workspace.onStatus(settle);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    workspace.status().then(settle, reject);
  });
}

function progressLine(status: IndexStatus): string {
  if (status.phase !== "indexing" || status.total === 0) return `Looking at ${status.root} ...`;
  const percent = Math.floor((100 * status.done) / status.total);
  return `Indexing ${percent}%  ${count(status.done)} of ${count(status.total)} files`;
}

/** A count for people: 12,345. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** "1 file", "2 files". */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** A share from 0 to 1 in percent, rounded down, so that what is not all is never called 100%. */
export function percent(share: number): string {
  return `${(Math.floor(1000 * share + 1e-6) / 10).toFixed(1)}%`;
}

/** Bytes for people: 12.3 MB. */
export function bytes(value: number): string {
  if (value < 1000) return `${value} B`;
  const units = ["kB", "MB", "GB", "TB"];
  const power = Math.min(units.length, Math.floor(Math.log10(value) / 3));
  return `${(value / 1000 ** power).toFixed(1)} ${units[power - 1]}`;
}

function folderError(folder: string, error: NodeJS.ErrnoException): CairnError {
  if (error.code === "ENOENT")
    return new CairnError(
      "input",
      `There is no folder ${folder}.`,
      "Check the name; without one, Cairn uses the current folder.",
    );
  if (error.code === "EACCES" || error.code === "EPERM") {
    return new CairnError(
      "input",
      `The folder ${folder} may not be read by this user.`,
      "Change its permissions, or run Cairn as a user who may read it.",
    );
  }
  return new CairnError("input", `The folder ${folder} cannot be used: ${error.message}.`);
}
