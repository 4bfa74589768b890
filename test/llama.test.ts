import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { LlamaEngine } from "../server/native/llama-engine.ts";
import type { FromLlama, LlamaEnd, LlamaLoad, LlamaRequest, ToLlama } from "../server/native/llama-messages.ts";
import { GgmlType, gguf } from "./gguf-fixture.ts";
import { temporaryFolder } from "./open-core.ts";
import { writeTinyLlama } from "./tiny-llama.ts";

const never = new AbortController().signal;
const sampling = { temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05, repeatPenalty: 1.1, seed: 7 };
/** One thread: several wait for each other, for ever on a busy machine. */
const LOAD: Omit<LlamaLoad, "modelPath"> = { engineFolder: "", gpu: "off", threads: 1, contextTokens: 2048 };
const SYSTEM = { role: "system", content: "You answer questions about code. ".repeat(20) } as const;

let folder = "";
let modelPath = "";
const opened: LlamaEngine[] = [];

before((test) => {
  folder = temporaryFolder(test as TestContext);
  modelPath = join(folder, "tiny.gguf");
  writeTinyLlama(modelPath);
});
after(() => Promise.all(opened.map((engine) => engine.close())));

function engineFor(load: Partial<LlamaLoad> = {}, unloadAfterMs = 0): LlamaEngine {
  const graphics = { limitMs: 60_000, onFailure: (reason: string) => assert.fail(reason) };
  const engine = new LlamaEngine({ ...LOAD, modelPath, ...load }, unloadAfterMs, graphics);
  opened.push(engine);
  return engine;
}

function question(text: string, more: Partial<LlamaRequest> = {}): LlamaRequest {
  return { messages: [SYSTEM, { role: "user", content: text }], maxOutputTokens: 20, sampling, ...more };
}

async function answerTo(engine: LlamaEngine, request: LlamaRequest): Promise<{ pieces: string[]; end: LlamaEnd }> {
  const pieces: string[] = [];
  for await (const event of engine.stream(request, never)) {
    if (event.type === "end") return { pieces: pieces.filter(Boolean), end: event.end };
    pieces.push(event.text);
  }
  throw new Error("the answer had no end");
}

describe("a model file", () => {
  let engine: LlamaEngine;
  before(() => {
    engine = engineFor();
  });

  it("answers piece by piece, and says how it came about", async () => {
    assert.deepEqual(await engine.open(never), { contextTokens: 2048, atOnce: 2, device: "CPU, 1 thread" });
    const { pieces, end } = await answerTo(engine, question("How does retry work?"));
    assert.ok(pieces.length > 3, `${pieces.length} pieces`);
    const { finish, outputTokens, device, cachedTokens } = end;
    assert.deepEqual(
      { finish, outputTokens, device, cachedTokens },
      { finish: "length", outputTokens: 20, device: "CPU, 1 thread", cachedTokens: 0 },
    );
    assert.ok(end.inputTokens > 100 && end.promptMs > 0 && end.completionMs > 0);
    const again = await answerTo(engine, question("How does retry work?"));
    assert.equal(again.pieces.join(""), pieces.join(""), "the same seed gives the same answer");
    const other = await answerTo(engine, question("How does retry work?", { sampling: { ...sampling, seed: 8 } }));
    assert.notEqual(other.pieces.join(""), pieces.join(""));
  });

  it("reads only what is new of the next question in a conversation", async () => {
    const first = question("How does retry work?");
    const { pieces, end } = await answerTo(engine, first);
    const answer = { role: "assistant", content: pieces.join("") } as const;
    const messages = [...first.messages, answer, { role: "user", content: "And then?" } as const];
    const next = (await answerTo(engine, { ...first, messages })).end;
    assert.ok(next.inputTokens > end.inputTokens);
    assert.ok(next.cachedTokens >= end.inputTokens - 1, `${next.cachedTokens} of ${next.inputTokens} were kept`);
  });

  it("refuses what does not fit, before it writes anything, and goes on", async () => {
    const long = question("word ".repeat(3000));
    await assert.rejects(answerTo(engine, long), {
      failure: "too-long",
      message: /tokens of question and 20 of answer/,
    });
    assert.equal((await answerTo(engine, question("Short?"))).end.outputTokens, 20);
  });

  it("leaves out the oldest turns of a conversation that outgrows its window, and goes on using what it has read", async () => {
    const history: LlamaRequest["messages"][number][] = [];
    const sources = `${"export function retryRequest(send) { return send(); }\n".repeat(12)}`;
    const ends: LlamaEnd[] = [];
    const tokensOfSystem = (await answerTo(engine, { ...question(""), messages: [SYSTEM] })).end.inputTokens;
    for (let turn = 0; turn < 24; turn++) {
      const asked = { role: "user", content: `And number ${turn}, how does it retry?` } as const;
      const last = { role: "user", content: `${sources}${asked.content}` } as const;
      const { end } = await answerTo(engine, question("", { messages: [SYSTEM, ...history, last] }));
      assert.ok(end.inputTokens + end.outputTokens <= 2048);
      ends.push(end);
      history.push(asked, { role: "assistant", content: "It sends the request again. ".repeat(12) });
    }
    const leftOut = ends.map(({ leftOutTurns }) => leftOutTurns);
    assert.equal(leftOut[0], 0);
    assert.ok((leftOut.at(-1) ?? 0) > 6, leftOut.join(" "));
    const changes = leftOut.filter((count, i) => i > 0 && count !== leftOut[i - 1]).length;
    assert.ok(changes <= 5, `not with every question: ${leftOut.join(" ")}`);
    for (const [i, { cachedTokens, inputTokens }] of ends.entries()) {
      if (i < 2) continue;
      if (leftOut[i] === leftOut[i - 1]) {
        // All but the last turn and the question with its sources.
        const kept = i - leftOut[i] > 1 ? 40 * (i - leftOut[i] - 1) : 0;
        assert.ok(cachedTokens >= tokensOfSystem - 8 + kept, `${cachedTokens} of ${inputTokens} in turn ${i}`);
      } else assert.ok(cachedTokens >= tokensOfSystem - 8, `the instructions stay: ${cachedTokens} in turn ${i}`);
    }
  });

  it("ends an answer where its window ends, and says that it was cut", async () => {
    const { inputTokens } = (await answerTo(engine, question("word ".repeat(600)))).end;
    // The likeliest word each time: by chance this model may end before its window does.
    const likeliest = { ...sampling, temperature: 0, repeatPenalty: 1 };
    const long = question("word ".repeat(600), { maxOutputTokens: 2000, sampling: likeliest });
    const { end } = await answerTo(engine, long);
    assert.deepEqual([end.finish, end.inputTokens, end.outputTokens], ["length", inputTokens, 2048 - inputTokens]);
  });

  it("stops when it is told to, and is ready for the next question", async () => {
    const { pid } = engine;
    assert.notEqual(pid, undefined);
    const stop = new AbortController();
    let read = 0;
    const endless = async () => {
      for await (const _ of engine.stream(question("Tell", { maxOutputTokens: 1500 }), stop.signal)) {
        if (++read === 5) stop.abort(new Error("stopped by the user"));
      }
    };
    await assert.rejects(endless, /stopped by the user/);
    for await (const _ of engine.stream(question("Tell", { maxOutputTokens: 1500 }), never)) break;
    assert.equal((await answerTo(engine, question("Next?"))).end.outputTokens, 20);
    assert.equal(engine.pid, pid);
    await assert.rejects(engine.open(AbortSignal.abort(new Error("not wanted"))), /not wanted/);
    assert.equal(engine.pid, pid, "the model that is loaded stays");
  });

  it("answers two questions side by side, and has the third wait", async () => {
    const order: string[] = [];
    const ask = async (name: string) => {
      for await (const event of engine.stream(question(`${name}?`, { maxOutputTokens: 200 }), never)) {
        if (event.type === "end") return event.end;
        if (event.text !== "") order.push(name);
      }
      return assert.fail("the answer had no end");
    };
    const ends = await Promise.all(["one", "two", "three"].map(ask));
    assert.deepEqual(
      ends.map(({ outputTokens }) => outputTokens),
      [200, 200, 200],
    );
    assert.ok(order.indexOf("two") < order.lastIndexOf("one") && order.indexOf("one") < order.lastIndexOf("two"));
    const firstEnd = Math.min(order.lastIndexOf("one"), order.lastIndexOf("two"));
    assert.ok(order.indexOf("three") > firstEnd, "there are two windows");
    assert.ok(ends[2].queueMs > ends[0].queueMs && ends[2].queueMs > ends[1].queueMs);
  });

  it("uses what it has read of a conversation, though another goes on beside it", async () => {
    const histories: LlamaRequest["messages"][number][][] = ["chat", "inline"].map((name) => [
      SYSTEM,
      { role: "user", content: `${name}: ${name} asks about retries ${"and more ".repeat(40)}` } as const,
    ]);
    const next = (i: number) => answerTo(engine, question("", { messages: histories[i] }));
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all([next(0), next(1)]);
      for (const [i, { pieces, end }] of answers.entries()) {
        if (round > 0) {
          const read = end.inputTokens - end.cachedTokens;
          // The last answer, as it is written in a conversation, and the new question.
          assert.ok(read < 100, `${read} of ${end.inputTokens} tokens were read anew in round ${round}`);
        }
        histories[i].push({ role: "assistant", content: pieces.join("") }, { role: "user", content: "And then?" });
      }
    }
  });

  for (const [what, words] of [
    ["is written beside it", 5],
    ["reads its question beside it", 0],
  ] as const) {
    it(`goes on with one answer when another that ${what} is stopped`, async () => {
      const { pid } = engine;
      const stop = new AbortController();
      const stopped = async () => {
        let written = 0;
        for await (const event of engine.stream(question("Tell two", { maxOutputTokens: 1500 }), stop.signal)) {
          if (event.type === "text" && (words === 0 || (event.text !== "" && ++written === words)))
            stop.abort(new Error("stopped by the user"));
        }
      };
      const [{ end }] = await Promise.all([
        answerTo(engine, question("Tell one", { maxOutputTokens: 300 })),
        assert.rejects(stopped, /stopped by the user/),
      ]);
      assert.deepEqual([end.outputTokens, engine.pid], [300, pid]);
    });
  }

  it("goes on with its answers when one that waits for them is stopped", async () => {
    const stop = new AbortController();
    let waiting: Promise<unknown> = Promise.resolve();
    let written = 0;
    const beside = answerTo(engine, question("Tell too", { maxOutputTokens: 1500 }));
    for await (const event of engine.stream(question("Tell", { maxOutputTokens: 1500 }), never)) {
      if (event.type === "end") assert.equal(event.end.outputTokens, 1500);
      if (event.type !== "text" || event.text === "") continue;
      written++;
      if (written === 5) waiting = assert.rejects(engine.stream(question("Two?"), stop.signal).next(), /by the user/);
      if (written === 50) stop.abort(new Error("stopped by the user"));
    }
    await waiting;
    assert.ok(stop.signal.aborted);
    assert.equal((await beside).end.outputTokens, 1500);
  });

  it("whose process is killed says so, and is there again for the next question", async () => {
    const engine = engineFor();
    let text = "";
    const killed = async () => {
      for await (const event of engine.stream(question("Tell", { maxOutputTokens: 1500 }), never)) {
        if (event.type === "text") text += event.text;
        if (text !== "" && engine.pid !== undefined) process.kill(engine.pid, "SIGKILL");
      }
    };
    await assert.rejects(killed, { failure: "ended", message: /tiny\.gguf has ended \(SIGKILL\)/, hint: /Ask again/ });
    assert.notEqual(text, "");
    assert.equal((await answerTo(engine, question("Again?"))).end.outputTokens, 20);
  });

  it("is unloaded when nobody has asked for a while, and loaded for the next question", async () => {
    const engine = engineFor({}, 1);
    await answerTo(engine, question("One?"));
    while (engine.pid !== undefined) await turn();
    assert.equal((await answerTo(engine, question("Two?"))).end.cachedTokens, 0);
  });

  it("takes its process along when the one that asked is gone, even in the middle of an answer", async () => {
    const child = fork(join(dirname(import.meta.dirname), "server/native/llama-process.ts"), { execArgv: [] });
    const exit = once(child, "exit");
    const tell = (message: ToLlama) => child.send(message);
    child.on("message", ({ type }: FromLlama) => {
      if (type === "loaded") tell({ type: "generate", id: 1, request: question("Tell", { maxOutputTokens: 1500 }) });
      if (type === "text") child.disconnect();
    });
    tell({ type: "load", load: { ...LOAD, modelPath } });
    assert.deepEqual(await exit, [null, "SIGKILL"]);
  });
});

describe("a model file that cannot be used", () => {
  async function failureOf(load: Partial<LlamaLoad>): Promise<{ failure: string; message: string; hint: string }> {
    return await engineFor(load)
      .open(never)
      .then(
        () => assert.fail("it was loaded"),
        (error) => error,
      );
  }

  it("is not there, is a folder, or is something else", async () => {
    const text = join(folder, "notes.txt");
    writeFileSync(text, "GGU");
    for (const [path, message] of [
      [join(folder, "none.gguf"), /none\.gguf cannot be read \(ENOENT\)/],
      [folder, /is not a GGUF file/],
      [text, /notes\.txt is not a GGUF file/],
    ] as const) {
      const error = await failureOf({ modelPath: path });
      assert.equal(error.failure, "no-model");
      assert.match(error.message, message);
      assert.match(error.hint, /cairn\.answer\.local\.modelPath/);
    }
  });

  it("is cut off, in its header or in its weights", async () => {
    const whole = readFileSync(modelPath);
    for (const bytes of [64, 5_000, whole.length - 50_000]) {
      const cut = join(folder, `cut-${bytes}.gguf`);
      writeFileSync(cut, whole.subarray(0, bytes));
      const error = await failureOf({ modelPath: cut });
      assert.equal(error.failure, "no-model", error.message);
      assert.match(error.message, /cannot be loaded/);
      assert.match(error.hint, /incomplete/);
    }
  });

  it("needs more memory than there is", async () => {
    const huge = join(folder, "huge.gguf");
    copyFileSync(modelPath, huge);
    writeFileSync(huge, hugeHeader());
    // A file of a million megabytes that takes no room on the disk.
    truncateSync(huge, 2 ** 40);
    const error = await failureOf({ modelPath: huge });
    assert.equal(error.failure, "no-memory", error.message);
    assert.match(
      error.message,
      /huge\.gguf with a window of 2,048 tokens needs [\d.]+ GiB of memory; [\d.]+ GiB are free/,
    );
  });

  it("has no engine where the folder that is named has none", async () => {
    const engineFolder = join(folder, "empty");
    mkdirSync(engineFolder);
    const error = await failureOf({ engineFolder });
    assert.equal(error.failure, "no-engine");
    assert.match(
      error.message,
      /there is no engine for model files here \(.*empty: Cannot find module 'node-llama-cpp'/,
    );
    assert.match(error.hint, /npm install node-llama-cpp@3\.21\.1/);
  });
});

/** The beginning of a model with a layer of half a terabyte. */
function hugeHeader(): Uint8Array {
  const [cols, rows] = [65_536, 2 ** 21];
  const metadata = {
    "general.architecture": "llama",
    "llama.block_count": 1,
    "llama.context_length": 4096,
    "llama.embedding_length": cols,
    "llama.feed_forward_length": rows,
    "llama.attention.head_count": 64,
    "llama.attention.head_count_kv": 64,
    "llama.attention.layer_norm_rms_epsilon": Float32Array.of(1e-5),
    "llama.vocab_size": 4,
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.tokens": ["a", "b", "c", "d"],
    "tokenizer.ggml.merges": ["a b"],
  };
  const layer = { name: "blk.0.ffn_up.weight", type: GgmlType.F32, sizes: [cols, rows], bytes: new Uint8Array(0) };
  return gguf(metadata, [layer]);
}
