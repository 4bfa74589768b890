import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  type ClientCapabilities,
  type Connection,
  DidChangeConfigurationNotification,
  DidChangeWatchedFilesNotification,
  type InitializeParams,
  type InitializeResult,
  TextDocumentSyncKind,
} from "vscode-languageserver/node";
import type { InitializationOptions } from "../../shared/initialization.ts";
import { type StatusOfRoot, ToClient, ToServer } from "../../shared/protocol.ts";
import type { Settings } from "../../shared/settings.ts";
import { createCore } from "../core.ts";
import type { Host, Log } from "../host.ts";
import { clientSettings, SETTINGS_SECTIONS } from "./client-settings.ts";
import { toWorkspaceSymbol, uriToPath, withSignal } from "./convert.ts";
import { IndexProgress } from "./progress.ts";
import { type OpenRoot, Roots } from "./roots.ts";

/** At the most this many symbols are answered to `workspace/symbol`, which clients ask on each key. */
const MAX_SYMBOLS = 200;

/** Serves one client until it says `exit`: turns messages into calls of the core and results into messages. */
export function serve(connection: Connection, host: Host): void {
  const progress = new IndexProgress(connection);
  const roots = new Roots(showStatus);
  const openFiles = new Set<string>();
  let capabilities: ClientCapabilities = {};
  let options: InitializationOptions = {};
  let settings: Settings | undefined;

  function showStatus(status: StatusOfRoot): void {
    if (options.showsStatus) inBackground(connection.sendNotification(ToClient.statusChanged.method, status));
    else inBackground(progress.show(status));
  }

  /** Nobody waits for the answer to a notification: trouble with one is noted, and the server goes on. */
  function inBackground(work: Promise<unknown>): void {
    work.catch((error: unknown) => connection.console.warn(`Cairn: ${error instanceof Error ? error.message : error}`));
  }

  connection.onInitialize((params) => {
    capabilities = params.capabilities;
    options = (params.initializationOptions as InitializationOptions | undefined) ?? {};
    for (const uri of foldersOf(params)) roots.add(uri);
    return INITIALIZE_RESULT;
  });

  connection.onInitialized(() => {
    inBackground(configure(undefined));
    inBackground(registerWatchers(connection, capabilities));
    if (!capabilities.workspace?.workspaceFolders) return;
    connection.workspace.onDidChangeWorkspaceFolders(({ added, removed }) => {
      for (const { uri } of removed) inBackground(roots.remove(uri));
      for (const { uri } of added) roots.add(uri);
      inBackground(prioritiseOpenFiles());
    });
  });

  /** Takes over what the client's settings are now; only a change that concerns the index opens the folders again. */
  async function configure(pushed: unknown): Promise<void> {
    const read = await clientSettings(connection, capabilities, options, pushed, host.env);
    const log = clientLog(connection, read.settings["log.level"]);
    for (const problem of read.problems) log.warn(problem);
    const same = settings && concernsIndex(settings) === concernsIndex(read.settings);
    settings = read.settings;
    if (same) return;
    const create = () => createCore({ ...host, log }, read.settings, { role: "editor" });
    await roots.replaceCore(read.settings["index.enabled"] ? create : undefined);
    await prioritiseOpenFiles();
  }

  connection.onDidChangeConfiguration(({ settings: pushed }: { settings: { cairn?: unknown } | null }) =>
    inBackground(configure(pushed?.cairn)),
  );

  connection.onDidOpenTextDocument(({ textDocument }) => {
    const path = uriToPath(textDocument.uri);
    if (path === undefined) return;
    openFiles.add(path);
    inBackground(roots.eachWith([path], (workspace, inside) => workspace.prioritise(inside)));
  });

  connection.onDidCloseTextDocument(({ textDocument }) => {
    const path = uriToPath(textDocument.uri);
    if (path !== undefined) openFiles.delete(path);
  });

  connection.onDidSaveTextDocument(({ textDocument }) => {
    const path = uriToPath(textDocument.uri);
    if (path === undefined) return;
    inBackground(
      roots.eachWith([path], (workspace, inside) => {
        workspace.prioritise(inside);
        workspace.changed(inside);
      }),
    );
  });

  connection.onDidChangeWatchedFiles(({ changes }) => {
    const paths = changes.map(({ uri }) => uriToPath(uri)).filter((path) => path !== undefined);
    inBackground(roots.eachWith(paths, (workspace, inside) => workspace.changed(inside)));
  });

  function prioritiseOpenFiles(): Promise<void> {
    return roots.eachWith([...openFiles], (workspace, inside) => workspace.prioritise(inside));
  }

  connection.onWorkspaceSymbol(({ query }, token) =>
    withSignal(token, async (signal) => {
      const found = await Promise.all(
        (await roots.opened()).map(async ({ workspace }) => {
          const hits = await workspace.symbols(query, MAX_SYMBOLS, signal);
          return hits.map((hit) => toWorkspaceSymbol(hit, join(workspace.root, hit.path)));
        }),
      );
      return found.flat();
    }),
  );

  onRequest(ToServer.search, async ({ rootUri, ...request }, signal) => {
    const limit = request.limit ?? settings?.["search.limit"];
    return Promise.all(
      (await roots.opened(rootUri)).map(async ({ uri, workspace }) => ({
        rootUri: uri,
        answer: await workspace.search({ ...request, limit }, signal),
      })),
    );
  });
  onRequest(ToServer.status, async ({ rootUri }) => roots.statuses(rootUri));
  onRequest(ToServer.skipped, async ({ rootUri }) =>
    Promise.all(
      (await roots.opened(rootUri)).map(async ({ uri, workspace }) => ({
        rootUri: uri,
        skipped: await workspace.skipped(),
      })),
    ),
  );
  onRequest(ToServer.pause, ({ rootUri }) => forEach(rootUri, ({ workspace }) => workspace.pause()));
  onRequest(ToServer.resume, ({ rootUri }) => forEach(rootUri, ({ workspace }) => workspace.resume()));
  onRequest(ToServer.rebuild, ({ rootUri }) => forEach(rootUri, ({ workspace }) => workspace.rebuild()));

  async function forEach(rootUri: string | undefined, use: (root: OpenRoot) => void): Promise<null> {
    for (const root of await roots.opened(rootUri)) use(root);
    return null;
  }

  function onRequest<Params, Result>(
    { method }: { readonly method: string; readonly types?: (params: Params) => Result },
    handle: (params: Params, signal: AbortSignal) => Promise<Result>,
  ): void {
    connection.onRequest(method, (params: Params | undefined, token) =>
      withSignal(token, (signal) => handle(params ?? ({} as Params), signal)),
    );
  }

  connection.onShutdown(() => roots.close());
  connection.listen();
}

const INITIALIZE_RESULT: InitializeResult = {
  capabilities: {
    // Only opening and saving matter: what is searched is what is on disk.
    textDocumentSync: { openClose: true, change: TextDocumentSyncKind.None, save: { includeText: false } },
    workspaceSymbolProvider: true,
    workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
  },
  serverInfo: { name: "Cairn" },
};

function foldersOf({ workspaceFolders, rootUri, rootPath }: InitializeParams): string[] {
  if (workspaceFolders) return workspaceFolders.map(({ uri }) => uri);
  if (rootUri) return [rootUri];
  return rootPath ? [pathToFileURL(rootPath).href] : [];
}

async function registerWatchers(connection: Connection, { workspace }: ClientCapabilities): Promise<void> {
  if (workspace?.didChangeWatchedFiles?.dynamicRegistration) {
    await connection.client.register(DidChangeWatchedFilesNotification.type, { watchers: [{ globPattern: "**/*" }] });
  }
  if (workspace?.didChangeConfiguration?.dynamicRegistration) {
    await connection.client.register(DidChangeConfigurationNotification.type, { section: SETTINGS_SECTIONS });
  }
}

/** What a change of must open the index again; two settings only concern this shell. */
function concernsIndex(settings: Settings): string {
  return JSON.stringify({ ...settings, "search.limit": 0, "log.level": "" });
}

/** Writes to the client's log, never to standard output. */
function clientLog({ console }: Connection, level: Settings["log.level"]): Log {
  const silent = (): void => {};
  return {
    error: (message) => console.error(message),
    warn: level === "error" ? silent : (message) => console.warn(message),
    info: level === "info" ? (message) => console.info(message) : silent,
  };
}
