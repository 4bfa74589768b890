import * as vscode from "vscode";
import type { ModelMessage, OfferedModel } from "../shared/editor-model-types.ts";
import { CairnError } from "../shared/errors.ts";
import { ToServer } from "../shared/protocol.ts";
import { estimateTokens } from "../shared/token-estimate.ts";
import type { ServerClient } from "./client.ts";
import { asksToSendForOthers } from "./consent.ts";
import { OWN_VENDOR } from "./editor-models.ts";
import type { ProviderKeys } from "./provider-keys.ts";

type Offered = vscode.LanguageModelChatInformation & Pick<OfferedModel, "provider">;

/**
 * The models of Cairn's providers, for the editor's chat and for other extensions. Editors built without that are left as
 * they are.
 */
export function registerOfferedModels(server: ServerClient, keys: ProviderKeys): vscode.Disposable {
  if (typeof vscode.lm?.registerLanguageModelChatProvider !== "function") return new vscode.Disposable(() => {});
  const models = new OfferedModels(server, keys);
  return vscode.Disposable.from(models, vscode.lm.registerLanguageModelChatProvider(OWN_VENDOR, models));
}

class OfferedModels implements vscode.LanguageModelChatProvider<Offered>, vscode.Disposable {
  readonly #server: ServerClient;
  readonly #keys: ProviderKeys;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #subscriptions: vscode.Disposable;
  #tasks = 0;

  constructor(server: ServerClient, keys: ProviderKeys) {
    this.#server = server;
    this.#keys = keys;
    this.#subscriptions = vscode.Disposable.from(
      this.#changed,
      server.onDidStart(() => this.#changed.fire()),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration("cairn.answer")) this.#changed.fire();
      }),
    );
  }

  readonly onDidChangeLanguageModelChatInformation = this.#changed.event;

  /** None while the server does not run: it knows them. */
  async provideLanguageModelChatInformation(): Promise<Offered[]> {
    try {
      return (await this.#server.request(ToServer.offeredModels, {})).map(toEditor);
    } catch (error) {
      this.#server.log.info(`No models are offered to the editor: ${error instanceof Error ? error.message : error}`);
      return [];
    }
  }

  async provideLanguageModelChatResponse(
    { provider }: Offered,
    messages: readonly vscode.LanguageModelChatRequestMessage[],
    _options: vscode.ProvideLanguageModelChatResponseOptions,
    progress: vscode.Progress<vscode.LanguageModelResponsePart>,
    token: vscode.CancellationToken,
  ): Promise<void> {
    const task = ++this.#tasks;
    const listening = this.#server.onOfferedText((piece) => {
      if (piece.task === task) progress.report(new vscode.LanguageModelTextPart(piece.text));
    });
    try {
      await this.#keys.told;
      const request = { task, provider, messages: messages.map(fromEditor) };
      const result = await this.#server.request(ToServer.askOffered, request, token);
      if (result.kind === "answered") return;
      if (!(await asksToSendForOthers(result.destinations))) {
        throw vscode.LanguageModelError.NoPermissions(vscode.l10n.t("Nothing was sent, as you wished."));
      }
      await this.#server.request(ToServer.agree, { destinations: result.destinations });
      await this.#server.request(ToServer.askOffered, request, token);
    } catch (error) {
      if (!(error instanceof CairnError)) throw error;
      // Who asked shows the message alone.
      throw new Error(`${error.message} ${error.hint}`.trim(), { cause: error });
    } finally {
      listening.dispose();
    }
  }

  async provideTokenCount(_model: Offered, text: string | vscode.LanguageModelChatRequestMessage): Promise<number> {
    return estimateTokens(typeof text === "string" ? text : fromEditor(text).content);
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }
}

function toEditor({ provider, model, destination, maxInputTokens, maxOutputTokens }: OfferedModel): Offered {
  const name = [provider, model].filter(Boolean).join(" ");
  const which = { id: provider, name: `Cairn: ${name}`, family: model || provider, version: "1", provider };
  // Tools and images are not passed on.
  return { ...which, tooltip: destination, maxInputTokens, maxOutputTokens, capabilities: {} };
}

/** Text alone: what else a message may carry these models are not asked with. */
function fromEditor({ role, content }: vscode.LanguageModelChatRequestMessage): ModelMessage {
  const text = content.map((part) => (part instanceof vscode.LanguageModelTextPart ? part.value : "")).join("");
  return { role: role === vscode.LanguageModelChatMessageRole.Assistant ? "assistant" : "user", content: text };
}
