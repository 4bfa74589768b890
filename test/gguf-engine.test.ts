import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { unit } from "../server/bench/tiny-bert.ts";
import { Engine } from "../server/native/engine.ts";
import type { GgufFile, Pooling } from "../server/native/engine-model.ts";
import { WINDOW_OVERLAP } from "../server/native/text-windows.ts";
import { assertClose, bert, embedded, started, TEXTS, WORDS, workedOut } from "./engine-fixture.ts";
import { temporaryFolder } from "./open-core.ts";
import { seeded } from "./seeded.ts";
import { type GgufForm, tinyBertGguf } from "./tiny-bert-gguf.ts";
import { writeTinyLlama } from "./tiny-llama.ts";

/** llama.cpp approximates GELU, and looks it up in a table of half precision. */
const TOLERANCE = 5e-4;

function onDisk(test: TestContext, changes: Partial<GgufFile> = {}, form: GgufForm = {}): GgufFile {
  const weights = join(temporaryFolder(test), "tiny.gguf");
  writeFileSync(weights, tinyBertGguf(bert, form));
  const prefixes = { queryPrefix: "query: ", passagePrefix: "passage: " };
  return { format: "gguf", name: "tiny", weights, dims: 32, gpu: "off", engineFolder: "", ...prefixes, ...changes };
}

describe("the engine for GGUF files", () => {
  for (const pooling of ["mean", "cls", "last"] as const satisfies Pooling[]) {
    it(`gives the vectors of the forward pass with ${pooling} pooling, of queries and of passages`, async (test) => {
      const engine = await started(test, onDisk(test, {}, { pooling }));
      const asked = await embedded(engine, TEXTS, "query");
      assertClose(asked, workedOut(TEXTS, "query: ", pooling), TOLERANCE);
      assertClose(await embedded(engine, TEXTS, "passage"), workedOut(TEXTS, "passage: ", pooling), TOLERANCE);
      for (const vector of asked) assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-6);
    });
  }

  it("says what the file is called, how long its vectors are and what it runs on", async (test) => {
    const { loaded, memory } = await started(test, onDisk(test, { dims: undefined }, { name: "Nomic Embed" }));
    const { dims, title, device, threads } = loaded;
    assert.deepEqual(
      { dims, title, device, threads },
      { dims: 32, title: "Nomic Embed bert", device: "CPU, 1 thread", threads: 1 },
    );
    assert.ok(loaded.loadMs > 0 && typeof memory === "function");
  });

  it("gives a text among others the vector that it has alone", async (test) => {
    const engine = await started(test, onDisk(test));
    const random = seeded(3);
    const texts = Array.from({ length: 30 }, () =>
      Array.from({ length: 1 + random(90) }, () => WORDS[random(WORDS.length)]).join(" "),
    );
    const alone: number[][] = [];
    for (const text of texts) alone.push(...(await embedded(engine, [text], "passage")));
    assertClose(await embedded(engine, texts, "passage"), alone, 1e-4);
    assertClose(alone, workedOut(texts, "passage: ", "mean"), TOLERANCE);
    const { tokens } = await engine.embed(TEXTS, "passage");
    const counted = TEXTS.map((text) => bert.wrapped(bert.tokens(`passage: ${text}`)).length);
    assert.equal(
      tokens,
      counted.reduce((sum, count) => sum + count, 0),
    );
  });

  it("reads a text that is too long in windows, each with the prefix, and averages them by their tokens", async (test) => {
    const engine = await started(test, onDisk(test));
    const text = Array.from({ length: 300 }, (_, i) => WORDS[(i * 7) % WORDS.length]).join(" ");
    const ids = bert.tokens(`query: ${text}`);
    const prefix = bert.tokens("query: ");
    // The model takes 128 tokens: 126 between the two that open and close.
    const overlap = Math.min(WINDOW_OVERLAP, Math.floor((126 - prefix.length) / 4));
    const windows = [ids.slice(0, 126)];
    for (let end = 126; end < ids.length; end += 124 - overlap) {
      windows.push([...prefix, ...ids.slice(end - overlap, end - overlap + 124)]);
    }
    assert.equal(windows.length, 3);
    const sum = new Array<number>(32).fill(0);
    for (const window of windows.map((part) => bert.wrapped(part))) {
      for (const [d, value] of bert.embedding(window, "mean").entries()) sum[d] += window.length * value;
    }
    assertClose(await embedded(engine, [text], "query"), [unit(sum)], TOLERANCE);
  });

  it("embeds a text without words, and none at all", async (test) => {
    const engine = await started(test, onDisk(test, { queryPrefix: "" }));
    const [empty] = await embedded(engine, [""], "query");
    assertClose([empty], [bert.embedding(bert.wrapped([]), "mean")], TOLERANCE);
    assert.equal((await engine.embed([], "query")).vectors.length, 0);
  });

  it("takes marks of special tokens in a text for text", async (test) => {
    const engine = await started(test, onDisk(test, { queryPrefix: "" }));
    const { tokens } = await engine.embed(["read [SEP] write"], "query");
    assert.ok(tokens > 5);
  });
});

describe("a GGUF file that cannot be used", () => {
  it("is no embedding model", async (test) => {
    const llama = join(temporaryFolder(test), "chat.gguf");
    writeTinyLlama(llama);
    for (const [file, message] of [
      [onDisk(test, { weights: llama }), /^chat\.gguf is no embedding model: it does not say how the vectors/],
      [onDisk(test, {}, { silent: true }), /^tiny\.gguf is no embedding model: it does not say/],
      [onDisk(test, {}, { pooling: "none" }), /^tiny\.gguf is no embedding model: it does not say/],
      [onDisk(test, {}, { pooling: "rank" }), /^tiny\.gguf is no embedding model: it ranks texts\./],
    ] as const) {
      await assert.rejects(Engine.start(file), { kind: "input", message, hint: /Name an embedding model in GGUF/ });
    }
  });

  it("is not there, is something else, or is cut off in its header or in its weights", async (test) => {
    const file = onDisk(test);
    const whole = readFileSync(file.weights);
    const folder = temporaryFolder(test);
    const path = (name: string, bytes: Uint8Array | string) => {
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    };
    for (const [weights, message] of [
      [join(folder, "none.gguf"), /none\.gguf cannot be read \(ENOENT\)/],
      [folder, /is not a GGUF file/],
      [path("text.gguf", "no model"), /text\.gguf is not a GGUF file/],
      [path("header.gguf", whole.subarray(0, 300)), /header\.gguf cannot be loaded/],
      [path("weights.gguf", whole.subarray(0, whole.length - 20_000)), /weights\.gguf cannot be loaded/],
    ] as const) {
      await assert.rejects(Engine.start({ ...file, weights }), { kind: "input", message });
    }
  });

  it("gives other vectors than it did", async (test) => {
    await assert.rejects(Engine.start(onDisk(test, { dims: 64 })), {
      kind: "output",
      message: "tiny.gguf cannot be used: its vectors have 32 dimensions, not 64.",
    });
  });

  it("has no engine where the folder that is named has none", async (test) => {
    const engineFolder = join(temporaryFolder(test), "empty");
    mkdirSync(engineFolder);
    await assert.rejects(Engine.start(onDisk(test, { engineFolder })), {
      kind: "input",
      message: /^The model cannot be used: there is no engine for model files here/,
      hint: /npm install node-llama-cpp@/,
    });
  });
});
