import * as vscode from "vscode";
import type { Answers } from "./answers.ts";
import { selection } from "./attachments.ts";
import { ChatView } from "./chat-view.ts";
import type { ServerClient } from "./client.ts";
import { registerCodeActions } from "./code-actions.ts";
import { registerConversationCommands } from "./conversation-list.ts";
import { Conversations } from "./conversations.ts";
import type { Proposals } from "./proposals.ts";

/** The chat with its commands and its conversations. */
export function registerChat(
  context: vscode.ExtensionContext,
  server: ServerClient,
  answers: Answers,
  proposals: Proposals,
): vscode.Disposable {
  const conversations = new Conversations(context, (message) => server.log.warn(message));
  const chat = new ChatView(context, { server, answers, conversations, proposals });
  return vscode.Disposable.from(
    chat,
    registerConversationCommands(chat, conversations),
    registerCodeActions(chat),
    vscode.commands.registerCommand("cairn.ask", () => {
      const selected = selection();
      return chat.compose("", selected ? [selected] : []);
    }),
  );
}
