import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it, type TestContext } from "node:test";
import { CancellationTokenSource } from "vscode-jsonrpc/node";
import { readCatalog } from "../server/hub/catalog.ts";
import { type CatalogLlm, fileBytes, readLlmCatalog } from "../server/hub/llm-catalog.ts";
import { fitOn, type Machine } from "../server/local-llm/fit.ts";
import type { DownloadProgress } from "../shared/embedding-types.ts";
import { inWords } from "../shared/phrase.ts";
import { ToClient, ToServer } from "../shared/protocol.ts";
import { HubTerminal } from "./hub-terminal.ts";
import { LspClient } from "./lsp-client.ts";
import { temporaryFolder, writeFiles } from "./open-core.ts";
import { PROJECT } from "./sample-project.ts";
import { commit, type HubServer, stallsAfter, startHubServer } from "./servers/hub-server.ts";
import { writeTinyLlama } from "./tiny-llama.ts";

const LLM = modelOf("qwen2.5-coder-0.5b");
const [{ path: FILE }] = Object.values(LLM.weights);
const COMMIT = commit("f");
const REQUEST_CANCELLED = -32800;

let weights: Buffer;

before((test) => {
  const path = join(temporaryFolder(test as TestContext), "tiny.gguf");
  writeTinyLlama(path);
  weights = readFileSync(path);
});

function modelOf(id: string): CatalogLlm {
  return readLlmCatalog().find((llm) => llm.id === id) ?? assert.fail(id);
}

/** A Hub with one language model of the list, which here is tiny, and its weights random. */
async function hubWithLlm(test: TestContext): Promise<HubServer> {
  const server = await startHubServer(test);
  server.repositories[LLM.repository] = { main: COMMIT, content: { [COMMIT]: { [FILE]: weights } } };
  return server;
}

describe("the list of language models", () => {
  it("has one GGUF file of each, free for every use, under names that no embedding model has", () => {
    const llms = readLlmCatalog();
    assert.ok(llms.length >= 5);
    const names = [...llms, ...readCatalog()].flatMap(({ id, repository }) => [id, repository]);
    assert.equal(new Set(names.map((name) => name.toLowerCase())).size, names.length);
    for (const { licence, weights: files, contextTokens, parameters } of llms) {
      assert.match(licence, /^(?:Apache-2\.0|MIT)$/);
      assert.deepEqual(
        Object.values(files).map(({ path }) => /\.gguf$/i.test(path)),
        [true],
      );
      assert.ok(contextTokens >= 4096 && parameters > 1e8);
    }
    const sizes = llms.map(fileBytes);
    assert.deepEqual(
      sizes,
      sizes.toSorted((a, b) => a - b),
      "the smallest first",
    );
  });
});

describe("whether a language model fits a machine", () => {
  const LAPTOP: Machine = { memoryBytes: 16e9, freeBytes: 9e9, cores: 8, graphics: false };
  const fit = (id: string, machine: Partial<Machine> = {}, window = 0) => {
    const { fit: how, why } = fitOn({ ...LAPTOP, ...machine }, modelOf(id), window);
    return `${how}: ${inWords(why)}`;
  };

  it("is judged by memory and cores", () => {
    assert.equal(fit("qwen2.5-coder-7b"), "yes: it needs 5.4 of 9.0 GB that are free; 8 cores");
    assert.equal(fit("qwen2.5-coder-14b"), "tight: it needs 10.9 GB of memory, and 9.0 are free: close other programs");
    assert.equal(fit("qwen3-coder-30b"), "no: it needs 19.7 GB of memory, and this machine has 16.0");
    assert.equal(
      fit("qwen2.5-coder-7b", { cores: 2 }),
      "tight: it needs 5.4 of 9.0 GB that are free, but 2 cores are slow with it",
    );
    assert.match(fit("qwen2.5-coder-7b", { cores: 2, graphics: true }), /^yes/);
    assert.match(fit("qwen3-coder-30b", { memoryBytes: 64e9, freeBytes: 32e9, cores: 4 }), /^yes/);
  });

  it("counts the window that is set, up to what the model was trained for", () => {
    const needed = (id: string, window: number) => fitOn(LAPTOP, modelOf(id), window).neededBytes;
    const { bytesPerToken } = modelOf("yi-coder-9b");
    assert.equal(needed("yi-coder-9b", 16_384) - needed("yi-coder-9b", 0), 8_192 * bytesPerToken);
    assert.equal(needed("granite-8b-code", 16_384), needed("granite-8b-code", 4_096));
  });
});

describe("cairn models, with language models", () => {
  it("lists them with what they need here, without asking anyone", async (test) => {
    const there = new HubTerminal(await hubWithLlm(test), temporaryFolder(test));
    const { stdout } = await there.models([]);
    assert.match(
      stdout,
      /Models that answer questions.*\nqwen2\.5-coder-0\.5b +0\.5 billion {2}Apache-2\.0 {2}676\.0 MB to download\n.*32,768 tokens.*\n {2}fits this machine: (?:yes|tight|no), it needs/,
    );
    assert.deepEqual(there.server.calls, []);
  });

  it("downloads one, says what it trusts, and makes it the model that answers", async (test) => {
    const there = new HubTerminal(await hubWithLlm(test), temporaryFolder(test));
    const project = temporaryFolder(test);
    writeFiles(project, PROJECT);
    const missing = await there.models(["use", LLM.id]);
    assert.deepEqual([missing.code, /models pull qwen2\.5-coder-0\.5b/.test(missing.stderr)], [2, true]);

    const pulled = await there.models(["pull", LLM.repository]);
    assert.equal(pulled.code, 0, pulled.stderr);
    assert.match(pulled.stderr, /no SHA-256 of qwen2\.5-coder.*: what the Hub says is recorded now/);
    assert.match(
      pulled.stdout,
      /^ok {2}qwen2\.5-coder-0\.5b .*\n.*\n {4}`cairn models use qwen2\.5-coder-0\.5b` makes/,
    );
    assert.match((await there.models(["verify", LLM.id])).stdout, /^ok {2}qwen2\.5-coder-0\.5b int8: 1 file, /);

    assert.match((await there.models(["use", LLM.id])).stdout, /^qwen2\.5-coder-0\.5b answers from the next question/);
    assert.match((await there.models([])).stdout, /qwen2\.5-coder-0\.5b .*on disk: .*, answers\n/);
    const asked = await there.cairn(
      ["ask", "how is a request sent again?", "--provider", "llama", "--json"],
      { CAIRN_LOCAL_THREADS: "1" },
      project,
    );
    const { provider, model } = JSON.parse(asked.stdout || "{}").record ?? assert.fail(asked.stderr);
    assert.deepEqual([provider, model], ["llama", FILE]);

    assert.match((await there.models(["remove", LLM.id])).stdout, /qwen2\.5-coder-0\.5b removed, /);
    const [entry] = JSON.parse((await there.models(["--json"])).stdout).llms;
    assert.deepEqual([entry.id, entry.path, entry.answers], [LLM.id, undefined, false]);
    assert.equal((await there.models(["use", LLM.id])).code, 2);
  });

  it("takes the Hub's word once: other content under the same name is refused from then on", async (test) => {
    const there = new HubTerminal(await hubWithLlm(test), temporaryFolder(test));
    await there.models(["pull", LLM.id]);
    const { path } = JSON.parse((await there.models(["use", LLM.id, "--json"])).stdout);
    const other = Buffer.from(weights);
    other[other.length - 1] ^= 1;
    writeFileSync(path, other);
    const bad = await there.models(["verify", LLM.id]);
    assert.match(bad.stdout, /its content is not what it must be/);
    there.server.repositories[LLM.repository] = { main: COMMIT, content: { [COMMIT]: { [FILE]: other } } };
    const pulled = await there.models(["pull", LLM.id]);
    assert.match(pulled.stderr, /The Hub has another qwen2\.5-coder.* than the one that is known/);
  });

  it("answers with a GGUF file of the user's own, until that is taken back", async (test) => {
    const there = new HubTerminal(await hubWithLlm(test), temporaryFolder(test));
    const folder = temporaryFolder(test);
    writeFileSync(join(folder, "own.gguf"), weights);
    writeFileSync(join(folder, "notes.gguf"), "notes");
    const used = JSON.parse((await there.models(["use", "own.gguf", "--answers", "--json"], {}, folder)).stdout);
    assert.deepEqual([used.id, used.path, used.overruledBy], ["", join(folder, "own.gguf"), ""]);
    assert.ok(existsSync(used.keptIn));
    assert.match((await there.models([])).stdout, /own\.gguf answers\.\n/);
    const bad = await there.models(["use", "notes.gguf", "--answers"], {}, folder);
    assert.deepEqual([bad.code, /notes\.gguf is not a GGUF file/.test(bad.stderr)], [2, true]);
    const overruled = await there.models(["use", "own.gguf", "--answers"], { CAIRN_LOCAL_MODEL: "/a.gguf" }, folder);
    assert.match(overruled.stdout, /But CAIRN_LOCAL_MODEL says \/a\.gguf/);
    assert.match((await there.models(["use", "none", "--answers"])).stdout, /^No model file answers any more/);
    assert.doesNotMatch((await there.models([])).stdout, /own\.gguf/);
  });
});

describe("the choice of a language model over LSP", () => {
  async function scene(test: TestContext) {
    const base = temporaryFolder(test);
    const root = join(base, "root");
    writeFiles(root, PROJECT);
    const hub = await hubWithLlm(test);
    const settings = { "answer.provider": "llama", "answer.local.threads": 1, "answer.maxOutputTokens": 16 };
    const client = await LspClient.start(test, {
      folders: [root],
      cacheDirectory: join(base, "cache"),
      initializationOptions: { showsStatus: true, settings: { ...settings, "answer.local.gpu": "off" } },
      env: { HF_ENDPOINT: hub.url, HF_HOME: join(base, "hub"), CAIRN_LOCAL_MODEL: "" },
    });
    await client.ready();
    return { client, hub };
  }

  it("downloads with progress, and answers from the next question on", async (test) => {
    const { client, hub } = await scene(test);
    const before = await client.request(ToServer.localLlms, {});
    assert.equal(before.chosen, "");
    const first = before.models[0];
    assert.deepEqual([first.id, first.path, first.licence], [LLM.id, undefined, "Apache-2.0"]);
    assert.match(first.why, /^it needs [\d.]+ /);
    await assert.rejects(client.request(ToServer.localLlmUse, { model: LLM.id }), /is not on this machine/);
    await assert.rejects(
      client.request(ToServer.localLlmPull, { model: "gpt-9", task: 1 }),
      /no language model "gpt-9"/,
    );

    const stalled = Promise.withResolvers<void>();
    hub.misbehave((...given) => {
      stalled.resolve();
      return stallsAfter(0)(...given);
    });
    const cancel = new CancellationTokenSource();
    const pulling = client.request(ToServer.localLlmPull, { model: LLM.id, task: 1 }, cancel.token);
    await stalled.promise;
    cancel.cancel();
    await assert.rejects(pulling, { code: REQUEST_CANCELLED });

    const told: DownloadProgress[] = [];
    client.on(ToClient.embeddingProgress, (progress) => void told.push(progress));
    await client.request(ToServer.localLlmPull, { model: LLM.id, task: 2 });
    assert.deepEqual(told.at(-1), { task: 2, done: weights.length, total: weights.length });
    const used = await client.request(ToServer.localLlmUse, { model: LLM.id });
    const { chosen, models } = await client.request(ToServer.localLlms, {});
    assert.deepEqual([used, models[0].path], [{ path: chosen, overruledBy: "" }, chosen]);

    const answered = await client.request(ToServer.ask, { task: 3, text: "how are requests retried?" });
    assert.equal(answered.kind === "answered" && answered.record.model, FILE);
  });
});
