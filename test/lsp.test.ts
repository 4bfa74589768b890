import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  CancellationTokenSource,
  createMessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-jsonrpc/node";
import { type RootedHit, ToServer } from "../shared/protocol.ts";
import { LspClient, type LspClientOptions, uriOf } from "./lsp-client.ts";
import { temporaryFolder, writeFiles } from "./open-core.ts";

const PROJECT = {
  "src/retry.ts": `
/** Tries a request again after a failure, waiting longer each time. */
export function retryWithBackoff(request: () => Promise<void>): Promise<void> {
  return request().catch(() => retryWithBackoff(request));
}
`,
  "src/colour.ts": `
export class ColourPalette {
  /** Mixes two colours into one. */
  mix(left: string, right: string): string {
    return left + right;
  }
}
`,
  "docs/guide.md": "# Guide\n\nHow the palette is used.\n",
};

const REQUEST_CANCELLED = -32800;
const REQUEST_FAILED = -32803;

/** A folder with the project in it, and a server that has it open. */
async function openProject(test: TestContext, options: Partial<LspClientOptions> = {}) {
  const folder = temporaryFolder(test);
  const root = join(folder, "project");
  writeFiles(root, PROJECT);
  const cacheDirectory = join(folder, "cache");
  const client = await LspClient.start(test, { folders: [root], cacheDirectory, ...options });
  return { client, root, cacheDirectory };
}

test("a search finds code and says why, per open folder", async (test) => {
  const { client, root } = await openProject(test);
  await client.ready();

  const [{ rootUri, answer }] = await client.request(ToServer.search, { query: "retryWithBackoff" });
  assert.equal(rootUri, uriOf(root));
  assert.equal(answer.complete, true);
  const [best] = answer.hits;
  assert.equal(best.path, "src/retry.ts");
  assert.equal(best.name, "retryWithBackoff");
  assert.notEqual(best.reason, "");
  const focus = best.preview.find(({ line }) => line === best.focusLine);
  const [start, end] = focus?.ranges[0] ?? [];
  assert.equal(focus?.text.slice(start, end), "retryWithBackoff");

  assert.equal((await client.hits("try again after a failed request"))[0].path, "src/retry.ts");
  assert.deepEqual(client.surprises, []);
});

test("the limit of a request wins over the setting, and the setting over the default", async (test) => {
  const { client } = await openProject(test, {
    initializationOptions: { showsStatus: true, settings: { search: { limit: 2 } } },
  });
  await client.ready();
  assert.equal((await client.hits("palette colour request guide")).length, 2);
  const [{ answer }] = await client.request(ToServer.search, { query: "palette colour request guide", limit: 1 });
  assert.equal(answer.hits.length, 1);
});

test("indexing is reported as work-done progress to a client that shows it", async (test) => {
  const { client } = await openProject(test, {
    capabilities: { window: { workDoneProgress: true } },
    initializationOptions: {},
  });
  await client.until(() => client.progress.some(({ kind }) => kind === "end"));
  assert.equal(client.progress[0].kind, "begin");
  assert.equal(client.progress[0].title, "Cairn: indexing");
  assert.equal(client.progress.at(-1)?.kind, "end");
});

test("a client that knows the specification and nothing of Cairn gets symbols and progress", async (test) => {
  const capabilities = {
    general: { positionEncodings: ["utf-8", "utf-16", "utf-32"] },
    textDocument: { synchronization: { didSave: true, dynamicRegistration: false } },
    window: { workDoneProgress: true, showMessage: { messageActionItem: { additionalPropertiesSupport: true } } },
    workspace: {
      configuration: true,
      didChangeConfiguration: { dynamicRegistration: false },
      didChangeWatchedFiles: { dynamicRegistration: false, relativePatternSupport: true },
      symbol: { dynamicRegistration: false },
      workspaceFolders: true,
    },
  };
  const { client, root } = await openProject(test, {
    initializeParams: { capabilities, initializationOptions: undefined, clientInfo: { name: "an editor" } },
  });
  await client.until(() => client.progress.some(({ kind }) => kind === "end"));
  assert.deepEqual([client.progress[0].kind, client.progress.at(-1)?.kind], ["begin", "end"]);
  const symbols = await client.ask<{ name: string; location: { uri: string } }[]>("workspace/symbol", { query: "mix" });
  assert.deepEqual([symbols[0].name, symbols[0].location.uri], ["mix", uriOf(join(root, "src/colour.ts"))]);
  const [{ answer }] = await client.ask<RootedHit[]>("cairn/search", { query: "blend colours together" });
  assert.equal(answer.hits[0].path, "src/colour.ts");
  assert.deepEqual(client.surprises, []);
});

test("the editor's own assistants get the answers of the tools as text", async (test) => {
  const { client } = await openProject(test);
  await client.ready();
  const text = await client.request(ToServer.assist, {
    tool: "search",
    input: { query: "retryWithBackoff", limit: 1 },
  });
  assert.match(text, /^src\/retry\.ts:\d+-\d+ {2}retryWithBackoff {2}defines `retryWithBackoff`/);
  await assert.rejects(client.request(ToServer.assist, { tool: "search", input: {} }), {
    code: REQUEST_FAILED,
    message: "The argument query is missing.",
  });
});

test("a cancelled search ends as cancelled", async (test) => {
  const { client } = await openProject(test);
  const source = new CancellationTokenSource();
  const searching = client.request(ToServer.search, { query: "retry" }, source.token);
  source.cancel();
  await assert.rejects(searching, { code: REQUEST_CANCELLED });
});

test("symbols are found by parts of their names", async (test) => {
  const { client, root } = await openProject(test);
  await client.ready();
  const symbols = await client.ask<{ name: string; kind: number; location: { uri: string; range: object } }[]>(
    "workspace/symbol",
    { query: "retryBack" },
  );
  assert.equal(symbols[0].name, "retryWithBackoff");
  assert.equal(symbols[0].kind, 12);
  assert.equal(symbols[0].location.uri, uriOf(join(root, "src/retry.ts")));
});

test("files that are created, changed and deleted are followed", async (test) => {
  const { client, root } = await openProject(test, {
    capabilities: { workspace: { didChangeWatchedFiles: { dynamicRegistration: true } } },
  });
  await client.ready();
  assert.deepEqual(client.registered.get("workspace/didChangeWatchedFiles"), { watchers: [{ globPattern: "**/*" }] });

  const uri = uriOf(join(root, "src/kettle.ts"));
  const finds = async (word: string): Promise<boolean> =>
    (await client.hits(word)).some((hit) => hit.path === "src/kettle.ts");
  writeFiles(root, { "src/kettle.ts": "export function boilKettle(): void {}\n" });
  await client.tell("workspace/didChangeWatchedFiles", { changes: [{ uri, type: 1 }] });
  await client.until(() => finds("boilKettle"));

  writeFiles(root, { "src/kettle.ts": "export function drainKettle(): void {}\n" });
  await client.tell("textDocument/didSave", { textDocument: { uri } });
  await client.until(() => finds("drainKettle"));

  rmSync(join(root, "src/kettle.ts"));
  await client.tell("workspace/didChangeWatchedFiles", { changes: [{ uri, type: 3 }] });
  await client.until(async () => !(await finds("drainKettle")));
});

test("settings are asked for, and the index follows their change", async (test) => {
  const { client } = await openProject(test, {
    capabilities: { workspace: { configuration: true, didChangeConfiguration: { dynamicRegistration: true } } },
    configuration: { "files.exclude": { "docs/**": true, "src/**": false } },
  });
  await client.ready();
  const paths = async (): Promise<string[]> => (await client.hits("palette guide colour")).map((hit) => hit.path);
  assert.ok(!(await paths()).includes("docs/guide.md"));

  client.configuration = { cairn: { index: { exclude: ["src/colour.ts"] } } };
  await client.tell("workspace/didChangeConfiguration", { settings: null });
  await client.until(async () => (await paths()).includes("docs/guide.md"));
  await client.ready();
  assert.ok(!(await paths()).includes("src/colour.ts"));
});

test("each folder has settings of its own, also one that is added", async (test) => {
  const [plain, narrow, off, late, cacheDirectory] = Array.from({ length: 5 }, () => temporaryFolder(test));
  const code = { "kettle.ts": "export function boilKettle() {}\n", "old/pot.ts": "export function boilPot() {}\n" };
  for (const folder of [plain, narrow, off, late]) writeFiles(folder, code);
  const client = await LspClient.start(test, {
    folders: [plain, narrow, off],
    cacheDirectory,
    capabilities: { workspace: { workspaceFolders: true, configuration: true } },
    configuration: {
      [`${uriOf(narrow)} cairn`]: { index: { exclude: ["old/**"] } },
      [`${uriOf(off)} cairn`]: { index: { enabled: false } },
      [`${uriOf(late)} files.exclude`]: { "kettle.ts": true },
    },
  });
  const files = async () => (await client.statuses()).map(({ status }) => [status.phase, status.files]);
  const reach = (expected: unknown) =>
    client.until(async () => JSON.stringify(await files()) === JSON.stringify(expected));
  const first = [
    ["ready", 2],
    ["ready", 1],
    ["closed", 0],
  ];
  await reach(first);

  await client.tell("workspace/didChangeWorkspaceFolders", {
    event: { added: [{ uri: uriOf(late), name: "late" }], removed: [] },
  });
  await reach([...first, ["ready", 1]]);
  const found = (await client.hits("boilPot")).filter(({ path }) => path === "old/pot.ts");
  assert.equal(found.length, 2);

  client.configuration = { [`${uriOf(narrow)} cairn`]: { index: { exclude: ["kettle.ts"] } } };
  await client.tell("workspace/didChangeConfiguration", { settings: null });
  await reach([
    ["ready", 2],
    ["ready", 1],
    ["ready", 2],
    ["ready", 2],
  ]);
});

test("a client that cannot be asked sends its settings, and a wrong one is reported in the log", async (test) => {
  const { client } = await openProject(test);
  await client.ready();
  await client.tell("workspace/didChangeConfiguration", {
    settings: { cairn: { index: { enabled: false, threads: "many" } } },
  });
  await client.until(async () => (await client.statuses())[0].status.phase === "closed");
  assert.deepEqual(await client.hits("palette"), []);
  assert.match(client.log.join("\n"), /cairn\.index\.threads must be a whole number/);
  assert.deepEqual(client.surprises, []);
});

test("folders can be added and removed", async (test) => {
  const { client, root } = await openProject(test);
  await client.ready();
  const second = temporaryFolder(test);
  writeFiles(second, { "kettle.py": "def boil_kettle():\n    pass\n" });
  const event = (added: string[], removed: string[]) => ({
    event: {
      added: added.map((folder) => ({ uri: uriOf(folder), name: "folder" })),
      removed: removed.map((folder) => ({ uri: uriOf(folder), name: "folder" })),
    },
  });
  await client.tell("workspace/didChangeWorkspaceFolders", event([second], []));
  await client.until(async () => (await client.hits("boil_kettle")).some((hit) => hit.path === "kettle.py"));
  await client.tell("workspace/didChangeWorkspaceFolders", event([], [root]));
  assert.deepEqual(
    (await client.statuses()).map(({ rootUri }) => rootUri),
    [uriOf(second)],
  );
});

test("without a folder there is nothing to find, and nothing fails", async (test) => {
  const cacheDirectory = temporaryFolder(test);
  const client = await LspClient.start(test, { cacheDirectory });
  assert.deepEqual(await client.hits("anything"), []);
  assert.deepEqual(await client.statuses(), []);
  assert.deepEqual(await client.ask("workspace/symbol", { query: "a" }), []);
});

test("a client that only knows rootUri or rootPath is served the same", async (test) => {
  for (const name of ["rootUri", "rootPath"]) {
    const folder = temporaryFolder(test);
    const root = join(folder, "project");
    writeFiles(root, PROJECT);
    const initializeParams = { capabilities: {}, [name]: name === "rootUri" ? uriOf(root) : root };
    const client = await LspClient.start(test, { cacheDirectory: join(folder, "cache"), initializeParams });
    await client.ready();
    assert.equal((await client.hits("retryWithBackoff"))[0].path, "src/retry.ts");
  }
});

test("a folder that is not there or not on disk is a failed status, and a clear error", async (test) => {
  const folder = temporaryFolder(test);
  const missing = join(folder, "missing");
  const client = await LspClient.start(test, { folders: [missing], cacheDirectory: join(folder, "cache") });
  const [{ status }] = await client.statuses();
  assert.equal(status.phase, "failed");
  assert.match(status.message, /missing/);
  await assert.rejects(client.hits("anything"), { code: REQUEST_FAILED });
  await assert.rejects(client.request(ToServer.search, { query: "x", rootUri: "file:///elsewhere" }), {
    code: REQUEST_FAILED,
    data: {
      kind: "input",
      message: "The folder file:///elsewhere is not open.",
      hint: "Add it to the workspace first.",
    },
  });
});

test("a folder that was not there when the server started is opened when it comes", async (test) => {
  const folder = temporaryFolder(test);
  const [late, elsewhere] = [join(folder, "late"), join(folder, "elsewhere")];
  writeFiles(elsewhere, { "src/tide.ts": "export function highTide() {}\n" });
  const client = await LspClient.start(test, { folders: [late], cacheDirectory: join(folder, "cache") });
  assert.equal((await client.statuses())[0].status.phase, "failed");
  renameSync(elsewhere, late);
  await client.ready();
  assert.equal((await client.hits("highTide"))[0].path, "src/tide.ts");
});

test("indexing can be paused, resumed and started over", async (test) => {
  const { client } = await openProject(test);
  await client.ready();
  await client.request(ToServer.pause, {});
  await client.until(async () => (await client.statuses())[0].status.phase === "paused");
  assert.equal((await client.hits("retryWithBackoff"))[0].path, "src/retry.ts");
  await client.request(ToServer.resume, {});
  await client.ready();
  await client.request(ToServer.rebuild, {});
  await client.until(async () => (await client.hits("retryWithBackoff")).some(({ indexed }) => indexed));
});

test("what is left out is listed with reasons", async (test) => {
  const { client, root } = await openProject(test, { capabilities: {} });
  writeFiles(root, { "picture.png": "not really" });
  await client.tell("workspace/didChangeWatchedFiles", {
    changes: [{ uri: uriOf(join(root, "picture.png")), type: 1 }],
  });
  await client.until(async () => {
    const [{ skipped }] = await client.request(ToServer.skipped, {});
    return skipped.some(({ path, code, reason }) => path === "picture.png" && code === "binary" && reason !== "");
  });
});

test("shutdown and exit end with 0; exit alone and a client that dies end with 1", async (test) => {
  const { client } = await openProject(test);
  await client.ready();
  await client.ask("shutdown");
  await client.tell("exit");
  assert.equal(await client.exitCode(), 0);

  const rude = await openProject(test);
  await rude.client.tell("exit");
  assert.equal(await rude.client.exitCode(), 1);

  const dead = await openProject(test);
  await dead.client.ready();
  dead.client.hangUp();
  assert.equal(await dead.client.exitCode(), 1);
});

test("requests before initialize and after shutdown are refused", async (test) => {
  const entry = join(import.meta.dirname, "../server/lsp/lsp-server.ts");
  const env = { ...process.env, CAIRN_CACHE_DIR: temporaryFolder(test) };
  const child = spawn(process.execPath, [entry, "--stdio"], { stdio: ["pipe", "pipe", "inherit"], env });
  test.after(() => child.kill("SIGKILL"));
  const connection = createMessageConnection(
    new StreamMessageReader(child.stdout),
    new StreamMessageWriter(child.stdin),
  );
  connection.listen();
  const search = () => connection.sendRequest(ToServer.search.method, { query: "retry" });
  const symbols = () => connection.sendRequest("workspace/symbol", { query: "retry" });
  for (const ask of [search, symbols]) await assert.rejects(ask(), { code: -32002, message: /send that first/ });
  await connection.sendRequest("initialize", { processId: null, rootUri: null, capabilities: {} });
  await connection.sendNotification("initialized", {});
  for (const ask of [search, symbols]) assert.deepEqual(await ask(), []);
  await connection.sendRequest("shutdown");
  for (const ask of [search, symbols]) await assert.rejects(ask(), { code: -32600, message: /only `exit` may follow/ });
  const exit = once(child, "exit");
  await connection.sendNotification("exit");
  assert.deepEqual(await exit, [0, null]);
  connection.dispose();
});

test("a client that refuses what it promised is served all the same", async (test) => {
  const { client } = await openProject(test, {
    capabilities: {
      window: { workDoneProgress: true },
      workspace: { configuration: true, didChangeWatchedFiles: { dynamicRegistration: true } },
    },
    initializationOptions: {},
    refuses: ["workspace/configuration", "client/registerCapability", "window/workDoneProgress/create"],
  });
  assert.equal((await client.hits("retryWithBackoff"))[0].path, "src/retry.ts");
});

test("a defect ends the server with a message, so that the client starts a new one", {
  skip: process.platform === "win32",
}, async (test) => {
  const defect = "data:text/javascript,process.once('SIGUSR2', () => { throw new Error('a defect') })";
  const { client } = await openProject(test, { nodeOptions: ["--import", defect] });
  await client.ready();
  client.kill("SIGUSR2");
  assert.equal(await client.exitCode(), 70);
  assert.match(client.standardError, /Cairn's server crashed: Error: a defect\n/);
});

test("two servers share the index of one folder, and the second takes over when the first dies", async (test) => {
  const { client: first, root, cacheDirectory } = await openProject(test);
  await first.ready();
  const second = await LspClient.start(test, { folders: [root], cacheDirectory });
  await second.ready();
  const holders = [...(await first.statuses()), ...(await second.statuses())];
  assert.equal(new Set(holders.map(({ status }) => status.holderPid)).size, 1, "one process indexes the folder");
  const embedded = holders[0].status.embedded;

  const [kept, killed] = holders[0].status.holder ? [second, first] : [first, second];
  killed.kill();
  await killed.exitCode();
  await kept.until(async () => (await kept.statuses())[0].status.holder);
  await kept.ready();
  assert.equal((await kept.hits("retryWithBackoff"))[0].path, "src/retry.ts");
  assert.equal((await kept.statuses())[0].status.embedded, embedded, "nothing was embedded again");
});
