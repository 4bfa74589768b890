import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { createStaticEmbedder, StaticEncoder } from "../server/embed/static.ts";
import { loadStaticModel, verifyStaticModel } from "../server/embed/static-model.ts";
import { packedVocabularyFile, packVocabulary } from "../server/embed/vocabulary.ts";
import { nodeHost } from "../server/node-host.ts";
import { packageFile } from "../server/package-files.ts";
import { compileKernels } from "../server/vectors/compile-kernels.ts";
import { compileModule } from "../server/vectors/kernels.ts";
import { CairnError } from "../shared/errors.ts";
import { memoryHost } from "./memory-host.ts";

const folder = packageFile("models", "static");
const { files } = nodeHost();
const model = loadStaticModel(files, folder, compileModule(await compileKernels()));
const encoder = new StaticEncoder(model);

const TINY_WORDS = ["get", "http", "server", "url", "urls", "2", "1234", "se"];

test("the files of the model are those of its manifest", () => {
  verifyStaticModel(files, folder);
});

test("the examples that came with the model get their tokens and their vectors", () => {
  const examples: { text: string; ids: number[]; vec16: number[] }[] = JSON.parse(
    readFileSync(join(folder, "golden.json"), "utf8"),
  );
  for (const { text, ids, vec16 } of examples) {
    assert.deepEqual([...encoder.tokens(text)], ids);
    // A path without a slash is its text, four times, before quantisation.
    const exact = unit([...encoder.path(text)]);
    for (const [d, value] of vec16.entries()) assert.ok(Math.abs(exact[d] - value) < 1e-5, `${text} ${d}`);
    const query = encoder.query(text) ?? assert.fail(text);
    assert.ok(cosine([...query.codes], exact) > 0.9998);
  }
});

test("a packed vocabulary finds the same words; one of another list or cut short is not used", () => {
  const list = Buffer.from(TINY_WORDS.map((word) => `${word}\n`).join(""));
  const sha256 = createHash("sha256").update(list).digest("hex");
  const packed = packedVocabularyFile(packVocabulary(list) ?? assert.fail(), sha256);
  const whole = tinyModel();
  whole["/model/manifest.json"] = JSON.stringify({ id: "tiny", dims: 32, sha256: { "vocab.txt": sha256 } });
  const tokensWith = (tree: Record<string, string | Uint8Array>) => {
    const { files } = memoryHost(tree);
    const tiny = new StaticEncoder(loadStaticModel(files, "/model", undefined, "/dist/vocabulary.bin"));
    return [...tiny.tokens("getHTTPServer urls 1234")];
  };
  const { "/model/vocab.txt": _, ...withoutList } = whole;
  assert.deepEqual(tokensWith({ ...withoutList, "/dist/vocabulary.bin": packed }), tokensWith(whole));
  for (const useless of [
    packed.slice(0, -1),
    packed.slice(0, 20),
    packedVocabularyFile(packVocabulary(list) ?? assert.fail(), "00".repeat(32)),
  ]) {
    assert.deepEqual(tokensWith({ ...whole, "/dist/vocabulary.bin": useless }), tokensWith(whole));
  }
});

test("words are split where programmers split them", () => {
  const words = loadStaticModel(memoryHost(tinyModel()).files, "/model", undefined);
  const tiny = new StaticEncoder(words);
  const split = (text: string) => [...tiny.tokens(text)].map((token) => TINY_WORDS[token]).join(" ");
  assert.equal(split("getHTTPServer http_server HttpServer"), "get http server http server http server");
  assert.equal(split("URLs, URL; urls"), "urls url urls");
  assert.equal(split("server2get 1234 12345"), "server 2 get 1234");
  assert.equal(split("éhttpé 中url文 𝒳get"), "http url get");
  // "serverget" is no word of this vocabulary: longest pieces from the left, and "q" begins none.
  assert.equal(split("servergetqhttp"), "server get http");
  assert.equal(split(""), "");
});

test("vectors of real files keep their direction in eight bits, body and path together", () => {
  const sources = readdirSync(packageFile("server", "embed")).map((name) => `server/embed/${name}`);
  for (const path of sources) {
    const text = readFileSync(packageFile(...path.split("/")), "utf8").slice(0, 1_500);
    const codes = new Int8Array(256);
    const scales = new Float32Array(1);
    encoder.place(encoder.bodies([text]), encoder.path(path), codes, scales, 0);
    const pathPart = encoder.path(path);
    const exact = encoder.path(text.replaceAll("/", " ")).map((value, d) => value / 4 + pathPart[d]);
    assert.ok(cosine([...codes], [...exact]) > 0.999, path);
    assert.ok(Math.abs(Math.hypot(...codes) * scales[0] - 1) < 1e-6);
  }
});

test("only the last three components of a path count", () => {
  assert.deepEqual(encoder.path("very/long/way/to/src/net/retry.ts"), encoder.path("src/net/retry.ts"));
  assert.notDeepEqual(encoder.path("src/net/retry.ts"), encoder.path("net/retry.ts"));
  assert.deepEqual(encoder.path(""), new Float32Array(256));
});

test("a path brings the chunks below it closer to its words", () => {
  const query = encoder.query("retry") ?? assert.fail();
  const body = encoder.bodies(["for (let i = 0; i < limit; i++) await send(request);"]);
  const near = (path: string) => {
    const codes = new Int8Array(256);
    encoder.place(body, encoder.path(path), codes, new Float32Array(1), 0);
    return cosine([...codes], [...query.codes]);
  };
  assert.ok(near("src/net/retry.ts") > near("src/net/colour.ts"));
});

test("a text without tokens has a zero body, and a query without tokens no vector", () => {
  for (const text of ["", "  \n", "→ ü 中文 ?!", "12345678901234567890"]) {
    assert.deepEqual(encoder.bodies([text]), {
      model: "cairn-static-1",
      dims: 256,
      codes: new Int8Array(256),
      scales: new Float32Array(1),
    });
    assert.equal(encoder.query(text), undefined);
  }
});

test("a zero body under a path is the path alone", () => {
  const codes = new Int8Array(256);
  encoder.place(encoder.bodies(["?"]), encoder.path("retry"), codes, new Float32Array(1), 0);
  assert.deepEqual(codes, encoder.query("retry")?.codes);
});

test("a batch is placed from the number asked for on, and nothing else is touched", () => {
  const texts = Array.from({ length: 150 }, (_, i) => `function handler${i % 7}() { return ${i}; }`);
  const path = encoder.path("src/handlers.js");
  const codes = new Int8Array(152 * 256).fill(99);
  const scales = new Float32Array(152).fill(99);
  encoder.place(encoder.bodies(texts), path, codes, scales, 1);
  for (const edge of [0, 151]) {
    assert.ok(codes.subarray(edge * 256, (edge + 1) * 256).every((code) => code === 99));
    assert.equal(scales[edge], 99);
  }
  const alone = new Int8Array(256);
  encoder.place(encoder.bodies([texts[149]]), path, alone, new Float32Array(1), 0);
  assert.deepEqual(codes.slice(150 * 256, 151 * 256), alone);
});

test("a query of a megabyte is read from its start", () => {
  const long = `how are retries handled ${"x y ".repeat(250_000)}`;
  assert.deepEqual(encoder.query(long), encoder.query(long.slice(0, 2_000)));
});

test("fewer dimensions are a cut of the same vector under a name of their own", () => {
  const small = new StaticEncoder(model, 64);
  assert.equal(small.model, "cairn-static-1/64");
  assert.deepEqual(small.path("src/net/retry.ts"), encoder.path("src/net/retry.ts").slice(0, 64));
  assert.throws(() => small.place(encoder.bodies(["x"]), small.path(""), new Int8Array(64), new Float32Array(1), 0));
  assert.throws(() => new StaticEncoder(model, 100), /cannot give 100 dimensions/);
});

test("without SIMD the vectors are the same", () => {
  const plain = new StaticEncoder({ ...model, kernels: undefined });
  const texts = ["how are routes registered", "class Router { register(route) {} }", ""];
  assert.deepEqual(plain.bodies(texts), encoder.bodies(texts));
  assert.deepEqual(plain.query(texts[0]), encoder.query(texts[0]));
});

test("threads that share the model at the same time agree", async () => {
  const texts = readFileSync(packageFile("server", "embed", "static.ts"), "utf8").match(/.{1,200}/gs) ?? [];
  const vectors = await Promise.all(
    [256, 256, 128].map(
      (dims) =>
        new Promise((resolve, reject) => {
          const worker = new Worker(new URL("static-model-worker.ts", import.meta.url), {
            workerData: { model, texts, dims },
          });
          worker.once("message", resolve).once("error", reject);
        }),
    ),
  );
  assert.deepEqual(vectors[0], encoder.bodies(texts));
  assert.deepEqual(vectors[1], encoder.bodies(texts));
  assert.deepEqual(vectors[2], new StaticEncoder(model, 128).bodies(texts));
});

test("the embedder gives the bodies, the query's codes, and stops when told to", async () => {
  const embedder = createStaticEmbedder(encoder);
  const texts = Array.from({ length: 600 }, (_, i) => `item ${i % 100}`);
  assert.deepEqual(await embedder.embed(texts), encoder.bodies(texts));
  assert.deepEqual(await embedder.embedQuery("session management"), encoder.query("session management")?.codes);
  assert.equal(await embedder.embedQuery("?"), undefined);
  const controller = new AbortController();
  const embedding = embedder.embed(texts, controller.signal);
  controller.abort();
  await assert.rejects(embedding, { name: "AbortError" });
});

const whole = tinyModel();
const tensors = whole["/model/model.safetensors"] as Uint8Array;
const damages: [what: string, file: string, content: Uint8Array | string | undefined, message: RegExp][] = [
  ["a missing table", "model.safetensors", undefined, /model\.safetensors: it is missing/],
  ["an empty table", "model.safetensors", new Uint8Array(), /cut off within its header/],
  ["a table cut in its header", "model.safetensors", tensors.slice(0, 40), /cut off within its header/],
  ["a table cut in its data", "model.safetensors", tensors.slice(0, -1), /malformed or reaches beyond the file/],
  ["a table with more behind it", "model.safetensors", Buffer.concat([tensors, tensors]), /longer than its header/],
  ["a table of zeros", "model.safetensors", new Uint8Array(tensors.length), /its header is not JSON/],
  ["a weight that is no number", "model.safetensors", tinyTensors(Number.NaN), /a weight is not a number/],
  ["a missing word list", "vocab.txt", undefined, /vocab\.txt: it is missing/],
  ["a word list cut off", "vocab.txt", "get\nhttp\nser", /not a list of distinct words/],
  ["a word list with one word less", "vocab.txt", "get\nhttp\n", /table E is not I8 of 2 words/],
  ["a word list with a word twice", "vocab.txt", "get\nhttp\nget\n", /not a list of distinct words/],
  ["a word list that is something else", "vocab.txt", "<html>\n", /not a list of distinct words/],
  ["an empty word list", "vocab.txt", "", /not a list of distinct words/],
  ["a missing manifest", "manifest.json", undefined, /manifest\.json: it is missing/],
  ["a manifest that is not JSON", "manifest.json", "{", /manifest\.json: it is not JSON with id, dims/],
  ["a manifest without its parts", "manifest.json", "null", /manifest\.json: it is not JSON with id, dims/],
];
for (const [what, name, content, message] of damages) {
  test(`${what} is reported with the file and the way out`, () => {
    const { [`/model/${name}`]: _, ...rest } = whole;
    const host = memoryHost(content === undefined ? rest : { ...rest, [`/model/${name}`]: content });
    assert.throws(
      () => loadStaticModel(host.files, "/model", undefined),
      (error) =>
        error instanceof CairnError &&
        error.kind === "corrupt" &&
        message.test(error.message) &&
        /Install Cairn again/.test(error.hint),
    );
  });
}

test("a file that changed in place is found by its hash", () => {
  verifyStaticModel(memoryHost(whole).files, "/model");
  const flipped = tensors.slice();
  flipped[flipped.length - 1] ^= 1;
  const host = memoryHost({ ...whole, "/model/model.safetensors": flipped });
  assert.throws(() => verifyStaticModel(host.files, "/model"), /model\.safetensors: its SHA-256 is not the one/);
});

/** A model of eight words in 32 dimensions, whole and well-formed. */
function tinyModel(): Record<string, string | Uint8Array> {
  const tensors = tinyTensors(0.5);
  const sha256 = { "model.safetensors": createHash("sha256").update(tensors).digest("hex") };
  return {
    "/model/manifest.json": JSON.stringify({ id: "tiny", dims: 32, sha256 }),
    "/model/vocab.txt": TINY_WORDS.map((word) => `${word}\n`).join(""),
    "/model/model.safetensors": tensors,
  };
}

function tinyTensors(weight: number): Uint8Array {
  const words = TINY_WORDS.length;
  const json = JSON.stringify({
    w: { dtype: "F32", shape: [words], data_offsets: [0, 4 * words] },
    E: { dtype: "I8", shape: [words, 32], data_offsets: [4 * words, 36 * words] },
  });
  // The format pads its header so that what follows is aligned.
  const header = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const weights = Buffer.alloc(4 * words);
  for (let i = 0; i < words; i++) weights.writeFloatLE(weight, 4 * i);
  return Buffer.concat([length, header, weights, Buffer.alloc(32 * words, 1)]);
}

function unit(vector: readonly number[]): number[] {
  const norm = Math.hypot(...vector);
  return vector.map((value) => value / norm);
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [unit(a), unit(b)];
  return x.reduce((sum, value, d) => sum + value * y[d], 0);
}
