import * as vscode from "vscode";
import type { HitPlace } from "../shared/webview-messages.ts";
import { fileUriOf } from "./open-hit.ts";

/** Where the user was before files were previewed, so that this can come back. */
export class EditorPlace {
  readonly #editor = vscode.window.activeTextEditor;
  readonly #selections = this.#editor?.selections ?? [];
  readonly #visible = this.#editor?.visibleRanges[0];
  readonly #wasPreview = vscode.window.tabGroups.activeTabGroup.activeTab?.isPreview ?? false;
  /** Files that had a tab already; such a tab stays. */
  readonly #tabs = new Set(tabs().map(fileOf));
  readonly #previewed = new Set<string | undefined>();

  /** To be called before a file is previewed. */
  noteOpened(hit: Pick<HitPlace, "rootUri" | "path">): void {
    this.#previewed.add(fileUriOf(hit).toString());
  }

  /** Brings the editor back as it was, and closes the preview. */
  async restore(): Promise<void> {
    if (this.#previewed.size === 0) return;
    if (this.#editor && !this.#editor.document.isClosed) {
      const { document, viewColumn } = this.#editor;
      const editor = await vscode.window.showTextDocument(document, { viewColumn, preview: this.#wasPreview });
      editor.selections = this.#selections;
      if (this.#visible) editor.revealRange(this.#visible, vscode.TextEditorRevealType.AtTop);
    }
    const added = tabs().filter((tab) => {
      const file = fileOf(tab);
      return tab.isPreview && this.#previewed.has(file) && !this.#tabs.has(file);
    });
    if (added.length > 0) await vscode.window.tabGroups.close(added, true);
  }
}

function tabs(): vscode.Tab[] {
  return vscode.window.tabGroups.all.flatMap((group) => group.tabs);
}

function fileOf({ input }: vscode.Tab): string | undefined {
  return input instanceof vscode.TabInputText ? input.uri.toString() : undefined;
}
