import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { before, describe, it, type TestContext } from "node:test";
import { temporaryFolder, writeFiles } from "./open-core.ts";
import { PROJECT } from "./sample-project.ts";
import { refuses, startChatServer } from "./servers/chat-server.ts";
import { writeTinyLlama } from "./tiny-llama.ts";

const PROGRAM = join(dirname(import.meta.dirname), "bin", "cairn.mjs");
const QUESTION = "how is a request sent again?";

let folder = "";
let model = "";

before((test) => {
  folder = temporaryFolder(test as TestContext);
  model = join(folder, "tiny.gguf");
  writeTinyLlama(model);
  // What matches cairn.neverSend is for a model on this machine to read.
  writeFiles(join(folder, "project"), { ...PROJECT, "secrets.md": "# Retry\n\nRetry requests with the password.\n" });
});

async function ask(args: readonly string[], env: Record<string, string> = {}) {
  const chosen = /^(?:INFERENCE|CEREBRAS|OPENAI|AZURE|CAIRN|NO_COLOR|FORCE_COLOR)/;
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !chosen.test(name)));
  const child = spawn(process.execPath, [PROGRAM, "ask", QUESTION, ...args], {
    cwd: join(folder, "project"),
    env: { ...inherited, CAIRN_CACHE_DIR: join(folder, "cache"), CAIRN_LOCAL_THREADS: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exit = once(child, "exit");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await exit;
  return { code, stdout, stderr };
}

describe("cairn ask, with a model file", () => {
  it("prints what it writes, asks nobody for leave, and says what it ran on", async () => {
    const { code, stdout, stderr } = await ask(["--provider", "llama", "--model", model]);
    assert.equal(code, 0, stderr);
    assert.ok(stdout.length > 100, stdout);
    assert.doesNotMatch(stderr, /leaves your machine/);
    assert.match(
      stderr,
      /llama tiny\.gguf · first word [\d,]+ ms · .* · [\d,]+ \+ 1,024 tokens · [\d.]+ tokens\/s on CPU, 1 thread · \d sources?/,
    );
  });

  it("gives the model everything that was found, and records its tokens and times", async () => {
    const { stdout, stderr } = await ask(["--provider", "local", "--json"], { CAIRN_LOCAL_MODEL: model });
    const { answer, sources, record } = JSON.parse(stdout || "{}");
    assert.ok(answer.length > 100, stderr);
    assert.ok(sources.some(({ path }: { path: string }) => path === "secrets.md"));
    const { provider, device, finish, usage, timing, attempts } = record;
    assert.deepEqual(
      { provider, model: record.model, device, finish, outputTokens: usage.outputTokens, attempts },
      {
        provider: "local",
        model: "tiny.gguf",
        device: "CPU, 1 thread",
        finish: "length",
        outputTokens: 1024,
        attempts: [],
      },
    );
    assert.ok(usage.inputTokens > 300 && timing.promptMs > 0 && timing.completionMs > 0);
  });

  it("is asked when the provider before it cannot answer", async (test) => {
    const server = await startChatServer(test);
    server.behave(refuses(401, { error: { message: "No." } }));
    const env = {
      INFERENCE_PROVIDER: "cerebras",
      CEREBRAS_BASE_URL: server.url,
      CEREBRAS_API_KEY: "csk-0",
      INFERENCE_FALLBACK_PROVIDERS: "llama",
      CAIRN_LOCAL_MODEL: model,
    };
    const { stdout, stderr } = await ask(["--json"], env);
    const { record } = JSON.parse(stdout || "{}");
    assert.equal(record?.provider, "llama", stderr);
    assert.deepEqual(
      record.attempts.map(({ provider, failure }: { provider: string; failure: string }) => [provider, failure]),
      [["cerebras", "bad-key"]],
    );
  });

  it("quotes passages when the file cannot be used, unless that is forbidden", async () => {
    const quoted = await ask(["--provider", "llama", "--model", "none.gguf"]);
    assert.equal(quoted.code, 0);
    assert.match(
      quoted.stderr,
      /^cairn: llama: \S*none\.gguf cannot be read \(ENOENT\)\. Name a chat model in GGUF format/,
    );
    assert.match(quoted.stdout, /^Quoted from the code/);
    const unnamed = await ask(["--provider", "llama"], { INFERENCE_FALLBACK_ENABLED: "false" });
    assert.equal(unnamed.code, 3);
    assert.match(
      unnamed.stderr,
      /^cairn: llama: no model file was chosen\.\nCairn: Choose Local LLM or `cairn models` finds one/,
    );
  });
});
