import * as vscode from "vscode";
import type { FromHealthPanel, HealthPanelState, ToHealthPanel } from "../shared/health-panel-messages.ts";
import { ToServer } from "../shared/protocol.ts";
import type { ServerClient } from "./client.ts";
import { loadPage } from "./webview-page.ts";

/** The command that shows how the index, a chosen model's engine and the providers do. */
export function registerHealthPanel(context: vscode.ExtensionContext, server: ServerClient): vscode.Disposable {
  const panel = new HealthPanel(context.extensionUri, server);
  return vscode.Disposable.from(
    panel,
    vscode.commands.registerCommand("cairn.showHealth", () => panel.show()),
  );
}

class HealthPanel implements vscode.Disposable {
  readonly #extensionUri: vscode.Uri;
  readonly #server: ServerClient;
  #panel: vscode.WebviewPanel | undefined;
  #state: HealthPanelState = { loading: false };

  constructor(extensionUri: vscode.Uri, server: ServerClient) {
    this.#extensionUri = extensionUri;
    this.#server = server;
  }

  show(): void {
    if (this.#panel) {
      this.#panel.reveal();
      void this.#look();
      return;
    }
    const panel = vscode.window.createWebviewPanel("cairn.health", vscode.l10n.t("Health"), vscode.ViewColumn.Active);
    this.#panel = panel;
    panel.iconPath = new vscode.ThemeIcon("pulse");
    panel.webview.onDidReceiveMessage((message: FromHealthPanel) => this.#receive(message));
    panel.onDidDispose(() => {
      this.#panel = undefined;
      this.#state = { loading: false };
    });
    loadPage(panel.webview, this.#extensionUri, "health");
  }

  dispose(): void {
    this.#panel?.dispose();
  }

  #receive({ type }: FromHealthPanel): void {
    if (type === "copyReport") void vscode.commands.executeCommand("cairn.copyDiagnosticReport");
    // A page that was hidden begins anew, and what was seen a moment ago is still true.
    else if (type === "ready" && this.#state.health) this.#enter(this.#state);
    else void this.#look();
  }

  async #look(): Promise<void> {
    if (this.#state.loading) return;
    const { health: before } = this.#state;
    this.#enter({ loading: true, health: before });
    try {
      await this.#server.startWithoutFolder();
      this.#enter({ loading: false, health: await this.#server.request(ToServer.health, {}) });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const hint = error instanceof Error && "hint" in error ? String(error.hint) : "";
      this.#enter({ loading: false, health: before, failure: [message, hint].filter(Boolean).join(" ") });
    }
  }

  #enter(state: HealthPanelState): void {
    this.#state = state;
    const message: ToHealthPanel = { type: "state", state };
    void this.#panel?.webview.postMessage(message);
  }
}
