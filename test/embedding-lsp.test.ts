import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { CancellationTokenSource } from "vscode-jsonrpc/node";
import { TinyBert } from "../server/bench/tiny-bert.ts";
import { readCatalog } from "../server/hub/catalog.ts";
import { FORM_KINDS } from "../server/vectors/stored-form.ts";
import type { DownloadProgress } from "../shared/embedding-types.ts";
import { ToClient, ToServer } from "../shared/protocol.ts";
import type { EmbeddingStatus } from "../shared/search-types.ts";
import { MODEL } from "./chosen-fixture.ts";
import { LspClient, uriOf } from "./lsp-client.ts";
import { temporaryFolder, writeFiles } from "./open-core.ts";
import { elsewhere, refuses, startEmbeddingServer } from "./servers/embedding-server.ts";
import { commit, stallsAfter, startHubServer } from "./servers/hub-server.ts";

const FILES = {
  "src/cache.ts": "/** read the cache */\nexport function lookUp() {\n  return cache.read();\n}\n",
  "src/secrets.ts": 'export const password = "hunter2";\n',
};
const REMOTE = "openai:small";
/** What holds is what was chosen. */
const NOTHING_ELSE = { overruledBy: "", formOverruledBy: { vectors: "", dimensions: "" } };
const REQUEST_CANCELLED = -32800;

/** An editor with one folder, a Hub with one model, and a server of embeddings that counts as one elsewhere. */
async function scene(test: TestContext) {
  const base = temporaryFolder(test);
  const root = join(base, "root");
  writeFiles(root, FILES);
  const [server, hub] = [await startEmbeddingServer(test), await startHubServer(test)];
  const model = readCatalog().find(({ id }) => id === MODEL);
  assert.ok(model);
  const bert = new TinyBert({ hidden: model.dims, layers: 1, heads: 12, inner: 64, positions: 512 });
  hub.repositories[model.repository] = { main: commit("c"), content: { [commit("c")]: bert.files() } };
  const cacheDirectory = join(base, "cache");
  const client = await LspClient.start(test, {
    folders: [root],
    cacheDirectory,
    initializationOptions: { showsStatus: true, settings: { "embedding.endpoint": elsewhere(server) } },
    env: { HF_ENDPOINT: hub.url, HF_HOME: join(base, "hub"), OPENAI_API_KEY: "" },
  });
  await client.ready();
  return { client, root, server, hub, cacheDirectory, bert, repository: model.repository };
}

/** What the chosen model does, once that holds. */
async function embeddingOf(
  client: LspClient,
  holds = (status: EmbeddingStatus) => status.inUse,
): Promise<EmbeddingStatus> {
  let found: EmbeddingStatus | undefined;
  await client.until(async () => {
    found = (await client.request(ToServer.status, {}))[0].status.embedding;
    return found !== undefined && holds(found);
  });
  return found ?? assert.fail();
}

describe("the choice of an embedding model over LSP", () => {
  it("of the catalogue: downloaded with progress, measured, used at once, and taken back", async (test) => {
    const { client, root } = await scene(test);
    const { chosen, models } = await client.request(ToServer.embeddingModels, {});
    assert.equal(chosen, "bundled");
    const one = models.find(({ id }) => id === MODEL);
    assert.deepEqual([one?.name, one?.onDisk, one?.licence, one?.dims], [`${MODEL}:int8`, false, "MIT", 768]);
    const model = `${MODEL}:int8`;
    await assert.rejects(client.request(ToServer.embeddingCosts, { model }), /is not on this machine in int8/);

    const told: DownloadProgress[] = [];
    client.on(ToClient.embeddingProgress, (progress) => void told.push(progress));
    await client.request(ToServer.embeddingPull, { model, task: 7 });
    const { task, done, total } = told.at(-1) ?? assert.fail("no progress was told");
    assert.deepEqual([task, done], [7, total]);
    const { costs, fees } = await client.request(ToServer.embeddingCosts, { model });
    assert.deepEqual([costs.length, costs[0].folder, costs[0].chunks, fees], [1, root, 2, []]);
    assert.ok(costs[0].textsPerSecond > 0 && costs[0].bytes > 768);

    assert.deepEqual(await client.request(ToServer.embeddingUse, { model }), NOTHING_ELSE);
    assert.equal((await embeddingOf(client)).model, model);
    assert.equal((await client.request(ToServer.embeddingModels, {})).chosen, model);
    await client.request(ToServer.embeddingUse, { model: "bundled" });
    await client.ready();
    assert.equal((await client.request(ToServer.status, { rootUri: uriOf(root) }))[0].status.embedding, undefined);
  });

  it("of the catalogue: its download can be cancelled, and what came stays for the next", async (test) => {
    const { client, hub } = await scene(test);
    const stalled = Promise.withResolvers<void>();
    hub.misbehave((...given) => {
      stalled.resolve();
      return stallsAfter(0)(...given);
    });
    const cancel = new CancellationTokenSource();
    const pulling = client.request(ToServer.embeddingPull, { model: `${MODEL}:int8`, task: 1 }, cancel.token);
    await stalled.promise;
    cancel.cancel();
    await assert.rejects(pulling, { code: REQUEST_CANCELLED });
    await client.request(ToServer.embeddingPull, { model: `${MODEL}:int8`, task: 2 });
    const { models } = await client.request(ToServer.embeddingModels, {});
    assert.equal(models.find(({ id }) => id === MODEL)?.onDisk, true);
  });

  it("of the Hub by its name: it is found out how it is used, and it stands in the list from then on", async (test) => {
    const { client, hub } = await scene(test);
    const bert = new TinyBert({ hidden: 48, layers: 1, heads: 12, inner: 64, positions: 512 });
    hub.repositories["someone/tiny-model"] = { main: commit("d"), content: { [commit("d")]: bert.files() } };
    const { model } = await client.request(ToServer.embeddingPull, { model: "someone/tiny-model", task: 1 });
    assert.equal(model, "someone/tiny-model:int8");
    await client.request(ToServer.embeddingUse, { model });
    assert.equal((await embeddingOf(client)).model, model);
    const { chosen, models } = await client.request(ToServer.embeddingModels, {});
    assert.deepEqual([chosen, models.find(({ name }) => name === model)?.dims], [model, 48]);
    await assert.rejects(client.request(ToServer.embeddingPull, { model: "no/such-model", task: 2 }), /no\/such-model/);
    await assert.rejects(client.request(ToServer.embeddingPull, { model: "a name", task: 3 }), /is no name of a model/);
  });

  it("in a precision: those that are known, and when it is asked for, those of the repository", async (test) => {
    const { client, hub, bert, repository } = await scene(test);
    const listed = async () =>
      (await client.request(ToServer.embeddingModels, {})).models.find(({ id }) => id === MODEL) ?? assert.fail();
    const known = (await listed()).precisions;
    assert.deepEqual(
      known.map(({ precision, onDisk, pinned }) => [precision, onDisk, pinned]),
      ["int8", "fp16", "fp32"].map((precision) => [precision, false, false]),
    );
    assert.deepEqual(hub.calls, []);
    const q4 = { "onnx/model_q4.onnx": bert.onnx({ precision: "q4" }) };
    hub.repositories[repository].content = { [commit("c")]: { ...bert.files(), ...q4 } };
    const offered = await client.request(ToServer.embeddingPrecisions, { model: MODEL });
    const name = `${MODEL}:q4`;
    assert.deepEqual(
      offered.map(({ precision }) => precision),
      ["int8", "q4"],
    );
    await client.request(ToServer.embeddingPull, { model: name, task: 1 });
    const [found] = (await listed()).precisions.filter(({ onDisk }) => onDisk);
    assert.deepEqual([found.name, found.pinned], [name, true]);
    await client.request(ToServer.embeddingUse, { model: name });
    assert.equal((await embeddingOf(client)).model, name);

    hub.repositories["someone/tiny"] = { main: commit("d"), content: { [commit("d")]: { ...bert.files(), ...q4 } } };
    const others = await client.request(ToServer.embeddingPrecisions, { model: "someone/tiny" });
    assert.deepEqual(
      others.map((one) => one.name),
      ["someone/tiny:int8", "someone/tiny:q4"],
    );
    const { model } = await client.request(ToServer.embeddingPull, { model: "someone/tiny:q4", task: 2 });
    assert.equal(model, "someone/tiny:q4");
    const refused = client.request(ToServer.embeddingPull, { model: "someone/tiny:fp16", task: 3 });
    await assert.rejects(refused, /is not offered in fp16/);
    await assert.rejects(client.request(ToServer.embeddingPrecisions, { model: "a name" }), /is no name of a model/);
  });

  it("with its vectors kept otherwise: what that takes is said, and nothing is embedded again", async (test) => {
    const { client, cacheDirectory } = await scene(test);
    const model = `${MODEL}:int8`;
    const forms = (dimensions?: string) => client.request(ToServer.embeddingForms, { model, dimensions });
    const form = async (kind: string, dimensions?: string) =>
      (await forms(dimensions)).find(({ vectors }) => vectors.kind === kind) ?? assert.fail();
    assert.deepEqual(
      (await forms()).map(({ vectors, stored, chosen }) => [vectors.kind, vectors.dims, stored, chosen]),
      FORM_KINDS.map((kind) => [kind, 768, "none", false]),
    );
    await client.request(ToServer.embeddingPull, { model, task: 1 });
    await client.request(ToServer.embeddingUse, { model });
    await embeddingOf(client);
    const [int8, int4] = [await form("int8"), await form("int4")];
    assert.deepEqual([int8.stored, int8.chosen, int8.bytes], ["same", true, 2 * (768 + 64)]);
    assert.deepEqual([int4.stored, int4.chosen, int4.vectors.diskBytes], ["larger", false, 388]);

    await assert.rejects(forms("256"), /was not trained so that its first dimensions could stand for all 768/);
    const refused = { model, form: { vectors: "int4", dimensions: "256" } };
    await assert.rejects(client.request(ToServer.embeddingUse, refused), /was not trained/);
    await assert.rejects(client.request(ToServer.embeddingCosts, refused), /was not trained/);
    const keptFile = join(cacheDirectory, "embedding-model.json");
    assert.deepEqual(JSON.parse(readFileSync(keptFile, "utf8")), { model });

    const shorter = await form("int4", "256!");
    assert.deepEqual([shorter.vectors.dims, shorter.vectors.diskBytes, shorter.stored], [256, 132, "larger"]);
    assert.deepEqual(await client.request(ToServer.embeddingUse, { model, form: shorter.form }), NOTHING_ELSE);
    const { vectors, engine } = await embeddingOf(client, ({ inUse, vectors }) => inUse && vectors?.kind === "int4");
    assert.deepEqual([vectors?.dims, engine.texts], [256, 0]);
    assert.deepEqual((await client.request(ToServer.embeddingModels, {})).form, {
      vectors: "int4",
      dimensions: "256!",
    });
    await client.request(ToServer.embeddingUse, { model, form: int8.form });
    assert.deepEqual(JSON.parse(readFileSync(keptFile, "utf8")), { model });
  });

  it("of the user's own: a folder by its path, whatever form the vectors of another were given", async (test) => {
    const { client, cacheDirectory } = await scene(test);
    const before = { model: `${MODEL}:int8`, vectors: "int4", dimensions: "256" };
    writeFiles(cacheDirectory, { "embedding-model.json": JSON.stringify(before) });
    const folder = temporaryFolder(test);
    writeFiles(folder, new TinyBert({ hidden: 48, layers: 1, heads: 12, inner: 64, positions: 512 }).files());
    const { costs } = await client.request(ToServer.embeddingCosts, { model: folder });
    assert.deepEqual([costs[0].model, costs[0].chunks], [`${folder}:int8`, 2]);
    await client.request(ToServer.embeddingUse, { model: folder });
    const { model, vectors } = await embeddingOf(client);
    assert.deepEqual([model, vectors?.kind, vectors?.dims], [`${folder}:int8`, "int8", 48]);
    await assert.rejects(client.request(ToServer.embeddingUse, { model: join(folder, "none.gguf") }), /none\.gguf/);
  });

  it("on a server: nothing is sent before it is used, then with the key that the editor keeps", async (test) => {
    const { client, root, server } = await scene(test);
    const servers = async () => (await client.request(ToServer.embeddingModels, {})).servers;
    const destination = new URL(elsewhere(server)).origin;
    assert.deepEqual((await servers())[0], { provider: "openai", destination, hasKey: false });
    await client.request(ToServer.keys, { keys: [{ provider: "openai", apiKey: "sk-kept" }] });
    assert.equal((await servers())[0].hasKey, true);
    const { fees } = await client.request(ToServer.embeddingCosts, { model: REMOTE });
    const [{ folder, files, withheld, agreed, dollars }] = fees;
    assert.deepEqual([folder, files, withheld, agreed, dollars], [root, 1, 1, false, undefined]);
    assert.equal(server.calls.length, 0);

    server.misbehave(refuses(401));
    await assert.rejects(client.request(ToServer.embeddingUse, { model: REMOTE }), /key was not accepted/);
    assert.equal((await client.request(ToServer.embeddingModels, {})).chosen, "bundled");
    await client.request(ToServer.embeddingUse, { model: REMOTE });
    const { total, withheld: kept } = await embeddingOf(client);
    assert.deepEqual([total, kept], [1, 1]);
    assert.equal(server.calls.at(-1)?.headers.authorization, "Bearer sk-kept");
    assert.equal((await client.request(ToServer.embeddingCosts, { model: REMOTE })).fees[0].agreed, true);
    assert.equal(
      server.texts.some((text) => text.includes("hunter2")),
      false,
    );
  });

  it("in the settings holds over what is kept, and that is said", async (test) => {
    const base = temporaryFolder(test);
    const server = await startEmbeddingServer(test);
    writeFiles(base, FILES);
    const settings = { "embedding.endpoint": server.url, "embedding.model": "vllm:small", "embedding.vectors": "int4" };
    const client = await LspClient.start(test, {
      folders: [base],
      cacheDirectory: temporaryFolder(test),
      initializationOptions: { showsStatus: true, settings },
    });
    await client.ready();
    assert.equal((await embeddingOf(client)).model, "vllm:small");
    assert.deepEqual(await client.request(ToServer.embeddingUse, { model: "bundled" }), {
      ...NOTHING_ELSE,
      overruledBy: "vllm:small",
    });
    assert.equal((await embeddingOf(client)).model, "vllm:small");
    const otherwise = { model: "vllm:small", form: { vectors: "int8", dimensions: "all" } };
    const { overruledBy, formOverruledBy } = await client.request(ToServer.embeddingUse, otherwise);
    assert.deepEqual([overruledBy, formOverruledBy], ["", { vectors: "int4", dimensions: "" }]);
  });
});
