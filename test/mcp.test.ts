import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { on, once } from "node:events";
import { mkdirSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { type CallToolResult, ListRootsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { uriOf } from "./lsp-client.ts";
import { openCore, temporaryFolder, writeFiles } from "./open-core.ts";
import { says, startChatServer } from "./servers/chat-server.ts";

const RETRY = `/** Sends a request again after a failure, waiting longer each time. */
export async function retryRequest(send: () => Promise<Response>, attempts: number): Promise<Response> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const response = await send();
    if (response.ok) return response;
  }
  throw new Error("no attempt succeeded");
}
`;

const PROJECT = {
  "src/retry.ts": RETRY,
  "src/upload.ts": RETRY.replaceAll("retryRequest", "uploadAgain").replaceAll("request", "upload"),
  "src/colours.ts": `export class Palette {
  /** Blends two colours in equal parts. */
  mix(first: number[], second: number[]): number[] {
    return first.map((channel, i) => (channel + second[i]) / 2);
  }
}
`,
  ".env": "TOKEN=hidden-token\n",
  ".gitignore": "private/\n",
  "private/keys.ts": "export const hiddenKey = 1;\n",
};

const PROGRAM = join(import.meta.dirname, "../server/cli/cli.ts");

interface Started {
  client: Client;
  /** The text that a tool answers with. */
  ask(tool: string, args?: object): Promise<string>;
  /** The text of an answer that says that something is wrong. */
  complaint(tool: string, args?: object): Promise<string>;
}

/** The library's client, talking to the real program. */
async function start(
  test: TestContext,
  folders: readonly string[],
  options: { cache: string; cwd?: string; roots?: string[]; env?: Record<string, string> },
): Promise<Started> {
  const { cache, cwd, roots } = options;
  const client = new Client(
    { name: "test", version: "1" },
    { capabilities: roots ? { roots: { listChanged: true } } : {} },
  );
  if (roots) {
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: roots.map((path) => ({ uri: uriOf(path) })) }));
  }
  const env = { ...(process.env as Record<string, string>), CAIRN_CACHE_DIR: cache, ...options.env };
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [PROGRAM, "mcp", ...folders],
      env,
      cwd,
      stderr: "pipe",
    }),
  );
  test.after(() => client.close());
  const call = async (name: string, args: object = {}): Promise<[string, boolean]> => {
    const { content, isError } = (await client.callTool({ name, arguments: { ...args } })) as CallToolResult;
    assert.equal(content.length, 1);
    assert.equal(content[0].type, "text");
    return [(content[0] as { text: string }).text, isError === true];
  };
  return {
    client,
    async ask(tool, args) {
      const [text, isError] = await call(tool, args);
      assert.equal(isError, false, text);
      return text;
    },
    async complaint(tool, args) {
      const [text, isError] = await call(tool, args);
      assert.equal(isError, true, text);
      return text;
    },
  };
}

/** Indexes folders and lets go of them again. */
async function index(test: TestContext, cache: string, ...roots: readonly string[]): Promise<void> {
  for (const root of roots) {
    const { core, workspace } = await openCore(test, root, cache);
    await workspace.idle();
    await core.close();
  }
}

async function openProject(
  test: TestContext,
  files: Readonly<Record<string, string>> = PROJECT,
  env: Record<string, string> = {},
) {
  const [root, cache] = [temporaryFolder(test), temporaryFolder(test)];
  writeFiles(root, files);
  await index(test, cache, root);
  return { root, cache, ...(await start(test, [root], { cache, env })) };
}

test("an assistant sees five tools that change nothing, and how to use them", async (test) => {
  const { client } = await openProject(test);
  const { tools } = await client.listTools();
  assert.deepEqual(
    tools.map(({ name, annotations }) => [name, annotations?.readOnlyHint]),
    [
      ["search", true],
      ["find_similar", true],
      ["read_context", true],
      ["ask", true],
      ["index_status", true],
    ],
  );
  assert.match(client.getInstructions() ?? "", /read_context/);
});

test("a search answers with places, reasons and code, best first", async (test) => {
  const { ask } = await openProject(test);
  const text = await ask("search", { query: "blend two colours", paths: ["src"] });
  const [head, ...code] = text.split("\n");
  assert.match(head, /^src\/colours\.ts:1-6 {2}Palette/);
  assert.match(code.join("\n"), /^export class Palette \{\n {2}\/\*\* Blends/);
  assert.match(await ask("search", { query: "zzyzx qwertz" }), /^Nothing found\./);
});

test("similar code is found by place and by text, without the place itself", async (test) => {
  const { ask, complaint } = await openProject(test);
  const byPlace = await ask("find_similar", { path: "src/retry.ts", line: 4 });
  assert.match(byPlace, /^src\/upload\.ts:1-8 {2}uploadAgain {2}/);
  assert.doesNotMatch(byPlace, /^src\/retry\.ts/m);
  assert.match(await ask("find_similar", { code: RETRY }), /^src\/retry\.ts:1-8 {2}retryRequest/);
  assert.match(await complaint("find_similar", { path: "src/retry.ts" }), /Give code, or path and line/);
});

test("a question is answered with quoted passages where no provider is set, within the budget", async (test) => {
  const { ask } = await openProject(test);
  const text = await ask("ask", { question: "how are two colours blended?", paths: ["src"] });
  assert.match(text, /^src\/colours\.ts:1-6 {2}Palette\n1 {2}export class Palette/);
  assert.match(text, /\n\nQuoted from the code, without a language model\.$/);
  assert.match(await ask("ask", { question: "how are two colours blended?", max_tokens: 100 }), /raise max_tokens$/);
  assert.match(await ask("ask", { question: "zzyzx qwertz" }), /^Nothing found\./);
});

test("a question is answered by the provider that the environment names, with citations", async (test) => {
  const provider = await startChatServer(test);
  provider.behave(says("Colours are blended by `mix` [1]."));
  const env = { INFERENCE_PROVIDER: "cerebras", CEREBRAS_BASE_URL: provider.url, CEREBRAS_API_KEY: "csk-0000" };
  const { ask } = await openProject(test, PROJECT, env);
  assert.equal(
    await ask("ask", { question: "how are two colours blended?" }),
    "Colours are blended by `mix` [src/colours.ts:3].\n\nWritten by cerebras llama-3.3-70b from the code it cites.",
  );
});

test("a question goes to no machine that the user has not agreed to", async (test) => {
  const provider = await startChatServer(test);
  // This machine as well, but not by one of the names that say so.
  const elsewhere = provider.url.replace("127.0.0.1", "0.0.0.0");
  const env = { INFERENCE_PROVIDER: "cerebras", CEREBRAS_BASE_URL: elsewhere, CEREBRAS_API_KEY: "csk-0000" };
  const { ask } = await openProject(test, PROJECT, env);
  const text = await ask("ask", { question: "how are two colours blended?" });
  assert.match(text, /cerebras was not asked: the user has to agree first[\s\S]*Quoted from the code/);
  assert.deepEqual(provider.paths, []);
});

test("the whole symbol around a line is read with line numbers, or so many lines", async (test) => {
  const { ask } = await openProject(test);
  const symbol = await ask("read_context", { path: "src/colours.ts", line: 4 });
  assert.match(symbol, /^src\/colours\.ts:2-5 of 6 {2}Palette › mix\n2 {4}\/\*\* Blends/);
  assert.equal(symbol.split("\n").length, 5);
  const lines = await ask("read_context", { path: "src/retry.ts", line: 3, lines: 3 });
  assert.match(lines, /^src\/retry\.ts:2-4 of 8\n2 {2}export async function/);
  assert.equal(lines.split("\n").length, 4);
});

test("an answer keeps to its budget, and says what it leaves out", async (test) => {
  const files = Object.fromEntries(
    Array.from({ length: 12 }, (_, i) => [`src/retry${i}.ts`, RETRY.replaceAll("retryRequest", `retryRequest${i}`)]),
  );
  const long = `export function listEverything() {\n${'  console.log("everything");\n'.repeat(40)}}\n`;
  const { ask } = await openProject(test, { ...files, "src/long.ts": long });
  const small = await ask("search", { query: "send the request again after a failure", max_tokens: 300 });
  assert.ok(small.length <= 1_200, `${small.length} characters`);
  assert.match(small, /\n\n8 more hits left out; raise max_tokens\./);
  const whole = await ask("search", { query: "send the request again after a failure" });
  assert.equal(whole.match(/^src\/retry/gm)?.length, 10);
  const cut = await ask("read_context", { path: "src/long.ts", line: 20, max_tokens: 100 });
  assert.ok(cut.length <= 400);
  assert.match(cut, /… \d+ more lines; raise max_tokens$/);
});

test("nothing outside the folder is read, and nothing that is left out of the index", async (test) => {
  const { root, cache, ask, complaint } = await openProject(test);
  writeFiles(cache, { "outside.ts": "export const outside = 1;\n" });
  symlinkSync(join(cache, "outside.ts"), join(root, "src/link.ts"));
  symlinkSync(cache, join(root, "linked"));
  const refusal = (path: string) => complaint("read_context", { path, line: 1 });
  assert.match(await refusal("../outside.ts"), /is not a path inside/);
  assert.match(await refusal("src/../../outside.ts"), /is not a path inside/);
  assert.match(await refusal(join(root, "src/retry.ts")), /is not a path inside/);
  assert.match(await refusal("src/link.ts"), /a symbolic link to something outside this folder/);
  assert.match(await refusal("linked/outside.ts"), /a symbolic link to something outside this folder/);
  assert.match(
    await refusal("private/keys.ts"),
    /left out of the index and is not read: matched by \.gitignore line 1/,
  );
  assert.match(await refusal(".env"), /it usually holds keys or passwords/);
  assert.match(await refusal("src"), /src is a folder/);
  assert.match(await refusal("src/none.ts"), /There is no file src\/none\.ts/);
  assert.doesNotMatch(await ask("search", { query: "hidden token key outside", limit: 100 }), /hidden|outside/);
});

test("wrong arguments are answered with what is right", async (test) => {
  const { complaint } = await openProject(test);
  assert.match(await complaint("search"), /The argument query is missing\. search takes: query, paths,/);
  assert.match(await complaint("search", { query: "x", limit: 1000 }), /limit must be a whole number from 1 to 100/);
  assert.match(await complaint("search", { query: "x", kinds: ["verb"] }), /kinds must be of these: function,/);
  assert.match(await complaint("search", { query: "x", maxTokens: 5 }), /There is no argument "maxTokens"/);
  assert.match(await complaint("search", { query: "x", folder: "nowhere" }), /There is no folder "nowhere"/);
  assert.match(
    await complaint("read_context", { path: "src/retry.ts", line: 99 }),
    /has no line 99\. Its lines are 1 to 8/,
  );
  assert.match(await complaint("delete_everything"), /There is no tool "delete_everything"/);
});

test("what was just written is found by the next question", async (test) => {
  const { root, ask } = await openProject(test);
  assert.match(await ask("index_status"), /\nComplete\n4 files/);
  writeFiles(root, { "src/kettle.ts": "export function boilKettle() {}\n" });
  assert.match(await ask("search", { query: "boilKettle" }), /^src\/kettle\.ts:1-1 {2}boilKettle/);
});

test("without a folder the client's roots are served, several by name", async (test) => {
  const [one, two, cache] = [temporaryFolder(test), temporaryFolder(test), temporaryFolder(test)];
  writeFiles(one, PROJECT);
  writeFiles(two, { "tea.ts": "export function steepTea() {}\n" });
  await index(test, cache, one, two);
  const { ask } = await start(test, [], { cache, cwd: cache, roots: [one, two] });
  const name = basename(two);
  assert.match(await ask("search", { query: "steepTea" }), new RegExp(`^\\[${name}\\] tea\\.ts:1-1 {2}steepTea`));
  assert.match(await ask("read_context", { path: "tea.ts", line: 1 }), new RegExp(`^\\[${name}\\] tea\\.ts:1-1 of 1`));
  assert.match(await ask("search", { query: "steepTea", folder: basename(one) }), /^(?!\[)/);
});

test("a root that the client adds is served, one that it takes away is not", async (test) => {
  const [one, two, cache] = [temporaryFolder(test), temporaryFolder(test), temporaryFolder(test)];
  writeFiles(one, PROJECT);
  writeFiles(two, { "tea.ts": "export function steepTea() {}\n" });
  await index(test, cache, one, two);
  const roots = [one];
  const { client, ask } = await start(test, [], { cache, cwd: cache, roots });
  assert.match(await ask("index_status"), new RegExp(`^${basename(one)}: ${one}\n`));
  roots.splice(0, 1, two);
  await client.sendRootsListChanged();
  assert.match(await ask("search", { query: "steepTea" }), /^tea\.ts:1-1 {2}steepTea/);
  assert.match(await ask("index_status"), new RegExp(`^${basename(two)}: ${two}\n`));
});

test("a client without roots gets the current folder", async (test) => {
  const [root, cache] = [temporaryFolder(test), temporaryFolder(test)];
  writeFiles(root, PROJECT);
  const { ask } = await start(test, [], { cache, cwd: root });
  assert.match(await ask("index_status"), new RegExp(`^${basename(root)}: ${root}\n`));
});

test("an index that another process holds is used as well", async (test) => {
  const { root, cache } = await openProject(test);
  const second = await start(test, [root], { cache });
  assert.match(await second.ask("search", { query: "retryRequest" }), /^src\/retry\.ts:1-8 {2}retryRequest/);
});

/** The program without a client: lines in, lines out. */
class RawServer {
  readonly child: ChildProcess;
  readonly #lines: AsyncIterator<[string]>;
  stderr = "";

  constructor(test: TestContext, root: string, cache: string) {
    this.child = spawn(process.execPath, [PROGRAM, "mcp", root], { env: { ...process.env, CAIRN_CACHE_DIR: cache } });
    test.after(() => this.child.kill("SIGKILL"));
    this.child.stderr?.on("data", (bytes) => {
      this.stderr += bytes;
    });
    this.child.stdin?.on("error", () => {});
    const lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream });
    this.#lines = on(lines, "line", { close: ["close"] }) as AsyncIterator<[string]>;
  }

  send(...messages: (object | string)[]): void {
    const lines = messages.map((message) => (typeof message === "string" ? message : JSON.stringify(message)));
    this.child.stdin?.write(`${lines.join("\n")}\n`);
  }

  /** The next messages, each of which must be one of the protocol. */
  async take(count: number): Promise<Message[]> {
    const messages: Message[] = [];
    while (messages.length < count) {
      const { value, done } = await this.#lines.next();
      assert.ok(!done, `the program ended after ${messages.length} of ${count} messages: ${this.stderr}`);
      const message = JSON.parse(value[0]) as Message;
      assert.equal(message.jsonrpc, "2.0");
      messages.push(message);
    }
    return messages;
  }

  async exitCode(): Promise<number | null> {
    if (this.child.exitCode === null) await once(this.child, "exit");
    return this.child.exitCode;
  }
}

interface Message {
  jsonrpc: string;
  id: number | null;
  error?: { code: number; message: string };
  result?: CallToolResult;
}

const INITIALIZE = {
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "raw", version: "1" } },
};

function searchRequest(id: number): object {
  const params = { name: "search", arguments: { query: "retryRequest", limit: 1 } };
  return { jsonrpc: "2.0", id, method: "tools/call", params };
}

function openRaw(test: TestContext): RawServer {
  const [root, cache] = [temporaryFolder(test), temporaryFolder(test)];
  writeFiles(root, PROJECT);
  return new RawServer(test, root, cache);
}

test("garbage is answered with the protocol's errors, and good messages after it are served", async (test) => {
  const server = openRaw(test);
  server.send("rm -rf /", "\u0000\u0001{", '{"jsonrpc":"1.0"}', INITIALIZE);
  const answers = await server.take(4);
  assert.deepEqual(answers.map(({ id, error }) => error?.code ?? id).sort(), [-32_600, -32_700, -32_700, 0]);
  server.send(searchRequest(1));
  const [answer] = await server.take(1);
  assert.match(answer.result?.content[0].type === "text" ? answer.result.content[0].text : "", /^src\/retry\.ts/);
});

test("who sends nothing but garbage is told so and left", async (test) => {
  const server = openRaw(test);
  server.send(...Array.from({ length: 1_000 }, (_, i) => `garbage ${i}`));
  assert.equal(await server.exitCode(), 1);
  assert.match(server.stderr, /100 lines were no messages of the protocol; ending/);
});

test("a message without an end is not collected for ever", async (test) => {
  const server = openRaw(test);
  server.child.stdin?.write("x".repeat(11 * 1024 * 1024));
  assert.equal(await server.exitCode(), 1);
  assert.match(server.stderr, /exceeded maximum size/);
});

test("a thousand requests at once are answered or refused, each of them, and the next is served", async (test) => {
  const server = openRaw(test);
  server.send(INITIALIZE);
  await server.take(1);
  server.send(...Array.from({ length: 1_000 }, (_, i) => searchRequest(i + 1)));
  const answers = await server.take(1_000);
  assert.equal(new Set(answers.map(({ id }) => id)).size, 1_000);
  const refused = answers.filter(({ result }) => result?.isError);
  assert.ok(refused.length > 0 && refused.length < 1_000, `${refused.length} refused`);
  assert.match(JSON.stringify(refused[0].result), /256 requests wait already\. Ask again/);
  server.send(searchRequest(1_001));
  const [next] = await server.take(1);
  assert.deepEqual([next.id, next.result?.isError], [1_001, undefined]);
});

test("a client that dies or hangs up ends the program", async (test) => {
  const asked = openRaw(test);
  asked.send(INITIALIZE, searchRequest(1));
  asked.child.stdin?.end();
  assert.deepEqual((await asked.take(2)).map(({ id }) => id).sort(), [0, 1], "what was asked is answered first");
  assert.equal(await asked.exitCode(), 0);

  const deaf = openRaw(test);
  deaf.child.stdout?.destroy();
  deaf.send(INITIALIZE, searchRequest(1));
  assert.equal(await deaf.exitCode(), 0);

  const told = openRaw(test);
  told.send(INITIALIZE);
  await told.take(1);
  told.child.kill("SIGTERM");
  assert.equal(await told.exitCode(), 0);
});

test("a folder that is not there is a mistake of who starts the program", async (test) => {
  const cache = temporaryFolder(test);
  const server = new RawServer(test, join(cache, "nowhere"), cache);
  assert.equal(await server.exitCode(), 2);
  assert.match(server.stderr, /There is no folder .*nowhere/);
});

test("a folder that vanishes is an answer, and so is its return", async (test) => {
  const cache = temporaryFolder(test);
  const gone = join(temporaryFolder(test), "gone");
  const { ask, complaint } = await start(test, [], { cache, cwd: cache, roots: [gone] });
  assert.match(await complaint("index_status"), /gone/);
  mkdirSync(gone);
  writeFiles(gone, PROJECT);
  assert.match(await ask("search", { query: "retryRequest" }), /retryRequest/);
});
