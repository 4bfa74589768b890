import * as vscode from "vscode";
import type { AnswerTask } from "../shared/answer-types.ts";
import { SETTINGS } from "../shared/settings.ts";
import { linesOf } from "./attachments.ts";
import { ASK_ABOUT } from "./code-actions.ts";

const SETTING = "codeLens.enabled";

const LENSED: ReadonlySet<vscode.SymbolKind> = new Set([
  vscode.SymbolKind.Function,
  vscode.SymbolKind.Method,
  vscode.SymbolKind.Class,
  vscode.SymbolKind.Interface,
  vscode.SymbolKind.Struct,
]);
/** What is defined inside of these is offered as well; inside of a function it is not. */
const HOLDERS: ReadonlySet<vscode.SymbolKind> = new Set([
  vscode.SymbolKind.Class,
  vscode.SymbolKind.Interface,
  vscode.SymbolKind.Struct,
  vscode.SymbolKind.Module,
  vscode.SymbolKind.Namespace,
  vscode.SymbolKind.Package,
]);

/** Above functions and classes, for who has asked for it: what the light bulb offers for them. */
export function registerCodeLenses(): vscode.Disposable {
  const changed = new vscode.EventEmitter<void>();
  return vscode.Disposable.from(
    changed,
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(`cairn.${SETTING}`)) changed.fire();
    }),
    vscode.languages.registerCodeLensProvider(
      { scheme: "file" },
      { onDidChangeCodeLenses: changed.event, provideCodeLenses },
    ),
  );
}

async function provideCodeLenses({ uri }: vscode.TextDocument): Promise<vscode.CodeLens[]> {
  const isWanted = vscode.workspace.getConfiguration("cairn", uri).get<boolean>(SETTING, SETTINGS[SETTING].default);
  if (!isWanted || !vscode.workspace.isTrusted) return [];
  const command = "vscode.executeDocumentSymbolProvider";
  const symbols = await vscode.commands.executeCommand<vscode.DocumentSymbol[] | undefined>(command, uri);
  return symbolsIn(symbols ?? []).flatMap((symbol) => lensesOf(uri, symbol));
}

function symbolsIn(symbols: readonly vscode.DocumentSymbol[]): vscode.DocumentSymbol[] {
  return symbols.flatMap((symbol) => [
    ...(LENSED.has(symbol.kind) ? [symbol] : []),
    ...(HOLDERS.has(symbol.kind) ? symbolsIn(symbol.children ?? []) : []),
  ]);
}

function lensesOf(uri: vscode.Uri, { range, selectionRange }: vscode.DocumentSymbol): vscode.CodeLens[] {
  // Some language extensions give a flat list, without the range of the whole symbol.
  const subject = range && linesOf(uri, "symbol", range.start.line + 1, range.end.line + 1);
  if (!subject) return [];
  const place = selectionRange.start;
  const ask = (title: string, wants: AnswerTask): vscode.Command => ({
    command: ASK_ABOUT,
    title,
    arguments: [wants, [subject]],
  });
  const similar = { command: "cairn.findSimilar", title: vscode.l10n.t("Find Similar"), arguments: [uri, place] };
  const commands = [
    ask(vscode.l10n.t("Explain"), "explain"),
    similar,
    ask(vscode.l10n.t("Write Tests"), "tests"),
    ask(vscode.l10n.t("Document"), "document"),
  ];
  return commands.map((one) => new vscode.CodeLens(selectionRange, one));
}
