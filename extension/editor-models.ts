import * as vscode from "vscode";
import type { EditorFailure, EditorModel, EditorModelRequest, ModelMessage } from "../shared/editor-model-types.ts";

/** Under which Cairn's own models are offered to the editor: they are no help to Cairn. */
export const OWN_VENDOR = "cairn";

/** The editor's language model that a name stands for: a vendor, a family or an id, or two of them with a slash between. */
export async function editorModel(wished: string): Promise<EditorModel | EditorFailure> {
  if (typeof vscode.lm?.selectChatModels !== "function") return failed("unsupported");
  try {
    const all = (await vscode.lm.selectChatModels()).filter(({ vendor }) => vendor !== OWN_VENDOR);
    const names = ({ vendor, family, id, name }: vscode.LanguageModelChat) => [
      "",
      vendor,
      family,
      id,
      name,
      `${vendor}/${family}`,
      `${vendor}/${id}`,
    ];
    const model = all.find((one) => names(one).includes(wished));
    if (!model) return failed("none");
    const { id, vendor, maxInputTokens } = model;
    return { kind: "model", id, vendor, maxInputTokens };
  } catch (error) {
    return failureOf(error);
  }
}

/** Has a model of the editor's answer; null when the answer came whole. */
export async function askEditorModel(
  { id, vendor, messages }: EditorModelRequest,
  onText: (text: string) => void,
  token: vscode.CancellationToken,
): Promise<EditorFailure | null> {
  try {
    const [model] = await vscode.lm.selectChatModels({ id, vendor });
    if (!model) return failed("none");
    const justification = vscode.l10n.t("Cairn asks it to answer your questions about the code of the open folders.");
    const response = await model.sendRequest(messages.map(toEditor), { justification }, token);
    for await (const text of response.text) onText(text);
    return null;
  } catch (error) {
    return failureOf(error);
  }
}

/** The editor's messages have no role for instructions: the user's comes first. */
function toEditor({ role, content }: ModelMessage): vscode.LanguageModelChatMessage {
  const { Assistant, User } = vscode.LanguageModelChatMessage;
  return role === "assistant" ? Assistant(content) : User(content);
}

const BY_CODE: Readonly<Record<string, EditorFailure["failure"]>> = {
  NotFound: "none",
  NoPermissions: "permission",
  Blocked: "blocked",
};

function failureOf(error: unknown): EditorFailure {
  const { code = "", message = String(error) } = error as vscode.LanguageModelError;
  return failed(BY_CODE[code] ?? "other", message);
}

function failed(failure: EditorFailure["failure"], message = ""): EditorFailure {
  return { kind: "failed", failure, message };
}
