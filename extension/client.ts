import { isBuiltin } from "node:module";
import * as vscode from "vscode";
import {
  CloseAction,
  ErrorAction,
  ErrorCodes,
  type ErrorHandler,
  LanguageClient,
  type LanguageClientOptions,
  ResponseError,
  State,
  TransportKind,
} from "vscode-languageclient/node";
import type { DeltaProgress, DerivedDownload } from "../shared/delta-types.ts";
import type { EditorModelRequest, ModelText } from "../shared/editor-model-types.ts";
import type { DownloadProgress } from "../shared/embedding-types.ts";
import { CairnError, fromWireError, type WireError } from "../shared/errors.ts";
import type { InitializationOptions } from "../shared/initialization.ts";
import { type AnswerProgress, type RequestOf, type StatusOfRoot, ToClient, ToServer } from "../shared/protocol.ts";
import type { IndexStatus } from "../shared/search-types.ts";
import { SERVER_ENVIRONMENT } from "../shared/server-environment.ts";
import type { PanelState } from "../shared/webview-messages.ts";
import { askEditorModel, editorModel } from "./editor-models.ts";
import { keptLog } from "./kept-log.ts";

/** After this many crashes within {@link CRASH_WINDOW_MS} the server stays down until someone asks for it. */
const MAX_CRASHES = 4;
const CRASH_WINDOW_MS = 3 * 60_000;

export type ServerState = { kind: "running" } | Exclude<PanelState, { kind: "open" }>;

/**
 * The server as the extension sees it: started when a trusted folder is open, restarted after a crash up to a limit,
 * and never the cause of a pop-up.
 */
export class ServerClient implements vscode.Disposable {
  readonly #kept = keptLog("Cairn");
  readonly log = this.#kept.channel;
  readonly #modulePath: string;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #started = new vscode.EventEmitter<void>();
  readonly #deltaProgress = new vscode.EventEmitter<DeltaProgress>();
  readonly #downloadProgress = new vscode.EventEmitter<DownloadProgress>();
  readonly #answerProgress = new vscode.EventEmitter<AnswerProgress>();
  readonly #offeredText = new vscode.EventEmitter<ModelText>();
  readonly #derivedDownload = new vscode.EventEmitter<DerivedDownload>();
  readonly #statuses = new Map<string, IndexStatus>();
  #client: LanguageClient | undefined;
  #state: ServerState = { kind: "no-folder" };
  #crashes: number[] = [];

  constructor(context: vscode.ExtensionContext) {
    this.#modulePath = context.asAbsolutePath("dist/lsp-server.mjs");
  }

  /** Fires when {@link state} or {@link statuses} changed. */
  readonly onDidChange = this.#changed.event;
  /** Fires each time a server listens that knows nothing yet. */
  readonly onDidStart = this.#started.event;
  /** Fires with parts of answers, as they come. */
  readonly onAnswerProgress = this.#answerProgress.event;
  /** Fires with pieces of what a model writes that others ask. */
  readonly onOfferedText = this.#offeredText.event;
  /** Fires while the server works on deltas. */
  readonly onDeltaProgress = this.#deltaProgress.event;
  /** Fires while the server downloads a model or libraries. */
  readonly onDownloadProgress = this.#downloadProgress.event;
  /** Fires for each download of which a delta would save enough. */
  readonly onDerivedDownload = this.#derivedDownload.event;

  get state(): ServerState {
    return this.#state;
  }

  /** The last lines of the log, oldest first. */
  get logLines(): readonly string[] {
    return this.#kept.lines;
  }

  /** The last known status of each folder, by the folder's URI. */
  get statuses(): ReadonlyMap<string, IndexStatus> {
    return this.#statuses;
  }

  /** Brings {@link state} up to date with the folders that are open, and starts the server if it should run. */
  start(): void {
    const open = new Set(vscode.workspace.workspaceFolders?.map(({ uri }) => uri.toString()));
    for (const rootUri of this.#statuses.keys()) if (!open.has(rootUri)) this.#statuses.delete(rootUri);
    const obstacle = obstacleToStart();
    if (obstacle) this.#enter(obstacle);
    else if (!this.#client) this.#launch();
    else if (this.#client.isRunning()) this.#enter({ kind: "running" });
  }

  /**
   * Starts the server also where no folder is open, for what needs none, and waits until it listens.
   *
   * @throws CairnError when it may not or cannot start.
   */
  async startWithoutFolder(): Promise<void> {
    const obstacle = obstacleToStart();
    if (obstacle?.kind === "untrusted") {
      throw new CairnError(
        "unavailable",
        vscode.l10n.t("Cairn reads nothing while this workspace is not trusted."),
        vscode.l10n.t("Trust it, or use a window without a folder."),
      );
    }
    if (obstacle && "message" in obstacle) throw new CairnError("unavailable", obstacle.message);
    if (!this.#client) this.#launch();
    await this.#client?.start().catch(() => {
      throw notRunning();
    });
  }

  /** Starts the server anew and forgets earlier crashes. */
  async restart(): Promise<void> {
    const old = this.#client;
    this.#client = undefined;
    this.#crashes = [];
    await old?.dispose().catch((error: unknown) => this.log.warn(`The server did not stop cleanly: ${error}`));
    this.start();
  }

  /**
   * Sends a request to the running server.
   *
   * @throws CairnError when the server is not running or answers with an error; vscode.CancellationError when cancelled.
   */
  async request<Params, Result>(
    { method }: RequestOf<Params, Result>,
    params: Params,
    token?: vscode.CancellationToken,
  ): Promise<Result> {
    const client = this.#client;
    if (!client?.isRunning()) throw notRunning();
    try {
      // The library would send an absent token as a second parameter.
      return await (token
        ? client.sendRequest<Result>(method, params, token)
        : client.sendRequest<Result>(method, params));
    } catch (error) {
      if (token?.isCancellationRequested) throw new vscode.CancellationError();
      if (error instanceof ResponseError && error.code === ErrorCodes.PendingResponseRejected) throw notRunning();
      throw toCairnError(error);
    }
  }

  async dispose(): Promise<void> {
    this.#changed.dispose();
    this.#started.dispose();
    this.#deltaProgress.dispose();
    this.#downloadProgress.dispose();
    this.#answerProgress.dispose();
    this.#offeredText.dispose();
    this.#derivedDownload.dispose();
    await this.#client?.dispose().catch(() => {});
    this.log.dispose();
  }

  #launch(): void {
    const run = { module: this.#modulePath, transport: TransportKind.ipc, options: { env: { ...SERVER_ENVIRONMENT } } };
    const client = new QuietLanguageClient("cairn", "Cairn", { run, debug: run }, this.#options());
    this.#client = client;
    this.#statuses.clear();
    client.onDidChangeState(({ newState }) => {
      if (this.#client !== client) return;
      if (newState === State.Running) {
        this.#started.fire();
        void this.#refreshStatuses();
      }
      // Without a folder it may run all the same, for what needs none.
      const obstacle = obstacleToStart();
      if (newState === State.Starting) this.#enter(obstacle ?? { kind: "starting" });
      if (newState === State.Running) this.#enter(obstacle ?? { kind: "running" });
    });
    client.onNotification(ToClient.statusChanged.method, ({ rootUri, status }: StatusOfRoot) => {
      this.#statuses.set(rootUri, status);
      this.#changed.fire();
    });
    client.onNotification(ToClient.deltaProgress.method, (progress: DeltaProgress) =>
      this.#deltaProgress.fire(progress),
    );
    client.onNotification(ToClient.embeddingProgress.method, (progress: DownloadProgress) =>
      this.#downloadProgress.fire(progress),
    );
    client.onNotification(ToClient.derivedDownload.method, (derived: DerivedDownload) =>
      this.#derivedDownload.fire(derived),
    );
    client.onNotification(ToClient.answerParts.method, (progress: AnswerProgress) =>
      this.#answerProgress.fire(progress),
    );
    client.onNotification(ToClient.offeredText.method, (piece: ModelText) => this.#offeredText.fire(piece));
    client.onRequest(ToClient.editorModel.method, ({ model }: { model: string }) => editorModel(model));
    client.onRequest(ToClient.askEditor.method, (request: EditorModelRequest, token: vscode.CancellationToken) => {
      const { task } = request;
      const tell = (text: string) => void client.sendNotification(ToServer.editorText.method, { task, text });
      return askEditorModel(request, tell, token);
    });
    client.start().catch((error: unknown) => this.log.error(`The server did not start: ${error}`));
  }

  #options(): LanguageClientOptions {
    const initializationOptions: InitializationOptions = { showsStatus: true, translation: vscode.l10n.bundle };
    return {
      documentSelector: [{ scheme: "file" }],
      initializationOptions,
      outputChannel: this.log,
      errorHandler: this.#errorHandler(),
      // Without this the library shows a pop-up when the server dies before it has answered.
      initializationFailedHandler: () => false,
    };
  }

  #errorHandler(): ErrorHandler {
    return {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: () => {
        const now = Date.now();
        this.#crashes = [...this.#crashes.filter((time) => now - time < CRASH_WINDOW_MS), now];
        this.#statuses.clear();
        if (this.#crashes.length < MAX_CRASHES) return { action: CloseAction.Restart, handled: true };
        this.#enter({
          kind: "crashed",
          message: vscode.l10n.t("Cairn's server stopped {0} times within 3 minutes. The log says why.", MAX_CRASHES),
        });
        return { action: CloseAction.DoNotRestart, handled: true };
      },
    };
  }

  /**
   * Notifications sent before this client was listening are made up for by asking once. What has come of a folder by
   * then is newer: the answer waits for every folder.
   */
  async #refreshStatuses(): Promise<void> {
    try {
      const statuses = await this.request(ToServer.status, {});
      for (const { rootUri, status } of statuses) {
        if (!this.#statuses.has(rootUri)) this.#statuses.set(rootUri, status);
      }
      this.#changed.fire();
    } catch (error) {
      this.log.warn(`The state of the index is not known yet: ${error}`);
    }
  }

  #enter(state: ServerState): void {
    this.#state = state;
    this.#changed.fire();
  }
}

/** The library's client, which reports trouble of its own accord in pop-ups; here it goes to the log and the status. */
class QuietLanguageClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

function obstacleToStart(): ServerState | undefined {
  if (!isBuiltin("node:sqlite")) {
    const message = vscode.l10n.t(
      "Cairn needs an editor with Node 22.16 or newer inside; this one has {0}. Update the editor.",
      process.versions.node,
    );
    return { kind: "unsupported", message };
  }
  if (!vscode.workspace.workspaceFolders?.length) return { kind: "no-folder" };
  return vscode.workspace.isTrusted ? undefined : { kind: "untrusted" };
}

function notRunning(): CairnError {
  return new CairnError(
    "unavailable",
    vscode.l10n.t("Cairn's server is not running."),
    vscode.l10n.t("It starts again by itself, or with the command Cairn: Restart Server."),
  );
}

function toCairnError(error: unknown): CairnError {
  const wire = error instanceof ResponseError ? (error.data as WireError | undefined) : undefined;
  if (wire?.kind) return fromWireError(wire);
  const message = error instanceof Error ? error.message : String(error);
  return new CairnError("unavailable", message, vscode.l10n.t("The log may say more."));
}
