import * as vscode from "vscode";
import type { SimilarCode } from "../shared/webview-messages.ts";
import { hoverProse } from "./hover-prose.ts";
import type { SearchView } from "./search-view.ts";

/** A language extension that does not answer within this time is done without. */
const PATIENCE_MS = 3000;

/** Kinds of symbols that are worth comparing with others; a variable inside a function is not. */
const WHOLE_SYMBOLS: ReadonlySet<vscode.SymbolKind> = new Set([
  vscode.SymbolKind.Function,
  vscode.SymbolKind.Method,
  vscode.SymbolKind.Constructor,
  vscode.SymbolKind.Class,
  vscode.SymbolKind.Interface,
  vscode.SymbolKind.Enum,
  vscode.SymbolKind.Struct,
  vscode.SymbolKind.Module,
  vscode.SymbolKind.Namespace,
]);

/** The commands that start from the cursor: "Find Similar Code" and "Search From Cursor". */
export function registerCursorSearch(view: SearchView): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.commands.registerCommand("cairn.findSimilar", async (uri?: vscode.Uri, place?: vscode.Position) => {
      const at = await cursorOr(uri, place);
      const code = at && (await codeAt(at.document, at.selection));
      if (code?.text.trim()) await view.findSimilar(code);
      else
        void vscode.window.showInformationMessage(vscode.l10n.t("There is no code at the cursor. Select some first."));
    }),
    vscode.commands.registerTextEditorCommand("cairn.searchFromCursor", async ({ document, selection }) => {
      const query = await queryAt(document, selection);
      if (query) await view.ask(query);
      else void vscode.window.showInformationMessage(vscode.l10n.t("There is no word at the cursor to search for."));
    }),
  );
}

/** The place that is named, or where the cursor is; undefined where there is no editor. */
async function cursorOr(
  uri: vscode.Uri | undefined,
  place: vscode.Position | undefined,
): Promise<Pick<vscode.TextEditor, "document" | "selection"> | undefined> {
  // The menu of an editor gives its file, but no place in it.
  if (!uri || !place) return vscode.window.activeTextEditor;
  return { document: await vscode.workspace.openTextDocument(uri), selection: new vscode.Selection(place, place) };
}

/** What is selected; or the symbol around the cursor; or, where no language extension knows one, the lines without a gap. */
async function codeAt(document: vscode.TextDocument, selection: vscode.Selection): Promise<SimilarCode> {
  const symbol = selection.isEmpty ? await symbolAround(document, selection.active) : undefined;
  const range = symbol?.range ?? (selection.isEmpty ? paragraphAround(document, selection.active.line) : selection);
  const startLine = range.start.line + 1;
  // A selection of whole lines ends before the first character of the next one.
  const endLine = Math.max(startLine, range.end.character === 0 ? range.end.line : range.end.line + 1);
  const folder = vscode.workspace.getWorkspaceFolder(document.uri);
  return {
    rootUri: folder?.uri.toString(),
    path: folder ? vscode.workspace.asRelativePath(document.uri, false) : document.uri.path,
    startLine,
    endLine,
    text: document.getText(range),
    name: symbol?.name ?? (startLine === endLine ? `line ${startLine}` : `lines ${startLine}–${endLine}`),
  };
}

/** The symbol under the cursor with what its doc comment says. */
async function queryAt(document: vscode.TextDocument, selection: vscode.Selection): Promise<string> {
  const word = selection.isEmpty ? document.getWordRangeAtPosition(selection.active) : selection;
  const name = word?.isSingleLine ? document.getText(word).trim() : "";
  const hovers = await answerOf<vscode.Hover[]>("vscode.executeHoverProvider", document.uri, selection.active);
  const prose = (hovers ?? []).flatMap(({ contents }) => contents.map(markdownOf)).map(hoverProse);
  return [name, ...prose].filter(Boolean).join(" ");
}

/** The innermost symbol around the place that is a whole: a function rather than a variable in it. */
async function symbolAround(
  document: vscode.TextDocument,
  position: vscode.Position,
): Promise<vscode.DocumentSymbol | undefined> {
  const all = await answerOf<vscode.DocumentSymbol[]>("vscode.executeDocumentSymbolProvider", document.uri);
  let found: vscode.DocumentSymbol | undefined;
  let inside = all ?? [];
  while (inside.length > 0) {
    // Some extensions give a flat list without ranges of the whole symbol.
    const around = inside.find(({ range }) => range?.contains(position));
    if (around && (WHOLE_SYMBOLS.has(around.kind) || !found)) found = around;
    inside = around?.children ?? [];
  }
  return found;
}

function paragraphAround(document: vscode.TextDocument, line: number): vscode.Range {
  const isBlank = (at: number): boolean => document.lineAt(at).isEmptyOrWhitespace;
  let [first, last] = [line, line];
  while (first > 0 && !isBlank(first - 1)) first--;
  while (last + 1 < document.lineCount && !isBlank(last + 1)) last++;
  return new vscode.Range(new vscode.Position(first, 0), document.lineAt(last).range.end);
}

/** Asks the language extensions; undefined when none answers, or not in time. */
async function answerOf<Answer>(command: string, ...given: unknown[]): Promise<Answer | undefined> {
  let patience: NodeJS.Timeout | undefined;
  const tooLate = new Promise<undefined>((resolve) => {
    patience = setTimeout(() => resolve(undefined), PATIENCE_MS);
  });
  try {
    return await Promise.race([vscode.commands.executeCommand<Answer>(command, ...given), tooLate]);
  } catch {
    // Another extension failed; the search goes on without it.
    return undefined;
  } finally {
    clearTimeout(patience);
  }
}

function markdownOf(content: vscode.MarkdownString | vscode.MarkedString): string {
  if (typeof content === "string") return content;
  return "language" in content ? "" : content.value;
}
