import * as vscode from "vscode";
import type { Destination } from "../shared/answer-types.ts";

/**
 * The user has just asked something that would leave the machine, so that is asked back at once.
 * @returns true when the user agrees to all of these
 */
export function asksToSend(destinations: readonly Destination[]): Promise<boolean> {
  return agreesTo(
    vscode.l10n.t("Send questions and code to another machine?"),
    vscode.l10n.t(
      "With each question, the question, earlier ones with their answers, and the pieces of code in the open folders that match go to:\n{0}\nFiles that match cairn.neverSend are never sent. Otherwise passages are quoted, and nothing is sent.",
      listOf(destinations),
    ),
  );
}

/**
 * Another extension, or the editor's chat, has just asked one of Cairn's models.
 * @returns true when the user agrees to all of these
 */
export function asksToSendForOthers(destinations: readonly Destination[]): Promise<boolean> {
  return agreesTo(
    vscode.l10n.t("Send this to another machine?"),
    vscode.l10n.t(
      "Whatever the editor's chat or another extension gives to this model goes to:\n{0}\nCairn does not know which files that is made of, so cairn.neverSend does not hold for it. Cairn's own questions may then be answered there too.",
      listOf(destinations),
    ),
  );
}

async function agreesTo(title: string, detail: string): Promise<boolean> {
  const send = vscode.l10n.t("Send It, Now and in Future");
  return (await vscode.window.showWarningMessage(title, { modal: true, detail }, send)) === send;
}

function listOf(destinations: readonly Destination[]): string {
  return destinations.map(({ provider, address }) => `${provider}: ${address}`).join("\n");
}
