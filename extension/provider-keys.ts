import * as vscode from "vscode";
import type { ProviderKey } from "../shared/answer-types.ts";
import { ToServer } from "../shared/protocol.ts";
import type { ServerClient } from "./client.ts";

/** The services that want a key, as people call them. */
const SERVICES: Readonly<Record<string, string>> = { cerebras: "Cerebras", openai: "OpenAI", azure: "Azure OpenAI" };

/**
 * The keys of providers: in the editor's secret storage, and with the server as long as it runs. They are in no setting
 * and no log.
 */
export class ProviderKeys implements vscode.Disposable {
  readonly #secrets: vscode.SecretStorage;
  readonly #server: ServerClient;
  readonly #subscriptions: vscode.Disposable;
  #told: Promise<void> = Promise.resolve();

  constructor(context: vscode.ExtensionContext, server: ServerClient) {
    this.#secrets = context.secrets;
    this.#server = server;
    const tell = (): void => {
      this.#told = this.#tell();
    };
    this.#subscriptions = vscode.Disposable.from(
      server.onDidStart(tell),
      // Another window may have changed it.
      context.secrets.onDidChange(tell),
      vscode.commands.registerCommand("cairn.setApiKey", (provider?: unknown) =>
        this.set(typeof provider === "string" ? provider : undefined),
      ),
    );
  }

  /** Resolves once the server has the keys. */
  get told(): Promise<void> {
    return this.#told;
  }

  /** Lets the user give, replace or delete a key; asks of which provider unless it is named. */
  async set(named?: string): Promise<void> {
    const provider = named !== undefined && Object.hasOwn(SERVICES, named) ? named : await this.#choose();
    if (provider === undefined) return;
    const service = SERVICES[provider];
    const key = await vscode.window.showInputBox({
      title: vscode.l10n.t("Key for {0}", service),
      prompt: vscode.l10n.t(
        "It is kept in the editor's secret storage. Leave it empty to delete the one that is kept.",
      ),
      password: true,
      ignoreFocusOut: true,
    });
    if (key === undefined) return;
    if (key.trim() === "") await this.#secrets.delete(nameOf(provider));
    else await this.#secrets.store(nameOf(provider), key.trim());
    const done =
      key.trim() === ""
        ? vscode.l10n.t("Cairn: the key for {0} is deleted.", service)
        : vscode.l10n.t("Cairn: the key for {0} is kept.", service);
    vscode.window.setStatusBarMessage(`$(check) ${done}`, 5000);
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  async #choose(): Promise<string | undefined> {
    const kept = new Set((await this.read()).map(({ provider }) => provider));
    const items = Object.entries(SERVICES).map(([provider, label]) => ({
      label,
      provider,
      description: kept.has(provider) ? vscode.l10n.t("a key is kept") : "",
    }));
    const title = vscode.l10n.t("Whose Key?");
    return (await vscode.window.showQuickPick(items, { title }))?.provider;
  }

  /** The keys that are kept. */
  async read(): Promise<ProviderKey[]> {
    const keys = await Promise.all(
      Object.keys(SERVICES).map(async (provider) => ({ provider, apiKey: await this.#secrets.get(nameOf(provider)) })),
    );
    return keys.flatMap(({ provider, apiKey }) => (apiKey ? [{ provider, apiKey }] : []));
  }

  async #tell(): Promise<void> {
    try {
      const keys = await this.read();
      if (this.#server.state.kind === "running") await this.#server.request(ToServer.keys, { keys });
    } catch (error) {
      this.#server.log.warn(
        `The keys of providers could not be read: ${error instanceof Error ? error.message : error}`,
      );
    }
  }
}

function nameOf(provider: string): string {
  return `cairn.key.${provider}`;
}
