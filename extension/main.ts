import * as vscode from "vscode";
import { Answers } from "./answers.ts";
import { type CairnApi, cairnApi } from "./api.ts";
import { registerAssistants } from "./assistants.ts";
import { registerBenchmarkPanel } from "./benchmark-panel.ts";
import { registerChat } from "./chat.ts";
import { ServerClient } from "./client.ts";
import { registerCodeLenses } from "./code-lenses.ts";
import { registerCommands } from "./commands.ts";
import { registerContentsView } from "./contents-view.ts";
import { registerCursorSearch } from "./cursor-search.ts";
import { registerDeleteData } from "./delete-data.ts";
import { registerDeltaWorkbench } from "./delta-workbench.ts";
import { registerDiagnosticReport } from "./diagnostic-report.ts";
import { registerEmbeddingModel } from "./embedding-model.ts";
import { registerFilterPicker } from "./filter-picker.ts";
import { registerGpuLibraries } from "./gpu-libraries.ts";
import { registerHealthPanel } from "./health-panel.ts";
import { registerInlineChat } from "./inline-chat.ts";
import { registerKeptResults } from "./kept-results.ts";
import { registerLanguageStatus } from "./language-status.ts";
import { registerLocalLlm } from "./local-llm.ts";
import { registerOfferedModels } from "./offered-models.ts";
import { registerParticipant } from "./participant.ts";
import { Proposals } from "./proposals.ts";
import { ProviderKeys } from "./provider-keys.ts";
import { registerQuickSearch } from "./quick-search.ts";
import { registerSearchView } from "./search-view.ts";
import { registerStatusItem } from "./status.ts";
import { registerWalkthrough } from "./walkthrough.ts";

/**
 * Starts the server in the background and puts Cairn's views and commands in place; all work is the server's.
 * What it returns is for other extensions.
 */
export function activate(context: vscode.ExtensionContext): CairnApi {
  const server = new ServerClient(context);
  const keys = new ProviderKeys(context, server);
  const view = registerSearchView(context, server);
  const answers = new Answers(server, keys);
  const proposals = new Proposals();
  context.subscriptions.push(
    server,
    keys,
    proposals,
    registerChat(context, server, answers, proposals),
    registerInlineChat(context, server, answers, proposals),
    registerParticipant(context, answers),
    registerOfferedModels(server, keys),
    registerCodeLenses(),
    registerStatusItem(server),
    registerCursorSearch(view),
    registerFilterPicker(view),
    registerKeptResults(context, view),
    registerQuickSearch(server),
    registerContentsView(server),
    registerLanguageStatus(server),
    registerEmbeddingModel(server, keys),
    registerGpuLibraries(server),
    registerLocalLlm(server),
    registerDiagnosticReport(context, server),
    registerHealthPanel(context, server),
    registerDeleteData(server),
    registerWalkthrough(context, server),
    registerCommands(server),
    registerAssistants(context, server),
    registerDeltaWorkbench(context, server),
    registerBenchmarkPanel(context, server, keys),
    // A folder may be opened, and trusted, long after the editor started.
    vscode.workspace.onDidGrantWorkspaceTrust(() => server.start()),
    vscode.workspace.onDidChangeWorkspaceFolders(() => server.start()),
  );
  server.start();
  return cairnApi(server);
}
