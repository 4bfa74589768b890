import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { EngineQueue } from "../server/native/engine-queue.ts";
import { KeptEngine, OF_SERVER } from "../server/native/kept-engine.ts";
import { nodeHost } from "../server/node-host.ts";
import { embeddingServer, isServerName } from "../server/remote/embedding-server.ts";
import { prefixesOf } from "../server/remote/model-prefixes.ts";
import { type Patience, RemoteEngine, ServerManner } from "../server/remote/remote-engine.ts";
import type { Used } from "../server/usage/usage-recorder.ts";
import { readSettings } from "../shared/read-settings.ts";
import {
  answers,
  DIMS,
  type EmbeddingServer,
  hangs,
  hangsUp,
  type Misbehaviour,
  refuses,
  startEmbeddingServer,
  vectorOf,
} from "./servers/embedding-server.ts";

const KEY = "sk-not-for-anyone";
const TEXTS = ["read the file", "write a line", "retry after an error"];

interface Started {
  readonly engine: RemoteEngine;
  readonly server: EmbeddingServer;
  readonly used: Used[];
}

async function partsFor(test: TestContext, name: string, patience: Partial<Patience> = {}) {
  const server = await startEmbeddingServer(test);
  const used: Used[] = [];
  const { settings } = readSettings({ "cairn.embedding.endpoint": server.url });
  const parts = {
    host: nodeHost({ level: "silent", env: { OPENAI_API_KEY: KEY, AZURE_OPENAI_API_KEY: KEY } }),
    server: embeddingServer(settings, name),
    manner: new ServerManner(),
    prefixes: { query: "", passage: "" },
    onUsed: (one: Used) => void used.push(one),
    patience: { pauseMs: 1, ...patience },
  };
  return { server, used, parts };
}

async function started(test: TestContext, name = "openai:small", patience: Partial<Patience> = {}): Promise<Started> {
  const { server, used, parts } = await partsFor(test, name, patience);
  const engine = await RemoteEngine.start(parts);
  test.after(() => engine.close());
  server.calls.length = 0;
  used.length = 0;
  return { engine, server, used };
}

function unit(text: string, dims = DIMS): Float32Array {
  const vector = vectorOf(text).slice(0, dims);
  const length = Math.hypot(...vector);
  return Float32Array.from(vector, (value) => value / length);
}

function assertVectors(vectors: Float32Array, texts: readonly string[], dims = DIMS): void {
  assert.equal(vectors.length, texts.length * dims);
  for (const [i, text] of texts.entries()) {
    for (const [d, value] of unit(text, dims).entries()) assert.ok(Math.abs(vectors[i * dims + d] - value) < 1e-6);
  }
}

describe("an embedding model on a server", () => {
  it("gives unit vectors in the order of the texts, and counts what it took", async (test) => {
    const { engine, server, used } = await started(test);
    assertVectors((await engine.embed(TEXTS, "passage")).vectors, TEXTS);
    assert.equal(engine.dims, DIMS);
    const [{ headers, body }] = server.calls;
    assert.equal(headers.authorization, `Bearer ${KEY}`);
    assert.deepEqual(body, { model: "small", input: TEXTS, encoding_format: "base64" });
    const [{ seconds, ...rest }] = used;
    assert.ok(seconds > 0);
    const inputTokens = TEXTS.reduce((sum, { length }) => sum + Math.ceil(length / 4), 0);
    const who = { kind: "embedding", provider: "openai", model: "small", remote: false };
    assert.deepEqual(rest, { ...who, outcome: "complete", inputTokens, outputTokens: 0 });
  });

  it("is asked for as many numbers as its name says, and by the key's own header at Azure", async (test) => {
    const { engine, server } = await started(test, "azure:small@4");
    assertVectors((await engine.embed(TEXTS, "query")).vectors, TEXTS, 4);
    assert.equal(server.calls[0].body.dimensions, 4);
    assert.equal(server.calls[0].headers["api-key"], KEY);
  });

  it("may number its vectors and send them in another order, and know no base64", async (test) => {
    const shuffled = answers((right) => ({ ...right, data: right.data.toReversed() }));
    const { engine, server } = await started(test);
    server.misbehave(shuffled);
    assertVectors((await engine.embed(TEXTS, "passage")).vectors, TEXTS);

    const { server: plain, parts } = await partsFor(test, "vllm:small");
    plain.always = (response, call) => call.body.encoding_format === "base64" && refuses(400)(response, call);
    const other = await RemoteEngine.start(parts);
    assertVectors((await other.embed(TEXTS, "passage")).vectors, TEXTS);
    assert.deepEqual(
      plain.calls.map(({ body }) => body.encoding_format),
      ["base64", "float", "float"],
    );
    assert.equal(plain.calls[0].headers.authorization, "Bearer none");
  });

  it("is asked again when it was out of order for a moment", async (test) => {
    const { engine, server, used } = await started(test);
    server.misbehave(refuses(500), hangsUp, refuses(503));
    assertVectors((await engine.embed(TEXTS, "passage")).vectors, TEXTS);
    assert.deepEqual(
      used.map(({ outcome }) => outcome),
      ["server", "network", "server", "complete"],
    );
  });

  it("is left alone for as long as it wants to be before it is asked again", async (test) => {
    const { server, parts } = await partsFor(test, "openai:small");
    const engine = await RemoteEngine.start(parts);
    const left: number[] = [];
    server.misbehave(refuses(429, { "retry-after-ms": "30" }), () => {
      left.push(parts.manner.limits.waitMs(1));
      return false;
    });
    assertVectors((await engine.embed(TEXTS, "passage")).vectors, TEXTS);
    assert.deepEqual(left, [0]);
  });

  it("that wants to be left alone for long is not waited for, and says so to whoever starts it anew", async (test) => {
    const { server, parts } = await partsFor(test, "openai:small");
    const engine = await RemoteEngine.start(parts);
    server.misbehave(refuses(429, { "retry-after": "3600" }));
    await assert.rejects(engine.embed(TEXTS, "passage"), { name: "CairnError", kind: "unavailable" });
    assert.match(String(await engine.ended), /too many requests/);
    const asked = server.calls.length;
    await assert.rejects(RemoteEngine.start(parts), {
      kind: "unavailable",
      message: /too many requests/,
      hint: /again in 3600 s/,
    });
    assert.equal(server.calls.length, asked);
  });

  it("does not keep a question waiting: it fails at once, and nothing is sent twice", async (test) => {
    const { engine, server } = await started(test);
    server.misbehave(refuses(429, { "retry-after": "1" }));
    await assert.rejects(engine.embed(["how?"], "query"), { kind: "unavailable", message: /too many requests/ });
    assert.equal(server.calls.length, 1);
  });

  for (const [what, misbehaviour, name, kind, message] of [
    ["refuses the key", refuses(401, {}, `no ${KEY} here`), "openai:small", "input", /not accepted \(401\)/],
    ["has no such model", refuses(404), "openai:small", "input", /no model "small"/],
    ["stays out of order", refuses(500), "openai:small", "unavailable", /does not work right now \(500\)/],
    ["hangs", hangs, "openai:small", "unavailable", /did not come within 0\.05 s/],
    [
      "gives too few vectors",
      answers((right) => ({ ...right, data: right.data.slice(1) })),
      "openai:small",
      "input",
      /gave 0 vectors for 1 texts/,
    ],
    ["gives no vectors", answers(() => ({ hello: "world" })), "openai:small", "input", /gave no vectors/],
    [
      "gives a text for a vector",
      answers((right) => ({ ...right, data: [{ index: 0, embedding: "abc" }] })),
      "openai:small",
      "input",
      /no vector/,
    ],
  ] as const satisfies readonly (readonly [string, Misbehaviour, string, string, RegExp])[]) {
    it(`that ${what} is not started, and says why without the key`, async (test) => {
      const { server, parts } = await partsFor(test, name, misbehaviour === hangs ? { passagesMs: 50 } : {});
      server.always = misbehaviour;
      await assert.rejects(RemoteEngine.start(parts), (error: Error & { kind: string }) => {
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, new RegExp(KEY));
        return error.kind === kind;
      });
    });
  }

  it("ends when it gives vectors of another length, or another number of them, than it should", async (test) => {
    for (const wrong of [
      answers((right) => ({ ...right, data: right.data.map((one) => ({ ...one, embedding: [1, 2, 3] })) })),
      answers((right) => ({ ...right, data: [...right.data, ...right.data] })),
      answers((right) => ({ ...right, data: right.data.map((one) => ({ ...one, index: 0 })) })),
    ]) {
      const { engine, server } = await started(test);
      server.always = wrong;
      await assert.rejects(engine.embed(TEXTS, "passage"));
      const why = await engine.ended;
      assert.equal(why?.kind, "input");
      await assert.rejects(engine.embed(TEXTS, "passage"), { message: why?.message });
      assert.equal(server.calls.length, 1);
    }
  });

  it("refuses a text by which it gets no vector, and goes on with others", async (test) => {
    const { engine, server } = await started(test);
    const empty = answers((right) => ({
      ...right,
      data: right.data.map(({ index }) => ({ index, embedding: Array.from({ length: DIMS }, () => null) })),
    }));
    server.always = (response, call) => call.body.input.includes("poison") && empty(response, call);
    await assert.rejects(engine.embed(["poison"], "passage"), { kind: "output", message: /points nowhere/ });
    assertVectors((await engine.embed(TEXTS, "passage")).vectors, TEXTS);
  });

  it("is sent fewer texts at a time once it has refused so many, and still all of them", async (test) => {
    const { engine, server } = await started(test);
    const most = 4;
    server.always = (response, call) => call.body.input.length > most && refuses(413)(response, call);
    const texts = Array.from({ length: 10 }, (_, i) => `${TEXTS[i % 3]} ${i}`);
    assertVectors((await engine.embed(texts, "passage")).vectors, texts);
    const before = server.calls.length;
    assertVectors((await engine.embed(texts, "passage")).vectors, texts);
    assert.ok(server.calls.slice(before).every(({ body }) => body.input.length <= most));
  });

  it("is given the words before a text that its model wants", async (test) => {
    const { server, parts } = await partsFor(test, "ollama:nomic-embed-text");
    const engine = await RemoteEngine.start({ ...parts, prefixes: prefixesOf("nomic-embed-text") });
    await engine.embed(["how?"], "query");
    await engine.embed(TEXTS, "passage");
    assert.deepEqual(server.texts.slice(1), ["search_query: how?", ...TEXTS.map((text) => `search_document: ${text}`)]);
    const nomic = prefixesOf("nomic-embed-text");
    for (const same of [
      "nomic-embed-text:latest",
      "text-embedding-nomic-embed-text-v1.5",
      "nomic-ai/nomic-embed-text-v1.5",
    ]) {
      assert.deepEqual(prefixesOf(same), nomic, same);
    }
    for (const other of ["text-embedding-3-small", "nomic-embed-text-v2-moe", "/models/own.gguf"]) {
      assert.deepEqual(prefixesOf(other), { query: "", passage: "" }, other);
    }
  });

  it("is not asked any more once it is closed, not even for what was under way", async (test) => {
    const { engine, server } = await started(test);
    server.always = hangs;
    const asked = server.asked();
    const under = engine.embed(TEXTS, "passage");
    await asked;
    await engine.close();
    await assert.rejects(under, { kind: "unavailable", message: /no longer asked/ });
  });

  it("that cannot be asked without a key is asked nothing", async (test) => {
    const { server, parts } = await partsFor(test, "openai:small");
    const host = nodeHost({ level: "silent", env: {} });
    await assert.rejects(RemoteEngine.start({ ...parts, host }), { kind: "input", message: /no key/ });
    assert.equal(server.calls.length, 0);
  });
});

describe("a server behind the line of texts", () => {
  it("that goes away and comes back loses nothing: no text is taken for the cause", async (test) => {
    const { server, parts } = await partsFor(test, "openai:small");
    const running = Promise.withResolvers<void>();
    const kept: KeptEngine = new KeptEngine(
      (signal) => RemoteEngine.start(parts, signal),
      () => {
        if (kept?.isRunning) running.resolve();
        queue?.advance();
      },
      OF_SERVER,
    );
    const queue: EngineQueue = new EngineQueue(kept, DIMS, 2);
    test.after(() => kept.close());
    await running.promise;
    server.misbehave(...Array.from({ length: 6 }, () => refuses(502)));
    const vectors = await Promise.all(TEXTS.map((text) => queue.embed(text, "passage")));
    for (const [i, vector] of vectors.entries()) assertVectors(vector, [TEXTS[i]]);
    assert.equal(queue.metrics.rejected, 0);
    assert.ok(kept.restarts > 0);
  });

  it("answers a question while it has a batch, and finds the one text of many that it cannot embed", async (test) => {
    const { server, parts } = await partsFor(test, "openai:small");
    const engine = await RemoteEngine.start(parts);
    test.after(() => engine.close());
    const asEngine = { isRunning: true, batchTokens: 1_000, embed: engine.embed.bind(engine) };
    const queue = new EngineQueue(asEngine, DIMS, 64);
    const held = Promise.withResolvers<() => void>();
    server.misbehave((response, call) => {
      held.resolve(() => answers((right) => right)(response, call));
      return true;
    });
    const passages = Promise.all(TEXTS.map((text) => queue.embed(text, "passage")));
    const letGo = await held.promise;
    assertVectors(await queue.embed("find a word", "query"), ["find a word"]);
    letGo();
    for (const [i, vector] of (await passages).entries()) assertVectors(vector, [TEXTS[i]]);

    server.always = (response, call) => call.body.input.includes("poison") && refuses(400)(response, call);
    const results = await Promise.allSettled([...TEXTS, "poison"].map((text) => queue.embed(text, "passage")));
    assert.deepEqual(
      results.map(({ status }) => status),
      ["fulfilled", "fulfilled", "fulfilled", "rejected"],
    );
    assert.equal(queue.metrics.rejected, 1);
  });
});

describe("the name of a model on a server", () => {
  const settings = readSettings({}).settings;

  it("names who runs it, the model, and how many numbers are wanted", () => {
    const named = embeddingServer(settings, "ollama:nomic-embed-text:latest@256");
    assert.deepEqual(
      [named.provider, named.model, named.dimensions, named.destination, named.remote],
      ["ollama", "nomic-embed-text:latest", 256, "http://127.0.0.1:11434", false],
    );
    const { destination, remote, keyName } = embeddingServer(settings, "openai:text-embedding-3-small");
    assert.deepEqual([destination, remote, keyName], ["https://api.openai.com", true, "OPENAI_API_KEY"]);
    for (const other of ["bge-base-en-v1.5:int8", "bundled", "cerebras:x", "openai:"]) {
      assert.equal(isServerName(other), false, other);
    }
  });

  it("is refused with an address that is none", () => {
    assert.throws(() => embeddingServer(settings, "azure:own"), { kind: "input", message: /has no address yet/ });
    const wrong = readSettings({ "cairn.embedding.endpoint": "ftp://x" }).settings;
    assert.throws(() => embeddingServer(wrong, "openai:x"), { kind: "input", hint: /cairn\.embedding\.endpoint/ });
    assert.throws(() => embeddingServer(settings, "openai:x@0"), { kind: "input", message: /no embedding model/ });
  });
});
