import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  type CancellationToken,
  type ClientCapabilities,
  type Connection,
  DidChangeConfigurationNotification,
  DidChangeWatchedFilesNotification,
  ErrorCodes,
  type InitializeParams,
  type InitializeResult,
  ResponseError,
  TextDocumentSyncKind,
} from "vscode-languageserver/node";
import type { FileStatus } from "../../shared/index-contents.ts";
import type { InitializationOptions } from "../../shared/initialization.ts";
import { inWords, type Say } from "../../shared/phrase.ts";
import { type StatusOfRoot, ToClient, ToServer } from "../../shared/protocol.ts";
import { readSettings } from "../../shared/read-settings.ts";
import type { Settings } from "../../shared/settings.ts";
import { runTool } from "../assistant/tools.ts";
import { createCore } from "../core.ts";
import type { Workspace } from "../core-api.ts";
import { healthOf } from "../health.ts";
import type { Host, Log } from "../host.ts";
import { cacheDirectoryOf } from "../opening.ts";
import { Answers } from "./answers.ts";
import { type ClientSettings, clientSettings, SETTINGS_SECTIONS } from "./client-settings.ts";
import { toWorkspaceSymbol, uriToPath, withSignal } from "./convert.ts";
import { inDeltaThread } from "./delta-thread.ts";
import type { DeltaTaskParams, DeltaTasks } from "./delta-worker.ts";
import { DownloadWatch } from "./download-watch.ts";
import { editorBridge } from "./editor-bridge.ts";
import type { EmbeddingModels } from "./embedding-models.ts";
import type { LocalLlms } from "./local-llms.ts";
import { inMaintenanceThread } from "./maintenance.ts";
import { askOffered, offeredModels } from "./offered-models.ts";
import { OpenDocuments } from "./open-documents.ts";
import { IndexProgress } from "./progress.ts";
import { type OpenRoot, Roots } from "./roots.ts";

/** At the most this many symbols are answered to `workspace/symbol`, which clients ask on each key. */
const MAX_SYMBOLS = 200;

/** Between two notifications of how far a download is. */
const PROGRESS_MS = 100;

/** Serves one client until it says `exit`: turns messages into calls of the core and results into messages. */
export function serve(connection: Connection, host: Host): void {
  const say: Say = (said) => inWords(said, options.translation);
  const progress = new IndexProgress(connection, say);
  const roots = new Roots(showStatus, say, host.onFolder);
  const documents = new OpenDocuments((paths) => inBackground(tellTexts(paths)));
  const answers = new Answers(host, say, editorBridge(connection), (progress) =>
    inBackground(connection.sendNotification(ToClient.answerParts.method, progress)),
  );
  /** The machine, with the keys that the client keeps now in its environment. */
  const withKeys = (log: Log): Host => ({
    ...host,
    log,
    get env() {
      return answers.env;
    },
  });
  let loading: Promise<EmbeddingModels> | undefined;
  /** Loaded when somebody wants to choose one. */
  const models = (): Promise<EmbeddingModels> => {
    loading ??= import("./embedding-models.ts").then((module) => new module.EmbeddingModels(withKeys(host.log)));
    return loading;
  };
  let loadingLlms: Promise<LocalLlms> | undefined;
  const llms = (): Promise<LocalLlms> => {
    loadingLlms ??= import("./local-llms.ts").then((module) => new module.LocalLlms(withKeys(host.log), say));
    return loadingLlms;
  };
  const downloads = new DownloadWatch(
    host.env,
    (derived) => inBackground(connection.sendNotification(ToClient.derivedDownload.method, derived)),
    clientLog(connection, "info"),
  );
  let turn: "before" | "serving" | "after" = "before";
  let capabilities: ClientCapabilities = {};
  let options: InitializationOptions = {};
  let settings: Settings | undefined;
  /** What a client that cannot be asked has sent last. */
  let pushed: unknown;

  function showStatus(status: StatusOfRoot): void {
    if (options.showsStatus) inBackground(connection.sendNotification(ToClient.statusChanged.method, status));
    else inBackground(progress.show(status));
  }

  /** Nobody waits for the answer to a notification: trouble with one is noted, and the server goes on. */
  function inBackground(work: Promise<unknown>): void {
    work.catch((error: unknown) => connection.console.warn(`Cairn: ${error instanceof Error ? error.message : error}`));
  }

  connection.onInitialize((params) => {
    turn = "serving";
    capabilities = params.capabilities;
    options = (params.initializationOptions as InitializationOptions | undefined) ?? {};
    inBackground(roots.add(foldersOf(params)));
    return INITIALIZE_RESULT;
  });

  connection.onInitialized(() => {
    inBackground(configure());
    inBackground(registerWatchers(connection, capabilities));
    if (!capabilities.workspace?.workspaceFolders) return;
    connection.workspace.onDidChangeWorkspaceFolders(({ added, removed }) => {
      for (const { uri } of removed) inBackground(roots.remove(uri));
      const uris = added.map(({ uri }) => uri);
      inBackground(
        roots.add(
          uris,
          settingsOf(uris).then(({ folders }) => folders),
        ),
      );
      inBackground(prioritiseOpenFiles());
    });
  });

  function settingsOf(folders: readonly string[]): Promise<ClientSettings> {
    return clientSettings(connection, capabilities, options, pushed, folders, host.env);
  }

  /**
   * Takes over what the client's settings are now; only a change that concerns an index opens the folders again.
   * @param reopen opens them again in any case
   */
  async function configure(reopen = false): Promise<void> {
    const { window, folders, problems } = await settingsOf(roots.uris);
    const log = clientLog(connection, window["log.level"]);
    for (const problem of problems) log.warn(problem);
    const same =
      !reopen &&
      settings !== undefined &&
      concernsIndex(settings) === concernsIndex(window) &&
      [...folders].every(([uri, own]) => concernsIndex(roots.settingsOf(uri)) === concernsIndex(own));
    settings = window;
    downloads.set(window["delta.watchDownloads"]);
    if (same) return;
    const { translation } = options;
    await roots.replaceCore(() => createCore(withKeys(log), window, { role: "editor", translation }), folders);
    await prioritiseOpenFiles();
  }

  connection.onDidChangeConfiguration(({ settings: changed }: { settings: { cairn?: unknown } | null }) => {
    pushed = changed?.cairn;
    inBackground(configure());
  });

  connection.onDidOpenTextDocument(({ textDocument }) => {
    const path = documents.open(textDocument);
    if (path === undefined) return;
    inBackground(roots.eachWith([path], (workspace, inside) => workspace.prioritise(inside)));
  });

  connection.onDidChangeTextDocument(({ textDocument, contentChanges }) =>
    documents.change(textDocument, contentChanges),
  );

  connection.onDidCloseTextDocument(({ textDocument }) => documents.close(textDocument));

  connection.onDidSaveTextDocument(({ textDocument }) => {
    const path = uriToPath(textDocument.uri);
    if (path === undefined) return;
    inBackground(indexSaved(path, documents.versionOf(path)));
  });

  /** What is on screen is searched until what is on disk is indexed, so that nothing is missed between the two. */
  async function indexSaved(path: string, version: number | undefined): Promise<void> {
    const idle: Promise<unknown>[] = [];
    await roots.eachWith([path], (workspace, inside) => {
      workspace.prioritise(inside);
      workspace.changed(inside);
      idle.push(workspace.idle());
    });
    await Promise.allSettled(idle);
    documents.isIndexed(path, version);
    await tellTexts([path]);
  }

  /** Hands each file to its folders as it is on screen when it is their turn. */
  async function tellTexts(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      await roots.eachWith([path], (workspace, [inside]) => workspace.edited(inside, documents.textOf(path)));
    }
  }

  /** For a question: the folders, which know what was typed a moment ago. */
  async function upToDate(rootUri?: string): Promise<OpenRoot[]> {
    await tellTexts(documents.takeChanged());
    return roots.opened(rootUri);
  }

  connection.onDidChangeWatchedFiles(({ changes }) => {
    const paths = changes.map(({ uri }) => uriToPath(uri)).filter((path) => path !== undefined);
    inBackground(roots.eachWith(paths, (workspace, inside) => workspace.changed(inside)));
  });

  /** Before the client has said anything, the defaults. */
  function settingsNow(): Settings {
    return settings ?? readSettings(undefined, host.env).settings;
  }

  async function prioritiseOpenFiles(): Promise<void> {
    await roots.eachWith(documents.paths, (workspace, inside) => workspace.prioritise(inside));
    await tellTexts(documents.paths);
  }

  connection.onWorkspaceSymbol(({ query }, token) =>
    inTurn(token, async (signal) => {
      const found = await Promise.all(
        (await upToDate()).map(async ({ workspace }) => {
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
      (await upToDate(rootUri)).map(async ({ uri, workspace }) => ({
        rootUri: uri,
        answer: await workspace.search({ ...request, limit }, signal),
      })),
    );
  });
  onRequest(ToServer.similar, async ({ rootUri, ...request }, signal) => {
    const limit = request.limit ?? settings?.["search.limit"];
    return Promise.all(
      (await upToDate(rootUri)).map(async ({ uri, workspace }) => ({
        rootUri: uri,
        answer: await workspace.similar({ ...request, limit }, signal),
      })),
    );
  });
  onRequest(ToServer.ask, async (request, signal) => {
    await upToDate();
    return answers.ask(request, settingsNow(), await roots.served(), signal);
  });
  onRequest(ToServer.agree, async ({ destinations }) => answers.agree(settingsNow(), destinations));
  onRequest(ToServer.keys, async ({ keys }) => {
    answers.useKeys(keys);
    roots.retryEngine();
    return null;
  });
  onRequest(ToServer.offeredModels, async () => offeredModels(answers.asking(settingsNow())));
  onRequest(ToServer.askOffered, async (request, signal) => {
    const { task } = request;
    const send = (text: string) =>
      inBackground(connection.sendNotification(ToClient.offeredText.method, { task, text }));
    return askOffered(request, answers.asking(settingsNow()), send, signal);
  });
  onRequest(ToServer.embeddingModels, async () => (await models()).choices(settingsNow()));
  onRequest(ToServer.embeddingPrecisions, async ({ model }, signal) =>
    (await models()).precisions(settingsNow(), model, signal),
  );
  onRequest(ToServer.embeddingForms, async (asked, signal) =>
    (await models()).forms(settingsNow(), asked, await workspaces(), signal),
  );
  onRequest(ToServer.embeddingCosts, async (asked, signal) =>
    (await models()).costs(settingsNow(), asked, await workspaces(), signal),
  );
  onRequest(ToServer.embeddingPull, async ({ model, task }, signal) => ({
    model: await (await models()).pull(settingsNow(), model, signal, tellProgress(task)),
  }));
  onRequest(ToServer.gpuLibraries, async (_, signal) => {
    const { gpuOffers } = await import("./gpu-libraries.ts");
    return gpuOffers(host, settingsNow(), signal);
  });
  onRequest(ToServer.gpuGet, async ({ name, task }, signal) => {
    const { getGpuLibraries } = await import("./gpu-libraries.ts");
    const gotten = await getGpuLibraries(host, settingsNow(), name, { signal, onProgress: tellProgress(task) });
    await configure(true);
    return gotten;
  });
  onRequest(ToServer.embeddingUse, async (asked, signal) => {
    const overruled = await (await models()).use(settingsNow(), asked, await workspaces(), signal);
    await configure(true);
    return overruled;
  });
  onRequest(ToServer.localLlms, async () => (await llms()).choices(settingsNow()));
  onRequest(ToServer.localLlmPull, async ({ model, task }, signal) => {
    await (await llms()).pull(settingsNow(), model, signal, tellProgress(task));
    return null;
  });
  onRequest(ToServer.localLlmUse, async ({ model }) => {
    const { path, overruledBy } = (await llms()).use(settingsNow(), model);
    // The model that was loaded before gives its memory back.
    await configure();
    return { path, overruledBy };
  });
  onRequest(ToServer.assist, async ({ tool, input }, signal) => {
    await upToDate();
    return runTool(tool, input, await roots.served(), answers.asking(settingsNow()), signal);
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
  onRequest(ToServer.fileStatus, async ({ uri }) => {
    const path = uriToPath(uri);
    if (path === undefined) return null;
    // Of nested folders the innermost knows the file best.
    const known: { depth: number; status: Promise<FileStatus | undefined> }[] = [];
    await roots.eachWith([path], (workspace, [inside]) =>
      known.push({ depth: workspace.root.length, status: workspace.fileStatus(inside) }),
    );
    const innermost = known.sort((left, right) => right.depth - left.depth)[0];
    return (await innermost?.status) ?? null;
  });
  onRequest(ToServer.indexedIn, async ({ rootUri, folder }) => {
    const [root] = await roots.opened(rootUri);
    return root ? root.workspace.indexedIn(folder) : { folders: [], files: [] };
  });
  onRequest(ToServer.doctor, async () => {
    const opened = await roots.opened().catch(() => []);
    const realRoots = opened.map(({ workspace }) => workspace.root);
    return inMaintenanceThread({ name: "diagnose", settings: settingsNow(), roots: realRoots });
  });
  onRequest(ToServer.health, async () => {
    const opened = await roots.opened().catch(() => []);
    const { readUsage } = await import("../usage/usage-record.ts");
    const { entries } = readUsage(cacheDirectoryOf(settingsNow(), host.env));
    return healthOf(
      opened.map(({ workspace }) => workspace),
      entries,
    );
  });
  onRequest(ToServer.deleteAll, async () => {
    const cacheDirectory = cacheDirectoryOf(settingsNow(), host.env);
    const { freedBytes, kept } = await roots.closedWhile(() => inMaintenanceThread({ name: "clear", cacheDirectory }));
    await prioritiseOpenFiles();
    return { freedBytes, kept: kept.map(({ root, directory }) => root || directory) };
  });
  onRequest(ToServer.pause, ({ rootUri }) => forEach(rootUri, ({ workspace }) => workspace.pause()));
  onRequest(ToServer.resume, ({ rootUri }) => forEach(rootUri, ({ workspace }) => workspace.resume()));
  onRequest(ToServer.rebuild, ({ rootUri }) => forEach(rootUri, ({ workspace }) => workspace.rebuild()));
  onRequest(ToServer.deltaEstimate, (params, signal) => onDeltas("estimate", params, signal));
  onRequest(ToServer.deltaCompress, (params, signal) => onDeltas("compress", params, signal));
  onRequest(ToServer.deltaDescribe, (params, signal) => onDeltas("describe", params, signal));
  onRequest(ToServer.deltaVerify, (params, signal) => onDeltas("verify", params, signal));
  onRequest(ToServer.deltaReconstruct, (params, signal) => onDeltas("reconstruct", params, signal));
  onRequest(ToServer.deltaFindBases, (params, signal) => onDeltas("findBases", params, signal));
  onRequest(ToServer.deltaScan, (params, signal) => onDeltas("scan", params, signal));
  onRequest(ToServer.deltaCollect, (params, signal) => onDeltas("collect", params, signal));
  onRequest(ToServer.deltaCollection, (params, signal) => onDeltas("collection", params, signal));
  onRequest(ToServer.deltaUndo, (params, signal) => onDeltas("undo", params, signal));

  function onDeltas<Name extends keyof DeltaTasks>(
    name: Name,
    params: DeltaTaskParams<Name>,
    signal: AbortSignal,
  ): Promise<ReturnType<DeltaTasks[Name]>> {
    const { task } = params;
    return inDeltaThread(name, params, signal, (progress) => {
      if (task === undefined) return;
      inBackground(connection.sendNotification(ToClient.deltaProgress.method, { task, ...progress }));
    });
  }

  /** Tells the client how far a download is, and not more often than it can be read. */
  function tellProgress(task: number): (done: number, total: number) => void {
    let told = 0;
    return (done, total) => {
      if (performance.now() - told < PROGRESS_MS && done < total) return;
      told = performance.now();
      inBackground(connection.sendNotification(ToClient.embeddingProgress.method, { task, done, total }));
    };
  }

  async function workspaces(): Promise<Workspace[]> {
    return (await roots.opened()).map(({ workspace }) => workspace);
  }

  async function forEach(rootUri: string | undefined, use: (root: OpenRoot) => void): Promise<null> {
    for (const root of await roots.opened(rootUri)) use(root);
    return null;
  }

  function onRequest<Params, Result>(
    { method }: { readonly method: string; readonly types?: (params: Params) => Result },
    handle: (params: Params, signal: AbortSignal) => Promise<Result>,
  ): void {
    connection.onRequest(method, (params: Params | undefined, token) =>
      inTurn(token, (signal) => handle(params ?? ({} as Params), signal)),
    );
  }

  /** Answers only between `initialize` and `shutdown`, as the protocol wants it. */
  function inTurn<Result>(token: CancellationToken, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    if (turn === "before") throw new ResponseError(ErrorCodes.ServerNotInitialized, NOT_INITIALIZED);
    if (turn === "after") throw new ResponseError(ErrorCodes.InvalidRequest, SHUT_DOWN);
    return withSignal(token, say, work);
  }

  connection.onShutdown(() => {
    turn = "after";
    downloads.set(false);
    return roots.close();
  });
  connection.listen();
}

const NOT_INITIALIZED = "The server waits for `initialize`: send that first.";
const SHUT_DOWN = "The server was told to shut down: only `exit` may follow.";

const INITIALIZE_RESULT: InitializeResult = {
  capabilities: {
    textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental, save: { includeText: false } },
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

/** What a change of must open the index again, to be compared. */
function concernsIndex(settings: Settings | undefined): string {
  return JSON.stringify(Object.entries(settings ?? {}).filter(([key]) => !CONCERNS_ONE_REQUEST.test(key)));
}

const CONCERNS_ONE_REQUEST = /^(?:search\.limit|log\.level|answer\..*|delta\..*|gpuLibraries\..*)$/;

/** Writes to the client's log, never to standard output. */
function clientLog({ console }: Connection, level: Settings["log.level"]): Log {
  const silent = (): void => {};
  return {
    error: (message) => console.error(message),
    warn: level === "error" ? silent : (message) => console.warn(message),
    info: level === "info" ? (message) => console.info(message) : silent,
  };
}
