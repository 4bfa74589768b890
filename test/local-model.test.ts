import assert from "node:assert/strict";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { TinyBert } from "../server/bench/tiny-bert.ts";
import { type ChosenModel, chosenModel } from "../server/chosen/chosen-model.ts";
import { promptsOf } from "../server/chosen/prompt-families.ts";
import { nodeHost } from "../server/node-host.ts";
import { readSettings } from "../shared/read-settings.ts";
import type { IndexStatus } from "../shared/search-types.ts";
import { embedded } from "./chosen-fixture.ts";
import { assertClose, bert, TEXTS, workedOut } from "./engine-fixture.ts";
import { type OpenedCore, openCore, temporaryFolder, writeFiles } from "./open-core.ts";
import { type GgufForm, tinyBertGguf } from "./tiny-bert-gguf.ts";

/** llama.cpp approximates GELU, and looks it up in a table of half precision. */
const TOLERANCE = 5e-4;
const QUESTION = "how is a file opened and closed";
const CPU = { "answer.local.gpu": "off" };

const FILES = Object.fromEntries(
  ["read the file", "write the cache", "retry the loop", "parse a token", "close the index"].map((text, i) => [
    `src/part${i}.ts`,
    `/** ${text} */\nexport function handle${i}() {\n  return ${i};\n}\n`,
  ]),
);

function ggufIn(folder: string, form: GgufForm = {}, model = bert): string {
  const path = join(folder, "tiny.gguf");
  writeFileSync(path, tinyBertGguf(model, form));
  return path;
}

/** A folder as a model's maker leaves it: with the papers of sentence-transformers, unless given otherwise. */
function folderWith(test: TestContext, papers: Record<string, unknown> = {}): string {
  const folder = temporaryFolder(test);
  writeFiles(folder, bert.files());
  for (const [name, content] of Object.entries(papers)) writeFiles(folder, { [name]: JSON.stringify(content) });
  return folder;
}

function chosen(cacheDirectory: string, path: string): Promise<ChosenModel> {
  const { settings } = readSettings(CPU);
  return chosenModel({ host: nodeHost({ level: "silent" }), cacheDirectory, settings }, path);
}

async function vectors(test: TestContext, model: ChosenModel): Promise<Record<"query" | "passage", number[][]>> {
  const engine = await model.start();
  test.after(() => engine.close());
  const of = async (kind: "query" | "passage") => {
    const { vectors } = await engine.embed(TEXTS, kind);
    return TEXTS.map((_, i) => Array.from(vectors.subarray(i * model.dims, (i + 1) * model.dims)));
  };
  return { query: await of("query"), passage: await of("passage") };
}

describe("a GGUF file that is named by its path", () => {
  it("is asked as its family wants to be, and says so", async (test) => {
    const path = ggufIn(temporaryFolder(test), { name: "E5 Base v2" });
    const model = await chosen(temporaryFolder(test), path);
    assert.deepEqual([model.name, model.dims], [path, 32]);
    assert.deepEqual(model.prompts, { query: "query: ", passage: "passage: " });
    const { query, passage } = await vectors(test, model);
    assertClose(query, workedOut(TEXTS, "query: ", "mean"), TOLERANCE);
    assertClose(passage, workedOut(TEXTS, "passage: ", "mean"), TOLERANCE);
  });

  it("is known by its content, wherever it lies, and read again when it has changed", async (test) => {
    const [folder, cache] = [temporaryFolder(test), temporaryFolder(test)];
    const path = ggufIn(folder);
    const first = await chosen(cache, path);
    renameSync(path, join(folder, "moved.gguf"));
    const moved = await chosen(cache, join(folder, "moved.gguf"));
    assert.equal(moved.identity, first.identity);
    writeFileSync(path, tinyBertGguf(new TinyBert(bert.shape, 5)));
    assert.notEqual((await chosen(cache, path)).identity, first.identity);
    await assert.rejects(first.start(), { kind: "input", message: /tiny\.gguf has changed since it was opened/ });
    rmSync(path);
    await assert.rejects(chosen(cache, path), { kind: "input", message: /^There is no model file .*tiny\.gguf\.$/ });
  });

  it("in several files is not there when one of them is not", async (test) => {
    const folder = temporaryFolder(test);
    writeFiles(folder, { "tiny-00001-of-00002.gguf": tinyBertGguf(bert) });
    await assert.rejects(chosen(temporaryFolder(test), join(folder, "tiny-00001-of-00002.gguf")), {
      kind: "input",
      message: /^There is no model file .*tiny-00002-of-00002\.gguf\.$/,
    });
  });

  it("is loaded once to be looked into, and not again", async (test) => {
    const cache = temporaryFolder(test);
    const path = ggufIn(temporaryFolder(test));
    const { identity } = await chosen(cache, path);
    // Without an engine nothing could be found out about it any more.
    const { settings } = readSettings({ ...CPU, "answer.local.engineFolder": cache });
    const again = await chosenModel({ host: nodeHost({ level: "silent" }), cacheDirectory: cache, settings }, path);
    assert.equal(again.identity, identity);
    await assert.rejects(again.start(), { kind: "input", message: /there is no engine for model files/ });
  });
});

describe("a folder with a model in ONNX form that is named by its path", () => {
  it("is used as the papers in it say", async (test) => {
    const folder = folderWith(test, {
      "modules.json": [
        { path: "", type: "sentence_transformers.models.Transformer" },
        { path: "1_Pooling", type: "sentence_transformers.models.Pooling" },
        { path: "2_Normalize", type: "sentence_transformers.models.Normalize" },
      ],
      "1_Pooling/config.json": { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false },
      "config_sentence_transformers.json": { prompts: { query: "query: ", document: "passage: " } },
      "sentence_bert_config.json": { max_seq_length: 64 },
    });
    const model = await chosen(temporaryFolder(test), folder);
    assert.deepEqual([model.name, model.dims], [`${folder}:int8`, 32]);
    const { query, passage } = await vectors(test, model);
    assertClose(query, workedOut(TEXTS, "query: ", "cls"));
    assertClose(passage, workedOut(TEXTS, "passage: ", "cls"));
  });

  it("without such papers is pooled by the mean, and asked as it stands", async (test) => {
    const model = await chosen(temporaryFolder(test), folderWith(test));
    assert.deepEqual(model.prompts, { query: "", passage: "" });
    assertClose((await vectors(test, model)).query, workedOut(TEXTS, "", "mean"));
  });

  it("takes the precision that is named, and the weights beside the papers too", async (test) => {
    const folder = folderWith(test);
    writeFiles(folder, { "model.onnx": bert.onnx() });
    const model = await chosen(temporaryFolder(test), `${folder}:fp32`);
    assert.equal(model.name, `${folder}:fp32`);
    assertClose((await vectors(test, model)).query, workedOut(TEXTS, "", "mean"));
    await assert.rejects(chosen(temporaryFolder(test), `${folder}:q4`), {
      message: /is not offered in q4\./,
      hint: "It is offered in fp32, int8.",
    });
  });

  it("that cannot be run is refused with the reason", async (test) => {
    const without = (name: string) => {
      const folder = folderWith(test);
      rmSync(join(folder, name));
      return folder;
    };
    const layer = { path: "2_Dense", type: "sentence_transformers.models.Dense" };
    for (const [folder, message] of [
      [without("tokenizer.json"), /holds no embedding model that can be run: tokenizer\.json is not there\./],
      [without("onnx/model_quantized.onnx"), /onnx\/model\.onnx is not there/],
      [folderWith(test, { "modules.json": [layer] }), /2_Dense is a layer that Cairn does not run/],
      [
        folderWith(test, { "1_Pooling/config.json": { pooling_mode_max_tokens: true } }),
        /its pooling \(pooling_mode_max_tokens\) is one that Cairn does not know/,
      ],
      [folderWith(test, { "tokenizer.json": {} }), /The tokenizer in .* cannot be used/],
      [join(without("config.json"), "nothing"), /There is no model file/],
    ] as const) {
      await assert.rejects(chosen(temporaryFolder(test), folder), { kind: "input", message });
    }
    const folder = folderWith(test);
    const weights = join(folder, "onnx/model_quantized.onnx");
    writeFileSync(weights, readFileSync(weights).subarray(0, 20_000));
    await assert.rejects(chosen(temporaryFolder(test), folder), { kind: "input", hint: /Download it again/ });
  });
});

describe("what a model is called", () => {
  for (const [names, query, passage] of [
    [["nomic-embed-text-v1.5.Q8_0.gguf", "nomic-bert"], "search_query: ", "search_document: "],
    [["CodeRankEmbed", "nomic-bert"], "Represent this query for searching relevant code: ", ""],
    [["multilingual e5 base"], "query: ", "passage: "],
    [["e5-large-instruct"], "", ""],
    [["bge-small-en-v1.5-q8_0.gguf bert"], "Represent this sentence for searching relevant passages: ", ""],
    [["all-MiniLM-L6-v2"], "", ""],
  ] as const) {
    it(`${names.join(", ")}: ${query || "no prompt"}`, () => {
      assert.deepEqual(promptsOf(names), { query, passage });
    });
  }
});

describe("search by a GGUF file", () => {
  async function machine(test: TestContext) {
    const [root, cache, models] = [temporaryFolder(test), temporaryFolder(test), temporaryFolder(test)];
    writeFiles(root, FILES);
    const path = ggufIn(models);
    const open = (model: string, more: Record<string, unknown> = {}) =>
      openCore(test, root, cache, { settings: { ...CPU, ...more, "embedding.model": model } });
    return { path, open };
  }

  /** The status once it says that something is wrong. */
  function toldOf({ workspace }: OpenedCore): Promise<IndexStatus> {
    return new Promise((resolve, reject) => {
      const look = (status: IndexStatus) => status.message !== "" && resolve(status);
      workspace.onStatus(look);
      workspace.status().then(look, reject);
    });
  }

  async function answer({ workspace }: OpenedCore): Promise<[path: string, score: number][]> {
    const { hits } = await workspace.search({ query: QUESTION });
    assert.ok(hits.length > 0);
    return hits.map(({ path, score }) => [path, score]);
  }

  it("goes on by the model in the package when its engine is killed in the middle of a question", async (test) => {
    const { path, open } = await machine(test);
    const bundled = await open("");
    await bundled.workspace.idle();
    const byBundled = await answer(bundled);
    await bundled.core.close();

    const chosen = await open(path);
    const { embedding } = await embedded(chosen.workspace);
    assert.deepEqual([embedding?.model, embedding?.done, embedding?.total], [path, 5, 5]);
    assert.match(embedding?.engine.device ?? "", /^CPU, \d+ threads?$/);
    const byChosen = await answer(chosen);
    assert.notDeepEqual(byChosen, byBundled);
    const { pid } = embedding?.engine ?? { pid: 0 };

    process.kill(pid, "SIGSTOP");
    const asked = answer(chosen);
    while ((await chosen.workspace.status()).embedding?.engine.depth === 0);
    process.kill(pid, "SIGKILL");
    assert.deepEqual(await asked, byBundled);
    const { message } = await chosen.workspace.status();
    assert.match(message, /tiny\.gguf cannot be asked: .* The model in the package searches\./);
    await embedded(
      chosen.workspace,
      ({ phase, inUse, engine }) => phase === "ready" && inUse && engine.pid !== pid && engine.restarts === 1,
    );
    assert.deepEqual(await answer(chosen), byChosen);
    assert.equal((await chosen.workspace.status()).message, "");
  });

  it("embeds nothing again when the file is moved, and says when it is no model", async (test) => {
    const { path, open } = await machine(test);
    const first = await open(path);
    const { embedding } = await embedded(first.workspace);
    assert.equal(embedding?.engine.texts, 5);
    await first.core.close();

    const moved = path.replace("tiny", "moved");
    renameSync(path, moved);
    const again = await open(moved);
    assert.equal((await embedded(again.workspace)).embedding?.engine.texts, 0);
    await again.core.close();

    writeFileSync(moved, readFileSync(moved).subarray(0, 30_000));
    const cut = await open(moved);
    const { message, embedding: none } = await toldOf(cut);
    assert.match(message, /^moved\.gguf cannot be loaded: .* The model in the package searches\./);
    assert.equal(none, undefined);
    await answer(cut);
  });

  it("waits for nobody who looks into it: the model in the package answers, and the folder can be closed", async (test) => {
    const { path, open } = await machine(test);
    const hangs = temporaryFolder(test);
    const engine = "export const LlamaLogLevel = {};\nexport const getLlama = () => new Promise(() => {});\n";
    writeFiles(hangs, {
      "node_modules/node-llama-cpp/package.json": JSON.stringify({ type: "module", exports: "./index.js" }),
      "node_modules/node-llama-cpp/index.js": engine,
    });
    const opened = await open(path, { "answer.local.engineFolder": hangs });
    const { embedding, phase } = await opened.workspace.idle();
    assert.deepEqual([embedding?.model, embedding?.phase, phase], [path, "loading", "ready"]);
    await answer(opened);
    await opened.core.close();
  });
});
