import { randomUUID } from "node:crypto";
import * as vscode from "vscode";
import type { DeltaOutcome, DeltaRecord, Proposal, RunningWork, ScanPicture } from "../shared/delta-panel-messages.ts";
import type { DeltaManner } from "../shared/delta-types.ts";
import { CairnError } from "../shared/errors.ts";
import { type RequestOf, ToServer } from "../shared/protocol.ts";

/** What a piece of work can do while it runs: ask the server, which ends when the user cancels, and tell how far it is. */
export interface Underway {
  ask<Params extends object, Result>(request: RequestOf<Params & DeltaManner, Result>, params: Params): Promise<Result>;
  at(path: string, item: NonNullable<RunningWork["item"]>): void;
  show(scan: ScanPicture): void;
}

/**
 * Finds which models and datasets in a folder were made from which, and estimates one after the other; what is known is shown at once.
 *
 * @param folder "" for the Hub's cache
 */
export async function scanFolder(folder: string, fast: boolean, { ask, at, show }: Underway): Promise<void> {
  const found = await ask(ToServer.deltaScan, folder === "" ? {} : { folder });
  let scan: ScanPicture = {
    folder: found.folder,
    isHub: folder === "",
    models: found.models,
    datasets: found.datasets,
    proposals: found.descents,
  };
  show(scan);
  for (const [i, { base, fine }] of found.descents.entries()) {
    at(fine, { number: i + 1, count: found.descents.length });
    const learned = await ask(ToServer.deltaEstimate, { base, fine, fast }).then(
      ({ deltaBytes, error }) => ({ estimate: { deltaBytes, error } }),
      problemOf,
    );
    scan = withLearned(scan, fine, learned);
    show(scan);
  }
}

/** Which of a scan's models are to be made deltas of, and how. */
export interface Collecting {
  fines: readonly string[];
  deltas: string;
  replace: boolean;
  fast: boolean;
}

/**
 * Makes deltas of what was chosen, one after the other. One that cannot be made does not keep the others from it.
 *
 * @param keep told of each delta once it is there
 */
export async function collectDeltas(
  before: ScanPicture,
  { fines, deltas, replace, fast }: Collecting,
  { ask, at, show }: Underway,
  keep: (record: DeltaRecord) => Promise<void>,
): Promise<DeltaOutcome> {
  let scan = before;
  const done = { deltas: 0, bytes: 0, deltaBytes: 0, failed: 0 };
  const chosen = before.proposals.filter(({ fine }) => fines.includes(fine));
  for (const [i, { base, fine }] of chosen.entries()) {
    at(fine, { number: i + 1, count: chosen.length });
    const made = await ask(ToServer.deltaCollect, { base, fine, folder: deltas, replace, fast }).catch(problemOf);
    if ("problem" in made) {
      done.failed++;
      scan = withLearned(scan, fine, made);
    } else {
      const { delta, bytes, deltaBytes, replaced } = made;
      done.deltas++;
      done.bytes += bytes;
      done.deltaBytes += deltaBytes;
      const madeAt = new Date().toISOString();
      await keep({ id: randomUUID(), base, fine, delta, bytes, deltaBytes, madeAt, verifiedAt: madeAt });
      scan = withLearned(scan, fine, { made: { delta, deltaBytes, replaced }, problem: undefined });
    }
    show(scan);
  }
  return { kind: "collected", folder: deltas, ...done };
}

/** The scan when these deltas are no more. */
export function withoutDeltas(scan: ScanPicture, deltas: ReadonlySet<string>): ScanPicture {
  const isGone = ({ made }: Proposal) => made !== undefined && deltas.has(made.delta);
  return { ...scan, proposals: scan.proposals.map((one) => (isGone(one) ? { ...one, made: undefined } : one)) };
}

/** Asks before originals are removed; true when they may be. */
export async function mayRemove(count: number): Promise<boolean> {
  const remove = vscode.l10n.t("Compress and Remove");
  const asked =
    count === 1
      ? vscode.l10n.t("Remove the original once its delta is made?")
      : vscode.l10n.t("Remove {0} originals once their deltas are made?", count);
  const detail = vscode.l10n.t(
    "Each delta is rebuilt in memory and compared before its original is removed. The base has to be kept; Undo brings the originals back.",
  );
  return (await vscode.window.showWarningMessage(asked, { modal: true, detail }, remove)) === remove;
}

/** Asks before the deltas of a folder are deleted; true when they may be. */
export async function mayUndo(folder: string): Promise<boolean> {
  const undo = vscode.l10n.t("Undo");
  const asked = vscode.l10n.t("Undo all deltas that are listed in {0}?", folder);
  const detail = vscode.l10n.t(
    "Originals that were removed are rebuilt where they were, then the deltas are deleted. Each needs its base.",
  );
  return (await vscode.window.showWarningMessage(asked, { modal: true, detail }, undo)) === undo;
}

function withLearned(scan: ScanPicture, of: string, learned: Partial<Proposal>): ScanPicture {
  return { ...scan, proposals: scan.proposals.map((one) => (one.fine === of ? { ...one, ...learned } : one)) };
}

/** What went wrong with one of several; that all is cancelled ends all. */
function problemOf(error: unknown): { problem: string } {
  if (error instanceof vscode.CancellationError) throw error;
  const message = error instanceof Error ? error.message : String(error);
  return { problem: error instanceof CairnError && error.hint !== "" ? `${message} ${error.hint}` : message };
}
