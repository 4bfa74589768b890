import * as vscode from "vscode";
import type { ServerClient } from "./client.ts";
import { inBytes } from "./file-shape.ts";

/** Numbers the downloads of this window, so that the progress of each is told apart. */
let tasks = 0;

/**
 * Shows a download as a notification that can be cancelled.
 * @param request asks the server for it, under the number of its task
 */
export function showDownload<Result>(
  server: ServerClient,
  title: string,
  request: (task: number, token: vscode.CancellationToken) => Promise<Result>,
): Promise<Result> {
  const task = ++tasks;
  let shown = 0;
  return withProgress(title, (token, progress) => {
    const listening = server.onDownloadProgress(({ task: of, done, total }) => {
      if (of !== task || total === 0) return;
      const percent = Math.floor((100 * done) / total);
      const message = vscode.l10n.t("{0} of {1}", inBytes(done), inBytes(total));
      progress.report({ message, increment: percent - shown });
      shown = percent;
    });
    return request(task, token).finally(() => listening.dispose());
  });
}

/** Work that the user waits for, and can cancel. */
export async function withProgress<Result>(
  title: string,
  work: (
    token: vscode.CancellationToken,
    progress: vscode.Progress<{ message?: string; increment?: number }>,
  ) => Promise<Result>,
): Promise<Result> {
  const location = vscode.ProgressLocation.Notification;
  return vscode.window.withProgress({ location, title, cancellable: true }, (progress, token) => work(token, progress));
}

/** Shows what went wrong with what the user has asked for, with what to do about it. */
export function showFailure(error: unknown): void {
  if (error instanceof vscode.CancellationError) return;
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof Error && "hint" in error ? String(error.hint) : "";
  void vscode.window.showErrorMessage([message, hint].filter(Boolean).join(" "));
}

/**
 * A model in the user's settings holds over the choice that is kept: it is replaced.
 * @returns false when there is none
 */
export async function setInstead(setting: string, model: string): Promise<boolean> {
  const settings = vscode.workspace.getConfiguration("cairn");
  if (!settings.inspect(setting)?.globalValue) return false;
  await settings.update(setting, model, vscode.ConfigurationTarget.Global);
  return true;
}

export function warnOverruled(by: string): void {
  void vscode.window.showWarningMessage(
    vscode.l10n.t("The environment of Cairn's server names another model, and that one holds: {0}", by),
  );
}
