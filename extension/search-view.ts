import * as vscode from "vscode";
import { CairnError } from "../shared/errors.ts";
import { type RootedHit, ToServer } from "../shared/protocol.ts";
import { filtersOfRequest, type SearchFilter } from "../shared/search-filters.ts";
import type { FromPanel, PanelHit, PanelSearch, SimilarCode, ToPanel } from "../shared/webview-messages.ts";
import type { ServerClient } from "./client.ts";
import { HitOpener } from "./open-hit.ts";
import { mergeAnswers } from "./panel-hits.ts";
import { PANEL_COMMANDS, panelState } from "./panel-state.ts";
import { SearchHistory } from "./search-history.ts";
import { loadPage } from "./webview-page.ts";

const VIEW = "cairn.searchView";

/** The search view in its own activity bar container. */
export function registerSearchView(context: vscode.ExtensionContext, server: ServerClient): SearchView {
  const view = new SearchView(context, server);
  context.subscriptions.push(
    view,
    vscode.window.registerWebviewViewProvider(VIEW, view),
    vscode.commands.registerCommand("cairn.search", (query?: unknown) =>
      view.ask(typeof query === "string" ? query : selectedText()),
    ),
    vscode.commands.registerCommand("cairn.clearHistory", () => view.clearHistory()),
  );
  return view;
}

/** A search of the view and what it found. */
export interface ShownResults {
  search: PanelSearch;
  hits: readonly PanelHit[];
}

export class SearchView implements vscode.WebviewViewProvider, vscode.Disposable {
  readonly #extensionUri: vscode.Uri;
  readonly #server: ServerClient;
  readonly #history: SearchHistory;
  readonly #opener = new HitOpener();
  readonly #subscription: vscode.Disposable;
  #view: vscode.WebviewView | undefined;
  /** The search that runs; a newer one cancels it. */
  #running: vscode.CancellationTokenSource | undefined;
  /** True once the page is loaded; until then it would miss what it is told. */
  #listening = false;
  /** What to tell the view as soon as it is loaded. */
  #whenReady: ToPanel[] = [];
  #shown: ShownResults = { search: { query: "", filters: [] }, hits: [] };

  constructor(context: vscode.ExtensionContext, server: ServerClient) {
    this.#extensionUri = context.extensionUri;
    this.#history = new SearchHistory(context.workspaceState);
    this.#server = server;
    this.#subscription = server.onDidChange(() => this.#sendState());
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    const { webview } = view;
    this.#view = view;
    this.#listening = false;
    webview.onDidReceiveMessage((message: FromPanel) => this.#receive(message));
    // A view that is hidden is unloaded.
    view.onDidChangeVisibility(() => {
      if (!view.visible) this.#listening = false;
    });
    view.onDidDispose(() => {
      this.#cancelSearch();
      this.#view = undefined;
    });
    loadPage(webview, this.#extensionUri, "search-view");
  }

  /** What the view shows now. */
  get shown(): ShownResults {
    return this.#shown;
  }

  /** Shows the view with the cursor in its input, and searches for the query unless it is empty. */
  ask(query: string): Promise<void> {
    return this.#tell({ type: "focus", query });
  }

  /** Shows the view with code that is like this. */
  findSimilar(code: SimilarCode): Promise<void> {
    return this.#tell({ type: "similar", code });
  }

  addFilter(filter: SearchFilter): Promise<void> {
    return this.#tell({ type: "addFilter", filter });
  }

  async clearHistory(): Promise<void> {
    await this.#history.clear();
    this.#sendHistory();
    vscode.window.setStatusBarMessage(`$(check) ${vscode.l10n.t("Cairn: the search history is cleared.")}`, 5000);
  }

  dispose(): void {
    this.#cancelSearch();
    this.#subscription.dispose();
    this.#opener.dispose();
  }

  async #receive(message: FromPanel): Promise<void> {
    switch (message.type) {
      case "ready":
        this.#listening = true;
        this.#sendHistory();
        this.#sendState();
        for (const waiting of this.#whenReady.splice(0)) this.#post(waiting);
        return;
      case "search":
        return this.#search(message.id, message.search);
      case "asked":
        await this.#history.add(message.query);
        return this.#sendHistory();
      case "open":
        return this.#opener.open(message.place, message.mode).catch(() => {
          this.#post({
            type: "notice",
            message: vscode.l10n.t(
              "{0} can no longer be opened. It may have been moved or deleted.",
              message.place.path,
            ),
          });
        });
      case "command":
        await vscode.commands.executeCommand(PANEL_COMMANDS[message.command]);
    }
  }

  async #search(id: number, search: PanelSearch): Promise<void> {
    this.#cancelSearch();
    this.#shown = { search, hits: [] };
    if (!search.query && !search.similar) return;
    const running = new vscode.CancellationTokenSource();
    this.#running = running;
    try {
      const found = mergeAnswers(await this.#answersTo(search, running.token));
      if (running.token.isCancellationRequested) return;
      this.#shown = { search, hits: found.hits };
      this.#post({ type: "results", id, ...found });
    } catch (error) {
      if (error instanceof vscode.CancellationError) return;
      const hint = error instanceof CairnError ? error.hint : "";
      this.#post({ type: "failed", id, message: error instanceof Error ? error.message : String(error), hint });
    } finally {
      running.dispose();
      if (this.#running === running) this.#running = undefined;
    }
  }

  #answersTo({ query, similar, filters }: PanelSearch, token: vscode.CancellationToken): Promise<RootedHit[]> {
    const narrowed = filtersOfRequest(filters);
    if (!similar) return this.#server.request(ToServer.search, { query, ...narrowed }, token);
    const { rootUri, path, startLine, endLine, text } = similar;
    const place = rootUri === undefined ? {} : { rootUri, path, startLine, endLine };
    return this.#server.request(ToServer.similar, { text, ...place, ...narrowed }, token);
  }

  #cancelSearch(): void {
    this.#running?.cancel();
    this.#running = undefined;
  }

  #sendState(): void {
    this.#post({ type: "state", state: panelState(this.#server) });
  }

  #sendHistory(): void {
    this.#post({ type: "history", queries: this.#history.queries });
  }

  /** Brings the view up, loads it if need be, and tells it something. */
  async #tell(message: ToPanel): Promise<void> {
    const { visible = false } = this.#view ?? {};
    const listening = visible && this.#listening;
    if (!listening) this.#whenReady.push(message);
    await vscode.commands.executeCommand(`${VIEW}.focus`);
    if (listening) this.#post(message);
  }

  #post(message: ToPanel): void {
    void this.#view?.webview.postMessage(message);
  }
}

/** One line of selection is a question; more is code, which would not fit the input. */
function selectedText(): string {
  const editor = vscode.window.activeTextEditor;
  if (!editor?.selection.isSingleLine) return "";
  return editor.document.getText(editor.selection).trim();
}
