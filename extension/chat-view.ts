import { randomUUID } from "node:crypto";
import * as vscode from "vscode";
import type { AnswerPart } from "../shared/answer-types.ts";
import type { FromChat, ToChat } from "../shared/chat-messages.ts";
import {
  type AskedQuestion,
  type Attachment,
  type Conversation,
  type Exchange,
  NO_REPLY,
  type ReplyEnd,
  replyAsMarkdown,
  turnsBefore,
  withExchange,
  withPart,
} from "../shared/conversation.ts";
import { asTyped } from "../shared/slash-commands.ts";
import type { Answers } from "./answers.ts";
import { failureOf, requestFor, withSubject } from "./ask-request.ts";
import { offersFor } from "./attachments.ts";
import { openCited, proposeInstead, subjectOf } from "./cited-source.ts";
import type { ServerClient } from "./client.ts";
import type { Conversations } from "./conversations.ts";
import { HitOpener } from "./open-hit.ts";
import { PANEL_COMMANDS, panelState } from "./panel-state.ts";
import type { Proposals } from "./proposals.ts";
import { chooseProvider } from "./provider-choice.ts";
import { loadPage } from "./webview-page.ts";

const VIEW = "cairn.chat";

/** What the chat is made of. */
export interface ChatParts {
  readonly server: ServerClient;
  readonly answers: Answers;
  readonly conversations: Conversations;
  readonly proposals: Proposals;
}

/** An answer that comes. */
interface Running {
  readonly exchange: string;
  readonly cancellation: vscode.CancellationTokenSource;
}

/** The chat in the side bar. What it shows is kept here: a page that is hidden is unloaded. */
export class ChatView implements vscode.WebviewViewProvider, vscode.Disposable {
  readonly #extensionUri: vscode.Uri;
  readonly #parts: ChatParts;
  readonly #opener = new HitOpener();
  readonly #subscriptions: vscode.Disposable;
  #view: vscode.WebviewView | undefined;
  /** True once the page is loaded; until then it would miss what it is told. */
  #listening = false;
  #whenReady: ToChat[] = [];
  #conversation: Conversation;
  /** Resolves when the conversation is the one that was shown last. */
  readonly #loaded: Promise<void>;
  #running: Running | undefined;

  constructor(context: vscode.ExtensionContext, parts: ChatParts) {
    this.#extensionUri = context.extensionUri;
    this.#parts = parts;
    this.#conversation = parts.conversations.begin();
    this.#loaded = parts.conversations.current().then((conversation) => {
      this.#conversation = conversation;
    });
    this.#subscriptions = vscode.Disposable.from(
      parts.server.onDidChange(() => this.#sendState()),
      vscode.window.registerWebviewViewProvider(VIEW, this),
    );
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.#view = view;
    this.#listening = false;
    view.webview.onDidReceiveMessage((message: FromChat) => this.#receive(message));
    view.onDidChangeVisibility(() => {
      if (!view.visible) this.#listening = false;
    });
    view.onDidDispose(() => {
      this.#view = undefined;
    });
    loadPage(view.webview, this.#extensionUri, "chat");
  }

  /** The conversation that is shown. */
  get conversation(): Conversation {
    return this.#conversation;
  }

  /** Shows the chat with the cursor in its input, and these in it. */
  compose(text: string, attached: readonly Attachment[] = []): Promise<void> {
    return this.#tell({ type: "focus", text, attached });
  }

  /** Shows the chat and asks. */
  async ask(question: AskedQuestion): Promise<void> {
    await this.#loaded;
    await this.#tell({ type: "focus", text: "", attached: [] });
    await this.#ask(question);
  }

  /** Shows another conversation; what is being answered in this one is stopped. */
  async show(conversation: Conversation): Promise<void> {
    await this.#abandon();
    this.#conversation = conversation;
    await this.#parts.conversations.setCurrent(conversation);
    await this.#tell({ type: "conversation", conversation });
  }

  /** Takes over the name that was given to the conversation elsewhere. */
  renamed({ id, name }: Conversation): void {
    if (this.#conversation.id === id) this.#conversation = { ...this.#conversation, name };
  }

  dispose(): void {
    this.#stop();
    this.#subscriptions.dispose();
    this.#opener.dispose();
  }

  async #receive(message: FromChat): Promise<void> {
    await this.#loaded;
    switch (message.type) {
      case "ready":
        this.#listening = true;
        this.#sendState();
        this.#post({ type: "conversation", conversation: this.#conversation });
        for (const waiting of this.#whenReady.splice(0)) this.#post(waiting);
        return;
      case "ask":
        return this.#ask(message.question, message.instead);
      case "stop":
        return this.#stop();
      case "regenerate":
        return this.#regenerate(message.exchange, message.how);
      case "consent":
        return this.#consent(message.exchange, message.agreed);
      case "open":
        return this.#open(message.exchange, message.number, message.line);
      case "copyReply": {
        const exchange = this.#exchange(message.exchange);
        return exchange && this.#copy(replyAsMarkdown(exchange.reply));
      }
      case "copy":
        return this.#copy(message.text);
      case "insert":
        return this.#insert(message.text);
      case "apply":
        return this.#apply(message.exchange, message.code);
      case "setKey":
        return vscode.commands.executeCommand("cairn.setApiKey", message.provider);
      case "offer":
        return this.#post({
          type: "offers",
          query: message.query,
          offers: await offersFor(message.query, this.#parts.server),
        });
      case "command":
        return vscode.commands.executeCommand(COMMANDS[message.command]);
    }
  }

  /** Asks, in place of an earlier question and all that followed it when there is one. */
  async #ask(question: AskedQuestion, instead?: string): Promise<void> {
    this.#stop();
    const at = this.#conversation.exchanges.findIndex(({ id }) => id === instead);
    if (at >= 0) {
      const exchanges = this.#conversation.exchanges.slice(0, at);
      this.#conversation = { ...this.#conversation, exchanges };
      this.#post({ type: "cut", after: exchanges.at(-1)?.id ?? "" });
    }
    const subject = withSubject(question);
    if (subject) return this.#answer({ id: randomUUID(), question: subject, reply: NO_REPLY, wished: "" });
    this.#post({ type: "focus", text: asTyped(question), attached: question.attached });
    this.#notice(vscode.l10n.t("Select the code that is meant, or attach it with @."));
  }

  async #regenerate(id: string, how: "same" | "other"): Promise<void> {
    const exchange = this.#exchange(id);
    if (!exchange) return;
    if (how === "same") return this.#answer({ ...exchange, reply: NO_REPLY }, { anew: true });
    const choice = await chooseProvider();
    if (choice)
      await this.#answer(
        { ...exchange, reply: NO_REPLY, wished: choice.provider },
        { model: choice.model, anew: true },
      );
  }

  async #consent(id: string, agreed: boolean): Promise<void> {
    const exchange = this.#exchange(id);
    const { end } = exchange?.reply ?? {};
    if (!exchange || end?.kind !== "consent") return;
    try {
      if (agreed) await this.#parts.answers.agree(end.destinations);
    } catch (error) {
      return this.#end(id, failureOf(error));
    }
    await this.#answer({ ...exchange, reply: NO_REPLY, wished: agreed ? exchange.wished : "none" });
  }

  /** Has an exchange answered, from its beginning, and keeps what comes of it. */
  async #answer(begun: Exchange, { model, anew = false }: { model?: string; anew?: boolean } = {}): Promise<void> {
    this.#stop();
    const cancellation = new vscode.CancellationTokenSource();
    const running: Running = { exchange: begun.id, cancellation };
    this.#running = running;
    await this.#keep(begun);
    this.#post({ type: "exchange", exchange: begun });
    const request = requestFor(begun, turnsBefore(this.#conversation, begun.id), model, anew);
    let end: ReplyEnd;
    try {
      end = await this.#parts.answers.ask(request, (parts) => this.#take(begun.id, parts), cancellation.token);
    } catch (error) {
      end = cancellation.token.isCancellationRequested ? { kind: "stopped" } : failureOf(error);
    }
    if (this.#running === running) this.#running = undefined;
    cancellation.dispose();
    await this.#end(begun.id, end);
  }

  #take(id: string, parts: readonly AnswerPart[]): void {
    const exchange = this.#exchange(id);
    if (!exchange) return;
    this.#put({ ...exchange, reply: parts.reduce(withPart, exchange.reply) });
    this.#post({ type: "parts", exchange: id, parts });
  }

  async #end(id: string, end: ReplyEnd): Promise<void> {
    const exchange = this.#exchange(id);
    // It was asked anew meanwhile, or another conversation is shown.
    if (!exchange || this.#running?.exchange === id) return;
    await this.#keep({ ...exchange, reply: { ...exchange.reply, end } });
    this.#post({ type: "end", exchange: id, end });
  }

  #put(exchange: Exchange): void {
    this.#conversation = withExchange(this.#conversation, exchange, Date.now());
  }

  async #keep(exchange: Exchange): Promise<void> {
    this.#put(exchange);
    const conversation = this.#conversation;
    await this.#parts.conversations.setCurrent(conversation);
    await this.#parts.conversations.save(conversation);
  }

  #exchange(id: string): Exchange | undefined {
    return this.#conversation.exchanges.find((one) => one.id === id);
  }

  #stop(): void {
    this.#running?.cancellation.cancel();
  }

  /** Stops what is being answered, and keeps what has come of it, before something else is shown. */
  async #abandon(): Promise<void> {
    const exchange = this.#running && this.#exchange(this.#running.exchange);
    this.#stop();
    this.#running = undefined;
    if (exchange) await this.#keep({ ...exchange, reply: { ...exchange.reply, end: { kind: "stopped" } } });
  }

  async #open(id: string, number: number, line: number): Promise<void> {
    const reply = this.#exchange(id)?.reply;
    const source = reply?.sources.find((one) => one.number === number);
    if (!reply || !source?.rootUri) return;
    try {
      await openCited(this.#opener, reply, source, line);
    } catch {
      this.#notice(vscode.l10n.t("{0} can no longer be opened. It may have been moved or deleted.", source.path));
    }
  }

  async #apply(id: string, code: string): Promise<void> {
    const source = subjectOf(this.#exchange(id)?.reply);
    if (!source) return;
    try {
      await proposeInstead(this.#parts.proposals, source, code);
    } catch {
      this.#notice(vscode.l10n.t("{0} can no longer be opened. It may have been moved or deleted.", source.path));
    }
  }

  async #copy(text: string): Promise<void> {
    await vscode.env.clipboard.writeText(text);
    this.#notice(vscode.l10n.t("Copied."));
  }

  async #insert(text: string): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (!editor) return this.#notice(vscode.l10n.t("There is no editor to insert into. Open a file first."));
    await editor.edit((edit) => edit.replace(editor.selection, text));
    await vscode.window.showTextDocument(editor.document, editor.viewColumn);
  }

  #notice(message: string): void {
    this.#post({ type: "notice", message });
  }

  #sendState(): void {
    this.#post({ type: "state", state: panelState(this.#parts.server) });
  }

  /** Brings the view up, loads it if need be, and tells it something. */
  async #tell(message: ToChat): Promise<void> {
    const listening = (this.#view?.visible ?? false) && this.#listening;
    if (!listening) this.#whenReady.push(message);
    await vscode.commands.executeCommand(`${VIEW}.focus`);
    if (listening) this.#post(message);
  }

  #post(message: ToChat): void {
    if (this.#listening) void this.#view?.webview.postMessage(message);
  }
}

const COMMANDS: Readonly<Record<(FromChat & { type: "command" })["command"], string>> = {
  ...PANEL_COMMANDS,
  newConversation: "cairn.newConversation",
  showConversations: "cairn.showConversations",
  chooseLocalLlm: "cairn.chooseLocalLlm",
};
