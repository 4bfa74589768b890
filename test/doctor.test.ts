import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { diagnose } from "../server/doctor.ts";
import { nodeHost } from "../server/node-host.ts";
import { probeRedis } from "../server/shared-cache/redis-cache.ts";
import { readSettings } from "../shared/read-settings.ts";
import { temporaryFolder } from "./open-core.ts";
import { startRedis } from "./redis-server.ts";

/** What is found of the team's cache, with such an address for it. */
async function sharedCache(test: TestContext, redisUrl: string) {
  const { settings } = readSettings({ cacheDirectory: temporaryFolder(test), "cache.redisUrl": redisUrl });
  const findings = await diagnose(nodeHost({ level: "silent" }), settings, []);
  return findings.find(({ name }) => name === "Shared cache");
}

describe("the cache of a team, as doctor finds it", () => {
  it("is not spoken of where none is set", async (test) => {
    assert.equal(await sharedCache(test, ""), undefined);
  });

  it("answers in so many milliseconds", async (test) => {
    const redis = await startRedis(test, "the-password");
    const found = await sharedCache(test, redis.url);
    assert.match(found?.detail ?? "", /^127\.0\.0\.1:\d+, connected in [\d.]+ ms, answers in [\d.]+ ms/);
    assert.doesNotMatch(JSON.stringify(found), /the-password/);
  });

  it("refuses the password, which is not shown", async (test) => {
    const redis = await startRedis(test, "the-password");
    const found = await sharedCache(test, redis.url.replace("the-password", "another-password"));
    assert.equal(found?.state, "warn");
    assert.match(found.detail, /^127\.0\.0\.1:\d+ does not accept the user or the password \(WRONGPASS\)/);
    assert.match(found.advice, /redis:\/\/user:password@host:port/);
    assert.doesNotMatch(JSON.stringify(found), /another-password/);
    const without = await sharedCache(test, redis.url.replace(":the-password@", ""));
    assert.match(without?.detail ?? "", /does not accept the user or the password \(NOAUTH\)/);
  });

  it("is not running, or has an address that is none", async (test) => {
    const redis = await startRedis(test);
    await redis.kill();
    const found = await sharedCache(test, redis.url);
    assert.deepEqual([found?.state, found?.advice.slice(0, 14)], ["warn", "Is it running,"]);
    assert.match(found?.detail ?? "", /refuses connections \(ECONNREFUSED\); all goes on without it$/);
    for (const url of ["redis://:pass#word@cache:6379", "redis://user:1234/word@cache:6379"]) {
      const wrong = await sharedCache(test, url);
      assert.equal(wrong?.state, "warn");
      assert.match(wrong.detail, /^cairn\.cache\.redisUrl /);
      assert.doesNotMatch(JSON.stringify(wrong), /pass#|1234|word@/);
    }
  });

  it("hangs", async (test) => {
    const redis = await startRedis(test);
    redis.freeze();
    test.after(() => redis.thaw());
    const { place, ...health } = await probeRedis(redis.url, { connectMs: 50, answerMs: 50 });
    assert.equal(place, new URL(redis.url).host);
    assert.ok("reason" in health);
    assert.match(health.reason, /^no answer within 50 ms$/);
  });
});
