import { basename, dirname } from "node:path";
import * as vscode from "vscode";
import type { DeltaField } from "../shared/delta-panel-messages.ts";

/** Asks for the file or folder of a model, or one that was used before; undefined when nothing was chosen. */
export async function chooseModel(
  field: Exclude<DeltaField, "out">,
  how: "file" | "folder" | "recent",
  near: string,
  recent: readonly string[],
): Promise<string | undefined> {
  const title = field === "base" ? vscode.l10n.t("The base") : vscode.l10n.t("What was made from it");
  if (how === "recent") return chooseRecent(title, recent);
  const [chosen] =
    (await vscode.window.showOpenDialog({
      title,
      openLabel: vscode.l10n.t("Choose"),
      canSelectFiles: how === "file",
      canSelectFolders: how === "folder",
      defaultUri: near === "" ? undefined : vscode.Uri.file(dirname(near)),
      filters:
        how === "file"
          ? {
              [vscode.l10n.t("Models and datasets")]: [
                ...["safetensors", "gguf", "bin", "jsonl", "ndjson", "csv", "tsv"],
              ],
              [vscode.l10n.t("All files")]: ["*"],
            }
          : undefined,
    })) ?? [];
  return chosen?.fsPath;
}

async function chooseRecent(title: string, recent: readonly string[]): Promise<string | undefined> {
  const placeHolder =
    recent.length > 0 ? vscode.l10n.t("Models that were used before") : vscode.l10n.t("No model was used yet");
  const items = recent.map((path) => ({ label: basename(path), description: dirname(path), path }));
  return (await vscode.window.showQuickPick(items, { title, placeHolder, matchOnDescription: true }))?.path;
}

/** Asks for a folder; undefined when nothing was chosen. */
export async function chooseFolder(title: string, near: string): Promise<string | undefined> {
  const [chosen] =
    (await vscode.window.showOpenDialog({
      title,
      openLabel: vscode.l10n.t("Choose"),
      canSelectFiles: false,
      canSelectFolders: true,
      defaultUri: near === "" ? undefined : vscode.Uri.file(dirname(near)),
    })) ?? [];
  return chosen?.fsPath;
}

/** Asks where something is to be written; undefined when nothing was chosen. */
export async function choosePlace(title: string, proposed: string): Promise<string | undefined> {
  const chosen = await vscode.window.showSaveDialog({
    title,
    saveLabel: vscode.l10n.t("Choose"),
    defaultUri: proposed === "" ? undefined : vscode.Uri.file(proposed),
  });
  return chosen?.fsPath;
}

export async function isThere(path: string): Promise<boolean> {
  return vscode.workspace.fs.stat(vscode.Uri.file(path)).then(
    () => true,
    () => false,
  );
}
