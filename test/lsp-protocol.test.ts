import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { StreamMessageWriter } from "vscode-jsonrpc/node";
import { StandardInput } from "../server/lsp/standard-input.ts";
import { temporaryFolder } from "./open-core.ts";

interface Message {
  id?: number | null;
  method?: string;
  result?: unknown;
  error?: { code: number; message: string };
}

function framed(body: string): string {
  return `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function request(id: number, method: string, params?: unknown): string {
  return framed(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
}

const INITIALIZE = request(1, "initialize", { processId: null, rootUri: null, capabilities: {} });
const SHUTDOWN = request(2, "shutdown");
const EXIT = framed('{"jsonrpc":"2.0","method":"exit"}');

interface Manners {
  /** The client ends its side of the stream when it has sent everything. */
  hangsUp?: boolean;
  /** The client says `shutdown` and `exit`, each when what it asked before is answered. */
  leaves?: boolean;
  nodeOptions?: readonly string[];
}

/** What a server says that is sent exactly this, until it ends. */
async function serverTold(test: TestContext, sent: string, { hangsUp, leaves, nodeOptions = [] }: Manners = {}) {
  const entry = join(import.meta.dirname, "../server/lsp/lsp-server.ts");
  const env = { ...process.env, CAIRN_CACHE_DIR: temporaryFolder(test) };
  const child = spawn(process.execPath, [...nodeOptions, entry, "--stdio"], { env });
  test.after(() => child.kill("SIGKILL"));
  // Who is refused at the first line may be gone before the last is written.
  child.stdin.on("error", () => {});
  const [stderr, end] = [text(child.stderr), once(child, "close")];
  const goodbyes = leaves
    ? new Map([
        [1, SHUTDOWN],
        [2, EXIT],
      ])
    : new Map<number, string>();
  let stdout = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
    for (const [id, goodbye] of goodbyes) {
      if (stdout.includes(`"id":${id},`) && goodbyes.delete(id)) child.stdin.write(goodbye);
    }
  });
  if (hangsUp) child.stdin.end(sent);
  else child.stdin.write(sent);
  const [code] = await end;
  const messages = stdout.split(/Content-Length: \d+\r\n\r\n/).slice(1);
  return { code, stderr: await stderr, messages: messages.map((message): Message => JSON.parse(message)) };
}

test("what is not the protocol is said to be so, in one sentence", async (test) => {
  const cases: readonly [sent: string, why: string][] = [
    ["hello\n", "a line that is no header"],
    ['{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}\n', "a line that is no header"],
    ["GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "a line that is no header"],
    ["\0".repeat(100_000), "a line that is no header"],
    [`Content-Type: ${"x".repeat(2_000)}\r\n`, "a line that is no header"],
    ["Content-Type: application/json\r\n\r\n{}", "a message without a Content-Length"],
    ["Content-Length: -2\r\n\r\n{}", "a Content-Length that no message can have"],
    ["Content-Length: NaN\r\n\r\n{}", "a Content-Length that no message can have"],
    ["Content-Length: 99999999999\r\n\r\n{}", "a Content-Length that no message can have"],
    [`${INITIALIZE}hello\n`, "a line that is no header"],
  ];
  for (const [sent, why] of cases) {
    const { code, stderr } = await serverTold(test, sent, { hangsUp: true });
    assert.deepEqual(
      { code, stderr },
      {
        code: 1,
        stderr:
          `cairn: What comes in is not the language server protocol (${why}): \`cairn lsp --stdio\` is to be started ` +
          'by an editor; to search in a terminal, run `cairn search "question"`.\n',
      },
      JSON.stringify(sent.slice(0, 40)),
    );
  }
});

test("an input that ends before or within a message is said to", async (test) => {
  for (const [sent, why] of [
    ["", "it ended before the first message"],
    ["hello", "it ended within a message"],
    ["Content-Length: 5\r\n", "it ended within a message"],
    ["Content-Length: 5\r\n\r\n{}", "it ended within a message"],
  ]) {
    const { code, stderr, messages } = await serverTold(test, sent, { hangsUp: true });
    assert.deepEqual({ code, messages }, { code: 1, messages: [] });
    assert.match(stderr, new RegExp(`^cairn: What comes in is not the language server protocol \\(${why}\\): .*\\n$`));
  }
});

test("a client that hangs up between two messages ends the server without a word", async (test) => {
  const rude = await serverTold(test, INITIALIZE, { hangsUp: true });
  assert.deepEqual({ code: rude.code, stderr: rude.stderr }, { code: 1, stderr: "" });
  const polite = await serverTold(test, INITIALIZE + SHUTDOWN, { hangsUp: true });
  assert.deepEqual({ code: polite.code, stderr: polite.stderr }, { code: 0, stderr: "" });
});

test("a body that is not JSON is answered so, and the messages after it are served", async (test) => {
  const { code, stderr, messages } = await serverTold(test, framed("{ not JSON") + framed("") + INITIALIZE, {
    leaves: true,
  });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  const answers = messages.filter(({ id }) => id !== undefined);
  assert.deepEqual(
    answers.map(({ id, error }) => error?.code ?? id),
    [-32_700, -32_700, 1, 2],
  );
});

test("JSON that is no message does not end the server", async (test) => {
  const bodies = ["null", "7", "[]", "{}", '{"id":null,"method":"x"}', '{"method":"$/cancelRequest"}'];
  const { code, stderr, messages } = await serverTold(test, bodies.map(framed).join("") + INITIALIZE, { leaves: true });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  assert.ok(messages.some(({ id, result }) => id === 1 && result));
});

test("a client that does not say what it can do is served as one that can do nothing special", async (test) => {
  for (const params of [{}, { processId: null, rootUri: null }, { capabilities: null }, { capabilities: "none" }]) {
    const { code, stderr, messages } = await serverTold(test, request(1, "initialize", params), { leaves: true });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    const answer = messages.find(({ id }) => id === 1);
    assert.ok(answer?.result, `${JSON.stringify(params)}: ${JSON.stringify(answer?.error)}`);
  }
});

test("initialize without params is refused, and the next one is served", async (test) => {
  const wrong = [undefined, null, 7, [], [null]].map((params, i) => request(10 + i, "initialize", params));
  const early = request(20, "workspace/symbol", { query: "x" });
  const { code, stderr, messages } = await serverTold(test, wrong.join("") + early + INITIALIZE, { leaves: true });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  const errors = messages.flatMap(({ error }) => error ?? []);
  assert.deepEqual(
    errors.map((error) => error.code),
    [-32_602, -32_602, -32_602, -32_602, -32_602, -32_002],
  );
  assert.match(errors[0].message, /initialize .* params .* none/);
  assert.ok(messages.some(({ id, result }) => id === 1 && result));
});

test("what a library prints is kept out of the protocol", async (test) => {
  const nodeOptions = ["--import", "data:text/javascript,process.once('exit', () => console.log('printed'))"];
  const { code, stderr } = await serverTold(test, INITIALIZE, { leaves: true, nodeOptions });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "printed\n" });
});

test("messages are the same however they arrive in pieces", () => {
  const bodies = ['{"text":"déjà vu 🎉"}', '{"text":"two"}'];
  const sent = Buffer.from(framed(bodies[0]) + framed(bodies[1]).replace("Length", "length"));
  for (const size of [1, 2, 3, 7, sent.length]) {
    const input = new PassThrough();
    const read: unknown[] = [];
    const reader = new StandardInput(input, new StreamMessageWriter(new PassThrough()), assert.fail);
    reader.listen((message) => read.push(message));
    for (let at = 0; at < sent.length; at += size) input.emit("data", sent.subarray(at, at + size));
    assert.deepEqual(
      read,
      bodies.map((body) => JSON.parse(body)),
      `pieces of ${size} bytes`,
    );
  }
});
