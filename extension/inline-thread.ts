import { randomUUID } from "node:crypto";
import * as vscode from "vscode";
import type { Destination } from "../shared/answer-types.ts";
import {
  type AskedQuestion,
  type Attachment,
  type Conversation,
  type Exchange,
  NO_REPLY,
  type Reply,
  type ReplyEnd,
  turnsBefore,
  withExchange,
  withPart,
} from "../shared/conversation.ts";
import { inWords } from "../shared/phrase.ts";
import { asTyped, questionFrom } from "../shared/slash-commands.ts";
import type { Answers } from "./answers.ts";
import { failureOf, requestFor } from "./ask-request.ts";
import { subjectOf } from "./cited-source.ts";
import { replyAsTrustedMarkdown } from "./reply-markdown.ts";

/** Commands that only the links of an answer run: with the thread's id, the exchange's and what is meant in it. */
export const OPEN_CITED = "cairn.inlineOpenCited";
export const SHOW_CHANGE = "cairn.inlineShowChange";

/** The editor draws a thread 100 ms after its last change: what changes without a pause would be drawn at the end only. */
const DRAW_EVERY_MS = 250;
/** The editor is told of changes a tenth of a second later, all at once: by then of those before. */
const REPLY_AFTER_MS = 400;

/** What a thread is made of. */
export interface InlineParts {
  readonly answers: Answers;
  readonly icon: vscode.Uri;
  /** What keeps Cairn from answering, in words; undefined when nothing does. */
  obstacle(): string | undefined;
  /** Asks the user whether questions and code may go there. */
  mayGoTo(destinations: readonly Destination[]): Promise<boolean>;
}

/** A question in the editor, below the lines that it is about, with its answer and what is asked further. */
export class InlineThread implements vscode.Disposable {
  readonly id = randomUUID();
  readonly #thread: vscode.CommentThread;
  readonly #about: Attachment;
  readonly #parts: InlineParts;
  #comments: vscode.Comment[];
  #conversation: Conversation = { id: this.id, name: "", changedAt: 0, exchanges: [] };
  #running: { exchange: string; cancellation: vscode.CancellationTokenSource } | undefined;
  #drawing: NodeJS.Timeout | undefined;
  #offering: NodeJS.Timeout | undefined;

  /** @param controller makes the thread, below these lines; what it is about may be more than they are */
  constructor(
    controller: vscode.CommentController,
    uri: vscode.Uri,
    lines: vscode.Range,
    about: Attachment,
    parts: InlineParts,
  ) {
    this.#about = about;
    this.#parts = parts;
    this.#comments = [comment({ name: vscode.l10n.t("You") }, "", vscode.CommentMode.Editing, "draft")];
    // The editor puts the cursor into the input of a thread that expands, when that is all there is in it.
    this.#thread = controller.createCommentThread(uri, lines, this.#comments);
    this.#thread.label = vscode.l10n.t("Ask about {0}", about.label);
    this.#thread.canReply = false;
    this.#thread.collapsibleState = vscode.CommentThreadCollapsibleState.Expanded;
  }

  /** True until the first question is asked. */
  get isDraft(): boolean {
    return this.#conversation.exchanges.length === 0;
  }

  get thread(): vscode.CommentThread {
    return this.#thread;
  }

  owns(comment: vscode.Comment): boolean {
    return this.#comments.includes(comment);
  }

  reply(exchange: string): Reply | undefined {
    return this.#exchange(exchange)?.reply;
  }

  /** A piece of an answer's code. */
  code(exchange: string, piece: number): string | undefined {
    const asked = this.#exchange(exchange);
    return asked && this.#written(asked).code[piece];
  }

  /** Asks what was typed; a slash command may stand before it. What is being answered is stopped. */
  async ask(typed: string): Promise<void> {
    const question = questionFrom(typed, [this.#about]);
    if (!question) return;
    this.stop();
    await this.#answer({ id: randomUUID(), question, reply: NO_REPLY, wished: "" });
  }

  stop(): void {
    this.#running?.cancellation.cancel();
  }

  dispose(): void {
    this.stop();
    clearTimeout(this.#drawing);
    clearTimeout(this.#offering);
    this.#thread.dispose();
  }

  async #answer(begun: Exchange): Promise<void> {
    const cancellation = new vscode.CancellationTokenSource();
    const running = { exchange: begun.id, cancellation };
    this.#running = running;
    this.#begin(begun);
    const end = await this.#ended(begun, cancellation.token);
    cancellation.dispose();
    if (this.#running === running) this.#running = undefined;
    this.#change(begun.id, (reply) => ({ ...reply, end }));
    this.#draw();
    clearTimeout(this.#offering);
    this.#offering = setTimeout(() => this.#offerReply(), REPLY_AFTER_MS);
  }

  /** Not while comments change: the editor would build the field for it twice. */
  #offerReply(): void {
    if (!this.#running && !this.#thread.canReply) this.#thread.canReply = true;
  }

  async #ended(begun: Exchange, token: vscode.CancellationToken): Promise<ReplyEnd> {
    const obstacle = this.#parts.obstacle();
    if (obstacle) return { kind: "failed", message: obstacle, hint: "" };
    const request = requestFor(begun, turnsBefore(this.#conversation, begun.id), undefined);
    const show: Parameters<Answers["ask"]>[1] = (parts) => {
      this.#change(begun.id, (reply) => parts.reduce(withPart, reply));
      this.#drawing ??= setTimeout(() => this.#draw(), DRAW_EVERY_MS);
    };
    const { answers } = this.#parts;
    try {
      const result = await answers.ask(request, show, token);
      if (result.kind === "answered") return result;
      const agreed = await this.#parts.mayGoTo(result.destinations);
      if (agreed) await answers.agree(result.destinations);
      else this.#put({ ...begun, wished: "none" });
      return await answers.ask(agreed ? request : { ...request, provider: "none" }, show, token);
    } catch (error) {
      return token.isCancellationRequested ? { kind: "stopped" } : failureOf(error);
    }
  }

  /** Puts the question and the place of its answer into the thread. */
  #begin(exchange: Exchange): void {
    this.#put(exchange);
    const asked = comment({ name: vscode.l10n.t("You") }, plainText(exchange.question));
    const answer = comment({ name: "Cairn", iconPath: this.#parts.icon }, "");
    const earlier = this.#comments.filter(({ contextValue }) => contextValue !== "draft");
    this.#comments = [...earlier, asked, answer];
    this.#thread.label = this.#about.label;
    this.#draw();
  }

  #draw(): void {
    clearTimeout(this.#drawing);
    this.#drawing = undefined;
    const { exchanges } = this.#conversation;
    for (const [at, exchange] of exchanges.entries()) {
      const body = new vscode.MarkdownString(this.#written(exchange).markdown);
      body.isTrusted = { enabledCommands: [OPEN_CITED, SHOW_CHANGE, "cairn.setApiKey", "cairn.chooseLocalLlm"] };
      this.#comments[2 * at + 1].body = body;
    }
    this.#thread.contextValue = exchanges.some(({ reply }) => !reply.end) ? "answering" : "answered";
    this.#thread.comments = this.#comments;
  }

  #written(exchange: Exchange): ReturnType<typeof replyAsTrustedMarkdown> {
    const link = (command: string, ...values: unknown[]): string =>
      `command:${command}?${encodeURIComponent(JSON.stringify(values))}`;
    const isFile = subjectOf(exchange.reply) !== undefined;
    return replyAsTrustedMarkdown(
      exchange,
      {
        open: (number, line) => link(OPEN_CITED, this.id, exchange.id, number, line),
        apply: (piece) => (isFile ? link(SHOW_CHANGE, this.id, exchange.id, piece) : undefined),
        setKey: (provider) => link("cairn.setApiKey", provider),
        chooseLocalLlm: () => link("cairn.chooseLocalLlm"),
      },
      (said) => inWords(said, vscode.l10n.bundle),
    );
  }

  #change(id: string, make: (reply: Reply) => Reply): void {
    const exchange = this.#exchange(id);
    if (exchange) this.#put({ ...exchange, reply: make(exchange.reply) });
  }

  #put(exchange: Exchange): void {
    this.#conversation = withExchange(this.#conversation, exchange, 0);
  }

  #exchange(id: string): Exchange | undefined {
    return this.#conversation.exchanges.find((one) => one.id === id);
  }
}

function comment(
  author: vscode.CommentAuthorInformation,
  body: string | vscode.MarkdownString,
  mode = vscode.CommentMode.Preview,
  contextValue?: string,
): vscode.Comment {
  return { author, body, mode, contextValue };
}

/** The question as it was typed, with no sign of it taken for Markdown. */
function plainText(question: AskedQuestion): vscode.MarkdownString {
  return new vscode.MarkdownString().appendText(asTyped(question));
}
