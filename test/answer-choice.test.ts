import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chooseProviders, type Wish } from "../server/answer/choose-providers.ts";
import type { Host } from "../server/host.ts";
import { nodeHost } from "../server/node-host.ts";
import { readSettings } from "../shared/read-settings.ts";
import { says, startChatServer } from "./servers/chat-server.ts";

const HOST = nodeHost({ level: "silent", env: {} });
const never = new AbortController().signal;

/** What is chosen, as `name origin`, with a star for other machines. */
function chosen(raw: Record<string, unknown>, wish: Wish = {}, env: Record<string, string> = {}): string[] {
  const { settings, problems } = readSettings(raw, env);
  assert.deepEqual(problems, []);
  return chooseProviders(HOST, settings, wish).map(
    ({ name, destination, remote }) => `${name} ${destination}${remote ? " *" : ""}`,
  );
}

describe("who is asked", () => {
  it("is nobody, unless the user has named one", () => {
    assert.deepEqual(chosen({}), []);
    assert.deepEqual(chosen({}, {}, { CEREBRAS_API_KEY: "k", OPENAI_API_KEY: "k" }), []);
    assert.deepEqual(chosen({ "answer.provider": "cerebras" }, { provider: "none" }), []);
    assert.deepEqual(chosen({ "answer.fallback.providers": ["openai"] }), []);
  });

  it("is at its usual address, or at the one that is set", () => {
    for (const [provider, usual] of [
      ["cerebras", "cerebras https://api.cerebras.ai *"],
      ["openai", "openai https://api.openai.com *"],
      ["ollama", "ollama http://127.0.0.1:11434"],
      ["lmstudio", "lmstudio http://127.0.0.1:1234"],
      ["vllm", "vllm http://127.0.0.1:8000"],
      ["llama-server", "llama-server http://127.0.0.1:8080"],
      ["llama", "llama file://"],
    ]) {
      assert.deepEqual(chosen({}, {}, { INFERENCE_PROVIDER: provider }), [usual]);
    }
    const azure = { "answer.provider": "azure", "answer.openai.baseUrl": "https://me.openai.azure.com/openai/v1" };
    assert.deepEqual(chosen(azure), ["azure https://me.openai.azure.com *"]);
    const elsewhere = { "answer.provider": "ollama", "answer.openai.baseUrl": "http://192.0.2.7:11434/v1" };
    assert.deepEqual(chosen(elsewhere), ["ollama http://192.0.2.7:11434 *"], "an Ollama on another machine is remote");
    for (const [url, star] of [
      ["http://localhost:1/v1", ""],
      ["http://[::1]:1/v1", ""],
      ["http://localhost.example.com:1/v1", " *"],
      ["http://127.0.0.1.example.com:1/v1", " *"],
    ]) {
      const expected = `vllm ${new URL(url).origin}${star}`;
      assert.deepEqual(chosen({ "answer.provider": "vllm", "answer.openai.baseUrl": url }), [expected]);
    }
  });

  it("is followed by the fallbacks, each once, unless there is to be no fallback", () => {
    const raw = { "answer.provider": "cerebras", "answer.fallback.providers": ["openai", "cerebras", "ollama"] };
    const all = [
      "cerebras https://api.cerebras.ai *",
      "openai https://api.openai.com *",
      "ollama http://127.0.0.1:11434",
    ];
    assert.deepEqual(chosen(raw), all);
    assert.deepEqual(chosen(raw, {}, { INFERENCE_FALLBACK_ENABLED: "false" }), all.slice(0, 1));
    const own = { ...raw, "answer.openai.baseUrl": "https://gateway.example/v1" };
    assert.deepEqual(chosen(own), [all[0], "openai https://gateway.example *", all[2]]);
  });

  it("is explained when it cannot be", () => {
    for (const [raw, message] of [
      [{ "answer.provider": "cerebras", "answer.fallback.providers": ["skynet"] }, /no provider "skynet"/],
      [{ "answer.provider": "openai", "answer.openai.baseUrl": "ftp://x" }, /"ftp:\/\/x" is no address/],
      [{ "answer.provider": "openai", "answer.openai.baseUrl": "gateway" }, /"gateway" is no address/],
      [{ "answer.provider": "openai", "answer.prices": ["cheap"] }, /"cheap" is no price/],
    ] as const) {
      assert.throws(() => chosen(raw), message);
    }
  });
});

describe("local", () => {
  /** A machine on which only this port is in use, by the stand-in. */
  const machine = (port: number, url: string): Host => ({
    ...HOST,
    fetch: async (input, init) => {
      const asked = new URL(input instanceof Request ? input.url : input);
      if (Number(asked.port) !== port) throw new TypeError("fetch failed");
      return fetch(`${url}${asked.pathname}`, init);
    },
  });
  const { settings } = readSettings({}, { INFERENCE_PROVIDER: "local" });

  for (const port of [11434, 8080, 1234, 8000]) {
    it(`finds the server at port ${port}`, async (test) => {
      const server = await startChatServer(test);
      server.behave(says("Here."));
      const [provider] = chooseProviders(machine(port, server.url), settings);
      const model = await provider.open(never);
      const { value } = await model.stream({ messages: [], inputTokens: 0, maxOutputTokens: 9 }, never).next();
      assert.deepEqual(value, { type: "text", text: "Here." });
    });
  }

  it("is the model file that is named, before any server", () => {
    assert.deepEqual(chosen({ "answer.local.modelPath": "/m.gguf" }, {}, { INFERENCE_PROVIDER: "local" }), [
      "local file://",
    ]);
  });

  it("says where it has looked when there is none", async () => {
    const [provider] = chooseProviders(machine(1, "http://127.0.0.1:1"), settings);
    const error = await provider.open(AbortSignal.timeout(60_000)).catch((error: unknown) => error);
    assert.match(String(error), /local: no server with language models runs on this machine/);
    assert.match((error as { hint: string }).hint, /ollama \(11434\), llama-server \(8080\)/);
  });
});
