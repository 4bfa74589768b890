import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import {
  type CancellationToken,
  createMessageConnection,
  type MessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-jsonrpc/node";
import type { InitializationOptions } from "../shared/initialization.ts";
import { type NotificationOf, type RequestOf, type StatusOfRoot, ToClient, ToServer } from "../shared/protocol.ts";
import type { SearchHit } from "../shared/search-types.ts";

export interface LspClientOptions {
  /** Folders to open; none means a client without a workspace. */
  folders?: readonly string[];
  cacheDirectory: string;
  capabilities?: object;
  initializationOptions?: InitializationOptions;
  /** What the client answers to `workspace/configuration`, by section, or by `folder's URI section`. */
  configuration?: Record<string, unknown>;
  /** Methods of requests that the client answers with an error. */
  refuses?: readonly string[];
  /** Of the server, besides what it inherits. */
  env?: Readonly<Record<string, string>>;
  /** Options of the server's Node. */
  nodeOptions?: readonly string[];
  /** A program, with its arguments, that runs the server. */
  through?: readonly string[];
  /** Instead of what {@link folders} and {@link capabilities} give. */
  initializeParams?: object;
}

/** A scripted client of the real server, which runs as a process of its own and talks over its standard streams. */
export class LspClient {
  readonly #process: ChildProcess;
  readonly #connection: MessageConnection;
  readonly #watchers = new Set<() => void>();
  /** The values of every `$/progress` notification, in order. */
  readonly progress: { kind: string; title?: string; percentage?: number }[] = [];
  /** What the server registered with the client, by method. */
  readonly registered = new Map<string, unknown>();
  /** Lines of `window/logMessage`. */
  readonly log: string[] = [];
  /** Anything that should not have come: pop-ups, bytes on standard output that are not the protocol. */
  readonly surprises: string[] = [];
  /** What the server wrote outside the protocol. */
  standardError = "";
  configuration: Record<string, unknown>;
  capabilities: Record<string, unknown> = {};

  private constructor(child: ChildProcess, connection: MessageConnection, configuration: Record<string, unknown>) {
    this.#process = child;
    this.#connection = connection;
    this.configuration = configuration;
  }

  /** Starts a server, introduces the client and opens the folders; the server is killed when the test ends. */
  static async start(test: TestContext, options: LspClientOptions): Promise<LspClient> {
    const entry = join(import.meta.dirname, "../server/lsp/lsp-server.ts");
    const command = [...(options.through ?? []), process.execPath, ...(options.nodeOptions ?? []), entry, "--stdio"];
    const child = spawn(command[0], command.slice(1), {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, CAIRN_CACHE_DIR: options.cacheDirectory, ...options.env },
    });
    test.after(() => child.kill("SIGKILL"));
    const reader = new StreamMessageReader(child.stdout);
    // Where the server is killed within a message, the reader's timer would keep the test's process alive.
    reader.partialMessageTimeout = 0;
    const connection = createMessageConnection(reader, new StreamMessageWriter(child.stdin));
    const client = new LspClient(child, connection, options.configuration ?? {});
    child.stderr.on("data", (chunk) => {
      client.standardError += chunk;
    });
    client.#listen(options.refuses ?? []);
    const folders = options.folders?.map((folder) => ({ uri: uriOf(folder), name: "folder" }));
    const result = await connection.sendRequest<{ capabilities: Record<string, unknown> }>("initialize", {
      processId: process.pid,
      rootUri: null,
      workspaceFolders: folders ?? null,
      capabilities: { workspace: { workspaceFolders: true }, ...options.capabilities },
      initializationOptions: options.initializationOptions ?? { showsStatus: true },
      ...options.initializeParams,
    });
    client.capabilities = result.capabilities;
    await connection.sendNotification("initialized", {});
    return client;
  }

  request<Params, Result>(
    { method }: RequestOf<Params, Result>,
    params: Params,
    token?: CancellationToken,
  ): Promise<Result> {
    return token ? this.#connection.sendRequest(method, params, token) : this.#connection.sendRequest(method, params);
  }

  /** A request of the protocol itself, by method. */
  ask<Result>(method: string, params?: object): Promise<Result> {
    return params ? this.#connection.sendRequest(method, params) : this.#connection.sendRequest(method);
  }

  tell(method: string, params?: object): Promise<void> {
    return params ? this.#connection.sendNotification(method, params) : this.#connection.sendNotification(method);
  }

  on<Params>({ method }: NotificationOf<Params>, listener: (params: Params) => void): void {
    this.#connection.onNotification(method, listener);
  }

  /** Answers a request of the server's. */
  answers<Params, Result>({ method }: RequestOf<Params, Result>, answer: (params: Params) => Result): void {
    this.#connection.onRequest(method, (params: Params) => answer(params) as object | null);
  }

  /** The hits of all folders for a query. */
  async hits(query: string): Promise<SearchHit[]> {
    const answers = await this.request(ToServer.search, { query });
    return answers.flatMap(({ answer }) => [...answer.hits]);
  }

  /** Resolves when the condition holds, looking again whenever the server reports something. */
  until(condition: () => boolean | Promise<boolean>): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        Promise.resolve(condition()).then((holds) => {
          if (!holds) return;
          this.#watchers.delete(look);
          resolve();
        }, reject);
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** Resolves when every open folder is indexed. */
  ready(): Promise<void> {
    return this.until(async () => (await this.statuses()).every(({ status }) => status.phase === "ready"));
  }

  statuses(): Promise<StatusOfRoot[]> {
    return this.request(ToServer.status, {});
  }

  /** Ends the server's standard input, as a client does that dies. */
  hangUp(): void {
    this.#process.stdin?.end();
  }

  kill(signal: NodeJS.Signals = "SIGKILL"): void {
    this.#process.kill(signal);
  }

  async exitCode(): Promise<number | null> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) await once(this.#process, "exit");
    return this.#process.exitCode;
  }

  #listen(refuses: readonly string[]): void {
    const connection = this.#connection;
    const notice = (): void => {
      for (const look of this.#watchers) look();
    };
    connection.onError(([error]) => this.surprises.push(String(error)));
    connection.onNotification(ToClient.statusChanged.method, notice);
    connection.onNotification("$/progress", ({ value }) => {
      this.progress.push(value);
      notice();
    });
    connection.onNotification("window/logMessage", ({ message }) => {
      this.log.push(message);
      notice();
    });
    connection.onNotification("window/showMessage", ({ message }) => void this.surprises.push(message));
    connection.onRequest("window/showMessageRequest", ({ message }) => {
      this.surprises.push(message);
      return null;
    });
    connection.onRequest("window/workDoneProgress/create", () => null);
    connection.onRequest("workspace/configuration", ({ items }: { items: { scopeUri?: string; section: string }[] }) =>
      items.map(
        ({ scopeUri, section }) => this.configuration[`${scopeUri} ${section}`] ?? this.configuration[section] ?? null,
      ),
    );
    connection.onRequest("client/registerCapability", ({ registrations }) => {
      for (const { method, registerOptions } of registrations) this.registered.set(method, registerOptions);
      return null;
    });
    for (const method of refuses) {
      connection.onRequest(method, () => {
        throw new Error(`The client refuses ${method}.`);
      });
    }
    connection.listen();
  }
}

export function uriOf(path: string): string {
  return pathToFileURL(path).href;
}
