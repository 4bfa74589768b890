import * as vscode from "vscode";
import { SETTINGS } from "../shared/settings.ts";

export interface ProviderChoice {
  /** As `cairn.answer.provider` names it. */
  readonly provider: string;
  /** Undefined for the one that is set, or usual there. */
  readonly model: string | undefined;
}

/** Asks who is to answer this once; undefined when the user leaves it. */
export async function chooseProvider(): Promise<ProviderChoice | undefined> {
  const { choices } = SETTINGS["answer.provider"];
  const items = choices.map((provider) => ({
    label: provider === "none" ? vscode.l10n.t("No model: quote passages") : provider,
    provider,
  }));
  const placeHolder = vscode.l10n.t("Who answers this question?");
  const chosen = await vscode.window.showQuickPick(items, { placeHolder });
  if (!chosen) return undefined;
  if (chosen.provider === "none") return { provider: "none", model: undefined };
  const model = await vscode.window.showInputBox({
    title: vscode.l10n.t("Model of {0}", chosen.provider),
    prompt: vscode.l10n.t("Leave it empty for the usual one."),
  });
  return model === undefined ? undefined : { provider: chosen.provider, model: model.trim() || undefined };
}
