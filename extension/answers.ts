import type { CancellationToken } from "vscode";
import type { AnswerPart, AskRequest, AskResult, Destination } from "../shared/answer-types.ts";
import { ToServer } from "../shared/protocol.ts";
import type { ServerClient } from "./client.ts";
import type { ProviderKeys } from "./provider-keys.ts";

/** Asks the server questions, and tells the parts of their answers apart. */
export class Answers {
  readonly #server: ServerClient;
  readonly #keys: ProviderKeys;
  #tasks = 0;

  constructor(server: ServerClient, keys: ProviderKeys) {
    this.#server = server;
    this.#keys = keys;
  }

  /**
   * @param show called with parts, in order, until the answer is over
   * @throws CairnError when there is no answer; vscode.CancellationError when cancelled.
   */
  async ask(
    request: Omit<AskRequest, "task">,
    show: (parts: readonly AnswerPart[]) => void,
    token: CancellationToken,
  ): Promise<AskResult> {
    const task = ++this.#tasks;
    const listening = this.#server.onAnswerProgress((progress) => {
      if (progress.task === task && !token.isCancellationRequested) show(progress.parts);
    });
    try {
      await this.#keys.told;
      return await this.#server.request(ToServer.ask, { ...request, task }, token);
    } finally {
      listening.dispose();
    }
  }

  /** The user agrees to what is sent there. */
  async agree(destinations: readonly Destination[]): Promise<void> {
    await this.#server.request(ToServer.agree, { destinations });
  }
}
