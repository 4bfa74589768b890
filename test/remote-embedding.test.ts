import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { Host } from "../server/host.ts";
import { nodeHost } from "../server/node-host.ts";
import { agreeToSend } from "../server/remote/agreed-folders.ts";
import { embeddingServer } from "../server/remote/embedding-server.ts";
import { readUsage } from "../server/usage/usage-record.ts";
import { readSettings } from "../shared/read-settings.ts";
import { embedded } from "./chosen-fixture.ts";
import { type OpenedCore, openCore, temporaryFolder, writeFiles } from "./open-core.ts";
import {
  answers,
  DIMS,
  type EmbeddingServer,
  elsewhere,
  refuses,
  startEmbeddingServer,
} from "./servers/embedding-server.ts";

const MODEL = "openai:small";
const QUESTION = "where is the cache read";
const SECRET = "hunter2";
const FILES = {
  "src/cache.ts": "/** read the cache */\nexport function lookUp() {\n  return cache.read();\n}\n",
  "src/retry.ts": "/** retry in a loop after an error */\nexport function again() {\n  return loop();\n}\n",
  "config/.env": `# read the cache\nPASSWORD=${SECRET}\n`,
  "config/secrets.yaml": `cache:\n  password: ${SECRET}\n`,
};

/** A folder, a cache, and a server that counts as one on another machine. */
class Machine {
  readonly root: string;
  readonly cache: string;
  readonly server: EmbeddingServer;
  readonly settings: Record<string, unknown>;
  env: Record<string, string | undefined> = { OPENAI_API_KEY: "k" };
  readonly #test: TestContext;

  private constructor(test: TestContext, server: EmbeddingServer) {
    this.#test = test;
    this.server = server;
    this.root = temporaryFolder(test);
    this.cache = temporaryFolder(test);
    this.settings = { "embedding.model": MODEL, "embedding.endpoint": elsewhere(server) };
  }

  static async with(test: TestContext, files: Record<string, string> = FILES): Promise<Machine> {
    const machine = new Machine(test, await startEmbeddingServer(test));
    writeFiles(machine.root, files);
    return machine;
  }

  agree(root = this.root): void {
    agreeToSend(this.cache, embeddingServer(readSettings(this.settings).settings, MODEL), root);
  }

  open(root = this.root): Promise<OpenedCore> {
    const machine = this;
    const host: Host = {
      ...nodeHost({ level: "silent" }),
      get env() {
        return machine.env;
      },
    };
    return openCore(this.#test, root, this.cache, { host, settings: this.settings });
  }

  sent(text: string): boolean {
    return this.server.texts.some((one) => one.includes(text));
  }
}

async function answer({ workspace }: OpenedCore): Promise<string[]> {
  const { hits } = await workspace.search({ query: QUESTION });
  return hits.map(({ path }) => path);
}

describe("search by a model on another machine", () => {
  it("sends nothing before the user has agreed to it for the folder, and says how to", async (test) => {
    const machine = await Machine.with(test);
    const opened = await machine.open();
    const { message, embedding } = await opened.workspace.idle();
    assert.equal(embedding, undefined);
    assert.match(message, /^Nothing of .* is sent to http:\/\/0\.0\.0\.0:\d+ before you agree to it\. The model in/);
    assert.match(message, /Cairn: Choose Embedding Model, or with `cairn models use openai:small`\.$/);
    assert.equal((await answer(opened))[0], "src/cache.ts");
    await opened.core.close();

    machine.agree(temporaryFolder(test));
    const other = await machine.open();
    await other.workspace.idle();
    await answer(other);
    assert.equal(machine.server.calls.length, 0);
  });

  it("embeds what may be sent, asks the server what questions mean, and records what both took", async (test) => {
    const machine = await Machine.with(test);
    machine.agree();
    const opened = await machine.open();
    const { embedding, message } = await embedded(opened.workspace);
    assert.deepEqual([embedding?.model, embedding?.done, embedding?.total, message], [MODEL, 2, 2, ""]);
    assert.equal((await answer(opened))[0], "src/cache.ts");
    assert.ok(machine.sent(QUESTION) && machine.sent("lookUp"));
    const { entries } = readUsage(machine.cache);
    assert.equal(entries.length, machine.server.calls.length);
    for (const { kind, provider, model, remote, outcome, inputTokens } of entries) {
      assert.deepEqual([kind, provider, model, remote, outcome], ["embedding", "openai", "small", true, "complete"]);
      assert.ok(inputTokens !== undefined && inputTokens > 0);
    }
    const before = machine.server.calls.length;
    await opened.core.close();

    const again = await machine.open();
    await embedded(again.workspace);
    assert.equal(machine.server.calls.length, before + 1, "no vector is made twice: one word asks whether it is there");
  });

  it("never sends files that match cairn.neverSend: they are found by their words, and nothing waits for them", async (test) => {
    const machine = await Machine.with(test);
    machine.agree();
    const opened = await machine.open();
    const { embedding, chunks } = await embedded(opened.workspace);
    assert.ok(embedding?.withheld !== undefined && embedding.withheld >= 1, "a third of the chunks may not be sent");
    assert.equal(embedding.total + embedding.withheld, chunks);
    assert.ok((await opened.found("password")).some((path) => path.startsWith("config/")));

    const path = "config/secrets.yaml";
    const { hits } = await opened.workspace.similar({ text: FILES[path], path });
    assert.ok(hits.length > 0);
    writeFiles(machine.root, { [path]: `${FILES[path]}  cache: ${SECRET}${SECRET}\n` });
    opened.workspace.changed([join(machine.root, path)]);
    await opened.workspace.idle();
    await embedded(opened.workspace);
    assert.equal(machine.sent(SECRET), false);
    await opened.workspace.similar({ text: FILES["src/retry.ts"], path: "src/retry.ts" });
    assert.ok(machine.server.texts.at(-1)?.includes("retry in a loop"));
  });

  it("goes on by the model in the package while the server is away, with one notice, and comes back", async (test) => {
    const machine = await Machine.with(test);
    machine.agree();
    const opened = await machine.open();
    await embedded(opened.workspace);
    const byServer = await answer(opened);
    machine.server.always = refuses(503);
    assert.equal((await answer(opened))[0], "src/cache.ts");
    const { message } = await opened.workspace.status();
    assert.match(
      message,
      /^openai:small cannot be asked: openai: it does not work right now \(503\)\..* The model in the package searches\./,
    );
    machine.server.always = undefined;
    const { message: after, embedding } = await embedded(opened.workspace);
    assert.equal(after, "");
    assert.ok((embedding?.engine.restarts ?? 0) > 0);
    assert.deepEqual(await answer(opened), byServer);
  });

  it("that is away from the start is said, and takes over when it is there", async (test) => {
    const machine = await Machine.with(test);
    machine.agree();
    const first = await machine.open();
    await embedded(first.workspace);
    await first.core.close();
    machine.server.always = refuses(500);
    const opened = await machine.open();
    await embedded(opened.workspace, (_, { message }) => /cannot be asked.*\(500\)/.test(message));
    machine.server.always = undefined;
    assert.equal((await embedded(opened.workspace)).message, "");
  });

  it("that was never reached is looked for until it is there", async (test) => {
    const machine = await Machine.with(test);
    machine.agree();
    machine.server.always = refuses(500);
    const opened = await machine.open();
    const { message, embedding } = await opened.workspace.idle();
    assert.equal(embedding, undefined);
    assert.match(message, /^openai: it does not work right now \(500\)\..* The model in the package searches\./);
    machine.server.always = undefined;
    const after = await embedded(opened.workspace);
    assert.deepEqual([after.embedding?.done, after.message], [2, ""]);
  });

  it("waits for its key: when that comes it goes on at once", async (test) => {
    const machine = await Machine.with(test);
    machine.agree();
    const first = await machine.open();
    await embedded(first.workspace);
    await first.core.close();
    machine.env = {};
    writeFiles(machine.root, {
      "src/parse.ts": "/** parse a line */\nexport function parts() {\n  return token;\n}\n",
    });
    const opened = await machine.open();
    await embedded(opened.workspace, (_, { message }) => message.includes("there is no key."));
    machine.env = { OPENAI_API_KEY: "another" };
    opened.core.retryEngine();
    const { embedding } = await embedded(opened.workspace);
    assert.equal(embedding?.done, 3);
    await answer(opened);
    assert.ok(machine.sent("parse a line") && machine.sent(QUESTION));
    assert.equal(machine.server.calls.at(-1)?.headers.authorization, "Bearer another");
  });

  it("on this machine needs nobody's agreement, and never the key of another provider", async (test) => {
    const machine = await Machine.with(test);
    Object.assign(machine.settings, { "embedding.model": "ollama:small@8", "embedding.endpoint": machine.server.url });
    const opened = await machine.open();
    const { embedding, chunks } = await embedded(opened.workspace);
    assert.deepEqual([embedding?.total, embedding?.withheld], [chunks, undefined]);
    assert.ok(
      machine.server.calls.every(
        ({ body, headers }) => body.dimensions === 8 && headers.authorization === "Bearer none",
      ),
    );
    assert.ok(DIMS > 8);
  });

  it("that has come to give vectors of another length is not compared with the old ones", async (test) => {
    const machine = await Machine.with(test);
    machine.agree();
    const first = await machine.open();
    await embedded(first.workspace);
    await first.core.close();
    machine.server.always = answers((_, { body }) => ({
      data: body.input.map((_, index) => ({ index, embedding: [1, 2, 3] })),
    }));
    const changed = await machine.open();
    await embedded(changed.workspace, (_, { message }) =>
      message.includes(`gives vectors of 3 numbers, not of ${DIMS}`),
    );
    await changed.core.close();
    const anew = await machine.open();
    assert.equal((await embedded(anew.workspace)).embedding?.done, 2);
  });
});
