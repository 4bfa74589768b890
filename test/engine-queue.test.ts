import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { TinyBert } from "../server/bench/tiny-bert.ts";
import { Engine } from "../server/native/engine.ts";
import type { EmbeddedTexts, TextKind } from "../server/native/engine-model.ts";
import { EngineQueue } from "../server/native/engine-queue.ts";
import { EngineAway, KeptEngine } from "../server/native/kept-engine.ts";
import { CairnError } from "../shared/errors.ts";
import { temporaryFolder, writeFiles } from "./open-core.ts";

/** An engine whose vectors are the lengths of the texts, and that stops and fails when it is told to. */
class LengthEngine {
  readonly batchTokens = 512;
  isRunning = true;
  readonly calls: { kind: TextKind; texts: readonly string[] }[] = [];
  /** A call with a text that has this in it fails. */
  poison = "\0";
  /** Calls wait for it. */
  gate: Promise<void> = Promise.resolve();

  async embed(texts: readonly string[], kind: TextKind): Promise<EmbeddedTexts> {
    this.calls.push({ kind, texts });
    await this.gate;
    if (texts.some((text) => text.includes(this.poison))) throw new CairnError("unavailable", "It has ended.");
    return { vectors: Float32Array.from(texts, ({ length }) => length), tokens: texts.length, batches: 1 };
  }
}

async function lengths(queue: EngineQueue, texts: readonly string[], kind: TextKind = "passage"): Promise<number[]> {
  const vectors = await Promise.all(texts.map((text) => queue.embed(text, kind)));
  return vectors.map(([length]) => length);
}

/** An engine that has begun with the first of so many long passages, and goes on once it may. */
async function busyWith(count: number) {
  const engine = new LengthEngine();
  const queue = new EngineQueue(engine, 1);
  const { promise, resolve: open } = Promise.withResolvers<void>();
  engine.gate = promise;
  const passages = lengths(
    queue,
    Array.from({ length: count }, () => "x".repeat(1_500)),
  );
  await nextTurn();
  return { engine, queue, open, passages };
}

describe("the queue of an engine", () => {
  it("puts texts of like length into one call, up to a budget, and gives each its own vector", async () => {
    const engine = new LengthEngine();
    const queue = new EngineQueue(engine, 1);
    const texts = Array.from({ length: 40 }, (_, i) => "x".repeat(i % 2 === 0 ? 30 + i : 600 + i));
    assert.deepEqual(
      await lengths(queue, texts),
      texts.map(({ length }) => length),
    );
    const mixed = engine.calls.filter(({ texts }) => Math.max(...texts.map((t) => t.length)) > 12 * texts[0].length);
    assert.deepEqual(mixed, []);
    assert.ok(engine.calls.length < 20, `${engine.calls.length} calls`);
    assert.ok(engine.calls.every(({ texts }) => texts.length * texts[texts.length - 1].length < 3 * 512));
    const { depth, batches, fill, rejected } = queue.metrics;
    assert.deepEqual([depth, batches, queue.metrics.texts, rejected], [0, engine.calls.length, 40, 0]);
    assert.ok(fill > 0.3 && fill <= 1, `${fill}`);
  });

  it("brings a question to the engine at once, while that is at work on passages", async () => {
    const { engine, queue, open, passages } = await busyWith(20);
    const kinds = () => engine.calls.map(({ kind }) => kind);
    const question = lengths(queue, ["where?"], "query");
    await nextTurn();
    assert.deepEqual(kinds(), ["passage", "query"]);
    open();
    assert.deepEqual(await question, [6]);
    await passages;
    assert.deepEqual(new Set(kinds().slice(2)), new Set(["passage"]));
  });

  it("lets a passage that goes ahead go before the others, and after questions", async () => {
    // As many as make others wait for room.
    const { engine, queue, open, passages } = await busyWith(300);
    const typed = queue.embed("typed", "passage", { ahead: true });
    const question = lengths(queue, ["where?"], "query");
    open();
    assert.deepEqual([[...(await typed)], await question], [[5], [6]]);
    assert.deepEqual(
      engine.calls.slice(1, 3).map(({ texts }) => texts),
      [["where?"], ["typed"]],
    );
    await passages;
  });

  it("finds a text at which the engine fails by halving, and the others get their vectors", async () => {
    const engine = new LengthEngine();
    const queue = new EngineQueue(engine, 1);
    engine.poison = "poison";
    const texts = Array.from({ length: 16 }, (_, i) => (i === 5 ? "poison" : `text ${i}`));
    const results = await Promise.allSettled(texts.map((text) => queue.embed(text, "passage")));
    const failed = results.flatMap((result, i) => (result.status === "rejected" ? [{ i, error: result.reason }] : []));
    assert.deepEqual(
      failed.map(({ i, error }) => [i, error.kind, error.message]),
      [[5, "output", "The engine fails at this text."]],
    );
    assert.equal(queue.metrics.rejected, 1);
    assert.ok(engine.calls.length <= 10, `${engine.calls.length} calls`);
  });

  it("fails a question at once while the engine is away, and keeps passages until it is back", async () => {
    const engine = new LengthEngine();
    const queue = new EngineQueue(engine, 1);
    engine.isRunning = false;
    const passages = lengths(queue, ["one", "three"]);
    engine.gate = Promise.reject(new EngineAway(undefined));
    await assert.rejects(queue.embed("why?", "query"), { message: "The engine is being started." });
    assert.equal(queue.metrics.depth, 2);
    engine.isRunning = true;
    engine.gate = Promise.resolve();
    queue.advance();
    assert.deepEqual(await passages, [3, 5]);
  });

  it("holds back who brings more than it takes", async () => {
    const engine = new LengthEngine();
    const queue = new EngineQueue(engine, 1);
    engine.isRunning = false;
    const passages = lengths(
      queue,
      Array.from({ length: 600 }, (_, i) => "x".repeat(1 + (i % 90))),
    );
    await nextTurn();
    assert.equal(queue.metrics.depth, 256);
    engine.isRunning = true;
    queue.advance();
    assert.equal((await passages).length, 600);
  });

  it("forgets what nobody waits for any more", async () => {
    const engine = new LengthEngine();
    const queue = new EngineQueue(engine, 1);
    engine.isRunning = false;
    const stop = new AbortController();
    const stopped = queue.embed("stopped", "passage", { signal: stop.signal });
    const late = queue.embed("late", "passage", { withinMs: 1 });
    const wanted = queue.embed("wanted", "passage");
    stop.abort();
    await assert.rejects(stopped, { name: "AbortError" });
    await assert.rejects(late, { message: "It did not answer in time." });
    engine.isRunning = true;
    queue.advance();
    await wanted;
    assert.deepEqual(engine.calls, [{ kind: "passage", texts: ["wanted"] }]);
  });

  it("fails all that wait, and all that come, once the engine will not come back", async () => {
    const engine = new LengthEngine();
    const queue = new EngineQueue(engine, 1);
    engine.isRunning = false;
    const waiting = queue.embed("one", "passage");
    queue.end(new CairnError("corrupt", "Its model is damaged."));
    await assert.rejects(waiting, { kind: "corrupt" });
    await assert.rejects(queue.embed("two", "passage"), { kind: "corrupt" });
  });
});

describe("an engine that is kept", () => {
  const bert = new TinyBert({ hidden: 32, layers: 1, heads: 4, inner: 64, positions: 64 });

  function tinyEngine(test: TestContext): () => Promise<Engine> {
    const folder = temporaryFolder(test);
    writeFiles(folder, bert.files());
    const weights = join(folder, "onnx/model_quantized.onnx");
    const manner = { dims: 32, pooling: "mean", maxTokens: 64, queryPrefix: "", passagePrefix: "" } as const;
    return () => Engine.start({ format: "onnx", name: "tiny", folder, weights, ...manner }, { threads: 1 });
  }

  /** Runs until something holds of it; it says when it changes. */
  async function kept(test: TestContext, start: () => Promise<Engine>) {
    let changed = Promise.withResolvers<void>();
    const engine = new KeptEngine(start, () => {
      changed.resolve();
      changed = Promise.withResolvers<void>();
    });
    test.after(() => engine.close());
    const until = async (holds: () => boolean) => {
      while (!holds()) await changed.promise;
    };
    return { engine, until };
  }

  it("runs again after its process has died", async (test) => {
    const { engine, until } = await kept(test, tinyEngine(test));
    await assert.rejects(engine.embed(["read"], "query"), EngineAway);
    await until(() => engine.isRunning);
    const { vectors } = await engine.embed(["read"], "query");
    const { pid } = engine;
    process.kill(pid ?? 0, "SIGKILL");
    await until(() => engine.isRunning && engine.pid !== pid);
    assert.deepEqual((await engine.embed(["read"], "query")).vectors, vectors);
    assert.deepEqual([engine.restarts, engine.failure], [1, undefined]);
  });

  it("is tried again where something refuses for now", async (test) => {
    const start = tinyEngine(test);
    let tries = 0;
    const { engine, until } = await kept(test, async () => {
      if (++tries < 3) throw new CairnError("unavailable", "There is no memory.");
      return start();
    });
    await until(() => engine.failure !== undefined);
    assert.equal(engine.failure?.message, "There is no memory.");
    await until(() => engine.isRunning);
    assert.deepEqual([tries, engine.restarts], [3, 2]);
  });

  it("is not tried again where its files are wrong", async (test) => {
    let tries = 0;
    const { engine, until } = await kept(test, async () => {
      tries++;
      throw new CairnError("corrupt", "Its weights are damaged.");
    });
    await until(() => engine.hasGivenUp);
    assert.deepEqual([tries, engine.failure?.kind], [1, "corrupt"]);
  });
});
