import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, it, type TestContext } from "node:test";
import { temporaryFolder, writeFiles } from "./open-core.ts";
import { KEY } from "./provider-key.ts";
import { startRedis } from "./redis-server.ts";
import { PROJECT } from "./sample-project.ts";
import {
  type ChatServer,
  piece,
  refuses,
  says,
  saysLikeCerebras,
  sends,
  startChatServer,
} from "./servers/chat-server.ts";

const PROGRAM = join(dirname(import.meta.dirname), "bin", "cairn.mjs");
class Terminal {
  readonly cache: string;
  readonly #root: string;
  readonly #env: Record<string, string>;

  constructor(test: TestContext, env: Record<string, string> = {}) {
    const folder = temporaryFolder(test);
    this.#root = join(folder, "project");
    this.cache = join(folder, "cache");
    this.#env = env;
    writeFiles(this.#root, PROJECT);
  }

  start(args: readonly string[]): ChildProcess {
    const inherited = Object.fromEntries(
      Object.entries(process.env).filter(
        ([name]) => !/^(?:INFERENCE|CEREBRAS|OPENAI|AZURE|CAIRN|NO_COLOR|FORCE_COLOR)/.test(name),
      ),
    );
    return spawn(process.execPath, [PROGRAM, "ask", ...args], {
      cwd: this.#root,
      env: { ...inherited, CAIRN_CACHE_DIR: this.cache, ...this.#env },
      stdio: "pipe",
    });
  }

  async ask(args: readonly string[], input = ""): Promise<{ code: number; stdout: string; stderr: string }> {
    const child = this.start(args);
    child.stdin?.end(input);
    const exit = once(child, "exit");
    const [stdout, stderr] = await Promise.all([child.stdout, child.stderr].map((out) => (out ? text(out) : "")));
    const [code] = await exit;
    return { code, stdout, stderr };
  }
}

/** A terminal whose environment chooses the stand-in, as Cerebras. */
async function withCerebras(test: TestContext, env: Record<string, string> = {}): Promise<[Terminal, ChatServer]> {
  const server = await startChatServer(test);
  const chosen = { INFERENCE_PROVIDER: "cerebras", CEREBRAS_BASE_URL: server.url, CEREBRAS_API_KEY: KEY };
  return [new Terminal(test, { ...chosen, ...env }), server];
}

describe("cairn ask, without a provider", () => {
  it("quotes passages with their places, and says that no model was asked", async (test) => {
    const { code, stdout, stderr } = await new Terminal(test).ask(["how is a request sent again?"]);
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /^Quoted from the code, without a language model:\n\nsrc\/retry\.ts:1 {2}retryRequest {2}1-8\n {5}1 {2}\/\*\* Sends/,
    );
    assert.match(stderr, /^\nno model · [\d,]+ ms in all · \d passages?\n$/);
  });

  it("answers with one JSON object", async (test) => {
    const { code, stdout } = await new Terminal(test).ask(["blend two colours", "--json", "--lang", "py"]);
    const { question, answer, passages, record } = JSON.parse(stdout);
    assert.deepEqual({ code, question, answer }, { code: 0, question: "blend two colours", answer: "" });
    assert.deepEqual(passages, [
      {
        path: "src/colours.py",
        startLine: 1,
        endLine: 3,
        name: "mix_colours",
        lines: PROJECT["src/colours.py"]
          .trimEnd()
          .split("\n")
          .map((text, i) => ({ line: i + 1, text })),
      },
    ]);
    assert.equal(record.provider, "extractive");
  });

  it("explains mistakes with exit code 2, and finds nothing with 1", async (test) => {
    const terminal = new Terminal(test);
    for (const [args, code, message] of [
      [[], 2, /There is no question/],
      [["how", "does", "it"], 2, /Put a question of several words in quotes/],
      [["x", "--provider", "skynet"], 2, /no provider "skynet"\.\nThe providers: none, cerebras/],
      [["x", "--limit", "3"], 2, /no option --limit/],
      [["x", "--provider", "azure"], 2, /no address yet\.\nSet cairn\.answer\.openai\.baseUrl/],
      [["retry", "--lang", "rust"], 1, /Nothing found/],
    ] as const) {
      const outcome = await terminal.ask(args);
      assert.deepEqual([outcome.code, outcome.stdout], [code, ""], args.join(" "));
      assert.match(outcome.stderr, message);
    }
    assert.match((await terminal.ask(["--help"])).stdout, /Usage: cairn ask/);
  });
});

describe("cairn ask, with a provider", () => {
  it("prints the answer with citations as path:line, and how it came about", async (test) => {
    const [terminal, server] = await withCerebras(test, { CAIRN_PRICES: "llama-3.3-70b=1/2" });
    server.behave(
      saysLikeCerebras(["`retryRequest` tries ", "again [1]. \u001b[31m\n\nIt was written", " on a Monday [1]."]),
    );
    const { code, stdout, stderr } = await terminal.ask(["how is a request sent again?"]);
    assert.equal(code, 0, stderr);
    assert.equal(
      stdout,
      "`retryRequest` tries again [src/retry.ts:2]. \u241b[31m\n\nIt was written on a Monday. (no source)\n",
    );
    assert.match(
      stderr,
      /^\ncerebras llama-3\.3-70b · first word [\d,]+ ms · [\d,]+ ms in all · [\d,]+ ms of them ours · 20 ms by its own clock · 700 \+ 50 tokens · \$0\.0008 · \d sources? · 1 citation removed · 1 paragraph without a source\n$/,
    );
    assert.ok(!`${stdout}${stderr}`.includes(KEY));
  });

  it("takes provider and model from the command line before the environment", async (test) => {
    const server = await startChatServer(test);
    const other = {
      INFERENCE_PROVIDER: "cerebras",
      OPENAI_BASE_URL: `${server.url}/v1`,
      OPENAI_MODEL: "from-environment",
    };
    const terminal = new Terminal(test, other);
    server.behave(says("Yes."));
    assert.equal((await terminal.ask(["retry?", "--provider", "ollama"])).stdout, "Yes.\n");
    assert.equal((await terminal.ask(["retry?", "--provider", "ollama", "--model", "named"])).stdout, "Yes.\n");
    assert.deepEqual(
      server.calls.map(({ body }) => body.model),
      ["from-environment", "named"],
    );
    assert.match((await terminal.ask(["retry?", "--no-llm"])).stdout, /^Quoted from the code/);
    assert.equal(server.calls.length, 2);
  });

  it("honours CEREBRAS_MODEL, and lists no models then", async (test) => {
    const [terminal, server] = await withCerebras(test, { CEREBRAS_MODEL: "gpt-oss-120b" });
    server.behave(saysLikeCerebras(["Yes."]));
    await terminal.ask(["retry?"]);
    assert.equal(server.calls[0].body.model, "gpt-oss-120b");
    assert.deepEqual(server.paths, ["POST /v1/chat/completions"]);
  });

  it("answers with one JSON object, in which only citations that hold are left", async (test) => {
    const [terminal, server] = await withCerebras(test);
    server.behave(saysLikeCerebras(["`retryRequest` tries again [1][9].\n\nNobody knows more than that."]));
    const { code, stdout } = await terminal.ask(["how is a request sent again?", "--json"]);
    const { answer, citations, unsupported, sources, record } = JSON.parse(stdout);
    assert.equal(code, 0);
    assert.equal(answer, "`retryRequest` tries again [1].\n\nNobody knows more than that.");
    assert.deepEqual(citations, [{ number: 1, path: "src/retry.ts", line: 2 }]);
    assert.deepEqual(unsupported, ["Nobody knows more than that."]);
    assert.deepEqual(sources[0], { number: 1, path: "src/retry.ts", startLine: 1, endLine: 8, name: "retryRequest" });
    assert.deepEqual([record.provider, record.removed, record.usage.inputTokens], ["cerebras", 1, 700]);
  });

  it("takes what is piped in as part of the question", async (test) => {
    const [terminal, server] = await withCerebras(test);
    server.behave(saysLikeCerebras(["The log has `ECONNRESET` [1]."]));
    const { stdout } = await terminal.ask(["why does this fail?"], "12:00 ECONNRESET\n");
    assert.equal(stdout, "The log has `ECONNRESET` [(standard input):1].\n");
    assert.match(server.calls[0].body.messages.at(-1)?.content ?? "", /12:00 ECONNRESET/);
  });

  it("quotes passages when the provider fails, unless that is forbidden", async (test) => {
    const refusal = refuses(401, { error: { message: `Wrong key ${KEY}` } });
    const [lenient, server] = await withCerebras(test);
    server.behave(refusal);
    const quoted = await lenient.ask(["how is a request sent again?"]);
    assert.equal(quoted.code, 0);
    assert.match(quoted.stdout, /^Quoted from the code/);
    assert.match(quoted.stderr, /^cairn: cerebras: the key was not accepted \(401\)\. It says: Wrong key <key>/);

    const [strict, other] = await withCerebras(test, { INFERENCE_FALLBACK_ENABLED: "false" });
    other.behave(refusal);
    const failed = await strict.ask(["how is a request sent again?"]);
    assert.deepEqual([failed.code, failed.stdout], [3, ""]);
    assert.match(failed.stderr, /the key was not accepted/);
    assert.ok(!`${quoted.stderr}${failed.stderr}`.includes(KEY));
  });

  it("says that a key is missing, and asks for no agreement to what cannot be sent", async (test) => {
    const { code, stdout, stderr } = await new Terminal(test).ask(["retry?", "--provider", "cerebras"]);
    assert.equal(code, 0);
    assert.match(stdout, /^Quoted from the code/);
    assert.match(stderr, /^cairn: cerebras: there is no key\. Put it into the environment as CEREBRAS_API_KEY\.\n/);
    const strict = new Terminal(test, { INFERENCE_FALLBACK_ENABLED: "no" });
    assert.equal((await strict.ask(["retry?", "--provider", "openai"])).code, 2);
  });

  it("says so when an answer breaks off", async (test) => {
    const [terminal, server] = await withCerebras(test);
    server.behave(sends([piece("It tries ")], "reset"));
    const { code, stdout, stderr } = await terminal.ask(["how is a request sent again?"]);
    assert.deepEqual([code, stdout], [3, "It tries \n"]);
    assert.match(stderr, /\n\ncairn: [^\n]*the connection broke[\s\S]*The answer breaks off here/);
  });

  it("stops at Ctrl-C with 130, closes the request and leaves the index to others", async (test) => {
    const [terminal, server] = await withCerebras(test);
    server.behave(sends([piece("It tries ")], "hang"));
    const child = terminal.start(["how is a request sent again?"]);
    child.stdin?.end();
    child.stdout?.once("data", () => child.kill("SIGINT"));
    const stderr = child.stderr ? text(child.stderr) : "";
    const [code] = await once(child, "exit");
    await server.abandoned;
    assert.deepEqual({ code, stderr: await stderr }, { code: 130, stderr: "" });
    assert.ok(!readdirSync(terminal.cache).some((name) => name.includes("agreed")), "nothing left the machine");
    assert.equal((await terminal.ask(["retry", "--no-llm"])).code, 0);
  });
});

describe("cairn ask, in a team with a cache", () => {
  it("has the answer that a colleague got, without the model, and goes on when the cache is gone", async (test) => {
    const redis = await startRedis(test);
    const [mine, server] = await withCerebras(test, { CAIRN_REDIS_URL: redis.url });
    server.behave(says("It is `retryRequest` [1]."));
    const question = "how is a request sent again?";
    assert.equal((await mine.ask([question, "--yes"])).code, 0);
    const provider = { INFERENCE_PROVIDER: "cerebras", CEREBRAS_BASE_URL: server.url, CEREBRAS_API_KEY: KEY };
    const colleague = () => new Terminal(test, { ...provider, CAIRN_REDIS_URL: redis.url });
    const theirs = await colleague().ask([question, "--yes"]);
    assert.equal(theirs.stdout, "It is `retryRequest` [src/retry.ts:2].\n");
    assert.match(theirs.stderr, /kept answer of/);
    assert.equal(server.calls.length, 1);
    await colleague().ask(["why does this fail?", "--yes"], "Error: the secret is hunter2");
    await redis.kill();
    const alone = await colleague().ask([question, "--yes"]);
    assert.deepEqual([alone.code, alone.stdout], [0, theirs.stdout]);
    assert.match(alone.stderr, /^The shared cache at 127\.0\.0\.1:\d+ cannot be used \(ECONNREFUSED\); all goes on/m);
    assert.equal(server.calls.length, 3);
  });
});
