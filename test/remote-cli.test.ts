import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder, writeFiles } from "./open-core.ts";
import { PROJECT } from "./sample-project.ts";
import { elsewhere, refuses, startEmbeddingServer } from "./servers/embedding-server.ts";

const PROGRAM = fileURLToPath(new URL("../bin/cairn.mjs", import.meta.url));
const MODEL = "openai:text-embedding-3-small";

async function terminal(test: TestContext) {
  const server = await startEmbeddingServer(test);
  const [cache, folder] = [temporaryFolder(test), temporaryFolder(test)];
  writeFiles(folder, { ...PROJECT, "secrets.ts": "export const password = 'hunter2';\n" });
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(?:HF_|OPENAI|EMBEDDING|CAIRN|NO_COLOR|FORCE_COLOR)/.test(name),
  );
  const env = {
    ...Object.fromEntries(inherited),
    HF_HOME: join(cache, "hub"),
    CAIRN_CACHE_DIR: cache,
    CAIRN_EMBEDDING_ENDPOINT: elsewhere(server),
    OPENAI_API_KEY: "k",
  };
  const cairn = async (...args: string[]) => {
    const child = spawn(process.execPath, [PROGRAM, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
    const exit = once(child, "exit");
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { code: (await exit)[0], stdout, stderr };
  };
  return { server, folder, env, cairn };
}

describe("a model on a server, in a terminal", () => {
  it("is used once it was said what leaves the machine, and that was agreed to", async (test) => {
    const { server, folder, cairn } = await terminal(test);
    const asked = await cairn("models", "use", MODEL, folder);
    assert.equal(asked.code, 2);
    assert.ok(asked.stderr.includes(`the code of ${folder}: 2 files,`), asked.stderr);
    assert.match(
      asked.stderr,
      /what that costs is not known here\n {2}the words of each search and question about it\nIt goes to:/,
    );
    assert.ok(asked.stderr.includes(new URL(elsewhere(server)).origin));
    assert.match(asked.stderr, /never sent\. Here that is 1 file\.[\s\S]*Run it once with --yes/);
    assert.equal(server.calls.length, 0);

    const { code, stdout } = await cairn("models", "use", MODEL, folder, "--yes");
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^openai:text-embedding-3-small at http:\/\/0\.0\.0\.0:\d+ searches from[\s\S]*2 chunks to embed,/,
    );
    assert.deepEqual(server.texts, ["function"], "one word asks whether the model is there");

    const indexed = JSON.parse((await cairn("index", folder, "--json")).stdout).embedding;
    assert.deepEqual([indexed.model, indexed.inUse, indexed.done, indexed.withheld], [MODEL, true, 2, 1]);
    assert.equal(
      server.texts.some((one) => one.includes("hunter2")),
      false,
    );
    assert.match((await cairn("status", folder)).stdout, /of 2 chunks embedded, 1 more not sent \(cairn\.neverSend\)/);
    assert.match((await cairn("models")).stdout, /\nopenai:text-embedding-3-small {2}at http:\S+, searches\n/);
    assert.match(
      (await cairn("doctor", folder)).stdout,
      /Embedding +by openai:text-embedding-3-small at http:\S+, which/,
    );
    assert.match((await cairn("models", "use", "bundled")).stdout, /^The model in the package searches again/);
    const requests = server.calls.length;
    assert.equal(JSON.parse((await cairn("index", folder, "--json")).stdout).embedding, undefined);
    assert.equal(server.calls.length, requests);
  });

  it("costs what its tokens cost, counted apart from answers", async (test) => {
    const { server, folder, env, cairn } = await terminal(test);
    Object.assign(env, { CAIRN_PRICES: "text-embedding-3-small=2", EMBEDDING_PROVIDER: "openai" });
    const used = JSON.parse((await cairn("models", "use", MODEL, folder, "--yes", "--json")).stdout);
    const { dollars, bytes } = used.fee;
    assert.equal(dollars, ((bytes / 3) * 2) / 1e6);
    assert.equal(used.overruledBy, MODEL);
    await cairn("index", folder);
    const usage = JSON.parse((await cairn("usage", "--json")).stdout);
    const tokens = server.texts.reduce((sum, { length }) => sum + Math.ceil(length / 4), 0);
    const [row] = usage.rows;
    assert.deepEqual([row.kind, row.answers, row.inputTokens], ["embedding", server.calls.length, tokens]);
    assert.ok(Math.abs(usage.cost - (2 * tokens) / 1e6) < 1e-9);
    const { stdout } = await cairn("usage");
    assert.match(stdout, /^\d requests for vectors, /);
    assert.match(stdout, /\d requests for vectors\n {2}\d\.\d\d s each\n {2}\d+ tokens, \$0\.\d+ by your prices\n/);
    assert.match(stdout, /in all, \$0\.\d+ of it for vectors\n/);
  });

  it("is not waited for when it stays away or wants to be left alone for long", async (test) => {
    const { server, folder, cairn } = await terminal(test);
    await cairn("models", "use", MODEL, folder, "--yes");
    server.always = refuses(429, { "retry-after": "3600" });
    const { code, stdout } = await cairn("index", folder);
    assert.equal(code, 0);
    assert.match(stdout, /searched by the model in the package/);
    const { message, embedding } = JSON.parse((await cairn("index", folder, "--json")).stdout);
    assert.equal(embedding.phase, "failed");
    assert.match(message, /cannot be asked: openai: too many requests.*The model in the package searches\./);
  });

  it("that refuses the key is not chosen", async (test) => {
    const { server, folder, cairn } = await terminal(test);
    server.always = refuses(401);
    const { code, stderr } = await cairn("models", "use", MODEL, folder, "--yes");
    assert.equal(code, 2);
    assert.match(stderr, /openai: the key was not accepted \(401\)/);
    assert.doesNotMatch((await cairn("models")).stdout, /searches/);
    const wrong = await cairn("models", "use", "openai:x@0", folder);
    assert.match(wrong.stderr, /is no embedding model on a server[\s\S]*PROVIDER:MODEL@DIMENSIONS/);
  });
});
