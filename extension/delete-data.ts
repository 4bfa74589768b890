import * as vscode from "vscode";
import { type DeletedData, ToServer } from "../shared/protocol.ts";
import type { ServerClient } from "./client.ts";

/** The command that deletes every index and all vectors after asking once. */
export function registerDeleteData(server: ServerClient): vscode.Disposable {
  return vscode.commands.registerCommand("cairn.deleteAllData", async () => {
    const sure = vscode.l10n.t("Delete");
    const question = vscode.l10n.t("Delete all data that Cairn keeps on this machine?");
    const detail = vscode.l10n.t(
      "The indexes of all folders, their vectors and the record of answers are deleted, your own files are not touched. The folders that are open are indexed again.",
    );
    if ((await vscode.window.showWarningMessage(question, { modal: true, detail }, sure)) !== sure) return;
    try {
      const title = vscode.l10n.t("Cairn: deleting all data");
      const place = vscode.ProgressLocation.Window;
      const deleted = await vscode.window.withProgress({ location: place, title }, () =>
        server.request(ToServer.deleteAll, {}),
      );
      void vscode.window.showInformationMessage(inWords(deleted));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const showLog = vscode.l10n.t("Show Log");
      if (await vscode.window.showErrorMessage(message, showLog)) server.log.show();
    }
  });
}

function inWords({ freedBytes, kept }: DeletedData): string {
  const megabytes = (freedBytes / 1e6).toFixed(1);
  if (kept.length === 0) return vscode.l10n.t("All of Cairn's data was deleted: {0} MB are free again.", megabytes);
  return vscode.l10n.t(
    "{0} MB are free again. Kept, because another window or terminal uses it: {1}.",
    megabytes,
    kept.join(", "),
  );
}
