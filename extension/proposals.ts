import * as vscode from "vscode";
import type { CodePlace } from "../shared/answer-types.ts";
import { fileUriOf } from "./open-hit.ts";

const SCHEME = "cairn-proposal";

/** An edit that is proposed: what a document would be with it. */
interface Proposal {
  readonly file: vscode.Uri;
  /** The lines that it replaces, as they were when it was proposed. */
  readonly range: vscode.Range;
  readonly replaced: string;
  readonly replacement: string;
  readonly text: string;
}

/**
 * Code of an answer as a change that can be looked at: beside the file as it is, in the editor's own diff, with buttons
 * that accept or reject it. Nothing is changed before it is accepted.
 */
export class Proposals implements vscode.Disposable {
  readonly #proposals = new Map<string, Proposal>();
  readonly #subscriptions: vscode.Disposable;
  #count = 0;

  constructor() {
    const register = vscode.commands.registerCommand;
    this.#subscriptions = vscode.Disposable.from(
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, {
        provideTextDocumentContent: (uri) =>
          this.#proposals.get(uri.toString())?.text ?? vscode.l10n.t("This change is no longer proposed."),
      }),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.#proposals.delete(uri.toString())),
      register("cairn.acceptProposal", (uri?: vscode.Uri) => this.#accept(uri)),
      register("cairn.rejectProposal", (uri?: vscode.Uri) => this.#close(uri)),
    );
  }

  /**
   * Shows what a file would be with the code in place of the lines; without lines, in place of what is selected.
   * @throws when the file cannot be opened
   */
  async show(place: CodePlace, code: string): Promise<void> {
    const file = fileUriOf(place);
    const document = await vscode.workspace.openTextDocument(file);
    const range = linesIn(document, place);
    const replaced = document.getText(range);
    const replacement = indentedLike(replaced, code);
    const all = document.getText();
    const text = all.slice(0, document.offsetAt(range.start)) + replacement + all.slice(document.offsetAt(range.end));
    const uri = file.with({ scheme: SCHEME, query: String(++this.#count) });
    this.#proposals.set(uri.toString(), { file, range, replaced, replacement, text });
    const name = file.path.slice(file.path.lastIndexOf("/") + 1);
    await vscode.commands.executeCommand("vscode.diff", file, uri, vscode.l10n.t("{0}: proposed change", name));
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  async #accept(given?: vscode.Uri): Promise<void> {
    const uri = given ?? activeProposal();
    const proposal = uri && this.#proposals.get(uri.toString());
    if (!proposal) return;
    const document = await vscode.workspace.openTextDocument(proposal.file);
    // The file may have changed since: then the lines are looked for where they stand now.
    const start =
      document.getText(proposal.range) === proposal.replaced ? proposal.range.start : find(document, proposal);
    if (!start) {
      void vscode.window.showWarningMessage(
        vscode.l10n.t("The lines that this change is for are not there any more, so nothing was changed."),
      );
      return;
    }
    const end = document.positionAt(document.offsetAt(start) + proposal.replaced.length);
    const edit = new vscode.WorkspaceEdit();
    edit.replace(proposal.file, new vscode.Range(start, end), proposal.replacement);
    await vscode.workspace.applyEdit(edit);
    await this.#close(uri);
    await vscode.window.showTextDocument(document);
  }

  async #close(given?: vscode.Uri): Promise<void> {
    const uri = (given ?? activeProposal())?.toString();
    const tabs = vscode.window.tabGroups.all
      .flatMap(({ tabs }) => tabs)
      .filter(({ input }) => input instanceof vscode.TabInputTextDiff && input.modified.toString() === uri);
    await vscode.window.tabGroups.close(tabs);
  }
}

function activeProposal(): vscode.Uri | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  return input instanceof vscode.TabInputTextDiff && input.modified.scheme === SCHEME ? input.modified : undefined;
}

/** Whole lines, without the last line break. */
function linesIn(
  document: vscode.TextDocument,
  { startLine = 1, endLine = document.lineCount }: CodePlace,
): vscode.Range {
  const last = document.lineAt(Math.min(endLine, document.lineCount) - 1);
  return new vscode.Range(Math.min(startLine, document.lineCount) - 1, 0, last.lineNumber, last.text.length);
}

function find(document: vscode.TextDocument, { replaced }: Proposal): vscode.Position | undefined {
  const text = document.getText();
  const at = text.indexOf(replaced);
  return at >= 0 && text.indexOf(replaced, at + 1) < 0 ? document.positionAt(at) : undefined;
}

/** Models often leave out the indentation that all lines share. */
function indentedLike(replaced: string, code: string): string {
  const wanted = /^[ \t]*/.exec(replaced)?.[0] ?? "";
  const given = /^[ \t]*/.exec(code)?.[0] ?? "";
  const lines = code.replace(/\s+$/, "").split("\n");
  if (wanted === given) return lines.join("\n");
  return lines
    .map((line) => (line.trim() === "" ? line : wanted + line.slice(line.startsWith(given) ? given.length : 0)))
    .join("\n");
}
