import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { dot, TinyBert } from "../server/bench/tiny-bert.ts";
import { content } from "./hub-fixture.ts";
import { HubTerminal } from "./hub-terminal.ts";
import { temporaryFolder, writeFiles } from "./open-core.ts";
import { PROJECT } from "./sample-project.ts";
import { commit, stallsAfter, startHubServer } from "./servers/hub-server.ts";
import { tinyBertGguf } from "./tiny-bert-gguf.ts";

const MODEL = "bge-base-en-v1.5";
const REPOSITORY = `Xenova/${MODEL}`;
const COMMIT = commit("c");
const FILES = {
  "config.json": Buffer.from("{}"),
  "tokenizer.json": content(2_000, 1),
  "tokenizer_config.json": Buffer.from("{ }"),
  "onnx/model_quantized.onnx": content(300_000, 2),
};
const LINES = /^( +-?\d\.\d{3} {2}(?:loop|cache)\n){2}bge-base-en-v1\.5 int8, 768 dims: [\d.]+ texts\/s .*of memory\n$/;
/** Model files run on the processor. */
const CPU = { CAIRN_LOCAL_GPU: "off" };
const tinyBert = new TinyBert({ hidden: 32, layers: 1, heads: 4, inner: 64, positions: 512 });
const BYTES = Object.values(FILES).reduce((sum, { length }) => sum + length, 0);

async function terminal(test: TestContext): Promise<HubTerminal> {
  const server = await startHubServer(test);
  server.repositories[REPOSITORY] = { main: COMMIT, content: { [COMMIT]: FILES } };
  return new HubTerminal(server, temporaryFolder(test));
}

describe("cairn models", () => {
  it("lists what there is, without asking anyone", async (test) => {
    const there = await terminal(test);
    const { code, stdout } = await there.models([]);
    assert.equal(code, 0);
    assert.match(stdout, /^Models that search:\nall-MiniLM-L6-v2 +384 dims {2}Apache-2\.0 +23\.7 MB to download\n/);
    assert.match(stdout, /\njina-embeddings-v2-base-code +768 dims[\s\S]*\nCodeRankEmbed +768 dims/);
    assert.deepEqual(there.server.calls, []);
  });

  it("pulls, lists, verifies and removes a model", async (test) => {
    const there = await terminal(test);
    const pulled = await there.models(["pull", MODEL]);
    assert.equal(pulled.code, 0, pulled.stderr);
    assert.match(pulled.stderr, /^bge-base-en-v1\.5, int8, by BAAI, licence MIT\n4 files, 302\.0 kB, from http/);
    assert.match(pulled.stderr, /no SHA-256 of config\.json, .*: what the Hub says is recorded now/);
    assert.match(pulled.stdout, /^ok {2}bge-base-en-v1\.5 {2}302\.0 kB in .*every SHA-256 as it must be\n .*snapshots/);
    assert.match((await there.models(["list"])).stdout, /bge-base-en-v1\.5 .*on disk: int8, 302\.0 kB\n/);
    const again = await there.models(["pull", REPOSITORY], { HF_HUB_OFFLINE: "1" });
    assert.match(again.stdout, /was there already/);
    assert.match((await there.models(["verify"])).stdout, /^ok {2}bge-base-en-v1\.5 int8: 4 files, 302\.0 kB\n$/);
    assert.match((await there.models(["remove", MODEL])).stdout, /removed, 302\.0 kB freed/);
    assert.match((await there.models(["remove", MODEL])).stdout, /Nothing of/);
    assert.equal((await there.models(["verify", MODEL])).code, 2);
  });

  it("answers with JSON", async (test) => {
    const there = await terminal(test);
    const json = async (...args: string[]) => JSON.parse((await there.models([...args, "--json"])).stdout);
    const pulled = await json("pull", MODEL);
    assert.deepEqual([pulled.commit, pulled.downloadedBytes, pulled.files.length], [COMMIT, BYTES, 4]);
    const { cacheFolder, models } = await json("list");
    assert.equal(cacheFolder, there.cacheFolder);
    const { folder } = pulled;
    assert.deepEqual(models[1].onDisk, { commit: COMMIT, folder, precisions: ["int8"], bytes: BYTES });
    const verified = await json("verify");
    assert.deepEqual([verified.ok, verified.models[0].files[3].state], [true, "whole"]);
    assert.deepEqual(await json("remove", MODEL), { id: MODEL, freedBytes: BYTES });
  });

  it("takes a model by the name that Cairn gives it, with its precision", async (test) => {
    const there = await terminal(test);
    assert.equal((await there.models(["pull", `${MODEL}:int8`])).code, 0);
    assert.match((await there.models(["verify", `${MODEL}:int8`])).stdout, /^ok {2}bge-base-en-v1\.5 int8: 4 files/);
    const other = await there.models(["verify", MODEL, "--precision", "fp32"]);
    assert.deepEqual([other.code, /not on this machine in fp32/.test(other.stderr)], [2, true]);
    assert.match((await there.models(["use", `${MODEL}:fp32`])).stderr, /not on this machine in fp32/);
    const two = await there.models(["pull", `${MODEL}:int8`, "--precision", "fp32"]);
    assert.deepEqual([two.code, /two precisions/.test(two.stderr)], [2, true]);
    const part = await there.models(["remove", `${MODEL}:int8`]);
    assert.deepEqual([part.code, /models remove bge-base-en-v1\.5/.test(part.stderr)], [2, true]);
    assert.match((await there.models(["remove", MODEL])).stdout, /removed, 302\.0 kB freed/);
  });

  it("finds a file that was cut off, names it, and mends it", async (test) => {
    const there = await terminal(test);
    const { folder } = JSON.parse((await there.models(["pull", MODEL, "--json"])).stdout);
    truncateSync(join(folder, "onnx/model_quantized.onnx"), 1_000);
    const found = await there.models(["verify", MODEL]);
    assert.equal(found.code, 3);
    assert.match(
      found.stdout,
      /^bad bge-base[\s\S]*pull bge-base-en-v1\.5[\s\S]*onnx\/model_quantized\.onnx: its content/,
    );
    assert.equal((await there.models(["pull", MODEL])).code, 0);
    assert.equal((await there.models(["verify", MODEL])).code, 0);
  });

  it("makes a model the one that searches, says what that costs, and goes back", async (test) => {
    const there = await terminal(test);
    const bert = new TinyBert({ hidden: 768, layers: 1, heads: 12, inner: 64, positions: 512 });
    there.server.repositories[REPOSITORY] = { main: COMMIT, content: { [COMMIT]: bert.files() } };
    const folder = temporaryFolder(test);
    writeFiles(folder, PROJECT);
    const missing = await there.models(["use", MODEL, folder]);
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /bge-base-en-v1\.5 is not on this machine in int8[\s\S]*models pull bge-base/);
    await there.models(["pull", MODEL]);

    const cost = JSON.parse((await there.models(["use", MODEL, folder, "--json"])).stdout);
    assert.deepEqual([cost.model, cost.files, cost.chunks, cost.bytes], [`${MODEL}:int8`, 2, 2, 2 * (768 + 64)]);
    assert.ok(cost.textsPerSecond > 0 && cost.seconds > 0);
    assert.match(readFileSync(cost.file, "utf8"), /^\{"model":"bge-base-en-v1\.5:int8"\}\n$/);
    const indexed = JSON.parse((await there.cairn(["index", folder, "--json"])).stdout).embedding;
    assert.deepEqual([indexed.model, indexed.phase, indexed.inUse, indexed.done], [`${MODEL}:int8`, "ready", true, 2]);
    const status = JSON.parse((await there.cairn(["status", folder, "--json"])).stdout).embedding;
    assert.deepEqual([status.model, status.total, status.engine.texts], [`${MODEL}:int8`, 2, 0]);
    assert.deepEqual([status.phase, status.inUse, status.done], ["ready", true, 2]);
    assert.match((await there.models([])).stdout, /bge-base-en-v1\.5 .*on disk: int8, .*, searches\n/);
    assert.match(
      (await there.models(["remove", MODEL])).stdout,
      /\nIt is still chosen: .*the model in the package searches/,
    );
    const without = /bge-base-en-v1\.5 .*to download, chosen in int8: the one in the package searches\n/;
    assert.match((await there.models([])).stdout, without);
    await there.models(["pull", MODEL]);
    const doctor = (env = {}) => there.cairn(["doctor", folder], env);
    assert.match((await doctor()).stdout, /Embedding +by bge-base-en-v1\.5:int8, 768 dimensions/);
    assert.match((await doctor({ EMBEDDING_PROVIDER: "bundled" })).stdout, /Embedding +by the model in the package/);
    const overruled = await there.models(["use", MODEL, folder], { HF_EMBEDDING_MODEL: "e5-base-v2" });
    assert.match(overruled.stdout, /2 chunks to embed, about 1 s at .*\n[\s\S]*\nBut the environment says e5-base-v2/);

    const refused = await there.models(["use", MODEL, folder, "--dimensions", "256"]);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /not trained[\s\S]*--force/);
    const smaller = ["use", MODEL, folder, "--vectors", "int4", "--dimensions", "256", "--force"];
    assert.match(
      (await there.models(smaller)).stdout,
      /\nint4, 256 of 768 dimensions, 132 bytes a vector\.\nStored already: 2 vectors of all folders in int8 with 768 dim/,
    );
    assert.match(
      readFileSync(cost.file, "utf8"),
      /^\{"model":"bge-base-en-v1\.5:int8","vectors":"int4","dimensions":"256!"\}\n$/,
    );
    const shorter = JSON.parse((await there.cairn(["index", folder, "--json"])).stdout).embedding;
    assert.deepEqual([shorter.vectors.kind, shorter.vectors.dims, shorter.engine.texts], ["int4", 256, 0]);
    for (const args of [["status", folder], ["doctor", folder], ["models"]]) {
      assert.match((await there.cairn(args)).stdout, /int4, 256 of 768 dimensions, 132 bytes a vector/, args[0]);
    }
    const listed = JSON.parse((await there.models(["--json"])).stdout);
    assert.deepEqual([listed.vectors.kind, listed.vectors.dims], ["int4", 256]);

    assert.match((await there.models(["use", "bundled"])).stdout, /^The model in the package searches again\./);
    const back = JSON.parse((await there.cairn(["index", folder, "--json"])).stdout);
    assert.equal(back.embedding, undefined);
    assert.equal(back.embedded, 4);
  });

  it("tries a model out: how close texts are to a question, and how fast it is", async (test) => {
    const there = await terminal(test);
    const bert = new TinyBert({ hidden: 768, layers: 1, heads: 12, inner: 64, positions: 512 });
    there.server.repositories[REPOSITORY] = { main: COMMIT, content: { [COMMIT]: bert.files() } };
    assert.match(
      (await there.models(["try", MODEL, "a", "b"])).stderr,
      /not on this machine in int8[\s\S]*pull bge-base/,
    );
    const { folder } = JSON.parse((await there.models(["pull", MODEL, "--json"])).stdout);

    const tried = await there.models(["try", MODEL, "read the file", "write a file", "retry", "--json"]);
    assert.equal(tried.code, 0, tried.stderr);
    const { similarities, textsPerSecond, threads } = JSON.parse(tried.stdout);
    assert.ok(textsPerSecond > 0 && threads > 0);
    const vector = (text: string) => bert.embedding(bert.wrapped(bert.tokens(text)), "cls");
    const asked = vector("represent this sentence for searching relevant passages : read the file");
    for (const [i, text] of ["write a file", "retry"].entries()) {
      assert.equal(similarities[i].text, text);
      assert.ok(Math.abs(similarities[i].similarity - dot(asked, vector(text))) < 1e-4);
    }
    assert.match((await there.models(["try", MODEL, "retry", "loop", "cache"])).stdout, LINES);

    truncateSync(join(folder, "onnx/model_quantized.onnx"), 1_000);
    const altered = await there.models(["try", MODEL, "retry", "loop"]);
    assert.equal(altered.code, 3);
    assert.match(altered.stderr, /is not what it must be, and is not loaded/);
  });

  it("takes a model file of the user's own, from where the terminal is", async (test) => {
    const there = await terminal(test);
    const [folder, models] = [temporaryFolder(test), temporaryFolder(test)];
    writeFiles(folder, PROJECT);
    const path = join(models, "tiny.gguf");
    writeFiles(models, { "tiny.gguf": tinyBertGguf(tinyBert, { name: "E5 base" }), ...tinyBert.files() });
    const tried = await there.models(["try", "tiny.gguf", "retry", "loop", "cache"], CPU, models);
    assert.match(
      tried.stdout,
      /^( +-?\d\.\d{3} {2}(?:loop|cache)\n){2}.*tiny\.gguf, 32 dims: .*CPU, \d+ threads?, loaded/,
    );
    const cost = JSON.parse((await there.models(["use", path, folder, "--json"], CPU)).stdout);
    assert.deepEqual([cost.model, cost.chunks, cost.bytes], [path, 2, 2 * (32 + 64)]);
    const indexed = JSON.parse((await there.cairn(["index", folder, "--json"], CPU)).stdout).embedding;
    assert.deepEqual([indexed.model, indexed.phase, indexed.done], [path, "ready", 2]);
    const { stdout } = await there.cairn(["doctor", folder], CPU);
    assert.match(
      stdout,
      /Embedding +by .*tiny\.gguf, 32 dimensions, asked with "query: ", code with "passage: " before/,
    );
    assert.match((await there.models([], CPU)).stdout, /\n.*tiny\.gguf searches\.\n/);

    const inFolder = JSON.parse((await there.models(["try", ".", "retry", "loop", "--json"], CPU, models)).stdout);
    assert.deepEqual([inFolder.id, inFolder.precision], [models, "int8"]);
    const removed = await there.models(["remove", "./tiny.gguf"], CPU, models);
    assert.equal(removed.code, 2);
    assert.match(removed.stderr, /tiny\.gguf is a model of your own/);
  });

  it("looks in the repository for a precision that the catalogue does not name, and knows its file from then on", async (test) => {
    const there = await terminal(test);
    const shape = { hidden: 768, layers: 1, heads: 12, inner: 64, positions: 512 };
    const bert = new TinyBert(shape);
    const files = { ...bert.files(), "onnx/model_q4.onnx": bert.onnx({ precision: "q4" }) };
    there.server.repositories[REPOSITORY] = { main: COMMIT, content: { [COMMIT]: files } };
    const before = await there.models(["try", MODEL, "retry", "loop", "--precision", "q4"]);
    assert.match(before.stderr, /is not on this machine in q4[\s\S]*pull bge-base-en-v1\.5 --precision q4/);

    const pulled = await there.models(["pull", MODEL, "--precision", "q4"]);
    assert.equal(pulled.code, 0, pulled.stderr);
    assert.match(
      pulled.stderr,
      /^bge-base-en-v1\.5, q4, by BAAI[\s\S]*no SHA-256 of .*onnx\/model_q4\.onnx: what the Hub says/,
    );
    assert.match((await there.models([])).stdout, /bge-base-en-v1\.5 .*on disk: q4, /);
    const offline = { HF_HUB_OFFLINE: "1" };
    assert.match((await there.models(["pull", MODEL, "--precision", "q4"], offline)).stdout, /was there already/);
    assert.match((await there.models(["verify"], offline)).stdout, /^ok {2}bge-base-en-v1\.5 q4: 4 files/);
    const tried = JSON.parse((await there.models(["try", MODEL, "retry", "loop", "--json"], offline)).stdout);
    const rounded = bert.rounded("q4");
    const vector = (text: string) => rounded.embedding(rounded.wrapped(rounded.tokens(text)), "cls");
    const expected = dot(vector("represent this sentence for searching relevant passages : retry"), vector("loop"));
    assert.deepEqual([tried.id, tried.precision], [MODEL, "q4"]);
    assert.ok(Math.abs(tried.similarities[0].similarity - expected) < 1e-4);

    // Another content under the name that is known is refused, also when the whole file was replaced at the same commit.
    const forged = { ...files, "onnx/model_q4.onnx": new TinyBert(shape, 5).onnx({ precision: "q4" }) };
    there.server.repositories[REPOSITORY] = { main: COMMIT, content: { [COMMIT]: forged } };
    truncateSync(join(there.cacheFolder, `models--Xenova--${MODEL}/snapshots/${COMMIT}/onnx/model_q4.onnx`), 100);
    const refused = await there.models(["pull", MODEL, "--precision", "q4"]);
    assert.equal(refused.code, 3);
    assert.match(
      refused.stderr,
      /The Hub has another onnx\/model_q4\.onnx of bge-base-en-v1\.5 than the one that is known/,
    );
    assert.match((await there.models(["remove", MODEL])).stdout, /removed, .* freed/);
    assert.doesNotMatch((await there.models([])).stdout, /on disk: q4/);
  });

  it("adds any model of the Hub, lists, verifies, uses and removes it", async (test) => {
    const there = await terminal(test);
    there.server.repositories["acme/E5-small"] = { main: COMMIT, content: { [COMMIT]: tinyBert.files() } };
    const missing = await there.models(["try", "acme/E5-small", "a", "b"]);
    assert.match(missing.stderr, /acme\/E5-small is not on this machine[\s\S]*pull acme\/E5-small/);
    const pulled = await there.models(["pull", "acme/E5-small"]);
    assert.equal(pulled.code, 0, pulled.stderr);
    assert.match(
      pulled.stderr,
      /^acme\/E5-small, int8, by acme, licence mit\n4 files, .*\n.*the Hub says is recorded now/,
    );
    assert.match((await there.models([])).stdout, /\nacme\/E5-small +32 dims {2}mit +on disk: int8, .*\n {2}From acme/);
    assert.match((await there.models(["verify"])).stdout, /^ok {2}acme\/E5-small int8: 4 files/);
    const tried = JSON.parse((await there.models(["try", "acme/E5-small", "retry", "loop", "--json"])).stdout);
    const vector = (text: string) => tinyBert.embedding(tinyBert.wrapped(tinyBert.tokens(text)), "mean");
    const expected = dot(vector("query: retry"), vector("passage: loop"));
    assert.deepEqual([tried.id, tried.precision], ["acme/E5-small", "int8"]);
    assert.ok(Math.abs(tried.similarities[0].similarity - expected) < 1e-4);

    const folder = temporaryFolder(test);
    writeFiles(folder, PROJECT);
    assert.equal((await there.models(["use", "acme/E5-small", folder])).code, 0);
    const indexed = JSON.parse((await there.cairn(["index", folder, "--json"])).stdout).embedding;
    assert.deepEqual([indexed.model, indexed.phase], ["acme/E5-small:int8", "ready"]);
    assert.match((await there.models(["remove", "acme/E5-small"])).stdout, /acme\/E5-small removed/);
    const listed = (await there.models([])).stdout;
    assert.equal(
      listed.split("\n").find((line) => line.includes("acme")),
      "acme/E5-small is chosen and not here: the one in the package searches.",
    );
  });

  it("a process that is killed leaves no lock, and what it has is used", async (test) => {
    const there = await terminal(test);
    const asked = Promise.withResolvers<void>();
    there.server.misbehave(
      ...Array.from(
        { length: 4 },
        () =>
          (...[response, call, bytes, arrived]: Parameters<ReturnType<typeof stallsAfter>>) => {
            if (bytes.length < 100_000) return false;
            asked.resolve();
            return stallsAfter(150_000)(response, call, bytes, arrived);
          },
      ),
    );
    const child = there.start(["models", "pull", MODEL]);
    await asked.promise;
    const second = await there.models(["pull", MODEL]);
    assert.equal(second.code, 3);
    assert.match(second.stderr, /Another process downloads/);
    child.kill("SIGKILL");
    await once(child, "exit");
    there.server.misbehave();
    there.server.calls.length = 0;
    const { resumedBytes } = JSON.parse((await there.models(["pull", MODEL, "--json"])).stdout);
    const ranges = there.server.calls.map(({ headers }) => Number(/\d+/.exec(headers.range ?? "0")?.[0]));
    assert.equal(resumedBytes, Math.max(...ranges));
    assert.equal((await there.models(["verify", MODEL])).code, 0);
  });

  it("is stopped by Ctrl-C, and goes on where it stopped", async (test) => {
    const there = await terminal(test);
    const asked = Promise.withResolvers<void>();
    there.server.misbehave((response, call, bytes, arrived) => {
      asked.resolve();
      return stallsAfter(0)(response, call, bytes, arrived);
    });
    const child = there.start(["models", "pull", MODEL]);
    await asked.promise;
    child.kill("SIGINT");
    const [code] = await once(child, "exit");
    assert.equal(code, 130);
    assert.equal((await there.models(["pull", MODEL])).code, 0);
  });

  for (const [args, code, said] of [
    [["pull"], 2, /Which model\?/],
    [["pull", "bge-base-en-v1.6"], 2, /no model "bge-base-en-v1\.6"[\s\S]*Did you mean bge-base-en-v1\.5/],
    [["pull", MODEL, "--precision", "int4"], 2, /"int4" is no precision[\s\S]*fp32, fp16, bnb4, q4f16, q4, int8/],
    [["pull", MODEL, "--precision", "q4"], 2, /not offered in q4\.[\s\S]*offered in int8\.$/m],
    [
      ["pull", MODEL, "--precision", "fp16"],
      3,
      /lacks onnx\/model_fp16\.onnx at ccc[\s\S]*has onnx\/model_quantized\.onnx: /,
    ],
    [["pul", MODEL], 2, /Did you mean `cairn models pull`/],
    [["pull", "all-MiniLM-L6-v2"], 3, /knows no Xenova\/all-MiniLM-L6-v2/],
  ] as const) {
    it(`says what is wrong with: ${args.join(" ")}`, async (test) => {
      const there = await terminal(test);
      const result = await there.models(args);
      assert.equal(result.code, code);
      assert.match(result.stderr, said);
    });
  }

  it("says what this machine computes with, and downloads no libraries that nobody has agreed to", async (test) => {
    const there = await terminal(test);
    const env = { npm_config_registry: "http://127.0.0.1:1" };
    const { graphics, libraries } = JSON.parse((await there.models(["gpu", "--json"], env)).stdout);
    assert.ok(Array.isArray(graphics));
    for (const { name, packages, onDisk } of libraries) {
      assert.match(packages[0].integrity, /^sha512-/);
      assert.equal(onDisk, false);
      const asked = await there.models(["gpu", name], env);
      assert.equal(asked.code, 2);
      assert.match(
        asked.stderr,
        /from http:\/\/127\.0\.0\.1:1, checked before[\s\S]*Nothing was downloaded: nobody could be asked/,
      );
      const agreed = await there.models(["gpu", name, "--yes"], env);
      assert.equal(agreed.code, 3);
      assert.match(agreed.stderr, /127\.0\.0\.1:1 could not be reached/);
    }
    assert.equal((await there.models(["gpu", "abacus"], env)).code, 2);
    assert.match((await there.models(["gpu", "remove"], env)).stdout, /^There were none\.|freed\n$/);
  });
});
