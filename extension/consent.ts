import * as vscode from "vscode";
import type { Destination } from "../shared/answer-types.ts";

/**
 * The user has just asked something that would leave the machine, so that is asked back at once.
 * @returns true when the user agrees to all of these
 */
export async function asksToSend(destinations: readonly Destination[]): Promise<boolean> {
  const to = destinations.map(({ provider, address }) => `${provider}: ${address}`).join("\n");
  const send = vscode.l10n.t("Send It, Now and in Future");
  const detail = vscode.l10n.t(
    "With each question, the question, earlier ones with their answers, and the pieces of code in the open folders that match go to:\n{0}\nFiles that match cairn.neverSend are never sent. Otherwise passages are quoted, and nothing is sent.",
    to,
  );
  const title = vscode.l10n.t("Send questions and code to another machine?");
  return (await vscode.window.showWarningMessage(title, { modal: true, detail }, send)) === send;
}
