import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type FoundKind, LEAST_SAVED } from "../../shared/delta-types.ts";
import { asCairnError, CairnError } from "../../shared/errors.ts";
import { addToCollection, type CollectionEntry, undoCollection } from "../delta/collection.ts";
import { type DeltaOptions, stopWhen } from "../delta/delta-options.ts";
import { estimate } from "../delta/estimate.ts";
import { type FoundModel, findModels } from "../delta/found-models.ts";
import { type Descent, findDescents } from "../delta/lineage.ts";
import { hubCacheFolder } from "../hub/cache-layout.ts";
import { nextDownload } from "../hub/new-downloads.ts";
import type { ParsedArguments } from "./arguments.ts";
import type { CommandContext } from "./command.ts";
import { bytes, counted, folderToUse, percent } from "./session.ts";
import { renderLine } from "./terminal.ts";

/** What a scan says of one model or dataset. */
interface Proposal {
  kind: FoundKind;
  fine: string;
  base: string;
  bytes: number;
  /** Estimated share that is saved, 0 to 1; undefined where there is no estimate. */
  saved: number | undefined;
  /** As `Kinship` has it. */
  distance: number;
  declared: boolean;
  done?: CollectionEntry;
  /** Why there is no estimate, or no delta. */
  problem?: string;
}

interface Scan {
  place: string;
  /** Percent that a delta must save to be made. */
  thresholds: Readonly<Record<FoundKind, number>>;
  /** Where deltas are made; undefined when they are only proposed. */
  out: string | undefined;
  replace: boolean;
  fast: boolean;
  made: string;
}

/**
 * `cairn delta scan`: which models and datasets derive from which, and on request deltas of them. With `--watch` it goes
 * on with each new download in the Hub's cache, until it is interrupted.
 *
 * @throws {CairnError} `unavailable` at the end when one of the deltas could not be made
 */
export async function scan(
  context: CommandContext,
  given: ParsedArguments,
  folder: string | undefined,
  options: DeltaOptions,
  made: string,
): Promise<void> {
  const threshold = given.integer("threshold", 0, 100);
  const out = given.text("out");
  const replace = given.flag("replace");
  const watch = given.flag("watch");
  if (replace && (out === undefined || folder === undefined)) {
    throw new CairnError(
      "input",
      "--replace needs a folder to scan and --out.",
      "The Hub's own cache is left as it is: its links would break.",
    );
  }
  if (watch && folder !== undefined)
    throw new CairnError("input", "--watch is for downloads into the Hub's cache.", "Leave the folder out.");
  const task: Scan = {
    place: folder === undefined ? hubCacheFolder(context.env) : folderToUse(context, folder),
    thresholds: threshold === undefined ? LEAST_SAVED : { model: threshold, dataset: threshold },
    out: out === undefined ? undefined : resolve(context.cwd, out),
    replace,
    fast: given.flag("fast"),
    made,
  };
  const isJson = given.flag("json");
  const show = (found: readonly FoundModel[], proposals: readonly Proposal[]) => {
    if (isJson) context.terminal.print(`${JSON.stringify({ ...countsOf(found), proposals })}\n`);
    else report(context, countsOf(found), proposals, task.thresholds);
  };
  const known = watch ? await nextDownload(task.place, undefined, options.signal) : undefined;
  const seen = new Set<string>();
  if (!watch || existsSync(task.place)) {
    if (folder === undefined) folderToUse(context, task.place);
    const proposals = await round(task, seen, options, show);
    const failed = proposals.filter(({ problem }) => problem !== undefined).length;
    if (!watch && failed > 0)
      throw new CairnError(
        "unavailable",
        `${counted(failed, "delta")} could not be made or estimated.`,
        "It says why above.",
      );
  }
  for (let there = known; there; ) {
    if (!isJson) context.terminal.note("Waiting for downloads; Ctrl+C ends it.");
    there = await nextDownload(task.place, there, options.signal);
    if (there) await round(task, seen, options, show);
  }
}

/** Looks through the folder, and at what is made from another there and was not yet seen. */
async function round(
  task: Scan,
  seen: Set<string>,
  options: DeltaOptions,
  show: (found: readonly FoundModel[], proposals: readonly Proposal[]) => void,
): Promise<Proposal[]> {
  const found = await findModels(task.place, options);
  const proposals: Proposal[] = [];
  for (const descent of await findDescents(found, options)) {
    const pair = JSON.stringify([descent.fine.path, descent.base.path]);
    if (seen.has(pair)) continue;
    seen.add(pair);
    proposals.push(await propose(descent, task, options));
  }
  show(found, proposals);
  return proposals;
}

/** `cairn delta undo`: everything that scans have put into a folder is rebuilt and removed. */
export async function undo(
  context: CommandContext,
  given: ParsedArguments,
  folder: string,
  options: DeltaOptions,
): Promise<void> {
  const entries = await undoCollection(folderToUse(context, folder), options);
  if (given.flag("json")) context.terminal.print(`${JSON.stringify({ undone: entries })}\n`);
  else {
    const { print, style } = context.terminal;
    for (const { fine } of entries) print(`  ${renderLine(fine, [], style)} is there as it was\n`);
    print(`${counted(entries.length, "delta")} undone\n`);
  }
}

/** One that cannot be read, or stored, does not keep the others from it. */
async function propose(
  { fine, base, distance, declared }: Descent,
  task: Scan,
  options: DeltaOptions,
): Promise<Proposal> {
  const { kind, path, bytes } = fine;
  const proposal: Proposal = { kind, fine: path, base: base.path, bytes, saved: undefined, distance, declared };
  const { out, thresholds, ...manner } = task;
  try {
    const { saved } = await estimate(base.model, fine.model, { ...options, ...manner });
    proposal.saved = saved;
    if (out !== undefined && saved >= thresholds[kind] / 100)
      proposal.done = await addToCollection(out, { fine: fine.model, base: base.model }, { ...options, ...manner });
  } catch (error) {
    stopWhen(options.signal);
    const { message, hint } = asCairnError(error);
    proposal.problem = [message, hint].filter(Boolean).join(" ");
  }
  return proposal;
}

interface Counts {
  models: number;
  datasets: number;
}

function countsOf(found: readonly FoundModel[]): Counts {
  const models = found.filter(({ kind }) => kind === "model").length;
  return { models, datasets: found.length - models };
}

function report(
  { terminal }: CommandContext,
  { models, datasets }: Counts,
  proposals: readonly Proposal[],
  thresholds: Scan["thresholds"],
): void {
  const { print, style } = terminal;
  const isWorth = ({ kind, saved }: Proposal) => saved !== undefined && saved >= thresholds[kind] / 100;
  for (const proposal of proposals) {
    const { fine, base, bytes: size, saved, done, problem } = proposal;
    const what = done
      ? style.ok(`-> ${bytes(done.deltaBytes)}${done.replaced ? ", original removed" : ""}`)
      : isWorth(proposal)
        ? "worth it"
        : style.dim("below the threshold");
    print(`${style.path(renderLine(fine, [], style))}\n  from ${renderLine(base, [], style)}  (${why(proposal)})\n`);
    if (saved !== undefined) print(`  ${bytes(size)}, about ${percent(saved)} saved  ${problem ? "" : what}\n`);
    if (problem) print(`  ${style.warning(renderLine(problem, [], style))}\n`);
  }
  const total = proposals.filter(isWorth).reduce((sum, { bytes: size, saved = 0 }) => sum + size * saved, 0);
  const there = `${counted(models, "model")}, ${counted(datasets, "dataset")}`;
  print(`${there}, ${proposals.length} made from another; ${bytes(Math.round(total))} can be saved\n`);
}

function why({ kind, distance, declared }: Proposal): string {
  const said = declared ? ", as it says itself" : "";
  return kind === "dataset"
    ? `${percent(1 - distance)} of its rows or cells are there${said}`
    : `changed ${(100 * distance).toPrecision(2)}%${said}`;
}
