import { resolve } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { addToCollection, type CollectionEntry, undoCollection } from "../delta/collection.ts";
import type { DeltaOptions } from "../delta/delta-options.ts";
import { estimate } from "../delta/estimate.ts";
import { findModels } from "../delta/found-models.ts";
import { type Descent, findDescents } from "../delta/lineage.ts";
import { hubCacheFolder } from "../hub/cache-layout.ts";
import type { ParsedArguments } from "./arguments.ts";
import type { CommandContext } from "./command.ts";
import { bytes, counted, folderToUse } from "./session.ts";
import { renderLine } from "./terminal.ts";

/** Percent that a delta must save to be made, unless the user says otherwise. */
const DEFAULT_THRESHOLD = 60;

/** What a scan says of one model. */
interface Proposal {
  fine: string;
  base: string;
  bytes: number;
  /** Estimated share that is saved, 0 to 1. */
  saved: number;
  distance: number;
  declared: boolean;
  done?: CollectionEntry;
}

/** `cairn delta scan`: which models derive from which, and on request deltas of them. */
export async function scan(
  context: CommandContext,
  given: ParsedArguments,
  folder: string | undefined,
  options: DeltaOptions,
  made: string,
): Promise<void> {
  const place = folder === undefined ? hubCacheFolder(context.env) : folder;
  const threshold = (given.integer("threshold", 0, 100) ?? DEFAULT_THRESHOLD) / 100;
  const out = given.text("out");
  const replace = given.flag("replace");
  const fast = given.flag("fast");
  if (replace && (out === undefined || folder === undefined)) {
    throw new CairnError(
      "input",
      "--replace needs a folder to scan and --out.",
      "The Hub's own cache is left as it is: its links would break.",
    );
  }
  const models = await findModels(folderToUse(context, place), options);
  const proposals: Proposal[] = [];
  for (const descent of await findDescents(models, options)) {
    const proposal = await propose(descent, { ...options, fast });
    if (out !== undefined && proposal.saved >= threshold) {
      proposal.done = await addToCollection(
        resolve(context.cwd, out),
        { fine: descent.fine.model, base: descent.base.model },
        { ...options, made, fast, replace },
      );
    }
    proposals.push(proposal);
  }
  if (given.flag("json"))
    context.terminal.print(`${JSON.stringify({ models: models.length, threshold, proposals })}\n`);
  else report(context, models.length, proposals, threshold);
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

async function propose(
  { fine, base, distance, declared }: Descent,
  options: DeltaOptions & { fast: boolean },
): Promise<Proposal> {
  const { saved } = await estimate(base.model, fine.model, options);
  return { fine: fine.path, base: base.path, bytes: fine.bytes, saved, distance, declared };
}

function report({ terminal }: CommandContext, models: number, proposals: readonly Proposal[], threshold: number): void {
  const { print, style } = terminal;
  for (const { fine, base, bytes: size, saved, distance, declared, done } of proposals) {
    const why = `changed ${(100 * distance).toPrecision(2)}%${declared ? ", as it says itself" : ""}`;
    const what = done
      ? style.ok(`-> ${bytes(done.deltaBytes)}${done.replaced ? ", original removed" : ""}`)
      : saved >= threshold
        ? "worth it"
        : style.dim("below the threshold");
    print(`${style.path(renderLine(fine, [], style))}\n  from ${renderLine(base, [], style)}  (${why})\n`);
    print(`  ${bytes(size)}, about ${(100 * saved).toFixed(1)}% saved  ${what}\n`);
  }
  const total = proposals
    .filter(({ saved }) => saved >= threshold)
    .reduce((sum, { bytes: size, saved }) => sum + size * saved, 0);
  print(
    `${counted(models, "model")}, ${proposals.length} made from another; ${bytes(Math.round(total))} can be saved\n`,
  );
}
