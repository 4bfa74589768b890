import * as vscode from "vscode";
import type { DeltaPair, DerivedDownload } from "../shared/delta-types.ts";
import type { ServerClient } from "./client.ts";

/**
 * Says of each download that a delta is worth making, while the user has asked for it in the settings.
 *
 * @param look shows the pair to the user who wants to see it
 */
export function tellOfDownloads(server: ServerClient, look: (pair: DeltaPair) => void): vscode.Disposable {
  return server.onDerivedDownload(async ({ fine, base, bytes, deltaBytes }: DerivedDownload) => {
    // Every window has a server that looks; one of them tells.
    if (!vscode.window.state.focused) return;
    const share = Math.round(100 * (1 - deltaBytes / bytes));
    const told = vscode.l10n.t(
      "{0} was made from {1}: a delta would save about {2}%.",
      repositoryOf(fine),
      repositoryOf(base),
      share,
    );
    const show = vscode.l10n.t("Show in Delta Workbench");
    if ((await vscode.window.showInformationMessage(told, show)) === show) look({ base, fine });
  });
}

/** `owner/name` of a place in the Hub's cache. */
function repositoryOf(path: string): string {
  const folder = path.split(/[\\/]/).find((part) => /^(?:models|datasets)--/.test(part));
  return folder?.split("--").slice(1).join("/") ?? path;
}
