import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { embedded, MODEL, machineWithModels } from "./chosen-fixture.ts";
import { openCore, temporaryFolder, writeFiles } from "./open-core.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";

const FILES = {
  "src/cache.ts": "/** read the cache of a file */\nexport function readCache() {\n  return 1;\n}\n",
  "src/retry.ts": "/** retry the loop after an error */\nexport function retryLoop() {\n  return 2;\n}\n",
  "config/secrets.ts": "/** close the token */\nexport function closeToken() {\n  return 3;\n}\n",
};

/** A machine of its own, without any index, that opens the same files; `made` is what its engine has embedded. */
async function machine(test: TestContext, redis: RedisServer) {
  const { host, cache } = await machineWithModels(test);
  const root = temporaryFolder(test);
  writeFiles(root, FILES);
  const settings = { "embedding.model": MODEL, "cache.redisUrl": redis.url };
  const { core, workspace } = await openCore(test, root, cache, { host, settings });
  const { embedding } = await embedded(workspace);
  const { hits } = await workspace.search({ query: "how is the loop retried" });
  await core.close();
  return { made: embedding?.engine.texts, hits: hits.map(({ path, score }) => [path, score]) };
}

describe("a team with a cache", () => {
  it("embeds each piece of code once, but that of files of which nothing leaves a machine", async (test) => {
    const redis = await startRedis(test);
    const first = await machine(test, redis);
    const second = await machine(test, redis);
    assert.deepEqual([first.made, second.made], [3, 1]);
    assert.deepEqual(second.hits, first.hits);
    await redis.kill();
    const alone = await machine(test, redis);
    assert.equal(alone.made, 3);
    assert.deepEqual(alone.hits, first.hits);
  });
});
