import * as vscode from "vscode";
import { type CairnApi, cairnApi } from "./api.ts";
import { ServerClient } from "./client.ts";
import { registerCommands } from "./commands.ts";
import { registerIndexReport } from "./index-report.ts";
import { registerSearchView } from "./search-view.ts";
import { registerStatusItem } from "./status.ts";

/**
 * Starts the server in the background and puts Cairn's views and commands in place; all work is the server's.
 * What it returns is for other extensions.
 */
export function activate(context: vscode.ExtensionContext): CairnApi {
  const server = new ServerClient(context);
  context.subscriptions.push(
    server,
    registerStatusItem(server),
    registerSearchView(context, server),
    registerIndexReport(server),
    registerCommands(server),
    // A folder may be opened, and trusted, long after the editor started.
    vscode.workspace.onDidGrantWorkspaceTrust(() => server.start()),
    vscode.workspace.onDidChangeWorkspaceFolders(() => server.start()),
  );
  server.start();
  return cairnApi(server);
}
