import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { cerebras } from "../server/answer/cerebras.ts";
import { CircuitBreaker } from "../server/answer/circuit-breaker.ts";
import { guarded } from "../server/answer/guarded-provider.ts";
import type { ModelEvent, Provider } from "../server/answer/llm.ts";
import { openAiCompatible } from "../server/answer/openai-compatible.ts";
import { ProviderError } from "../server/answer/provider-error.ts";
import type { ProviderOptions } from "../server/answer/provider-options.ts";
import { RateLimits, retryAfterMs } from "../server/answer/rate-limits.ts";
import type { Deadlines } from "../server/answer/watchdog.ts";
import { nodeHost } from "../server/node-host.ts";
import type { Failure } from "../shared/answer-types.ts";
import type { Phrase } from "../shared/phrase.ts";
import { KEY } from "./provider-key.ts";
import {
  type Behaviour,
  type ChatServer,
  ending,
  event,
  hangs,
  hangsUp,
  piece,
  refuses,
  says,
  saysLikeCerebras,
  sends,
  startChatServer,
} from "./servers/chat-server.ts";
import { SELF_SIGNED } from "./servers/self-signed.ts";

const PATIENT: Deadlines = { connectMs: 60_000, firstTokenMs: 60_000, nextTokenMs: 60_000 };
const REQUEST = { messages: [{ role: "user", content: "Why?" }], inputTokens: 10, maxOutputTokens: 50 } as const;
const never = new AbortController().signal;

function options(server: ChatServer, more: Partial<ProviderOptions> = {}): ProviderOptions {
  const baseUrl = server.url;
  return { baseUrl, model: "", remote: true, contextTokens: 8192, deadlines: PATIENT, prices: new Map(), ...more };
}

function host(env: Record<string, string> = { CEREBRAS_API_KEY: KEY, OPENAI_API_KEY: KEY }) {
  return nodeHost({ level: "silent", env });
}

/** The same behaviour through both clients. */
const CLIENTS: Record<string, (server: ChatServer, more?: Partial<ProviderOptions>) => Provider> = {
  cerebras: (server, more) => cerebras(host(), options(server, { model: "small-model", ...more })),
  openai: (server, more) =>
    openAiCompatible("openai", host(), options(server, { baseUrl: `${server.url}/v1`, model: "small-model", ...more })),
};

async function eventsOf(provider: Provider, signal = never): Promise<ModelEvent[]> {
  const model = await provider.open(signal);
  const events: ModelEvent[] = [];
  for await (const event of model.stream(REQUEST, signal)) events.push(event);
  return events;
}

async function textOf(provider: Provider): Promise<string> {
  const events = await eventsOf(provider);
  return events.map((event) => (event.type === "text" ? event.text : "")).join("");
}

/** What a failing answer showed before it failed, and how it failed. */
async function failing(provider: Provider): Promise<{ shown: string; error: ProviderError }> {
  let shown = "";
  try {
    const model = await provider.open(never);
    for await (const event of model.stream(REQUEST, never)) if (event.type === "text") shown += event.text;
  } catch (error) {
    assert.ok(error instanceof ProviderError, String(error));
    return { shown, error };
  }
  throw new assert.AssertionError({ message: `it did not fail but said: ${shown}` });
}

async function serverThat(test: TestContext, ...behaviours: Behaviour[]): Promise<ChatServer> {
  const server = await startChatServer(test);
  server.behave(...behaviours);
  return server;
}

describe("Cerebras", () => {
  it("streams an answer with usage and its own times", async (test) => {
    const server = await serverThat(test, saysLikeCerebras(["It ", "retries."]));
    assert.deepEqual(await eventsOf(CLIENTS.cerebras(server)), [
      { type: "text", text: "It " },
      { type: "text", text: "retries." },
      {
        type: "end",
        finish: "stop",
        usage: { inputTokens: 700, outputTokens: 50, cachedTokens: 128 },
        timing: { queueMs: 1, promptMs: 2, completionMs: 10, totalMs: 20 },
      },
    ]);
    const [{ path, headers, body }] = server.calls;
    assert.equal(path, "/v1/chat/completions");
    assert.equal(headers.authorization, `Bearer ${KEY}`);
    assert.deepEqual(
      { model: body.model, stream: body.stream, limit: body.max_completion_tokens },
      { model: "small-model", stream: true, limit: 50 },
    );
  });

  it("sends nothing before it is opened, and does not warm up a connection", async (test) => {
    const server = await serverThat(test, saysLikeCerebras(["Yes."]));
    const provider = cerebras(host(), options(server));
    assert.deepEqual(server.paths, []);
    await eventsOf(provider);
    assert.deepEqual(server.paths, ["GET /v1/models", "POST /v1/chat/completions"]);
  });

  it("takes the preferred model where the account offers it, else the first", async (test) => {
    const server = await serverThat(test, saysLikeCerebras(["Yes."]));
    assert.equal((await cerebras(host(), options(server)).open(never)).name, "llama-3.3-70b");
    server.models = ["gpt-oss-120b", "small-model"];
    assert.equal((await cerebras(host(), options(server)).open(never)).name, "gpt-oss-120b");
    server.models = [];
    const error = await cerebras(host(), options(server))
      .open(never)
      .catch((error: unknown) => error);
    assert.ok(error instanceof ProviderError && error.failure === "model-gone");
  });

  it("asks for the list of models once, and again when the model has gone", async (test) => {
    const gone = refuses(404, { message: "gone", code: "model_not_found" });
    const server = await serverThat(test, saysLikeCerebras(["Yes."]), saysLikeCerebras(["Yes."]), gone, says("Yes."));
    const provider = cerebras(host(), options(server));
    await eventsOf(provider);
    await eventsOf(provider);
    assert.equal((await failing(provider)).error.failure, "model-gone");
    server.models = ["fresh-model"];
    await eventsOf(provider);
    assert.deepEqual(
      server.calls.map(({ body }) => body.model),
      ["llama-3.3-70b", "llama-3.3-70b", "llama-3.3-70b", "fresh-model"],
    );
    assert.equal(server.paths.filter((path) => path === "GET /v1/models").length, 2);
  });

  it("sends no request that the limits of the last answer would refuse", async (test) => {
    const used = {
      "x-ratelimit-limit-tokens-minute": "60000",
      "x-ratelimit-remaining-tokens-minute": "59",
      "x-ratelimit-reset-tokens-minute": "41.5",
    };
    const server = await serverThat(test, saysLikeCerebras(["Yes."], used));
    const provider = CLIENTS.cerebras(server);
    await eventsOf(provider);
    const { error } = await failing(provider);
    assert.equal(error.failure, "rate-limit");
    assert.ok(error.waitMs && error.waitMs > 30_000 && error.waitMs <= 41_500, String(error.waitMs));
    assert.equal(server.calls.length, 1);
  });
});

describe("servers that speak OpenAI's protocol", () => {
  it("stream an answer with usage", async (test) => {
    const server = await serverThat(test, says("It ", "retries."));
    assert.deepEqual(await eventsOf(CLIENTS.openai(server)), [
      { type: "text", text: "It " },
      { type: "text", text: "retries." },
      {
        type: "end",
        finish: "stop",
        usage: { inputTokens: 1200, outputTokens: 34, cachedTokens: 0 },
        timing: undefined,
      },
    ]);
    const [{ headers, body }] = server.calls;
    assert.equal(headers.authorization, `Bearer ${KEY}`);
    assert.equal(body.max_completion_tokens, 50);
  });

  it("on this machine want no key and no name of a model, and never see the key of another", async (test) => {
    for (const name of ["ollama", "lmstudio", "vllm", "llama-server"] as const) {
      const server = await serverThat(test, says("Yes."));
      assert.equal(
        await textOf(openAiCompatible(name, host(), options(server, { baseUrl: `${server.url}/v1` }))),
        "Yes.",
      );
      const [{ headers, body }] = server.calls;
      assert.deepEqual([body.model, body.max_tokens, body.max_completion_tokens], ["small-model", 50, undefined], name);
      assert.ok(!headers.authorization?.includes(KEY));
    }
  });

  it("at Azure take the key in Azure's header too", async (test) => {
    const server = await serverThat(test, says("Yes."));
    const settings = options(server, { baseUrl: `${server.url}/openai/v1`, model: "my-deployment" });
    assert.equal(await textOf(openAiCompatible("azure", host({ AZURE_OPENAI_API_KEY: KEY }), settings)), "Yes.");
    assert.equal(server.calls[0].headers["api-key"], KEY);
    assert.deepEqual(server.paths, ["POST /openai/v1/chat/completions"]);
  });

  it("that ask for money want to be told which model", async (test) => {
    const server = await serverThat(test, says("Yes."));
    const { error } = await failing(openAiCompatible("openai", host(), options(server)));
    assert.equal(error.failure, "model-gone");
    assert.match(error.hint, /OPENAI_MODEL/);
    assert.deepEqual(server.paths, []);
  });
});

describe("without its key a provider is not asked", () => {
  for (const [name, variable, open] of [
    ["cerebras", "CEREBRAS_API_KEY", (server: ChatServer) => cerebras(host({}), options(server))],
    ["openai", "OPENAI_API_KEY", (server: ChatServer) => openAiCompatible("openai", host({}), options(server))],
    ["azure", "AZURE_OPENAI_API_KEY", (server: ChatServer) => openAiCompatible("azure", host({}), options(server))],
  ] as const) {
    it(name, async (test) => {
      const server = await serverThat(test, says("Yes."));
      const { error } = await failing(open(server));
      assert.deepEqual({ failure: error.failure, kind: error.kind }, { failure: "no-key", kind: "input" });
      assert.ok(error.hint.includes(variable));
      assert.deepEqual(server.paths, []);
    });
  }
});

/** What a wireless network that wants a login answers to everything. */
const showsPage: Behaviour = (response) => {
  response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<html>Please log in</html>");
};

/** What the server does, what is made of it, and what was shown before. */
const FAILURES: Record<string, [behaviour: Behaviour, failure: Failure, message: RegExp, shown?: string]> = {
  "a wrong key": [
    refuses(401, { error: { message: `Incorrect API key provided: ${KEY}.`, code: "invalid_api_key" } }),
    "bad-key",
    /not accepted \(401\).*Incorrect API key provided: <key>/,
  ],
  "no credit": [refuses(402, { message: "Pay first", code: "payment_required" }), "no-credit", /no credit left/],
  "a quota that is used up": [
    refuses(429, { error: { message: "You exceeded your current quota", type: "insufficient_quota" } }),
    "no-credit",
    /no credit left/,
  ],
  "too many requests": [
    refuses(
      429,
      { message: "Tokens per minute limit exceeded", code: "token_quota_exceeded" },
      { "retry-after": "37" },
    ),
    "rate-limit",
    /too many requests/,
  ],
  "a model that is gone": [
    refuses(404, { error: { message: "The model does not exist", code: "model_not_found" } }),
    "model-gone",
    /no model "small-model"/,
  ],
  "a context that is too long": [
    refuses(400, { error: { message: "maximum context length is 8192 tokens", code: "context_length_exceeded" } }),
    "context-too-long",
    /too long for small-model/,
  ],
  "content that is refused": [
    refuses(400, { error: { message: "filtered", code: "content_filter" } }),
    "refused",
    /content was refused/,
  ],
  "content that is refused midway": [sends([piece("It "), ending("content_filter")]), "refused", /refused/, "It "],
  "a request it does not understand": [refuses(422, { error: { message: "no field stream" } }), "rejected", /422/],
  "an overloaded server": [refuses(503, "<html>busy</html>"), "server", /does not work right now \(503\)/],
  "an error in the middle of the stream": [
    sends([piece("It "), event({ error: { message: "backend died" }, status_code: 500 })]),
    "server",
    /backend died/,
    "It ",
  ],
  "a connection that is closed at once": [hangsUp, "network", /could not be reached/],
  "a connection that breaks midway": [sends([piece("It ")], "reset"), "network", /the connection broke/, "It "],
  "a stream that ends early": [sends([piece("It ")]), "network", /broke the answer off/, "It "],
  "an event that is not JSON": [sends([piece("It "), "data: {oops\n\n"]), "output", /not JSON/, "It "],
  "an event of another kind": [sends([event({ hello: 1 })]), "output", /no part of a chat completion/],
  "an event that is no object": [sends(["data: 7\n\n"]), "output", /no object/],
  "text that is no text": [sends([event({ choices: [{ delta: { content: { a: 1 } } }] })]), "output", /no text/],
  "a page instead of a stream": [showsPage, "output", /it sent no stream of events but text\/html\.$/],
  "a whole answer instead of a stream": [
    refuses(200, { choices: [] }),
    "output",
    /no stream of events but application\/json/,
  ],
  "a stream without an event": [sends([]), "network", /broke the answer off/],
  "an empty answer": [sends([ending("stop"), "data: [DONE]\n\n"]), "output", /empty/],
};

/** What translators are given. */
const TEMPLATE = JSON.parse(readFileSync(join(dirname(import.meta.dirname), "l10n/bundle.l10n.json"), "utf8"));

/** The texts of a phrase, and of those in it, that say something by themselves. */
function textsOf({ text, values }: Phrase): string[] {
  const own = /[a-z]/i.test(text) ? [text] : [];
  return [...own, ...values.flatMap((value) => (typeof value === "object" ? textsOf(value) : []))];
}

for (const [client, providerOf] of Object.entries(CLIENTS)) {
  describe(`${client}: what goes wrong is told apart`, () => {
    for (const [name, [behaviour, failure, message, shown = ""]] of Object.entries(FAILURES)) {
      it(name, async (test) => {
        const server = await serverThat(test, behaviour);
        const { error, shown: text } = await failing(providerOf(server));
        assert.deepEqual({ failure: error.failure, shown: text }, { failure, shown }, error.message);
        assert.match(error.message, message);
        assert.ok(error.message.startsWith(`${client}: `));
        assert.ok(!`${error.message}${error.hint}`.includes(KEY));
        for (const text of [error.said, error.advice].flatMap(textsOf)) assert.ok(text in TEMPLATE, text);
        assert.equal(server.calls.length, 1, "it is not tried again by the client itself");
      });
    }

    it("a redirect is not followed: nobody agreed to that address", async (test) => {
      const elsewhere = await serverThat(test, says("Yes."));
      const location = `${elsewhere.url}/v1/chat/completions`;
      const server = await serverThat(test, refuses(307, "", { location }));
      const { error } = await failing(providerOf(server));
      assert.equal(error.failure, "network");
      assert.match(error.message, /sends to another address, and that is not followed/);
      assert.deepEqual(elsewhere.paths, []);
    });

    it("nobody listens there", async (test) => {
      const server = await serverThat(test, hangs);
      const { error } = await failing(providerOf({ ...server, url: "http://127.0.0.1:1" }));
      assert.equal(error.failure, "network");
      assert.match(error.message, /could not be reached/);
    });
  });

  it(`${client}: a certificate that is not trusted is told as such`, async (test) => {
    const server = createServer(SELF_SIGNED, (_, response) => response.end());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    test.after(() => server.close());
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { error } = await failing(providerOf({ ...(await serverThat(test, hangs)), url }));
    assert.equal(error.failure, "certificate");
    assert.match(error.hint, /NODE_EXTRA_CA_CERTS/);
  });

  describe(`${client}: silence ends a request`, () => {
    for (const [name, behaviour, deadlines, message] of [
      ["before the headers", hangs, { connectMs: 30 }, /A connection did not come/],
      ["before the first word", sends([], "hang"), { firstTokenMs: 30 }, /The first word did not come/],
      ["between two words", sends([piece("It ")], "hang"), { nextTokenMs: 30 }, /The next word did not come/],
      ["in spite of comments", sends([": still here\n\n"], "hang"), { firstTokenMs: 30 }, /The first word did not/],
    ] as const) {
      it(name, async (test) => {
        const server = await serverThat(test, behaviour);
        const { error } = await failing(providerOf(server, { deadlines: { ...PATIENT, ...deadlines } }));
        assert.equal(error.failure, "timeout");
        assert.match(error.message, message);
        await server.abandoned;
      });
    }
  });

  describe(`${client}: a stream is read right`, () => {
    it("when characters and events are cut in two", async (test) => {
      const bytes = Buffer.from(`${piece("Größe 🎈")}${ending("stop")}data: [DONE]\n\n`);
      const server = await serverThat(test, sends(Array.from(bytes, (byte) => Uint8Array.of(byte))));
      assert.equal(await textOf(providerOf(server)), "Größe 🎈");
    });

    it("with other line ends, comments and fields that nobody knows", async (test) => {
      const wire = `: hello\r\nevent: message\r\nid: 1\r\n${piece("Yes.").trimEnd()}\r\n\r\n${ending("stop")}`;
      const server = await serverThat(test, sends([wire]));
      assert.equal(await textOf(providerOf(server)), "Yes.");
    });

    it("when it is a megabyte long", async (test) => {
      const words = Array.from({ length: 10_000 }, (_, i) => `${i} ${"x".repeat(100)} `);
      const server = await serverThat(test, says(...words));
      assert.equal(await textOf(providerOf(server)), words.join(""));
    });

    it("by a hundred readers at once, each its own", async (test) => {
      const server = await serverThat(test, (response, call) => {
        const { content } = call.body.messages[0];
        return says(...Array.from({ length: 50 }, (_, i) => `${content} ${i} `))(response, call);
      });
      const model = await providerOf(server).open(never);
      const read = async (content: string) => {
        let text = "";
        for await (const event of model.stream({ ...REQUEST, messages: [{ role: "user", content }] }, never)) {
          if (event.type === "text") text += event.text;
        }
        return text;
      };
      const questions = Array.from({ length: 100 }, (_, i) => `question${i}`);
      const expected = questions.map((question) => Array.from({ length: 50 }, (_, i) => `${question} ${i} `).join(""));
      assert.deepEqual(await Promise.all(questions.map(read)), expected);
    });

    it("a cut at the limit of tokens is told", async (test) => {
      const server = await serverThat(test, sends([piece("It "), ending("length")]));
      const events = await eventsOf(providerOf(server));
      assert.deepEqual(events.at(-1), { type: "end", finish: "length", usage: undefined, timing: undefined });
    });
  });

  it(`${client}: whoever stops, stops the request`, async (test) => {
    const server = await serverThat(test, sends([piece("It ")], "hang"));
    const controller = new AbortController();
    const model = await providerOf(server).open(controller.signal);
    const reading = (async () => {
      for await (const _ of model.stream(REQUEST, controller.signal)) controller.abort(new Error("enough"));
    })();
    await assert.rejects(reading, /enough/);
    await server.abandoned;
  });
}

describe("a guarded provider", () => {
  const retries = { count: 2, baseMs: 1, longestMs: 100 };
  const guard = (server: ChatServer, breaker = new CircuitBreaker()) =>
    guarded(CLIENTS.openai(server), breaker, retries);
  const busy = refuses(500, { error: { message: "busy" } });

  it("asks again after a failure that passes", async (test) => {
    const server = await serverThat(test, busy, hangsUp, says("Yes."));
    assert.equal(await textOf(guard(server)), "Yes.");
    assert.equal(server.calls.length, 3);
  });

  it("gives up after its retries", async (test) => {
    const server = await serverThat(test, busy);
    assert.equal((await failing(guard(server))).error.failure, "server");
    assert.equal(server.calls.length, 3);
  });

  it("does not ask again when that cannot help, when the wait is long, or when something was shown", async (test) => {
    for (const [behaviour, failure] of [
      [refuses(401, {}), "bad-key"],
      [refuses(429, {}, { "retry-after": "60" }), "rate-limit"],
      [sends([piece("It ")], "reset"), "network"],
    ] as const) {
      const server = await serverThat(test, behaviour, says("Yes."));
      assert.equal((await failing(guard(server))).error.failure, failure);
      assert.equal(server.calls.length, 1);
    }
  });

  it("waits as long as a refusal says when that is short", async (test) => {
    const server = await serverThat(test, refuses(429, {}, { "retry-after-ms": "2" }), says("Yes."));
    assert.equal(await textOf(guard(server)), "Yes.");
  });

  it("is left alone after failures in a row, and probed once when the time has come", async (test) => {
    let now = 0;
    const breaker = new CircuitBreaker(3, 1_000, () => now);
    const server = await serverThat(test, busy);
    const provider = guard(server, breaker);
    await failing(provider);
    assert.equal(server.calls.length, 3);
    assert.match((await failing(provider)).error.message, /left alone for 1 s/);
    assert.equal(server.calls.length, 3, "nothing is sent while it is open");

    now = 1_000;
    await failing(provider);
    assert.equal(server.calls.length, 4, "one probe, which fails");
    now = 1_500;
    await failing(provider);
    assert.equal(server.calls.length, 4);

    now = 2_000;
    server.behave(says("Yes."));
    assert.equal(await textOf(provider), "Yes.");
    assert.equal(await textOf(provider), "Yes.");
  });
});

describe("limits", () => {
  const headers = (entries: Record<string, string>) => new Headers(entries);

  it("are read in Cerebras' and in OpenAI's form", () => {
    for (const [name, reset] of [
      ["tokens-minute", "30"],
      ["tokens", "30s"],
      ["tokens", "0m30s"],
    ]) {
      let now = 5;
      const limits = new RateLimits(() => now);
      limits.observe(headers({ [`x-ratelimit-remaining-${name}`]: "100", [`x-ratelimit-reset-${name}`]: reset }));
      assert.equal(limits.waitMs(100), 0);
      assert.equal(limits.waitMs(101), 30_000);
      now = 30_005;
      assert.equal(limits.waitMs(101), 0);
    }
  });

  it("of requests count requests, and what is larger than a limit is left to the provider", () => {
    const limits = new RateLimits(() => 0);
    limits.observe(headers({ "x-ratelimit-remaining-requests-day": "0", "x-ratelimit-reset-requests-day": "1h2m" }));
    assert.equal(limits.waitMs(1), 3_720_000);
    const small = new RateLimits(() => 0);
    const tokens = { limit: "1000", remaining: "10", reset: "60" };
    small.observe(headers(Object.fromEntries(Object.entries(tokens).map(([k, v]) => [`x-ratelimit-${k}-tokens`, v]))));
    assert.deepEqual([small.waitMs(500), small.waitMs(5_000)], [60_000, 0]);
  });

  it("say how long to wait in three ways", () => {
    assert.equal(retryAfterMs(headers({ "retry-after-ms": "50", "retry-after": "9" }), 0), 50);
    assert.equal(retryAfterMs(headers({ "retry-after": "1.5" }), 0), 1500);
    assert.equal(retryAfterMs(headers({ "retry-after": "Thu, 01 Jan 1970 00:00:10 GMT" }), 4_000), 6_000);
    assert.equal(retryAfterMs(headers({ "retry-after": "soon" }), 0), undefined);
    assert.equal(retryAfterMs(headers({}), 0), undefined);
  });
});
