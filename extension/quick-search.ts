import * as vscode from "vscode";
import { CairnError } from "../shared/errors.ts";
import { placeOf } from "../shared/hit-place.ts";
import { ToServer } from "../shared/protocol.ts";
import type { OpenMode, PanelHit } from "../shared/webview-messages.ts";
import type { ServerClient } from "./client.ts";
import { EditorPlace } from "./editor-place.ts";
import { HitOpener } from "./open-hit.ts";
import { mergeAnswers } from "./panel-hits.ts";

/** Typing is answered when it rests for this long, so that a word is one search and not six. */
const TYPING_MS = 60;
/** True while the list is up, for the key that opens to the side. */
const CONTEXT = "cairn.quickSearchVisible";

interface HitItem extends vscode.QuickPickItem {
  /** Undefined for a message that stands in place of hits. */
  hit?: PanelHit;
}

/** "Search by Meaning in a Quick Pick": results as one types, the active one in the editor. */
export function registerQuickSearch(server: ServerClient): vscode.Disposable {
  const opener = new HitOpener();
  let open: QuickSearch | undefined;
  return vscode.Disposable.from(
    opener,
    vscode.commands.registerCommand("cairn.quickSearch", () => {
      open?.dispose();
      open = new QuickSearch(server, opener);
    }),
    vscode.commands.registerCommand("cairn.quickSearchToSide", () => open?.acceptToSide()),
    { dispose: () => open?.dispose() },
  );
}

class QuickSearch implements vscode.Disposable {
  readonly #server: ServerClient;
  readonly #opener: HitOpener;
  readonly #picker = vscode.window.createQuickPick<HitItem>();
  readonly #before = new EditorPlace();
  readonly #toSide: vscode.QuickInputButton = {
    iconPath: new vscode.ThemeIcon("split-horizontal"),
    tooltip: vscode.l10n.t("Open to the Side (Ctrl+Enter)"),
  };
  readonly #showAll: vscode.QuickInputButton = {
    iconPath: new vscode.ThemeIcon("list-tree"),
    tooltip: vscode.l10n.t("Show All in the View"),
  };
  #typing: NodeJS.Timeout | undefined;
  /** The search that runs; a newer one cancels it. */
  #running: vscode.CancellationTokenSource | undefined;
  /** The hit to preview next; previews follow each other, and only the newest of those that wait is shown. */
  #wanted: PanelHit | undefined;
  #previewing: Promise<void> | undefined;
  #done = false;

  constructor(server: ServerClient, opener: HitOpener) {
    this.#server = server;
    this.#opener = opener;
    const picker = this.#picker;
    // The order is the ranking's. The typings of the editor do not have this property, its quick pick does.
    Object.assign(picker, { sortByLabel: false });
    picker.title = vscode.l10n.t("Search by Meaning");
    picker.placeholder = vscode.l10n.t("Say what the code does, in your own words");
    picker.buttons = [this.#showAll];
    picker.onDidChangeValue(() => this.#searchSoon());
    picker.onDidChangeActive(([item]) => this.#preview(item?.hit));
    picker.onDidAccept(() => this.#accept(picker.activeItems[0]?.hit, "open"));
    picker.onDidTriggerItemButton(({ item }) => this.#accept(item.hit, "side"));
    picker.onDidTriggerButton(() => {
      const { value } = picker;
      void this.#close(true).then(() => vscode.commands.executeCommand("cairn.search", value));
    });
    picker.onDidHide(() => this.#close(true));
    void vscode.commands.executeCommand("setContext", CONTEXT, true);
    picker.show();
  }

  acceptToSide(): void {
    this.#accept(this.#picker.activeItems[0]?.hit, "side");
  }

  dispose(): void {
    void this.#close(false);
  }

  #searchSoon(): void {
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.#search(), TYPING_MS);
  }

  async #search(): Promise<void> {
    this.#running?.cancel();
    const query = this.#picker.value.trim();
    if (!query) {
      this.#running = undefined;
      this.#picker.busy = false;
      this.#picker.items = [];
      return;
    }
    const running = new vscode.CancellationTokenSource();
    this.#running = running;
    this.#picker.busy = true;
    try {
      const answers = await this.#server.request(ToServer.search, { query }, running.token);
      if (this.#running !== running || this.#done) return;
      const { hits } = mergeAnswers(answers);
      this.#picker.items =
        hits.length > 0
          ? hits.map((hit) => this.#item(hit))
          : [message(vscode.l10n.t("Nothing found for “{0}”.", query))];
    } catch (error) {
      if (this.#running !== running || this.#done || error instanceof vscode.CancellationError) return;
      const hint = error instanceof CairnError ? error.hint : "";
      this.#picker.items = [message(error instanceof Error ? error.message : String(error), hint)];
    } finally {
      running.dispose();
      if (this.#running === running && !this.#done) {
        this.#running = undefined;
        this.#picker.busy = false;
      }
    }
  }

  #item(hit: PanelHit): HitItem {
    const symbol = [...hit.parents.slice(-1), hit.name].filter(Boolean).join(" › ");
    const place = `${hit.rootName ? `${hit.rootName} • ` : ""}${hit.path}:${hit.focusLine}`;
    return {
      hit,
      label: symbol || hit.path.slice(hit.path.lastIndexOf("/") + 1),
      description: place,
      detail: withoutIcons(
        (hit.preview.find(({ line }) => line === hit.focusLine) ?? hit.preview[0])?.text.trim() ?? "",
      ),
      alwaysShow: true,
      buttons: [this.#toSide],
    };
  }

  #preview(hit: PanelHit | undefined): void {
    this.#wanted = hit;
    this.#previewing ??= this.#previewNewest().finally(() => {
      this.#previewing = undefined;
    });
  }

  async #previewNewest(): Promise<void> {
    while (this.#wanted && !this.#done) {
      const hit = this.#wanted;
      this.#wanted = undefined;
      this.#before.noteOpened(hit);
      // A file that is gone has no preview; opening it says so.
      await this.#opener.open(placeOf(hit), "preview").catch(() => {});
    }
  }

  async #accept(hit: PanelHit | undefined, mode: OpenMode): Promise<void> {
    if (!hit) return;
    // To the side: the place before stays where it was.
    await this.#close(mode === "side");
    try {
      await this.#opener.open(placeOf(hit), mode);
    } catch {
      void vscode.window.showWarningMessage(
        vscode.l10n.t("{0} can no longer be opened. It may have been moved or deleted.", hit.path),
      );
    }
  }

  async #close(restore: boolean): Promise<void> {
    if (this.#done) return;
    this.#done = true;
    clearTimeout(this.#typing);
    this.#running?.cancel();
    this.#picker.dispose();
    void vscode.commands.executeCommand("setContext", CONTEXT, false);
    await this.#previewing;
    if (restore) await this.#before.restore();
  }
}

function message(label: string, detail = ""): HitItem {
  return { label, detail, alwaysShow: true };
}

/** Code may hold what the list would draw as an icon: `$(name)`. */
function withoutIcons(code: string): string {
  return code.replaceAll("$(", "\\$(");
}
