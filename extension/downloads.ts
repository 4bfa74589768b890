import * as vscode from "vscode";
import type { ServerClient } from "./client.ts";
import { inBytes } from "./file-shape.ts";

/** What the server downloads while the user looks on, and may cancel. */
export class Downloads {
  readonly #server: ServerClient;
  #tasks = 0;

  constructor(server: ServerClient) {
    this.#server = server;
  }

  /** @param request is to name the task, by which its progress is known */
  run<Result>(
    title: string,
    request: (task: number, token: vscode.CancellationToken) => Promise<Result>,
  ): Thenable<Result> {
    const task = ++this.#tasks;
    const location = vscode.ProgressLocation.Notification;
    return vscode.window.withProgress({ location, title, cancellable: true }, (progress, token) => {
      let shown = 0;
      const listening = this.#server.onDownloadProgress(({ task: of, done, total }) => {
        if (of !== task || total === 0) return;
        const percent = Math.floor((100 * done) / total);
        const message = vscode.l10n.t("{0} of {1}", inBytes(done), inBytes(total));
        progress.report({ message, increment: percent - shown });
        shown = percent;
      });
      return request(task, token).finally(() => listening.dispose());
    });
  }
}

/** Says what went wrong with what the user has just asked for, and what to do; nothing when it was cancelled. */
export function showFailure(error: unknown): void {
  if (error instanceof vscode.CancellationError) return;
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof Error && "hint" in error ? String(error.hint) : "";
  void vscode.window.showErrorMessage([message, hint].filter(Boolean).join(" "));
}
