import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { CancellationTokenSource } from "vscode-jsonrpc/node";
import type { AnswerPart, AskRequest, AskResult } from "../shared/answer-types.ts";
import { ToClient, ToServer } from "../shared/protocol.ts";
import { LspClient, uriOf } from "./lsp-client.ts";
import { temporaryFolder, writeFiles } from "./open-core.ts";
import { KEY } from "./provider-key.ts";
import { PROJECT } from "./sample-project.ts";
import { type ChatServer, hangs, piece, refuses, says, sends, startChatServer } from "./servers/chat-server.ts";

const REQUEST_CANCELLED = -32800;

/** The sample project as two folders. */
const NETWORK = { "src/retry.ts": PROJECT["src/retry.ts"] };
const COLOURS = { "src/colours.py": PROJECT["src/colours.py"] };

interface Scene {
  client: LspClient;
  roots: string[];
  provider: ChatServer;
  ask(request: Partial<AskRequest>): Promise<{ parts: AnswerPart[]; result: AskResult }>;
}

/** A client with folders open, whose settings name a stand-in as Cerebras, and that has a key of it. */
async function scene(
  test: TestContext,
  { folders = [NETWORK], settings = {} }: { folders?: Record<string, string>[]; settings?: object } = {},
): Promise<Scene> {
  const base = temporaryFolder(test);
  const roots = folders.map((files, i) => {
    const root = join(base, `root${i}`);
    writeFiles(root, files);
    return root;
  });
  const provider = await startChatServer(test);
  const answering = { "answer.provider": "cerebras", "answer.cerebras.baseUrl": provider.url };
  const client = await LspClient.start(test, {
    folders: roots,
    cacheDirectory: join(base, "cache"),
    initializationOptions: { showsStatus: true, settings: { ...answering, ...settings } },
  });
  await client.ready();
  await client.request(ToServer.keys, { keys: [{ provider: "cerebras", apiKey: KEY }] });
  const parts: AnswerPart[] = [];
  client.on(ToClient.answerParts, (told) => void parts.push(...told.parts));
  return {
    client,
    roots,
    provider,
    ask: async (request) => {
      parts.length = 0;
      const result = await client.request(ToServer.ask, { task: 1, text: "how are requests retried?", ...request });
      return { parts: [...parts], result };
    },
  };
}

function recordOf(result: AskResult) {
  assert.equal(result.kind, "answered");
  return result.record;
}

function sourcesOf(parts: readonly AnswerPart[]) {
  return parts.find((part) => part.type === "sources")?.sources ?? assert.fail("there were no sources");
}

describe("an answer over LSP", () => {
  it("comes in parts, in order, and the request ends with its record", async (test) => {
    const { ask, provider, roots } = await scene(test);
    provider.behave(says("The function `retryRequest` ", "tries again [1]", "."));
    const { parts, result } = await ask({});
    assert.equal(parts[0].type, "sources");
    const [first] = sourcesOf(parts);
    assert.deepEqual(
      [first.number, first.rootUri, first.rootName, first.path, first.startLine, first.endLine, first.symbol],
      [1, uriOf(roots[0]), "", "src/retry.ts", 1, 8, "retryRequest"],
    );
    const text = parts.map((part) => {
      if (part.type === "citation") return `{${part.number}:${part.line} ${part.text}}`;
      return part.type === "text" ? part.text : "";
    });
    const line = NETWORK["src/retry.ts"].split("\n")[1];
    assert.equal(text.join(""), `The function \`retryRequest\` tries again {1:2 ${line}}.`);
    const { provider: name, model, finish, citations } = recordOf(result);
    assert.deepEqual([name, model, finish, citations], ["cerebras", "llama-3.3-70b", "complete", 1]);
    assert.equal(provider.calls[0].headers.authorization, `Bearer ${KEY}`);
  });

  it("is quoted where no provider is set", async (test) => {
    const { ask, provider } = await scene(test, { settings: { "answer.provider": "none" } });
    const { parts, result } = await ask({});
    assert.equal(recordOf(result).provider, "extractive");
    const passage = parts.find((part) => part.type === "passage")?.passage;
    assert.equal(passage?.number, 1);
    assert.match(passage?.lines[0].text ?? "", /Sends a request again/);
    assert.deepEqual(provider.paths, []);
  });

  it("is made from what is on screen, not from what is on disk", async (test) => {
    const { ask, client, provider, roots } = await scene(test);
    provider.behave(says("`gentleRetry` waits [1]."));
    const uri = uriOf(join(roots[0], "src/retry.ts"));
    const text = NETWORK["src/retry.ts"].replaceAll("retryRequest", "gentleRetry");
    await client.tell("textDocument/didOpen", { textDocument: { uri, languageId: "typescript", version: 1, text } });
    const { parts } = await ask({});
    assert.ok(parts.some((part) => part.type === "citation"));
    assert.match(provider.calls[0].body.messages.at(-1)?.content ?? "", /function gentleRetry/);
  });

  it("is made from all folders, each with its own paths", async (test) => {
    const { ask, provider, roots } = await scene(test, { folders: [NETWORK, COLOURS] });
    provider.behave(says("Colours are blended by `mix_colours` [1]."));
    const { parts } = await ask({ text: "how are two colours blended, and requests retried?" });
    const places = sourcesOf(parts).map(({ rootUri, rootName, path }) => `${rootUri} ${rootName} ${path}`);
    assert.deepEqual(places.sort(), [
      `${uriOf(roots[0])} root0 src/retry.ts`,
      `${uriOf(roots[1])} root1 src/colours.py`,
    ]);
    const sent = provider.calls[0].body.messages.at(-1)?.content ?? "";
    assert.match(sent, /root1\/src\/colours\.py:1-3/);
  });

  it("keeps to the files and to the code that it was asked about", async (test) => {
    const { ask, provider, roots } = await scene(test, { folders: [NETWORK, COLOURS] });
    provider.behave(says("It blends [1]."));
    const within = [{ rootUri: uriOf(roots[1]), path: "src" }];
    const narrowed = await ask({ text: "how are colours blended and requests retried?", within });
    assert.deepEqual(
      sourcesOf(narrowed.parts).map(({ path }) => path),
      ["src/colours.py"],
    );
    const about = [{ rootUri: uriOf(roots[1]), path: "src/colours.py", startLine: 3, endLine: 3 }];
    const explained = await ask({ text: "requests", about, wants: "explain" });
    const [first] = sourcesOf(explained.parts);
    assert.deepEqual([first.path, first.startLine, first.endLine], ["src/colours.py", 3, 3]);
    assert.match(provider.calls[1].body.messages.at(-1)?.content ?? "", /Explain what the code of source \[1\]/);
  });

  it("knows the questions before", async (test) => {
    const { ask, provider } = await scene(test);
    provider.behave(says("Here [1]."));
    await ask({ text: "and why?", history: [{ question: "how are requests retried?", answer: "In a loop." }] });
    const roles = provider.calls[0].body.messages.map(({ role }) => role);
    assert.deepEqual(roles, ["system", "user", "assistant", "user"]);
  });

  it("ends the provider's request when it is cancelled", async (test) => {
    const { client, provider } = await scene(test);
    provider.behave(sends([piece("It begins. ")], "hang"));
    const source = new CancellationTokenSource();
    client.on(ToClient.answerParts, ({ parts }) => parts.some(({ type }) => type === "text") && source.cancel());
    const asked = client.request(ToServer.ask, { task: 1, text: "how are requests retried?" }, source.token);
    await assert.rejects(asked, { code: REQUEST_CANCELLED });
    await provider.abandoned;
    assert.deepEqual(client.surprises, []);
  });

  it("ends the request also when nothing was answered yet", async (test) => {
    const { client, provider } = await scene(test);
    const source = new CancellationTokenSource();
    provider.behave((response, call) => {
      source.cancel();
      return hangs(response, call);
    });
    const asked = client.request(ToServer.ask, { task: 1, text: "how are requests retried?" }, source.token);
    await assert.rejects(asked, { code: REQUEST_CANCELLED });
    await provider.abandoned;
  });

  it("says what failed, and quotes instead", async (test) => {
    const { ask, provider } = await scene(test);
    provider.behave(refuses(401, { error: { message: `The key ${KEY} is unknown.` } }));
    const { parts, result } = await ask({});
    const failed = parts.find((part) => part.type === "failed")?.attempt;
    assert.deepEqual([failed?.provider, failed?.failure], ["cerebras", "bad-key"]);
    assert.equal(recordOf(result).provider, "extractive");
    assert.doesNotMatch(JSON.stringify(parts), new RegExp(KEY));
  });

  it("is an error with a next step where there is no fallback", async (test) => {
    const { client, provider } = await scene(test, { settings: { "answer.fallback.enabled": false } });
    provider.behave(refuses(402, {}));
    await assert.rejects(
      client.request(ToServer.ask, { task: 1, text: "how are requests retried?" }),
      (error: Error) => {
        const { message, data } = error as Error & { data: { hint: string } };
        assert.match(message, /no credit/);
        assert.match(data.hint, /Add credit/);
        return true;
      },
    );
  });
});

describe("what leaves the machine", () => {
  /** This machine as well, but not by one of the names that say so. */
  const elsewhere = ({ url }: ChatServer) => url.replace("127.0.0.1", "0.0.0.0");

  it("is sent to another machine only when the user has agreed, and then without being asked again", async (test) => {
    const { client, provider } = await scene(test);
    const address = elsewhere(provider);
    const settings = { "answer.provider": "cerebras", "answer.cerebras.baseUrl": address };
    await client.tell("workspace/didChangeConfiguration", { settings: { cairn: settings } });
    provider.behave(says("It tries again [1]."));
    const request = { task: 1, text: "how are requests retried?" };
    const destinations = [{ provider: "cerebras", address }];
    assert.deepEqual(await client.request(ToServer.ask, request), { kind: "consent", destinations });

    const quoted = await client.request(ToServer.ask, { ...request, onlyAgreed: true });
    assert.equal(recordOf(quoted).provider, "extractive");
    assert.deepEqual(provider.paths, [], "nothing was sent");

    await client.request(ToServer.agree, { destinations });
    assert.equal(recordOf(await client.request(ToServer.ask, request)).provider, "cerebras");
  });

  it("leaves out what must not be sent, in each folder", async (test) => {
    const secrets = { "hidden/retry-notes.md": "# How requests are retried\n\nThe retry password is hunter2.\n" };
    const { client, provider } = await scene(test, {
      folders: [{ ...NETWORK, ...secrets }, COLOURS],
    });
    const address = elsewhere(provider);
    const settings = {
      "answer.provider": "cerebras",
      "answer.cerebras.baseUrl": address,
      neverSend: ["hidden/**"],
    };
    await client.tell("workspace/didChangeConfiguration", { settings: { cairn: settings } });
    await client.request(ToServer.agree, { destinations: [{ provider: "cerebras", address }] });
    provider.behave(says("It tries again [1]."));
    const asked = await client.request(ToServer.ask, { task: 1, text: "how are requests retried?" });
    assert.equal(recordOf(asked).provider, "cerebras");
    assert.doesNotMatch(JSON.stringify(provider.calls.at(-1)?.body), /hunter2/);
  });
});
