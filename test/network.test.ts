import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ToServer } from "../shared/protocol.ts";
import { LspClient, uriOf } from "./lsp-client.ts";
import { temporaryFolder, writeFiles } from "./open-core.ts";

const PROGRAM = fileURLToPath(new URL("../bin/cairn.mjs", import.meta.url));
const DENY = pathToFileURL(join(import.meta.dirname, "servers/deny-network.ts")).href;

/** Runs a program where there is no network at all, not even a loopback; empty where the system does not permit that. */
const WITHOUT_NETWORK = ["unshare", "--map-current-user", "--net"];
const through =
  spawnSync(WITHOUT_NETWORK[0], [...WITHOUT_NETWORK.slice(1), "true"]).status === 0 ? WITHOUT_NETWORK : [];

const PROJECT = {
  "src/retry.ts": "/** Sends a request again after a failure. */\nexport function retryRequest() {\n  return 1;\n}\n",
  "src/colour.py": "def mix_colours(first, second):\n    return first + second\n",
  "README.md": "# Colours\n\nHow they are mixed.\n",
};

/** Keys in the environment alone choose no provider. */
const KEYS = { CEREBRAS_API_KEY: "csk-0000", OPENAI_API_KEY: "sk-0000", AZURE_OPENAI_API_KEY: "0000" };

/** A project, a cache, and where attempts to reach the network are written down. */
class Sandbox {
  readonly root: string;
  readonly cache: string;
  readonly #report: string;

  constructor(test: TestContext) {
    const folder = temporaryFolder(test);
    this.root = join(folder, "project");
    this.cache = join(folder, "cache");
    this.#report = join(folder, "attempts.txt");
    writeFiles(this.root, PROJECT);
  }

  get nodeOptions(): string[] {
    return ["--import", `${DENY}?report=${encodeURIComponent(this.#report)}`];
  }

  /** What tried to reach the network, a line each. */
  get attempts(): string {
    return existsSync(this.#report) ? readFileSync(this.#report, "utf8") : "";
  }

  async node(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const [program, ...rest] = [...through, process.execPath, ...args];
    const env = { ...process.env, ...KEYS, CAIRN_CACHE_DIR: this.cache, NODE_OPTIONS: this.nodeOptions.join(" ") };
    const child = spawn(program, rest, { cwd: this.root, env, stdio: ["ignore", "pipe", "pipe"] });
    const exit = once(child, "exit");
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const [code] = await exit;
    return { code, stdout, stderr };
  }
}

describe("nothing is sent anywhere", () => {
  it("the terminal indexes, searches, lists and checks without a network", async (test) => {
    const sandbox = new Sandbox(test);
    const commands: [string[], RegExp][] = [
      [["index"], /3 files/],
      [["search", "try a request again"], /src\/retry\.ts/],
      [["search", "mix colours", "--json"], /"path":"src\/colour\.py"/],
      [["status", "--skipped", "--json"], /"phase":"ready"/],
      [["index", "--rebuild"], /3 files/],
      [["cache"], /embeddings of all folders/],
      [["doctor"], /Node/],
      [["models"], /all-MiniLM-L6-v2/],
      [["models", "verify"], /no model/],
      [["ask", "how is a request tried again?"], /src\/retry\.ts/],
      [["ask", "how is a request tried again?", "--no-llm", "--provider", "openai"], /src\/retry\.ts/],
    ];
    for (const [args, expected] of commands) {
      const { code, stdout, stderr } = await sandbox.node(PROGRAM, ...args);
      assert.equal(code, 0, `${args.join(" ")}: ${stdout}${stderr}`);
      assert.match(stdout, expected);
    }
    assert.equal(sandbox.attempts, "");
  });

  it("a provider that the user named is not asked before the user has agreed, and then alone", async (test) => {
    const sandbox = new Sandbox(test);
    const question = ["ask", "how is a request tried again?", "--provider", "cerebras"];
    const before = await sandbox.node(PROGRAM, ...question);
    assert.equal(before.code, 2, before.stderr);
    assert.match(
      before.stderr,
      /This leaves your machine[\s\S]*cerebras {2}https:\/\/api\.cerebras\.ai[\s\S]*Nothing was sent/,
    );
    assert.equal(sandbox.attempts, "");

    // Where there is no network the attempt fails: the answer is quoted, and what was tried stands in the report.
    for (const args of [[...question, "--yes"], question]) {
      const agreed = await sandbox.node(PROGRAM, ...args);
      assert.equal(agreed.code, 0, agreed.stderr);
      assert.match(agreed.stderr, /https:\/\/api\.cerebras\.ai could not be reached/);
      assert.match(agreed.stdout, /src\/retry\.ts/);
    }
    const targets = [...sandbox.attempts.matchAll(/(?:lookup|connect) .*$/gm)].map(([attempt]) => attempt);
    assert.ok(targets.length > 0);
    assert.deepEqual(
      targets.filter((attempt) => !attempt.includes("api.cerebras.ai")),
      [],
    );
  });

  it("the language server indexes, searches and finds symbols, and a terminal asks it, without a network", async (test) => {
    const sandbox = new Sandbox(test);
    const { root, cache: cacheDirectory, nodeOptions } = sandbox;
    const client = await LspClient.start(test, { folders: [root], cacheDirectory, nodeOptions, through });
    await client.ready();
    assert.equal((await client.hits("send a request again"))[0].path, "src/retry.ts");
    const similar = await client.request(ToServer.similar, { text: "def mix_colours(a, b): return a + b" });
    assert.equal(similar[0].answer.hits[0].path, "src/colour.py");
    const symbols = await client.ask<{ name: string }[]>("workspace/symbol", { query: "mixcol" });
    assert.deepEqual(
      symbols.map(({ name }) => name),
      ["mix_colours"],
    );

    writeFiles(root, { "src/fresh.ts": "export function freshlyWritten() {}\n" });
    await client.tell("textDocument/didSave", { textDocument: { uri: uriOf(join(root, "src/fresh.ts")) } });
    await client.until(async () => (await client.hits("freshlyWritten"))[0]?.indexed === true);
    const { code, stdout, stderr } = await sandbox.node(PROGRAM, "search", "freshlyWritten");
    assert.equal(code, 0, stderr);
    assert.match(stdout, /src\/fresh\.ts/);
    await client.ask("shutdown");
    await client.tell("exit");
    await client.exitCode();
    assert.equal(sandbox.attempts, "");
  });

  it("an attempt would be seen, in a thread too", async (test) => {
    const attempts: [string, RegExp][] = [
      ["import { connect } from 'node:net'; connect(9, '192.0.2.1')", /connect .*192\.0\.2\.1/],
      ["import { createServer } from 'node:net'; createServer().listen(0)", /listen 0/],
      ["import { createSocket } from 'node:dgram'; createSocket('udp4')", /createSocket udp4/],
      ["import { lookup } from 'node:dns/promises'; lookup('example.invalid')", /lookup example\.invalid/],
      ["await fetch('http://192.0.2.1/')", /(connect|lookup) .*192\.0\.2\.1/],
      [
        `import { Worker } from 'node:worker_threads';
         new Worker("import('node:net').then(({ connect }) => connect(9, '192.0.2.1'))", { eval: true });`,
        /connect .*192\.0\.2\.1/,
      ],
    ];
    for (const [program, expected] of attempts) {
      const sandbox = new Sandbox(test);
      const { code } = await sandbox.node("--input-type=module", "--eval", program);
      assert.equal(code, 1, program);
      assert.match(sandbox.attempts, expected);
    }
  });
});
