import * as vscode from "vscode";
import { ASSISTANT_TOOLS, type AssistantToolName } from "../shared/assistant-tools.ts";
import { CairnError } from "../shared/errors.ts";
import { ToServer } from "../shared/protocol.ts";
import { SERVER_ENVIRONMENT } from "../shared/server-environment.ts";
import type { ServerClient } from "./client.ts";

/**
 * Lets the editor's own assistants search: as tools that its chat may call, and as an MCP server that it may start.
 * Editors built without either are left as they are.
 */
export function registerAssistants(context: vscode.ExtensionContext, server: ServerClient): vscode.Disposable {
  return vscode.Disposable.from(...languageModelTools(server), ...mcpServer(context));
}

function languageModelTools(server: ServerClient): vscode.Disposable[] {
  if (typeof vscode.lm?.registerTool !== "function") return [];
  const progress: Record<AssistantToolName, string> = {
    search: vscode.l10n.t("Searching the code by meaning"),
    find_similar: vscode.l10n.t("Looking for similar code"),
    ask: vscode.l10n.t("Answering a question about the code"),
    read_context: vscode.l10n.t("Reading the code around a line"),
    index_status: vscode.l10n.t("Asking what is indexed"),
  };
  return (Object.keys(ASSISTANT_TOOLS) as AssistantToolName[]).map((tool) =>
    vscode.lm.registerTool<object>(ASSISTANT_TOOLS[tool].inEditor.name, {
      prepareInvocation: () => ({ invocationMessage: progress[tool] }),
      invoke: ({ input, tokenizationOptions }, token) =>
        answer(server, tool, withBudget(tool, input, tokenizationOptions?.tokenBudget), token),
    }),
  );
}

async function answer(
  server: ServerClient,
  tool: AssistantToolName,
  input: object,
  token: vscode.CancellationToken,
): Promise<vscode.LanguageModelToolResult> {
  try {
    const text = await server.request(ToServer.assist, { tool, input }, token);
    return new vscode.LanguageModelToolResult([new vscode.LanguageModelTextPart(text)]);
  } catch (error) {
    if (!(error instanceof CairnError)) throw error;
    // The model reads the message alone, and can mend what it asked.
    throw new Error(`${error.message} ${error.hint}`.trim(), { cause: error });
  }
}

/** The editor knows how much its model can still take; the model's own wish, when there is one, stands. */
function withBudget(tool: AssistantToolName, input: object, tokens: number | undefined): object {
  const { minimum } = ASSISTANT_TOOLS.search.inputSchema.properties.max_tokens;
  if (!("max_tokens" in ASSISTANT_TOOLS[tool].inputSchema.properties)) return input;
  if (tokens === undefined || "max_tokens" in input || tokens >= USUAL_TOKENS) return input;
  return { ...input, max_tokens: Math.max(minimum, Math.floor(tokens)) };
}

/** What an answer takes unless it is told otherwise. */
const USUAL_TOKENS = 4_000;

/** Identifies the provider; package.json contributes it under this name. */
const MCP_PROVIDER = "cairn.mcp";

function mcpServer(context: vscode.ExtensionContext): vscode.Disposable[] {
  if (typeof vscode.lm?.registerMcpServerDefinitionProvider !== "function") return [];
  const changed = new vscode.EventEmitter<void>();
  const fire = (): void => changed.fire();
  return [
    changed,
    vscode.workspace.onDidChangeWorkspaceFolders(fire),
    vscode.workspace.onDidGrantWorkspaceTrust(fire),
    vscode.workspace.onDidChangeConfiguration((change) => change.affectsConfiguration("cairn") && fire()),
    vscode.lm.registerMcpServerDefinitionProvider(MCP_PROVIDER, {
      onDidChangeMcpServerDefinitions: changed.event,
      provideMcpServerDefinitions: () => definitions(context),
    }),
  ];
}

/** The packaged program under the editor's own Node; nothing for a workspace that is not trusted or not indexed. */
function definitions(context: vscode.ExtensionContext): vscode.McpStdioServerDefinition[] {
  const folders = vscode.workspace.workspaceFolders?.filter(({ uri }) => uri.scheme === "file") ?? [];
  const settings = vscode.workspace.getConfiguration("cairn");
  if (!vscode.workspace.isTrusted || folders.length === 0 || !settings.get("index.enabled")) return [];
  const program = context.asAbsolutePath("dist/cli.mjs");
  const cacheDirectory = settings.get<string>("cacheDirectory");
  return [
    new vscode.McpStdioServerDefinition(
      "Cairn",
      process.execPath,
      [program, "mcp", ...folders.map(({ uri }) => uri.fsPath)],
      {
        ...SERVER_ENVIRONMENT,
        // The editor's binary is Node only when it is told to be.
        ELECTRON_RUN_AS_NODE: "1",
        ...(cacheDirectory && { CAIRN_CACHE_DIR: cacheDirectory }),
      },
      context.extension.packageJSON.version,
    ),
  ];
}
