import * as vscode from "vscode";
import type { AnswerTask } from "../shared/answer-types.ts";
import type { Attachment } from "../shared/conversation.ts";
import { SLASH_COMMANDS } from "../shared/slash-commands.ts";
import { aroundCursor, problems, selection } from "./attachments.ts";
import type { ChatView } from "./chat-view.ts";

/** Asks for something to be done with the code that is attached: a task, and the attachments. */
export const ASK_ABOUT = "cairn.askAbout";

/** What the light bulb offers for code: each is a question in the chat, about what is selected or around the cursor. */
export function registerCodeActions(chat: ChatView): vscode.Disposable {
  const kinds = [vscode.CodeActionKind.QuickFix, vscode.CodeActionKind.RefactorRewrite];
  return vscode.Disposable.from(
    vscode.languages.registerCodeActionsProvider(
      { scheme: "file" },
      { provideCodeActions },
      { providedCodeActionKinds: kinds },
    ),
    vscode.commands.registerCommand(ASK_ABOUT, (wants: AnswerTask, attached: readonly Attachment[]) => {
      const usual = SLASH_COMMANDS.find((command) => command.wants === wants)?.usual ?? "";
      return chat.ask({ text: usual, wants, attached });
    }),
  );
}

function provideCodeActions(
  document: vscode.TextDocument,
  _range: vscode.Range,
  { diagnostics, only }: vscode.CodeActionContext,
): vscode.CodeAction[] {
  const editor = vscode.window.activeTextEditor;
  if (editor?.document !== document || !vscode.workspace.isTrusted) return [];
  const subject = selection(editor) ?? aroundCursor(editor);
  if (!subject) return [];
  const wanted = (kind: vscode.CodeActionKind): boolean => !only || only.contains(kind);
  const action = (title: string, kind: vscode.CodeActionKind, wants: AnswerTask, attached: readonly Attachment[]) => {
    const made = new vscode.CodeAction(title, kind);
    made.command = { command: ASK_ABOUT, title, arguments: [wants, attached] };
    return made;
  };
  const actions: vscode.CodeAction[] = [];
  const wrong = problems(document, diagnostics);
  if (wrong && wanted(vscode.CodeActionKind.QuickFix)) {
    const fix = action(vscode.l10n.t("Cairn: Fix This"), vscode.CodeActionKind.QuickFix, "fix", [subject, wrong]);
    fix.diagnostics = [...diagnostics];
    actions.push(fix);
  }
  if (!wanted(vscode.CodeActionKind.RefactorRewrite)) return actions;
  const rewrite = vscode.CodeActionKind.RefactorRewrite;
  const similar = new vscode.CodeAction(vscode.l10n.t("Cairn: Find Similar Code"), rewrite);
  similar.command = { command: "cairn.findSimilar", title: similar.title };
  const ask = new vscode.CodeAction(vscode.l10n.t("Cairn: Ask Here"), rewrite);
  ask.command = { command: "cairn.askHere", title: ask.title };
  return [
    ...actions,
    action(vscode.l10n.t("Cairn: Explain"), rewrite, "explain", [subject]),
    action(vscode.l10n.t("Cairn: Write Tests"), rewrite, "tests", [subject]),
    action(vscode.l10n.t("Cairn: Document"), rewrite, "document", [subject]),
    action(vscode.l10n.t("Cairn: Review"), rewrite, "review", [subject]),
    similar,
    ask,
  ];
}
