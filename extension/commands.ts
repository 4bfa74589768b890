import * as vscode from "vscode";
import { type RequestOf, type RootParams, ToServer } from "../shared/protocol.ts";
import type { ServerClient } from "./client.ts";
import { summarise } from "./index-summary.ts";

/** The commands that do one thing to the server. Those of a feature are registered with the feature. */
export function registerCommands(server: ServerClient): vscode.Disposable {
  const register = vscode.commands.registerCommand;
  /** The user asked for this, so a failure is answered where the user looks. */
  const send = async (request: RequestOf<RootParams, null>): Promise<void> => {
    try {
      await server.request(request, {});
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const choice = await vscode.window.showErrorMessage(message, vscode.l10n.t("Show Log"));
      if (choice) server.log.show();
    }
  };
  /** Menus offer to pause or to resume, not both. */
  const followPhase = (): void => {
    const paused = summarise(server.statuses.values()).phase === "paused";
    void vscode.commands.executeCommand("setContext", "cairn.paused", paused);
  };
  return vscode.Disposable.from(
    server.onDidChange(followPhase),
    register("cairn.pauseIndexing", () => send(ToServer.pause)),
    register("cairn.resumeIndexing", () => send(ToServer.resume)),
    register("cairn.rebuildIndex", () => send(ToServer.rebuild)),
    register("cairn.restartServer", () => server.restart()),
    register("cairn.showLog", () => server.log.show()),
  );
}
