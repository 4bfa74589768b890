import assert from "node:assert/strict";
import { readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { TinyBert } from "../server/bench/tiny-bert.ts";
import { addModel } from "../server/chosen/add-model.ts";
import { type ChosenModel, chosenModel } from "../server/chosen/chosen-model.ts";
import { hubPartsOf } from "../server/chosen/named-model.ts";
import { modelOnDisk, removeModel } from "../server/hub/installed.ts";
import { pullModel } from "../server/hub/pull.ts";
import { nodeHost } from "../server/node-host.ts";
import { readSettings } from "../shared/read-settings.ts";
import { assertClose, bert, TEXTS, workedOut } from "./engine-fixture.ts";
import { content } from "./hub-fixture.ts";
import { temporaryFolder } from "./open-core.ts";
import { commit, startHubServer } from "./servers/hub-server.ts";
import { tinyBertGguf } from "./tiny-bert-gguf.ts";

const [FIRST, SECOND] = [commit("a"), commit("b")];
const other = new TinyBert(bert.shape, 5);

/** A machine without models, and a Hub whose repository `acme/model` has these files. */
async function machine(test: TestContext, files: Readonly<Record<string, Uint8Array>>) {
  const server = await startHubServer(test);
  const repository = { main: FIRST, content: { [FIRST]: files } as Record<string, Record<string, Uint8Array>> };
  server.repositories["acme/model"] = repository;
  const folder = temporaryFolder(test);
  const host = nodeHost({ level: "silent", env: { HF_ENDPOINT: server.url, HF_HOME: join(folder, "hub") } });
  const { settings } = readSettings({ "answer.local.gpu": "off" });
  const cacheDirectory = join(folder, "cairn");
  const parts = { ...hubPartsOf(host, cacheDirectory), settings };
  const named = (revision = "main") => ({ kind: "model", name: "acme/model", revision }) as const;
  return {
    server,
    repository,
    parts,
    add: (precision?: "fp32" | "q4", revision?: string) => addModel(parts, named(revision), precision),
    chosen: (name: string) => chosenModel({ host, cacheDirectory, settings }, name),
  };
}

async function asked(test: TestContext, model: ChosenModel): Promise<number[][]> {
  const engine = await model.start();
  test.after(() => engine.close());
  const { vectors } = await engine.embed(TEXTS, "query");
  return TEXTS.map((_, i) => Array.from(vectors.subarray(i * 32, (i + 1) * 32)));
}

const PAPERS = {
  "1_Pooling/config.json": Buffer.from('{"pooling_mode_cls_token": true}'),
  "config_sentence_transformers.json": Buffer.from('{"prompts": {"query": "query: "}}'),
};

describe("a model of the Hub that no catalogue names", () => {
  it("is used as its papers say, in the precision that is named", async (test) => {
    const files = { ...bert.files(), ...PAPERS, "onnx/model.onnx": bert.onnx(), "README.md": content(5_000, 1) };
    const { add, chosen, parts } = await machine(test, files);
    const { model, precision, pulled } = await add();
    assert.deepEqual([model.dims, model.pooling, model.licence, precision], [32, "cls", "mit", "int8"]);
    assert.deepEqual(pulled.files.map(({ path }) => path).sort(), [
      "1_Pooling/config.json",
      "config.json",
      "config_sentence_transformers.json",
      "onnx/model_quantized.onnx",
      "tokenizer.json",
      "tokenizer_config.json",
    ]);
    assertClose(await asked(test, await chosen("acme/model")), workedOut(TEXTS, "query: ", "cls"));
    await assert.rejects(chosen("acme/model:fp32"), { hint: /models pull acme\/model --precision fp32/ });
    const [added] = parts.added.all();
    await pullModel(parts, added, "fp32");
    assert.equal((await chosen("acme/model:fp32")).name, "acme/model:fp32");
    assert.deepEqual(modelOnDisk(parts, added).precisions, ["fp32", "int8"]);
  });

  it("is a GGUF file where it is in no other form", async (test) => {
    const files = {
      "tiny.Q4_K_M.gguf": content(2_000, 3),
      "tiny.Q8_0.gguf": tinyBertGguf(bert, { name: "E5 small" }),
      "tiny.f16.gguf": content(2_000, 4),
    };
    const { add, chosen } = await machine(test, files);
    const { model, pulled } = await add();
    assert.deepEqual(
      pulled.files.map(({ path }) => path),
      ["tiny.Q8_0.gguf"],
    );
    assert.deepEqual(Object.keys(model.weights), ["fp16", "q4", "int8"]);
    const { name, prompts } = await chosen("acme/model");
    assert.deepEqual([name, prompts?.query], ["acme/model:int8", "query: "]);
    assertClose(await asked(test, await chosen("acme/model")), workedOut(TEXTS, "query: ", "mean"), 5e-4);
  });

  it("stays what it was at the first download, until it is removed", async (test) => {
    const { add, chosen, parts, repository, server } = await machine(test, bert.files());
    await add();
    const { identity } = await chosen("acme/model");
    repository.content[SECOND] = other.files();
    repository.main = SECOND;
    const [added] = parts.added.all();
    server.calls.length = 0;
    await pullModel(parts, added, "int8");
    assert.deepEqual([(await chosen("acme/model")).identity, server.calls.length], [identity, 0]);
    assertClose(await asked(test, await chosen("acme/model")), workedOut(TEXTS, "", "mean"));

    assert.ok((await removeModel(parts, added)) > 0);
    parts.added.forget(added);
    await assert.rejects(chosen("acme/model"), { kind: "input", message: "acme/model is not on this machine." });
    await add();
    assert.notEqual((await chosen("acme/model")).identity, identity);
  });

  it("whose weights were cut off or exchanged is not loaded", async (test) => {
    const { add, chosen, parts } = await machine(test, bert.files());
    const { pulled } = await add();
    const weights = join(pulled.folder, "onnx/model_quantized.onnx");
    truncateSync(weights, readFileSync(weights).length - 1);
    await assert.rejects((await chosen("acme/model")).start(), {
      kind: "corrupt",
      hint: /pull acme\/model --precision/,
    });
    await pullModel(parts, parts.added.all()[0], "int8");
    await asked(test, await chosen("acme/model"));
  });

  it("is one at a revision, where one is named", async (test) => {
    const { add, repository } = await machine(test, bert.files());
    repository.content[SECOND] = other.files();
    assert.equal((await add(undefined, SECOND)).pulled.commit, SECOND);
  });

  for (const [what, files, message] of [
    ["holds neither form", { "model.safetensors": content(2_000, 5) }, /holds no model that can be run/],
    ["lacks its tokenizer", { "onnx/model.onnx": bert.onnx() }, /holds no model that can be run/],
    [
      "is in several files",
      { ...bert.files(), "onnx/model_quantized.onnx_data": content(2_000, 6) },
      /holds no model that can be run/,
    ],
    ["does not embed", { "tiny.Q8_0.gguf": tinyBertGguf(bert, { pooling: "rank" }) }, /ranks texts/],
    [
      "pools otherwise",
      { ...bert.files(), "1_Pooling/config.json": Buffer.from('{"pooling_mode_max_tokens":true}') },
      /its pooling/,
    ],
  ] as const) {
    it(`that ${what} is refused, and not added`, async (test) => {
      const { add, parts } = await machine(test, files);
      await assert.rejects(add(), { kind: "input", message });
      assert.deepEqual(parts.added.all(), []);
    });
  }

  it("in a precision that it does not have is refused before anything is downloaded", async (test) => {
    const { add, server } = await machine(test, bert.files());
    await assert.rejects(add("q4"), { message: "acme/model is not offered in q4.", hint: "It is offered in int8." });
    assert.ok(server.calls.every(({ path }) => !path.includes("/resolve/")));
  });
});
