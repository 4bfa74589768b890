import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { type AnswerEvent, type AnswerParts, answer, type Question } from "../server/answer/answer.ts";
import { AnswerCache } from "../server/answer/answer-cache.ts";
import { chooseProviders } from "../server/answer/choose-providers.ts";
import { answerKey, sourcesOf, toKeptAnswer } from "../server/answer/kept-answer.ts";
import type { KeptAnswer } from "../server/answer/kept-answer-format.ts";
import { hashOf, pipedSource } from "../server/answer/source.ts";
import { clearCache, listCache } from "../server/cache-folder.ts";
import { nodeHost } from "../server/node-host.ts";
import type { Used } from "../server/usage/usage-recorder.ts";
import { readSettings } from "../shared/read-settings.ts";
import { openCore, temporaryFolder, writeFiles } from "./open-core.ts";
import { PROJECT } from "./sample-project.ts";
import { type ChatServer, refuses, saysLikeCerebras, sends, startChatServer } from "./servers/chat-server.ts";

const QUESTION = "how are requests retried?";
const SAYS = saysLikeCerebras(["The function `retryRequest` ", "tries again [1]", "."]);
const KEY = "a".repeat(64);

interface Scene {
  ask(question: string | Question, settings?: Record<string, unknown>): Promise<AnswerEvent[]>;
  /** Writes files of the project, and waits until they are indexed. */
  write(files: Record<string, string>): Promise<void>;
  readonly server: ChatServer;
  readonly cache: string;
  readonly used: Used[];
}

/** An indexed project, a provider that says {@link SAYS}, and a cache of answers that is opened anew for each question. */
async function scene(test: TestContext): Promise<Scene> {
  const folder = temporaryFolder(test);
  const [root, cache] = [join(folder, "project"), join(folder, "cache")];
  writeFiles(root, PROJECT);
  const { workspace } = await openCore(test, root, cache);
  await workspace.idle();
  const server = await startChatServer(test);
  server.behave(SAYS);
  const host = nodeHost({ level: "silent", env: { CEREBRAS_API_KEY: "key" } });
  const used: Used[] = [];
  return {
    server,
    cache,
    used,
    async ask(question, raw = {}) {
      const { settings } = readSettings({
        "answer.provider": "cerebras",
        "answer.cerebras.baseUrl": server.url,
        "answer.prices": ["llama-3.3-70b=0.5/2"],
        ...raw,
      });
      const parts: AnswerParts = {
        workspace,
        providers: chooseProviders(host, settings),
        fallback: false,
        maxOutputTokens: settings["answer.maxOutputTokens"],
        neverSend: settings.neverSend,
        cache: new AnswerCache(cache, 7),
        onUsed: (one) => void used.push(one),
      };
      const events: AnswerEvent[] = [];
      const asked = typeof question === "string" ? { text: question } : question;
      for await (const event of answer(asked, parts, new AbortController().signal)) events.push(event);
      return events;
    },
    async write(files) {
      writeFiles(root, files);
      await workspace.idle();
    },
  };
}

function shown(events: readonly AnswerEvent[]): string {
  return events
    .map((event) => {
      if (event.type === "text") return event.text;
      return event.type === "citation" ? `{${event.source.path}:${event.line}}` : "";
    })
    .join("");
}

function recordOf(events: readonly AnswerEvent[]) {
  const last = events.at(-1);
  assert.equal(last?.type, "done");
  return last.record;
}

describe("a kept answer", () => {
  it("is shown when the same is asked of the same code, at no cost, with its citations, and says from when it is", async (test) => {
    const { ask, server, used, cache } = await scene(test);
    const before = Date.now();
    const first = await ask(QUESTION);
    assert.equal(recordOf(first).keptFrom, undefined);
    const second = await ask("  how are\nrequests   retried ");
    assert.equal(shown(second), "The function `retryRequest` tries again {src/retry.ts:2}.");
    assert.equal(shown(second), shown(first));
    assert.equal(server.calls.length, 1);
    const { keptFrom, cost, provider, model, finish, citations, usage } = recordOf(second);
    assert.deepEqual(
      [cost, provider, model, finish, citations, usage],
      [0, "cerebras", "llama-3.3-70b", "complete", 1, undefined],
    );
    const madeAt = Date.parse(keptFrom ?? "");
    assert.ok(madeAt >= before && madeAt <= Date.now());
    assert.deepEqual(
      used.map(({ kept, inputTokens, savedInputTokens, savedOutputTokens }) => [
        kept,
        inputTokens,
        savedInputTokens,
        savedOutputTokens,
      ]),
      [
        [false, 700, undefined, undefined],
        [true, undefined, 700, 50],
      ],
    );
    assert.equal(listCache(cache).answers, 1);
  });

  it("needs neither the provider nor its list of models", async (test) => {
    const { ask, server } = await scene(test);
    await ask(QUESTION);
    server.behave(refuses(500, {}));
    const paths = server.paths.length;
    assert.match(shown(await ask(QUESTION)), /retryRequest/);
    assert.equal(server.paths.length, paths);
  });

  it("is gone once a source says something else, and back when it says the same again", async (test) => {
    const { ask, server, write } = await scene(test);
    await ask(QUESTION);
    await write({ "src/retry.ts": PROJECT["src/retry.ts"].replace("no attempt succeeded", "all in vain") });
    assert.equal(recordOf(await ask(QUESTION)).keptFrom, undefined);
    assert.equal(server.calls.length, 2);
    await write({ "src/retry.ts": PROJECT["src/retry.ts"] });
    assert.ok(recordOf(await ask(QUESTION)).keptFrom);
    assert.equal(server.calls.length, 2);
  });

  it("is another one for another model, another limit, another task, other things given along, and later in a conversation", async (test) => {
    const { ask, server } = await scene(test);
    await ask(QUESTION);
    await ask(QUESTION, { "answer.cerebras.model": "small-model" });
    await ask(QUESTION, { "answer.maxOutputTokens": 500 });
    await ask({ text: QUESTION, wants: "review" });
    await ask({ text: QUESTION, piped: "Error: it failed" });
    assert.equal(server.calls.length, 5);
    const history = [{ question: "what is this?", answer: "A program." }];
    await ask({ text: QUESTION, history });
    await ask({ text: QUESTION, history });
    assert.equal(server.calls.length, 7);
    await ask({ text: QUESTION, piped: "Error: it failed" });
    assert.equal(server.calls.length, 7);
  });

  it("is passed over, and replaced, when the model is to be asked anew", async (test) => {
    const { ask, server, used } = await scene(test);
    await ask(QUESTION);
    server.behave(saysLikeCerebras(["`retryRequest` loops over its attempts [1]."]));
    assert.match(shown(await ask({ text: QUESTION, anew: true })), /loops over/);
    assert.match(shown(await ask(QUESTION)), /loops over/);
    assert.equal(server.calls.length, 2);
    assert.deepEqual(
      used.map(({ kept }) => kept),
      [false, undefined, true],
    );
  });

  it("is never one that broke off or was cut", async (test) => {
    const { ask, server, cache } = await scene(test);
    const half = sends(['data: {"choices":[{"index":0,"delta":{"content":"It is `retryRequest`"}}]}\n\n'], "reset");
    server.behave(half);
    assert.equal(recordOf(await ask(QUESTION)).finish, "interrupted");
    const cut = { choices: [{ index: 0, delta: { content: "It is `retryRequest` [1]" }, finish_reason: "length" }] };
    server.behave(sends([`data: ${JSON.stringify(cut)}\n\ndata: [DONE]\n\n`]));
    assert.equal(recordOf(await ask(QUESTION)).finish, "length");
    assert.equal(listCache(cache).answers, 0);
  });
});

describe("the cache of answers", () => {
  const answerOf = (text: string, madeAt = Date.now()): KeptAnswer => {
    return { format: 1, madeAt, model: "m", text, sources: [{ source: "s", from: 0, to: 1 }] };
  };
  const keyOf = (i: number) => i.toString(16).padStart(64, "0");

  it("gives back what was kept, to other processes too, readable for this user alone", async (test) => {
    const folder = temporaryFolder(test);
    const cache = new AnswerCache(folder, 1);
    await cache.keep(KEY, answerOf("one"));
    for (const one of [cache, cache, new AnswerCache(folder, 1)]) assert.equal((await one.find(KEY))?.text, "one");
    const file = join(folder, "answers", `${KEY}.json`);
    if (process.platform !== "win32") assert.equal(statSync(file).mode & 0o777, 0o600);
    await new AnswerCache(folder, 1).keep(KEY, answerOf("two"));
    assert.equal((await cache.find(KEY))?.text, "two");
  });

  it("keeps nothing longer than it is told to", async (test) => {
    const folder = temporaryFolder(test);
    const hours = (count: number) => count * 60 * 60 * 1000;
    const cache = new AnswerCache(folder, 2);
    await cache.keep(keyOf(1), answerOf("young", Date.now() - hours(47)));
    await cache.keep(keyOf(2), answerOf("old", Date.now() - hours(49)));
    await cache.keep(keyOf(3), answerOf("of tomorrow", Date.now() + hours(24)));
    const found = await Promise.all([1, 2, 3].map(async (i) => (await cache.find(keyOf(i)))?.text));
    assert.deepEqual(found, ["young", undefined, undefined]);
    assert.deepEqual(readdirSync(join(folder, "answers")), [`${keyOf(1)}.json`]);
  });

  it("throws away what is no answer", async (test) => {
    const folder = temporaryFolder(test);
    const cache = new AnswerCache(folder, 1);
    await cache.keep(KEY, answerOf("one"));
    const file = join(folder, "answers", `${KEY}.json`);
    const whole = readFileSync(file, "utf8");
    for (const damaged of ["", whole.slice(0, 40), "[]", whole.replace('"format":1', '"format":0')]) {
      writeFileSync(file, damaged);
      assert.equal(await cache.find(KEY), undefined, damaged);
      assert.deepEqual(readdirSync(join(folder, "answers")), []);
    }
  });

  it("keeps so many answers and so many bytes, those that were used last", async (test) => {
    const limits = { answers: 3, bytes: 100_000, bytesEach: 50_000, inMemory: 2 };
    const cache = new AnswerCache(temporaryFolder(test), 1, { limits });
    for (const i of [1, 2, 3]) await cache.keep(keyOf(i), answerOf(`answer ${i}`));
    assert.equal((await cache.find(keyOf(1)))?.text, "answer 1");
    await cache.keep(keyOf(4), answerOf("answer 4"));
    const which = async () => {
      const found = await Promise.all([1, 2, 3, 4, 5].map(async (i) => ((await cache.find(keyOf(i))) ? i : 0)));
      return found.filter((i) => i > 0);
    };
    assert.deepEqual(await which(), [1, 3, 4]);
    await cache.keep(keyOf(5), answerOf("x".repeat(60_000)));
    assert.deepEqual(await which(), [1, 3, 4], "an answer that is too long is not kept");
    await cache.keep(keyOf(1), answerOf("x".repeat(49_000)));
    await cache.keep(keyOf(5), answerOf("y".repeat(49_000)));
    await cache.keep(keyOf(3), answerOf("z".repeat(49_000)));
    assert.deepEqual(await which(), [3, 5]);
  });

  it("is deleted with all data, also for who has it in memory", async (test) => {
    const folder = temporaryFolder(test);
    const cache = new AnswerCache(folder, 1);
    await cache.keep(KEY, answerOf("one"));
    assert.equal((await cache.find(KEY))?.text, "one");
    assert.equal(listCache(folder).answers, 1);
    assert.ok(clearCache(folder, "all").freedBytes > 100);
    assert.deepEqual([listCache(folder).answers, await cache.find(KEY)], [0, undefined]);
  });

  it("keeps nothing where it cannot write, and no answer fails for it", async (test) => {
    const file = join(temporaryFolder(test), "file");
    writeFileSync(file, "");
    const cache = new AnswerCache(file, 1);
    await cache.keep(KEY, answerOf("one"));
    assert.equal(await cache.find(KEY), undefined);
  });

  it("finds the sources of an answer where they stand in their files now", () => {
    const lines = Array.from({ length: 9 }, (_, i) => `line ${i + 1}`);
    const at = (startLine: number, text: readonly string[]) => {
      const place = { path: "a.ts", startLine, endLine: startLine + text.length - 1, focusLine: startLine };
      const whole = text.join("\n");
      return { ...place, text: whole, hash: hashOf(whole), language: "", name: "", parents: [] };
    };
    const [before, now] = [at(1, lines), at(101, lines)];
    const packed = [at(3, lines.slice(2, 5)), before];
    const written = { madeAt: 1, model: "m", text: "t" };
    const kept = toKeptAnswer(written, packed, [before]) ?? assert.fail();
    assert.ok(!JSON.stringify(kept).includes("line 3"), "no line of the code is in it");
    const found = sourcesOf(kept, [now]) ?? assert.fail();
    assert.deepEqual(
      found.map(({ startLine, endLine, text }) => [startLine, endLine, text]),
      [
        [103, 105, "line 3\nline 4\nline 5"],
        [101, 109, lines.join("\n")],
      ],
    );
    assert.equal(sourcesOf(kept, [at(1, lines.slice(1))]), undefined);
  });

  it("calls an answer by a hash that says nothing of the question or the code", () => {
    const source = pipedSource("secret code") ?? assert.fail();
    const provider = { name: "openai", identity: "https://example.test" };
    const key = answerKey({ text: "what is the secret?" }, [source], provider, 100);
    assert.match(key, /^[0-9a-f]{64}$/);
    assert.equal(answerKey({ text: " what is the  secret" }, [source], provider, 100), key);
    assert.notEqual(answerKey({ text: "What is the secret?" }, [source], provider, 100), key);
    assert.notEqual(answerKey({ text: "what is the secret?" }, [{ ...source, isGiven: true }], provider, 100), key);
  });
});
