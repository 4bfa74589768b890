import * as vscode from "vscode";
import type { Attachment } from "../shared/conversation.ts";
import type { Answers } from "./answers.ts";
import { aroundCursor, selection } from "./attachments.ts";
import { openCited, proposeInstead, subjectOf } from "./cited-source.ts";
import type { ServerClient } from "./client.ts";
import { asksToSend } from "./consent.ts";
import { type InlineParts, InlineThread, OPEN_CITED, SHOW_CHANGE } from "./inline-thread.ts";
import { HitOpener } from "./open-hit.ts";
import type { Proposals } from "./proposals.ts";

/**
 * Questions asked in the editor, as threads below the lines that they are about. They are kept in memory only, and the
 * editor knows of them only while there is one.
 */
export function registerInlineChat(
  context: vscode.ExtensionContext,
  server: ServerClient,
  answers: Answers,
  proposals: Proposals,
): vscode.Disposable {
  const parts: InlineParts = {
    answers,
    icon: vscode.Uri.joinPath(context.extensionUri, "media", "icon.png"),
    obstacle: () => obstacleIn(server),
    mayGoTo: asksToSend,
  };
  const chat = new InlineChat(parts, proposals);
  const register = vscode.commands.registerCommand;
  return vscode.Disposable.from(
    chat,
    register("cairn.askHere", () => chat.begin()),
    register("cairn.inlineAsk", (given?: vscode.Comment | vscode.CommentReply) => given && chat.ask(given)),
    register("cairn.inlineStop", (thread?: vscode.CommentThread) => chat.stop(thread)),
    register("cairn.inlineClose", (thread?: vscode.CommentThread) => chat.close(thread)),
    register(OPEN_CITED, (...given: [string, string, number, number]) => chat.open(...given)),
    register(SHOW_CHANGE, (...given: [string, string, number]) => chat.showChange(...given)),
  );
}

class InlineChat implements vscode.Disposable {
  readonly #parts: InlineParts;
  readonly #proposals: Proposals;
  readonly #opener = new HitOpener();
  readonly #threads = new Set<InlineThread>();
  #controller: vscode.CommentController | undefined;

  constructor(parts: InlineParts, proposals: Proposals) {
    this.#parts = parts;
    this.#proposals = proposals;
  }

  /** Puts an input below what is selected, or below the cursor; one that nothing was asked in goes. */
  begin(): void {
    const editor = vscode.window.activeTextEditor;
    const about = editor && subjectIn(editor);
    if (!editor || !about) {
      void vscode.window.showInformationMessage(vscode.l10n.t("Open a file of an open folder first."));
      return;
    }
    for (const one of this.#threads) if (one.isDraft) this.#remove(one);
    this.#controller ??= this.#controllerOfThreads();
    const lines = wholeLines(editor.selection);
    this.#threads.add(new InlineThread(this.#controller, editor.document.uri, lines, about, this.#parts));
  }

  /** Asks what stands in the input of a thread. */
  async ask(given: vscode.Comment | vscode.CommentReply): Promise<void> {
    if ("thread" in given) return this.#of(given.thread)?.ask(given.text);
    const { body } = given;
    await this.#with(given)?.ask(typeof body === "string" ? body : body.value);
  }

  /** Stops what comes in a thread, or in all. */
  stop(thread?: vscode.CommentThread): void {
    for (const one of this.#threads) if (!thread || one.thread === thread) one.stop();
  }

  /** Takes a thread away with all that was said in it, or all of them. */
  close(thread?: vscode.CommentThread): void {
    for (const one of this.#threads) if (!thread || one.thread === thread) this.#remove(one);
  }

  async open(id: string, exchange: string, number: number, line: number): Promise<void> {
    const reply = this.#named(id)?.reply(exchange);
    const source = reply?.sources.find((one) => one.number === number);
    if (!reply || !source?.rootUri) return;
    await orSay(source.path, () => openCited(this.#opener, reply, source, line));
  }

  async showChange(id: string, exchange: string, piece: number): Promise<void> {
    const thread = this.#named(id);
    const [source, code] = [subjectOf(thread?.reply(exchange)), thread?.code(exchange, piece)];
    if (!source || code === undefined) return;
    await orSay(source.path, () => proposeInstead(this.#proposals, source, code));
  }

  dispose(): void {
    this.close();
    this.#opener.dispose();
  }

  #remove(thread: InlineThread): void {
    thread.dispose();
    this.#threads.delete(thread);
    if (this.#threads.size > 0) return;
    this.#controller?.dispose();
    this.#controller = undefined;
  }

  #controllerOfThreads(): vscode.CommentController {
    const controller = vscode.comments.createCommentController("cairn.inline", "Cairn");
    controller.options = {
      prompt: vscode.l10n.t("Ask further..."),
      placeHolder: vscode.l10n.t("Ask further about this code"),
    };
    return controller;
  }

  #of(thread: vscode.CommentThread): InlineThread | undefined {
    return [...this.#threads].find((one) => one.thread === thread);
  }

  #with(comment: vscode.Comment): InlineThread | undefined {
    return [...this.#threads].find((one) => one.owns(comment));
  }

  #named(id: string): InlineThread | undefined {
    return [...this.#threads].find((one) => one.id === id);
  }
}

/** What is selected, or the symbol around the cursor; of a document that is no file yet, its text. */
function subjectIn(editor: vscode.TextEditor): Attachment | undefined {
  const inFolder = selection(editor) ?? aroundCursor(editor);
  if (inFolder) return inFolder;
  const { document } = editor;
  if (!document.isUntitled) return undefined;
  const text = document.getText(editor.selection.isEmpty ? undefined : editor.selection);
  const name = document.uri.path.slice(document.uri.path.lastIndexOf("/") + 1);
  return { kind: "selection", label: name, place: { rootUri: "", path: name }, text };
}

function wholeLines({ start, end }: vscode.Selection): vscode.Range {
  const last = end.character === 0 && end.line > start.line ? end.line - 1 : end.line;
  return new vscode.Range(start.line, 0, last, 0);
}

/** In the words in which the chat says it; undefined when questions can be answered. */
function obstacleIn({ state }: ServerClient): string | undefined {
  switch (state.kind) {
    case "untrusted":
      return vscode.l10n.t("This workspace is not trusted yet, so nothing in it is read or indexed.");
    case "unsupported":
    case "crashed":
      return state.message;
    default:
      return undefined;
  }
}

async function orSay(path: string, open: () => Promise<void>): Promise<void> {
  try {
    await open();
  } catch {
    void vscode.window.showWarningMessage(
      vscode.l10n.t("{0} can no longer be opened. It may have been moved or deleted.", path),
    );
  }
}
