import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import { CairnError } from "../shared/errors.ts";
import { type RootedHit, ToServer } from "../shared/protocol.ts";
import type { FromPanel, PanelCommand, PanelHit, PanelState, ToPanel } from "../shared/webview-messages.ts";
import type { ServerClient } from "./client.ts";
import { summarise } from "./index-summary.ts";
import { HitOpener } from "./open-hit.ts";

const VIEW = "cairn.searchView";

/** The search view in its own activity bar container, and the command that brings it up. */
export function registerSearchView(context: vscode.ExtensionContext, server: ServerClient): vscode.Disposable {
  const view = new SearchView(context.extensionUri, server);
  return vscode.Disposable.from(
    view,
    vscode.window.registerWebviewViewProvider(VIEW, view),
    vscode.commands.registerCommand("cairn.search", () => view.focus()),
  );
}

class SearchView implements vscode.WebviewViewProvider, vscode.Disposable {
  readonly #extensionUri: vscode.Uri;
  readonly #server: ServerClient;
  readonly #opener = new HitOpener();
  readonly #subscription: vscode.Disposable;
  #view: vscode.WebviewView | undefined;
  /** The search that runs; a newer one cancels it. */
  #running: vscode.CancellationTokenSource | undefined;
  /** Set when the user asked for the view while it was not there to be told. */
  #focusWhenReady: string | undefined;

  constructor(extensionUri: vscode.Uri, server: ServerClient) {
    this.#extensionUri = extensionUri;
    this.#server = server;
    this.#subscription = server.onDidChange(() => this.#sendState());
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    const assets = vscode.Uri.joinPath(this.#extensionUri, "dist", "media");
    const { webview } = view;
    this.#view = view;
    webview.options = { enableScripts: true, localResourceRoots: [assets] };
    webview.onDidReceiveMessage((message: FromPanel) => this.#receive(message));
    view.onDidDispose(() => {
      this.#cancelSearch();
      this.#view = undefined;
    });
    webview.html = page(webview, assets);
  }

  /** Shows the view with the cursor in its input, and what is selected in the editor as the query. */
  async focus(): Promise<void> {
    const query = selectedText();
    const loaded = this.#view?.visible ?? false;
    if (!loaded) this.#focusWhenReady = query;
    await vscode.commands.executeCommand(`${VIEW}.focus`);
    if (loaded) this.#post({ type: "focus", query });
  }

  dispose(): void {
    this.#cancelSearch();
    this.#subscription.dispose();
    this.#opener.dispose();
  }

  async #receive(message: FromPanel): Promise<void> {
    switch (message.type) {
      case "ready":
        this.#sendState();
        if (this.#focusWhenReady !== undefined) this.#post({ type: "focus", query: this.#focusWhenReady });
        this.#focusWhenReady = undefined;
        return;
      case "search":
        return this.#search(message.id, message.query);
      case "open":
        return this.#opener.open(message.place, message.mode).catch(() => {
          this.#post({
            type: "notice",
            message: `${message.place.path} can no longer be opened. It may have been moved or deleted.`,
          });
        });
      case "command":
        await vscode.commands.executeCommand(COMMANDS[message.command]);
    }
  }

  async #search(id: number, query: string): Promise<void> {
    this.#cancelSearch();
    if (!query) return;
    const running = new vscode.CancellationTokenSource();
    this.#running = running;
    try {
      const answers = await this.#server.request(ToServer.search, { query }, running.token);
      this.#post({ type: "results", id, ...merge(answers) });
    } catch (error) {
      if (error instanceof vscode.CancellationError) return;
      const hint = error instanceof CairnError ? error.hint : "";
      this.#post({ type: "failed", id, message: error instanceof Error ? error.message : String(error), hint });
    } finally {
      running.dispose();
      if (this.#running === running) this.#running = undefined;
    }
  }

  #cancelSearch(): void {
    this.#running?.cancel();
    this.#running = undefined;
  }

  #sendState(): void {
    this.#post({ type: "state", state: panelState(this.#server) });
  }

  #post(message: ToPanel): void {
    void this.#view?.webview.postMessage(message);
  }
}

const COMMANDS: Readonly<Record<PanelCommand, string>> = {
  openFolder: "workbench.action.files.openFolder",
  manageTrust: "workbench.trust.manage",
  pause: "cairn.pauseIndexing",
  resume: "cairn.resumeIndexing",
  rebuild: "cairn.rebuildIndex",
  restart: "cairn.restartServer",
  showLog: "cairn.showLog",
  showContents: "cairn.showContents",
};

function panelState({ state, statuses }: ServerClient): PanelState {
  if (state.kind !== "running") return state;
  return { kind: "open", index: summarise(statuses.values()) };
}

/** The answers of all folders as one list, best first. */
function merge(answers: readonly RootedHit[]): { hits: PanelHit[]; complete: boolean; tookMs: number } {
  const hits = answers.flatMap(({ rootUri, answer }) => {
    const rootName = answers.length > 1 ? folderName(rootUri) : "";
    return answer.hits.map((hit) => ({ ...hit, rootUri, rootName }));
  });
  return {
    hits: hits.sort((left, right) => right.score - left.score),
    complete: answers.every(({ answer }) => answer.complete),
    tookMs: Math.max(0, ...answers.map(({ answer }) => answer.tookMs)),
  };
}

function folderName(rootUri: string): string {
  const folder = vscode.workspace.workspaceFolders?.find(({ uri }) => uri.toString() === rootUri);
  return folder?.name ?? rootUri;
}

/** One line of selection is a question; more is code, which would not fit the input. */
function selectedText(): string {
  const editor = vscode.window.activeTextEditor;
  if (!editor?.selection.isSingleLine) return "";
  return editor.document.getText(editor.selection).trim();
}

function page(webview: vscode.Webview, assets: vscode.Uri): string {
  const nonce = randomBytes(16).toString("base64url");
  const asset = (name: string): string => webview.asWebviewUri(vscode.Uri.joinPath(assets, name)).toString();
  const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}';`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="${policy}">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <link rel="stylesheet" href="${asset("search-view.css")}">
  <title>Cairn</title>
</head>
<body>
  <script type="module" nonce="${nonce}" src="${asset("search-view.js")}"></script>
</body>
</html>`;
}
