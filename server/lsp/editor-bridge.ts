import type { Connection } from "vscode-languageserver/node";
import { CancellationTokenSource, ErrorCodes, ResponseError } from "vscode-languageserver/node";
import type { EditorFailure, EditorModel, ModelText } from "../../shared/editor-model-types.ts";
import { type RequestOf, ToClient, ToServer } from "../../shared/protocol.ts";
import type { EditorModels } from "../answer/editor-models.ts";

/** Asks the client for the language models of its editor. A client that knows nothing of them says so. */
export function editorBridge(connection: Connection): EditorModels {
  const listeners = new Map<number, (text: string) => void>();
  let tasks = 0;
  connection.onNotification(ToServer.editorText.method, ({ task, text }: ModelText) => listeners.get(task)?.(text));

  async function request<Params, Result>(
    { method }: RequestOf<Params, Result>,
    params: Params,
    signal: AbortSignal,
  ): Promise<Result | EditorFailure> {
    const cancellation = new CancellationTokenSource();
    const cancel = () => cancellation.cancel();
    if (signal.aborted) cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      return await connection.sendRequest<Result>(method, params, cancellation.token);
    } catch (error) {
      signal.throwIfAborted();
      const isUnknown = error instanceof ResponseError && error.code === ErrorCodes.MethodNotFound;
      if (isUnknown) return { kind: "failed", failure: "unsupported", message: "" };
      return { kind: "failed", failure: "other", message: error instanceof Error ? error.message : String(error) };
    } finally {
      signal.removeEventListener("abort", cancel);
      cancellation.dispose();
    }
  }

  return {
    choose: (model, signal): Promise<EditorModel | EditorFailure> => request(ToClient.editorModel, { model }, signal),
    async ask(asked, onText, signal) {
      const task = ++tasks;
      listeners.set(task, onText);
      try {
        return (await request(ToClient.askEditor, { ...asked, task }, signal)) ?? undefined;
      } finally {
        listeners.delete(task);
      }
    },
  };
}
