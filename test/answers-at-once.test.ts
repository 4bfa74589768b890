import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { ToClient, ToServer } from "../shared/protocol.ts";
import { InspectedProcess } from "./inspected-process.ts";
import { LspClient } from "./lsp-client.ts";
import { temporaryFolder, writeFiles } from "./open-core.ts";
import { PROJECT } from "./sample-project.ts";
import { type ChatServer, ending, piece, says, startChatServer } from "./servers/chat-server.ts";

const MEGABYTE = 2 ** 20;

/** How many answers are asked for one after the other; `CAIRN_ANSWERS=1000 node --test ...` asks for more. */
const ANSWERS = Number(process.env.CAIRN_ANSWERS ?? 200);

interface Scene {
  client: LspClient;
  provider: ChatServer;
  /** What was shown of each answer, by the number of its task. */
  shown: Map<number, string>;
  ask(task: number): Promise<void>;
}

/** A server whose provider is a stand-in on this machine, asked a question of its own for each task. */
async function scene(test: TestContext, nodeOptions: string[] = []): Promise<Scene> {
  const folder = temporaryFolder(test);
  const root = join(folder, "project");
  writeFiles(root, PROJECT);
  const provider = await startChatServer(test);
  const settings = {
    "answer.provider": "llama-server",
    "answer.openai.baseUrl": `${provider.url}/v1`,
    "answer.openai.model": "stand-in",
    "answer.fallback.enabled": false,
  };
  const client = await LspClient.start(test, {
    folders: [root],
    cacheDirectory: join(folder, "cache"),
    initializationOptions: { showsStatus: true, settings },
    nodeOptions,
  });
  await client.ready();
  const shown = new Map<number, string>();
  client.on(ToClient.answerParts, ({ task, parts }) => {
    const text = parts.map((part) => (part.type === "text" ? part.text : "")).join("");
    shown.set(task, (shown.get(task) ?? "") + text);
  });
  const ask = async (task: number) => {
    const result = await client.request(ToServer.ask, { task, text: `how are requests retried? case ${task}` });
    assert.equal(result.kind === "answered" && result.record.finish, "complete");
  };
  return { client, provider, shown, ask };
}

describe("many answers", () => {
  it("a hundred at once, whose tokens come in turns, reach the editor each whole and in order", async (test) => {
    const { provider, shown, ask } = await scene(test);
    const [answers, tokens] = [100, 50];
    const token = (answer: number, i: number) => ` word${answer}x${i}`;
    const writers: ((text: string) => void)[] = [];
    const ends: (() => void)[] = [];
    provider.behave((response, { body }) => {
      const task = Number(/case (\d+)/.exec(body.messages.at(-1)?.content ?? "")?.[1]);
      response.writeHead(200, { "content-type": "text/event-stream" });
      writers[task] = (text) => void response.write(text);
      ends.push(() => response.end());
      if (ends.length < answers) return;
      for (let i = 0; i < tokens; i++) {
        for (const [answer, write] of writers.entries()) write(piece(token(answer, i)));
      }
      for (const write of writers) write(ending("stop"));
      for (const end of ends) end();
    });
    const tasks = Array.from({ length: answers }, (_, task) => task);
    await Promise.all(tasks.map(ask));
    const expected = tasks.map((task) => Array.from({ length: tokens }, (_, i) => token(task, i)).join(""));
    assert.deepEqual(
      tasks.map((task) => shown.get(task)),
      expected,
    );
  });

  it(`${ANSWERS} one after the other leave the server's memory as it was`, async (test) => {
    const { client, provider, ask } = await scene(test, ["--inspect=0"]);
    const server = await InspectedProcess.attach(test, client.standardError);
    provider.behave(says(...Array.from({ length: 100 }, (_, i) => ` word${i}`), " in `retryRequest` [1]."));
    for (let task = 0; task < ANSWERS / 4; task++) await ask(task);
    const early = await server.heldBytes();
    for (let task = ANSWERS / 4; task < ANSWERS; task++) await ask(task);
    const late = await server.heldBytes();
    test.diagnostic(
      `${(early / MEGABYTE).toFixed(1)} MB held after a quarter, ${(late / MEGABYTE).toFixed(1)} MB in the end`,
    );
    assert.ok(late < early + 2 * MEGABYTE, "memory grows with each answer");
  });
});
