import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { Engine } from "../server/native/engine.ts";
import type { GgufFile } from "../server/native/engine-model.ts";
import { startOnGraphics } from "../server/native/graphics-start.ts";
import { KeptEngine } from "../server/native/kept-engine.ts";
import { LlamaEngine } from "../server/native/llama-engine.ts";
import { type DriverFault, engineWithDriver } from "./driver-fixture.ts";
import { bert } from "./engine-fixture.ts";
import { temporaryFolder } from "./open-core.ts";
import { tinyBertGguf } from "./tiny-bert-gguf.ts";
import { writeTinyLlama } from "./tiny-llama.ts";

/** A driver that works would have longer; the processor has as long as it needs. */
const LIMIT_MS = 400;
/** None that a test could reach. */
const NO_LIMIT_MS = 1e9;

const never = new AbortController().signal;

function embeddingModel(test: TestContext, fault: DriverFault): GgufFile {
  const weights = join(temporaryFolder(test), "tiny.gguf");
  writeFileSync(weights, tinyBertGguf(bert, {}));
  const engineFolder = engineWithDriver(test, fault);
  return {
    format: "gguf",
    name: "tiny",
    weights,
    dims: 32,
    gpu: "auto",
    engineFolder,
    queryPrefix: "",
    passagePrefix: "",
  };
}

function chatModel(test: TestContext, fault: DriverFault, limitMs: number) {
  const modelPath = join(temporaryFolder(test), "tiny.gguf");
  writeTinyLlama(modelPath);
  const engineFolder = engineWithDriver(test, fault);
  const said: string[] = [];
  const load = { modelPath, engineFolder, gpu: "auto", threads: 1, contextTokens: 2048 } as const;
  const engine = new LlamaEngine(load, 0, { limitMs, onFailure: (reason) => said.push(reason) });
  test.after(() => engine.close());
  return { engine, said };
}

const FAULTS: readonly [DriverFault, number, RegExp][] = [
  ["crashes", NO_LIMIT_MS, /has ended \(SIGSEGV\)/],
  ["hangs", LIMIT_MS, /did not start within 0\.4 s/],
];

describe("a graphics driver", () => {
  for (const [fault, limitMs, why] of [...FAULTS, ["throws", NO_LIMIT_MS, /ErrorInitializationFailed/]] as const) {
    it(`that ${fault} while an embedding model is loaded is said once, and the processor embeds`, async (test) => {
      const model = embeddingModel(test, fault);
      const said: string[] = [];
      const engine = await startOnGraphics(
        (on, signal) => Engine.start(on === "graphics" ? model : { ...model, gpu: "off" }, { threads: 1 }, signal),
        { limitMs, onFailure: (reason) => said.push(reason) },
      );
      test.after(() => engine.close());
      assert.equal(engine.loaded.device, "CPU, 1 thread");
      assert.equal((await engine.embed(["a text"], "passage")).vectors.length, 32);
      assert.equal(said.length, 1);
      assert.match(said[0], why);
    });
  }

  for (const [fault, limitMs, why] of FAULTS) {
    it(`that ${fault} while a language model is loaded is said once, and the processor answers`, async (test) => {
      const { engine, said } = chatModel(test, fault, limitMs);
      const loaded = await Promise.all([engine.open(never), engine.open(never)]);
      assert.deepEqual(
        loaded.map(({ device }) => device),
        ["CPU, 1 thread", "CPU, 1 thread"],
      );
      await engine.close();
      // Its next process does not try again.
      assert.equal((await engine.open(never)).device, "CPU, 1 thread");
      assert.equal(said.length, 1);
      assert.match(said[0], why);
    });
  }

  it("that crashes at the first answer is said once, and the processor gives that answer", async (test) => {
    const { engine, said } = chatModel(test, "crashesLater", NO_LIMIT_MS);
    const sampling = { temperature: 0, topK: 1, topP: 1, minP: 0, repeatPenalty: 1, seed: 1 };
    const request = { messages: [{ role: "user", content: "Why?" }], maxOutputTokens: 5, sampling } as const;
    for (let asked = 0; asked < 2; asked++) {
      const devices: string[] = [];
      for await (const event of engine.stream(request, never)) if (event.type === "end") devices.push(event.end.device);
      assert.deepEqual(devices, ["CPU, 1 thread"]);
    }
    assert.equal(said.length, 1);
    assert.match(said[0], /has ended \(SIGSEGV\)/);
  });

  it("that hangs is not waited for by who has given up", async (test) => {
    const { engine, said } = chatModel(test, "hangs", NO_LIMIT_MS);
    const stop = new AbortController();
    const opened = engine.open(stop.signal);
    stop.abort(new Error("given up"));
    await assert.rejects(opened, /given up/);
    assert.deepEqual(said, []);
  });
});

it("an engine that does not start in time is ended, and that is why it does not run", async (test) => {
  const model = embeddingModel(test, "hangs");
  const changed = Promise.withResolvers<void>();
  let isEnded = false;
  const start = (signal: AbortSignal) =>
    Engine.start(model, {}, signal).catch((error) => {
      isEnded = true;
      throw error;
    });
  const limits = { startMs: LIMIT_MS, hungMs: undefined, mostFailures: 0 };
  const engine = new KeptEngine(start, () => changed.resolve(), limits);
  test.after(() => engine.close());
  await changed.promise;
  assert.equal(isEnded, true);
  assert.equal(engine.failure?.message, "It did not start within 0.4 s, and was ended.");
  assert.equal(engine.hasGivenUp, true);
});
