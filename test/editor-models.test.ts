import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { CancellationTokenSource } from "vscode-jsonrpc/node";
import { chooseProviders } from "../server/answer/choose-providers.ts";
import { nodeHost } from "../server/node-host.ts";
import { readUsage } from "../server/usage/usage-record.ts";
import type { AnswerPart } from "../shared/answer-types.ts";
import type { EditorFailure, EditorModelRequest, ModelText } from "../shared/editor-model-types.ts";
import { ToClient, ToServer } from "../shared/protocol.ts";
import { readSettings } from "../shared/read-settings.ts";
import { LspClient } from "./lsp-client.ts";
import { temporaryFolder, writeFiles } from "./open-core.ts";
import { PROJECT } from "./sample-project.ts";
import { hangs, refuses, says, startChatServer } from "./servers/chat-server.ts";

const QUESTION = { task: 1, text: "how are requests retried?" };

/** A client with a folder open. */
async function open(test: TestContext, settings: object) {
  const base = temporaryFolder(test);
  const cache = join(base, "cache");
  writeFiles(join(base, "project"), PROJECT);
  const client = await LspClient.start(test, {
    folders: [join(base, "project")],
    cacheDirectory: cache,
    initializationOptions: { showsStatus: true, settings },
  });
  await client.ready();
  const parts: AnswerPart[] = [];
  client.on(ToClient.answerParts, (told) => void parts.push(...told.parts));
  return { client, cache, parts };
}

/** A client whose editor has one model, which answers as it is told to. */
async function withEditor(
  test: TestContext,
  answers: (request: EditorModelRequest, tell: (text: string) => void) => EditorFailure | null,
) {
  const opened = await open(test, { "answer.provider": "editor", "answer.editor.model": "tests/model" });
  const { client } = opened;
  const wished: string[] = [];
  const asked: EditorModelRequest[] = [];
  client.answers(ToClient.editorModel, ({ model }) => {
    wished.push(model);
    return { kind: "model", id: "m1", vendor: "tests", maxInputTokens: 6_000 } as const;
  });
  client.answers(ToClient.askEditor, (request) => {
    asked.push(request);
    const { task } = request;
    return answers(request, (text) => void client.tell(ToServer.editorText.method, { task, text }));
  });
  const destinations = [{ provider: "editor", address: "the language models of the editor" }];
  await client.request(ToServer.agree, { destinations });
  return { ...opened, wished, asked };
}

describe("a language model of the editor", () => {
  it("answers after the user has agreed, with citations that are checked", async (test) => {
    const { client, parts, wished, asked } = await withEditor(test, (_request, tell) => {
      for (const piece of ["The function `retryRequest` ", "tries again [1", "]."]) tell(piece);
      return null;
    });
    const result = await client.request(ToServer.ask, QUESTION);
    assert.equal(result.kind, "answered");
    const { provider, model, finish, citations } = result.record;
    assert.deepEqual([provider, model, finish, citations], ["editor", "tests/m1", "complete", 1]);
    const text = parts
      .map((part) => (part.type === "text" ? part.text : part.type === "citation" ? "{1}" : ""))
      .join("");
    assert.equal(text, "The function `retryRequest` tries again {1}.");
    assert.deepEqual(wished, ["tests/model"]);
    const [{ id, vendor, messages }] = asked;
    assert.deepEqual([id, vendor, messages.map(({ role }) => role)], ["m1", "tests", ["system", "user"]]);
    assert.match(messages[1].content, /retryRequest[\s\S]*Question: how are requests retried\?/);
  });

  it("is asked for nothing before the user has agreed", async (test) => {
    const { client } = await open(test, { "answer.provider": "editor" });
    client.answers(ToClient.editorModel, () => assert.fail("the editor was asked"));
    const result = await client.request(ToServer.ask, QUESTION);
    assert.deepEqual(result, {
      kind: "consent",
      destinations: [{ provider: "editor", address: "the language models of the editor" }],
    });
  });

  it("that gives no answer is told apart by why, and passages are quoted instead", async (test) => {
    let failure: EditorFailure["failure"] = "none";
    const { client, parts } = await withEditor(test, () => ({ kind: "failed", failure, message: "so it is" }));
    const failures: unknown[] = [];
    for (failure of ["none", "permission", "blocked", "other"] as const) {
      parts.length = 0;
      const result = await client.request(ToServer.ask, QUESTION);
      assert.equal(result.kind === "answered" && result.record.provider, "extractive");
      const attempt = parts.find((part) => part.type === "failed")?.attempt;
      assert.match(attempt?.message ?? "", /It says: so it is$/);
      failures.push(attempt?.failure, attempt?.message.replace(/ It says.*/, ""));
    }
    assert.deepEqual(failures, [
      "model-gone",
      "editor: the editor has no such language model.",
      "rejected",
      "editor: the editor did not let Cairn use its language model.",
      "no-credit",
      "editor: the editor's language model may not be used now: a quota may be used up.",
      "server",
      "editor: the editor's language model failed.",
    ]);
  });

  it("that breaks off keeps what it has said, and one that says nothing has not answered", async (test) => {
    let words = ["It is `retryRequest` "];
    const { client, parts } = await withEditor(test, (_request, tell) => {
      for (const word of words) tell(word);
      return words.length > 0 ? { kind: "failed", failure: "other", message: "gone" } : null;
    });
    const broken = await client.request(ToServer.ask, QUESTION);
    assert.equal(broken.kind === "answered" && broken.record.finish, "interrupted");
    words = [];
    parts.length = 0;
    await client.request(ToServer.ask, QUESTION);
    assert.equal(parts.find((part) => part.type === "failed")?.attempt.failure, "output");
  });

  it("is there only where an editor asks", async (test) => {
    const { client, parts } = await open(test, { "answer.provider": "editor" });
    await client.request(ToServer.ask, { ...QUESTION, onlyAgreed: true });
    const destinations = [{ provider: "editor", address: "the language models of the editor" }];
    await client.request(ToServer.agree, { destinations });
    parts.length = 0;
    await client.request(ToServer.ask, QUESTION);
    assert.match(
      parts.find((part) => part.type === "failed")?.attempt.message ?? "",
      /only an editor has these models/,
    );

    const { settings } = readSettings({ "answer.provider": "editor" });
    const [provider] = chooseProviders(nodeHost({ level: "silent", env: {} }), settings);
    await assert.rejects(provider.open(new AbortController().signal), {
      message: "editor: only an editor has these models.",
      hint: "Ask in the chat of an editor that has language models, or choose another provider.",
    });
    assert.equal(provider.hasKey, false, "there is nothing to agree to");
  });
});

describe("Cairn's models in the editor", () => {
  const KEY = "csk-abcdefghij0123456789";
  const HELLO = { task: 7, provider: "cerebras", messages: [{ role: "user", content: "hello" }] } as const;

  async function offering(test: TestContext) {
    const server = await startChatServer(test);
    const opened = await open(test, {
      "answer.provider": "cerebras",
      "answer.cerebras.baseUrl": server.url,
      "answer.cerebras.model": "big-model",
      "answer.fallback.providers": ["editor", "ollama"],
    });
    const texts: ModelText[] = [];
    opened.client.on(ToClient.offeredText, (piece) => void texts.push(piece));
    return { ...opened, server, texts };
  }

  it("are those of the providers that are set, and to list them nothing is asked", async (test) => {
    const { client, server } = await offering(test);
    assert.deepEqual(await client.request(ToServer.offeredModels, {}), [
      {
        provider: "cerebras",
        model: "big-model",
        destination: server.url,
        maxInputTokens: 4096 - 1024,
        maxOutputTokens: 1024,
      },
      {
        provider: "ollama",
        model: "",
        destination: "http://127.0.0.1:11434",
        maxInputTokens: 4096 - 1024,
        maxOutputTokens: 1024,
      },
    ]);
    assert.deepEqual(server.paths, []);
  });

  it("answer what others ask, word by word, and are in the record of usage", async (test) => {
    const { client, server, texts, cache } = await offering(test);
    await assert.rejects(client.request(ToServer.askOffered, HELLO), /there is no key/);
    await client.request(ToServer.keys, { keys: [{ provider: "cerebras", apiKey: KEY }] });
    server.behave(says("Hello ", "to you"));
    assert.deepEqual(await client.request(ToServer.askOffered, HELLO), { kind: "answered" });
    assert.ok(texts.every(({ task }) => task === 7));
    assert.equal(texts.map(({ text }) => text).join(""), "Hello to you");
    const [{ body }] = server.calls;
    assert.deepEqual([body.model, body.messages], ["big-model", [{ role: "user", content: "hello" }]]);
    const { entries } = readUsage(cache);
    assert.deepEqual(
      entries.map(({ provider, model, inputTokens, outcome }) => [provider, model, inputTokens, outcome]),
      [["cerebras", "big-model", 1200, "complete"]],
    );
  });

  it("fail with what the provider says, and are none where the provider is no longer set", async (test) => {
    const { client, server } = await offering(test);
    await client.request(ToServer.keys, { keys: [{ provider: "cerebras", apiKey: KEY }] });
    server.behave(refuses(402, { error: { message: "no credit left" } }));
    await assert.rejects(client.request(ToServer.askOffered, HELLO), /cerebras: .*credit/);
    for (const provider of ["openai", "editor"]) {
      await assert.rejects(
        client.request(ToServer.askOffered, { ...HELLO, provider }),
        /no longer the provider that is set/,
      );
    }
  });

  it("stop when whoever asked has had enough", async (test) => {
    const { client, server } = await offering(test);
    await client.request(ToServer.keys, { keys: [{ provider: "cerebras", apiKey: KEY }] });
    const cancellation = new CancellationTokenSource();
    server.behave((...request) => {
      cancellation.cancel();
      return hangs(...request);
    });
    await assert.rejects(client.request(ToServer.askOffered, HELLO, cancellation.token));
    await server.abandoned;
  });
});

describe("what others ask of a provider on another machine", () => {
  it("is sent there only when the user has agreed to it", async (test) => {
    const { client } = await open(test, {
      "answer.provider": "cerebras",
      "answer.cerebras.baseUrl": "https://models.example.invalid",
    });
    await client.request(ToServer.keys, { keys: [{ provider: "cerebras", apiKey: "csk-abcdefghij0123456789" }] });
    const asked = { task: 1, provider: "cerebras", messages: [{ role: "user", content: "hello" }] } as const;
    assert.deepEqual(await client.request(ToServer.askOffered, asked), {
      kind: "consent",
      destinations: [{ provider: "cerebras", address: "https://models.example.invalid" }],
    });
  });
});
