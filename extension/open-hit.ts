import * as vscode from "vscode";
import type { HitPlace, OpenMode } from "../shared/webview-messages.ts";

/** Long enough to be seen, short enough not to be in the way. */
const HIGHLIGHT_MS = 1500;

/** Opens a hit at its focus line, selects what matched there and lights the whole span up for a moment. */
export class HitOpener implements vscode.Disposable {
  readonly #decoration = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor("editor.rangeHighlightBackground"),
    borderColor: new vscode.ThemeColor("editor.rangeHighlightBorder"),
  });
  #fading: NodeJS.Timeout | undefined;

  /** @throws when the file cannot be opened, e.g. because it is gone. */
  async open(place: HitPlace, mode: OpenMode): Promise<void> {
    const document = await vscode.workspace.openTextDocument(fileUriOf(place));
    const selection = selectionOf(document, place);
    const editor = await vscode.window.showTextDocument(document, {
      selection,
      preserveFocus: mode === "preview",
      preview: mode === "preview",
      viewColumn: mode === "side" ? vscode.ViewColumn.Beside : vscode.ViewColumn.Active,
    });
    editor.revealRange(selection, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
    this.#highlight(editor, new vscode.Range(place.startLine - 1, 0, place.endLine - 1, 0));
  }

  dispose(): void {
    clearTimeout(this.#fading);
    this.#decoration.dispose();
  }

  #highlight(editor: vscode.TextEditor, span: vscode.Range): void {
    clearTimeout(this.#fading);
    for (const visible of vscode.window.visibleTextEditors) visible.setDecorations(this.#decoration, []);
    editor.setDecorations(this.#decoration, [span]);
    this.#fading = setTimeout(() => editor.setDecorations(this.#decoration, []), HIGHLIGHT_MS);
  }
}

/** The file of a hit. */
export function fileUriOf({ rootUri, path }: Pick<HitPlace, "rootUri" | "path">): vscode.Uri {
  return vscode.Uri.joinPath(vscode.Uri.parse(rootUri), ...path.split("/"));
}

/** The matched text on the focus line, or its first character; the file may have changed since it was indexed. */
function selectionOf(document: vscode.TextDocument, { focusLine, match }: HitPlace): vscode.Range {
  const line = document.lineAt(Math.min(focusLine, document.lineCount) - 1);
  const column = match ? line.text.indexOf(match) : -1;
  if (column < 0)
    return new vscode.Range(
      line.lineNumber,
      line.firstNonWhitespaceCharacterIndex,
      line.lineNumber,
      line.firstNonWhitespaceCharacterIndex,
    );
  return new vscode.Range(line.lineNumber, column, line.lineNumber, column + match.length);
}
