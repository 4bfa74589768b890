import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import type { AnswerPart } from "../shared/answer-types.ts";
import { inWords, joined, phrase, SILENCE, verbatim } from "../shared/phrase.ts";
import { ToClient, ToServer } from "../shared/protocol.ts";
import { LspClient, uriOf } from "./lsp-client.ts";
import { temporaryFolder, writeFiles } from "./open-core.ts";
import { KEY } from "./provider-key.ts";
import { refuses, startChatServer } from "./servers/chat-server.ts";

const PROJECT = { "src/retry.ts": "export function retryRequest() {}\n", "src/colour.ts": "export const red = 1;\n" };

const template = readFileSync(join(dirname(import.meta.dirname), "l10n/bundle.l10n.json"), "utf8");
/** A language in which every text stands between brackets. */
const translation = Object.fromEntries(Object.keys(JSON.parse(template)).map((text) => [text, `⟦${text}⟧`]));
const bracketed = { showsStatus: true, translation };

test("a phrase is put into words: in English, in a translation, and where that lacks it", () => {
  const said = joined([phrase("has {0}", "a, {1}"), SILENCE, phrase("{0} of {1} files", 1, 2)], " · ");
  assert.equal(inWords(said), "has a, {1} · 1 of 2 files");
  assert.equal(inWords(said, { "{0} of {1} files": "von {1} Dateien {0}" }), "has a, {1} · von 2 Dateien 1");
  assert.equal(inWords(verbatim("EACCES: {0}"), { "EACCES: {0}": "no" }), "EACCES: {0}");
  assert.equal(inWords(phrase("constructor"), {}), "constructor");
});

test("a search says why in the client's language, whoever holds the index", async (test) => {
  const folder = temporaryFolder(test);
  const root = join(folder, "project");
  writeFiles(root, PROJECT);
  const options = { folders: [root], cacheDirectory: join(folder, "cache") };
  const holder = await LspClient.start(test, { ...options, initializationOptions: bracketed });
  await holder.ready();
  const other = await LspClient.start(test, options);
  await other.ready();
  assert.equal((await other.statuses())[0].status.holder, false);

  const [asked] = await holder.hits("retryRequest");
  assert.match(asked.reason, /^⟦defines `retryRequest`⟧ · /);
  const [same] = await other.hits("retryRequest");
  assert.match(same.reason, /^defines `retryRequest` · /);
  assert.doesNotMatch(same.reason, /⟦/);

  const cut = { query: `retryRequest ${"x".repeat(2_000)}` };
  const [{ answer }] = await holder.request(ToServer.search, cut);
  assert.equal(answer.note, "⟦The query was cut to its first 2,000 characters.⟧");
  const [{ answer: plain }] = await other.request(ToServer.search, cut);
  assert.equal(plain.note, "The query was cut to its first 2,000 characters.");
});

test("a process that asks another one is answered in its own language, errors too", async (test) => {
  const folder = temporaryFolder(test);
  const root = join(folder, "project");
  writeFiles(root, PROJECT);
  const options = { folders: [root], cacheDirectory: join(folder, "cache") };
  const holder = await LspClient.start(test, options);
  await holder.ready();
  const other = await LspClient.start(test, { ...options, initializationOptions: bracketed });
  await other.ready();

  const [hit] = await other.hits("retryRequest");
  assert.match(hit.reason, /^⟦defines `retryRequest`⟧ · /);
  const wrong = { query: "x", languages: ["klingon"] };
  await assert.rejects(other.request(ToServer.search, wrong), ({ message, data }) => {
    assert.equal(message, '⟦There is no language "klingon" to filter by.⟧');
    assert.match(data.hint, /^⟦Known languages: .*⟧$/);
    return true;
  });
  await assert.rejects(holder.request(ToServer.search, wrong), {
    message: 'There is no language "klingon" to filter by.',
  });
});

test("a provider that fails is told of in the client's language, in an answer and as an error", async (test) => {
  const folder = temporaryFolder(test);
  const root = join(folder, "project");
  writeFiles(root, PROJECT);
  const provider = await startChatServer(test);
  provider.behave(refuses(401, { error: { message: "unknown" } }));
  const settings = { "answer.provider": "cerebras", "answer.cerebras.baseUrl": provider.url };
  const client = await LspClient.start(test, {
    folders: [root],
    cacheDirectory: join(folder, "cache"),
    initializationOptions: { ...bracketed, settings },
  });
  await client.ready();
  await client.request(ToServer.keys, { keys: [{ provider: "cerebras", apiKey: KEY }] });
  const parts: AnswerPart[] = [];
  client.on(ToClient.answerParts, (told) => void parts.push(...told.parts));
  const request = { task: 1, text: "how are requests retried?" };
  await client.request(ToServer.ask, request);
  const message = "⟦cerebras: ⟦⟦the key was not accepted (401).⟧ It says: unknown⟧⟧";
  const hint = "⟦Check the key in CEREBRAS_API_KEY, and what it may be used for.⟧";
  assert.deepEqual(
    parts.flatMap((part) => (part.type === "failed" ? [part.attempt] : [])),
    [{ provider: "cerebras", failure: "bad-key", message, hint }],
  );

  const alone = { ...settings, "answer.fallback.enabled": false };
  await client.tell("workspace/didChangeConfiguration", { settings: { cairn: alone } });
  await assert.rejects(client.request(ToServer.ask, request), (error: Error & { data?: { hint: string } }) => {
    assert.deepEqual([error.message, error.data?.hint], [message, hint]);
    return true;
  });
});

test("a file is left out in the client's language, also after the reason was stored", async (test) => {
  const folder = temporaryFolder(test);
  const root = join(folder, "project");
  const generated = "// Code generated by hand; DO NOT EDIT.\npackage a\n";
  writeFiles(root, { ...PROJECT, ".gitignore": "*.log\n", "a.log": "1\n", "b.png": "", "c.go": generated });
  const options = { folders: [root], cacheDirectory: join(folder, "cache") };
  for (let start = 0; start < 2; start++) {
    const client = await LspClient.start(test, { ...options, initializationOptions: bracketed });
    await client.ready();
    const [{ skipped }] = await client.request(ToServer.skipped, {});
    assert.deepEqual(
      skipped.map(({ path, reason }) => [path, reason]),
      [
        ["a.log", "⟦matched by .gitignore line 1: *.log⟧"],
        ["b.png", "⟦⟦an image⟧ (.png)⟧"],
        ["c.go", '⟦generated: "Code generated by hand; DO NOT EDIT."⟧'],
      ],
    );
    const status = await client.request(ToServer.fileStatus, { uri: uriOf(join(root, "c.go")) });
    assert.equal(status?.state === "left-out" && status.reason, skipped[2].reason);
    await client.ask("shutdown");
    await client.tell("exit");
    assert.equal(await client.exitCode(), 0);
  }
});

test("what the status says is in the client's language", async (test) => {
  const folder = temporaryFolder(test);
  const missing = join(folder, "missing");
  const cacheDirectory = join(folder, "cache");
  const failed = await LspClient.start(test, {
    folders: [missing],
    cacheDirectory,
    initializationOptions: bracketed,
  });
  assert.equal((await failed.statuses())[0].status.message, `⟦There is no folder ${missing}.⟧ ⟦Check the path.⟧`);

  const off = await LspClient.start(test, {
    folders: [folder],
    cacheDirectory,
    initializationOptions: { ...bracketed, settings: { index: { enabled: false } } },
  });
  assert.equal((await off.statuses())[0].status.message, "⟦Indexing is off: cairn.index.enabled is false.⟧");
});
