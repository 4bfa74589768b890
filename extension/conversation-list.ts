import * as vscode from "vscode";
import { type Conversation, conversationAsMarkdown, titleOf } from "../shared/conversation.ts";
import type { ChatView } from "./chat-view.ts";
import type { Conversations } from "./conversations.ts";

/** The commands that begin, find, rename, delete and export conversations. */
export function registerConversationCommands(chat: ChatView, conversations: Conversations): vscode.Disposable {
  const register = vscode.commands.registerCommand;
  return vscode.Disposable.from(
    register("cairn.newConversation", async () => {
      await chat.show(conversations.begin());
      await chat.compose("");
    }),
    register("cairn.showConversations", () => showConversations(chat, conversations)),
    register("cairn.exportConversation", () => exportConversation(chat.conversation)),
  );
}

interface Item extends vscode.QuickPickItem {
  readonly conversation: Conversation;
}

async function showConversations(chat: ChatView, conversations: Conversations): Promise<void> {
  const picker = vscode.window.createQuickPick<Item>();
  picker.placeholder = vscode.l10n.t("Words of a question, an answer or a file");
  const rename: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon("edit"), tooltip: vscode.l10n.t("Rename") };
  const remove: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon("trash"), tooltip: vscode.l10n.t("Delete") };
  const save: vscode.QuickInputButton = {
    iconPath: new vscode.ThemeIcon("markdown"),
    tooltip: vscode.l10n.t("Export as Markdown"),
  };

  const list = async (): Promise<void> => {
    const words = picker.value;
    const found = await conversations.find(words);
    if (words !== picker.value) return;
    picker.items = found.map((conversation) => ({
      label: titleOf(conversation) || vscode.l10n.t("Without a question"),
      description: new Date(conversation.changedAt).toLocaleString(vscode.env.language),
      // What was found in an answer does not stand in the label, by which the editor would filter.
      alwaysShow: true,
      buttons: [rename, save, remove],
      conversation,
    }));
  };

  picker.onDidChangeValue(list);
  picker.onDidTriggerItemButton(async ({ button, item: { conversation } }) => {
    if (button === save) {
      picker.hide();
      return exportConversation(conversation);
    }
    if (button === rename) {
      picker.hide();
      return renameConversation(conversation, chat, conversations);
    }
    if (chat.conversation.id === conversation.id) await chat.show(conversations.begin());
    await conversations.delete(conversation);
    await list();
    picker.show();
  });
  picker.onDidAccept(async () => {
    const [chosen] = picker.selectedItems;
    picker.hide();
    if (chosen) await chat.show(chosen.conversation);
  });
  picker.onDidHide(() => picker.dispose());
  await list();
  picker.show();
}

async function renameConversation(
  conversation: Conversation,
  chat: ChatView,
  conversations: Conversations,
): Promise<void> {
  const name = await vscode.window.showInputBox({
    title: vscode.l10n.t("Name of the Conversation"),
    value: titleOf(conversation),
  });
  if (name === undefined) return;
  const latest = (await conversations.get(conversation.id)) ?? conversation;
  const renamed = { ...latest, name: name.trim() };
  chat.renamed(renamed);
  await conversations.save(renamed);
}

/** As a document that is not saved yet: the user says where it goes, or copies from it. */
async function exportConversation(conversation: Conversation): Promise<void> {
  const content = conversationAsMarkdown(conversation);
  const document = await vscode.workspace.openTextDocument({ language: "markdown", content });
  await vscode.window.showTextDocument(document, { preview: false });
}
