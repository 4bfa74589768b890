import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { cpSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { dot, type OnnxForm, unit } from "../server/bench/tiny-bert.ts";
import { Engine } from "../server/native/engine.ts";
import type { OnnxFiles } from "../server/native/engine-model.ts";
import { textWindows, tokenBatches, WINDOW_OVERLAP } from "../server/native/text-windows.ts";
import { packageFile } from "../server/package-files.ts";
import { inWords } from "../shared/phrase.ts";
import { assertClose, bert, embedded, started, TEXTS, WORDS, workedOut } from "./engine-fixture.ts";
import { temporaryFolder, writeFiles } from "./open-core.ts";
import { seeded } from "./seeded.ts";

/** A model on disk, in the form that its file is to have. */
function onDisk(test: TestContext, changes: Partial<OnnxFiles> = {}, form: OnnxForm = {}): OnnxFiles {
  const folder = temporaryFolder(test);
  writeFiles(folder, bert.files(form));
  return {
    format: "onnx",
    name: "tiny",
    folder,
    weights: join(folder, "onnx/model_quantized.onnx"),
    dims: 32,
    pooling: "mean",
    maxTokens: 128,
    queryPrefix: "query: ",
    passagePrefix: "passage: ",
    ...changes,
  };
}

describe("the ONNX engine", () => {
  for (const pooling of ["mean", "cls", "last"] as const) {
    it(`gives the vectors of the forward pass with ${pooling} pooling, of queries and of passages`, async (test) => {
      const engine = await started(test, onDisk(test, { pooling }));
      assertClose(await embedded(engine, TEXTS, "query"), workedOut(TEXTS, "query: ", pooling));
      assertClose(await embedded(engine, TEXTS, "passage"), workedOut(TEXTS, "passage: ", pooling));
    });
  }

  it("without prefixes adds none", async (test) => {
    const engine = await started(test, onDisk(test, { queryPrefix: "", passagePrefix: "" }));
    const expected = workedOut(TEXTS, "", "mean");
    assertClose(await embedded(engine, TEXTS, "query"), expected);
    assertClose(await embedded(engine, TEXTS, "passage"), expected);
  });

  for (const [what, form, tolerance] of [
    ["knows no token types", { tokenTypes: false }, 1e-4],
    ["pools by itself", { output: "pooled" }, 1e-4],
    ["gives half precision", { output: "half" }, 2e-3],
  ] as const) {
    it(`takes a model that ${what} as it is`, async (test) => {
      const engine = await started(test, onDisk(test, {}, form));
      assert.equal(engine.loaded.pooledByModel, what === "pools by itself");
      assert.equal(engine.loaded.inputs.includes("token_type_ids"), what !== "knows no token types");
      assertClose(await embedded(engine, TEXTS, "query"), workedOut(TEXTS, "query: ", "mean"), tolerance);
    });
  }

  for (const [precision, tolerance, closest] of [
    ["fp16", 2e-3, 0.99999],
    ["q4", 1e-4, 0.998],
    ["q4f16", 2e-3, 0.998],
    ["bnb4", 1e-4, 0.997],
  ] as const) {
    it(`runs weights in ${precision}: the vectors are those of what the file has, and near those of what it lost`, async (test) => {
      const engine = await started(test, onDisk(test, {}, { precision }));
      const found = await embedded(engine, TEXTS, "query");
      const tokens = TEXTS.map((text) => bert.wrapped(bert.tokens(`query: ${text}`)));
      const rounded = bert.rounded(precision);
      assertClose(
        found,
        tokens.map((text) => rounded.embedding(text, "mean")),
        tolerance,
      );
      const whole = workedOut(TEXTS, "query: ", "mean");
      const cosines = found.map((vector, i) => dot(vector, whole[i]));
      assert.ok(Math.min(...cosines) > closest, `${cosines}`);
      if (precision !== "fp16") assert.throws(() => assertClose(found, whole, tolerance), /off by/);
    });
  }

  it("gives a text in a batch the vector that it has alone", async (test) => {
    const engine = await started(test, onDisk(test));
    const random = seeded(3);
    const texts = Array.from({ length: 60 }, () =>
      Array.from({ length: 1 + random(90) }, () => WORDS[random(WORDS.length)]).join(" "),
    );
    const together = await engine.embed(texts, "passage");
    assert.ok(together.batches < texts.length);
    const alone: number[][] = [];
    for (const text of texts) alone.push(...(await embedded(engine, [text], "passage")));
    assertClose(await embedded(engine, texts, "passage"), alone, 1e-5);
    assertClose(alone, workedOut(texts, "passage: ", "mean"));
  });

  it("reads a text that is too long in windows, each with the prefix, and averages them by their tokens", async (test) => {
    const engine = await started(test, onDisk(test, { maxTokens: 64 }));
    const text = Array.from({ length: 150 }, (_, i) => WORDS[(i * 7) % WORDS.length]).join(" ");
    const ids = bert.tokens(`query: ${text}`);
    const prefix = bert.tokens("query: ");
    // 62 tokens fit between the two that open and close; the overlap is a quarter of what is new, below 32.
    const overlap = Math.floor((62 - prefix.length) / 4);
    assert.ok(overlap < WINDOW_OVERLAP);
    const windows = [ids.slice(0, 62)];
    for (let end = 62; end < ids.length; end += 60 - overlap) {
      windows.push([...prefix, ...ids.slice(end - overlap, end - overlap + 60)]);
    }
    const sum = new Array<number>(32).fill(0);
    for (const window of windows.map((part) => bert.wrapped(part))) {
      for (const [d, value] of bert.embedding(window, "mean").entries()) sum[d] += window.length * value;
    }
    assertClose(await embedded(engine, [text], "query"), [unit(sum)]);
  });

  /** Passages that are one run of the model, and what it makes of them and of a question. */
  async function busy(test: TestContext, copyMs: number) {
    const engine = await Engine.start(onDisk(test), { threads: 1, batchTokens: 1_000_000, copyMs });
    test.after(() => engine.close());
    const passages = Array.from({ length: 600 }, (_, i) =>
      WORDS.map((_, at) => WORDS[(at * i) % WORDS.length]).join(" "),
    );
    // Before there were passages, so that no copy is made for it.
    const [answer] = await embedded(engine, ["retry"], "query");
    const expected = await engine.embed(passages, "passage");
    assert.equal(expected.batches, 1);
    /** Whether a question was answered before the passages that were brought first. */
    return async () => {
      let areDone = false;
      const underWay = engine.embed(passages, "passage").finally(() => {
        areDone = true;
      });
      assert.deepEqual(await embedded(engine, ["retry"], "query"), [answer]);
      const overtook = !areDone;
      assert.deepEqual((await underWay).vectors, expected.vectors);
      return overtook;
    };
  }

  it("answers a question in the middle of a batch, once questions were asked while it was at work", async (test) => {
    const overtakes = await busy(test, 60_000);
    const seen: boolean[] = [];
    while (seen.length < 200 && !seen.at(-1)) seen.push(await overtakes());
    assert.equal(seen.at(-1), true);
    assert.equal(seen[0], false);
  });

  it("gives the same vectors whenever the copy that answers meanwhile is made and given up", async (test) => {
    const ask = await busy(test, 1);
    for (let time = 0; time < 20; time++) await ask();
  });

  it("embeds a text without words, and none at all", async (test) => {
    const engine = await started(test, onDisk(test, { queryPrefix: "" }));
    const [empty] = await embedded(engine, [""], "query");
    assertClose([empty], [bert.embedding(bert.wrapped([]), "mean")]);
    assert.equal((await engine.embed([], "query")).vectors.length, 0);
  });
});

describe("an engine that fails", () => {
  it("for a file that was cut off says so, and is not left behind", async (test) => {
    const model = onDisk(test);
    truncateSync(model.weights, 20_000);
    await assert.rejects(Engine.start(model, { threads: 1 }), {
      kind: "output",
      message: /^tiny cannot be used: /,
      hint: /verify/,
    });
  });

  it("for other vectors than the catalogue promises says so", async (test) => {
    await assert.rejects(Engine.start(onDisk(test, { dims: 64 }), { threads: 1 }), {
      kind: "output",
      message: "tiny cannot be used: its vectors have 32 dimensions, not 64.",
    });
  });

  it("for a tokenizer that is none says so", async (test) => {
    const model = onDisk(test);
    writeFiles(model.folder, { "tokenizer.json": "{}" });
    await assert.rejects(Engine.start(model, { threads: 1 }), {
      kind: "output",
      message: /^The tokenizer in .* cannot be used/,
    });
  });

  it("because its process dies is an error of every call, and another can be started", async (test) => {
    const model = onDisk(test);
    const engine = await started(test, model);
    const calls = [engine.embed(TEXTS, "query"), engine.embed(TEXTS, "passage")];
    process.kill(engine.pid ?? 0, "SIGKILL");
    const results = await Promise.allSettled([...calls, engine.embed(TEXTS, "query")]);
    const failed = results.filter((result) => result.status === "rejected");
    assert.ok(failed.length > 0);
    for (const { reason } of failed) assert.match(String(reason), /The engine that runs tiny has ended \(SIGKILL\)/);
    await assert.rejects(engine.embed(TEXTS, "query"), { kind: "unavailable" });
    const next = await started(test, model);
    assertClose(await embedded(next, TEXTS, "query"), workedOut(TEXTS, "query: ", "mean"));
  });

  it("in a package without it is said to be missing", async (test) => {
    const folder = temporaryFolder(test);
    const program = join(folder, "dist", "engine-process.mjs");
    cpSync(packageFile("dist", "engine-process.mjs"), program);
    const child = fork(program, { execArgv: [], serialization: "advanced" });
    const reply = once(child, "message");
    child.send({
      id: 1,
      method: "load",
      argument: { model: onDisk(test), run: { device: "cpu", threads: 1, batchTokens: 512 } },
    });
    const died = once(child, "exit").then(() => assert.fail("its process has ended"));
    const [{ error }] = await Promise.race([reply, died]);
    assert.match(inWords(error.message), new RegExp(`no ONNX engine for ${process.platform}-${process.arch}`));
    child.disconnect();
  });

  it("ends when whoever started it is gone", async () => {
    const child = fork(new URL("../server/native/engine-process.ts", import.meta.url), { serialization: "advanced" });
    const exit = once(child, "exit");
    child.disconnect();
    assert.deepEqual(await exit, [null, "SIGKILL"]);
  });
});

describe("windows and batches", () => {
  const special = { before: [100], after: [101] };

  it("a text that fits is one window", () => {
    assert.deepEqual(textWindows([1, 2, 3], [1], special, 5), [[100, 1, 2, 3, 101]]);
  });

  it("every token of a long text is in a window, and no window is too long", () => {
    const random = seeded(5);
    for (let round = 0; round < 200; round++) {
      const prefix = Array.from({ length: random(4) }, (_, i) => 50 + i);
      const text = Array.from({ length: 1 + random(400) }, (_, i) => 1000 + i);
      const most = 16 + random(100);
      const windows = textWindows([...prefix, ...text], prefix, special, most);
      assert.ok(windows.every(({ length }) => length <= most));
      assert.ok(windows.every((window) => window[0] === 100 && window.at(-1) === 101));
      assert.ok(windows.every((window) => prefix.every((id, i) => window[1 + i] === id)));
      assert.deepEqual([...new Set(windows.flat().filter((id) => id >= 1000))], text);
    }
  });

  it("batches hold windows of like length within the budget, each once", () => {
    const random = seeded(6);
    const lengths = Array.from({ length: 100 }, () => 1 + random(300));
    const batches = tokenBatches(lengths, 512);
    assert.deepEqual(
      batches.flat().sort((a, b) => a - b),
      [...lengths.keys()],
    );
    for (const batch of batches) {
      const longest = Math.max(...batch.map((index) => lengths[index]));
      assert.ok(batch.length === 1 || batch.length * longest <= 512);
    }
    assert.ok(batches.length < 70);
  });
});
