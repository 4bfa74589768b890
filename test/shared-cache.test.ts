import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AnswerCache } from "../server/answer/answer-cache.ts";
import type { KeptAnswer } from "../server/answer/kept-answer-format.ts";
import { SharedVectors } from "../server/chosen/shared-vectors.ts";
import { RedisCache } from "../server/shared-cache/redis-cache.ts";
import { inWords } from "../shared/phrase.ts";
import { temporaryFolder } from "./open-core.ts";
import { startRedis } from "./redis-server.ts";

const KEY = "a".repeat(64);
/** Long for an answer of the same machine, and nothing is left alone after it has failed. */
const PATIENCE = { connectMs: 10_000, answerMs: 10_000, restMs: 0 };

function logged() {
  const lines: string[] = [];
  return { lines, log: { info: (line: string) => lines.push(line), warn: (line: string) => lines.push(line) } };
}

function answerOf(text: string): KeptAnswer {
  return { format: 1, madeAt: Date.now(), model: "m", text, sources: [{ source: "s", from: 0, to: 1 }] };
}

describe("a cache in Redis", () => {
  it("gives to one machine what another has kept, byte for byte", async (test) => {
    const redis = await startRedis(test);
    const { log, lines } = logged();
    const [one, other] = [new RedisCache(redis.url, log, PATIENCE), new RedisCache(redis.url, log, PATIENCE)];
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    await one.set(
      [
        { key: "bytes", value: bytes },
        { key: "none", value: new Uint8Array() },
      ],
      60,
    );
    const [found, empty, missing] = await other.get(["bytes", "none", "missing"]);
    assert.deepEqual([...(found ?? [])], [...bytes]);
    assert.deepEqual([empty?.length, missing], [0, undefined]);
    assert.deepEqual(await other.get([]), []);
    for (const cache of [one, other]) {
      assert.equal(cache.takeNotice(), undefined);
      cache.close();
    }
    assert.deepEqual(lines, []);
  });

  it("that is killed is missed by nobody, said once, and used again when it is back", async (test) => {
    const redis = await startRedis(test);
    const { log, lines } = logged();
    const cache = new RedisCache(redis.url, log, PATIENCE);
    test.after(() => cache.close());
    const entries = [{ key: "a", value: Buffer.from("1") }];
    await cache.set(entries, 60);
    await redis.kill();
    for (let i = 0; i < 3; i++) {
      assert.deepEqual(await cache.get(["a", "b"]), [undefined, undefined]);
      await cache.set(entries, 60);
    }
    const notice = cache.takeNotice();
    assert.match(
      notice ? inWords(notice) : "",
      /^The shared cache at 127\.0\.0\.1:\d+ cannot be used \(.+\); all goes on without it\.$/,
    );
    assert.equal(cache.takeNotice(), undefined);
    assert.equal(lines.length, 1);
    await redis.restart();
    await cache.set(entries, 60);
    assert.equal(Buffer.from((await cache.get(["a"]))[0] ?? []).toString(), "1");
    assert.match(lines[1], /is back\.$/);
    await redis.kill();
    await cache.get(["a"]);
    assert.ok(cache.takeNotice(), "it went away a second time");
  });

  it("that stops answering is waited for no longer than it may take, and then left alone", async (test) => {
    const redis = await startRedis(test);
    const cache = new RedisCache(redis.url, logged().log, { connectMs: 100, answerMs: 50, restMs: 600_000 });
    test.after(() => cache.close());
    redis.freeze();
    test.after(() => redis.thaw());
    assert.deepEqual(await cache.get(["a"]), [undefined]);
    const notice = cache.takeNotice();
    assert.match(notice ? inWords(notice) : "", /no answer within|no connection/);
    redis.thaw();
    await cache.set([{ key: "a", value: Buffer.from("1") }], 60);
    assert.deepEqual(await cache.get(["a"]), [undefined], "it is left alone for a while");
  });

  it("that refuses the password, or has no address, is said without the password", async (test) => {
    const redis = await startRedis(test, "right-password");
    const works = new RedisCache(redis.url, logged().log, PATIENCE);
    await works.set([{ key: "a", value: Buffer.from("1") }], 60);
    assert.equal((await works.get(["a"]))[0]?.length, 1);
    works.close();
    for (const url of [redis.url.replace("right", "wrong"), "not-an-address", "http://127.0.0.1:1"]) {
      const { log, lines } = logged();
      const cache = new RedisCache(url, log, PATIENCE);
      assert.deepEqual(await cache.get(["a"]), [undefined]);
      const notice = cache.takeNotice();
      assert.ok(notice);
      assert.doesNotMatch(`${inWords(notice)} ${lines.join()}`, /password/);
    }
  });
});

describe("answers that a team shares", () => {
  it("are found by another machine, which keeps them too; what is not to be shared stays", async (test) => {
    const redis = await startRedis(test);
    const machine = () => {
      const shared = new RedisCache(redis.url, logged().log, PATIENCE);
      test.after(() => shared.close());
      return new AnswerCache(temporaryFolder(test), 7, { shared });
    };
    const [mine, theirs] = [machine(), machine()];
    const own = "b".repeat(64);
    await mine.keep(KEY, answerOf("shared"), true);
    await mine.keep(own, answerOf("my own"), false);
    assert.deepEqual([(await theirs.find(KEY))?.text, await theirs.find(own)], ["shared", undefined]);
    await redis.kill();
    assert.equal((await theirs.find(KEY))?.text, "shared");
    assert.equal((await mine.find(own))?.text, "my own");
    assert.equal(await theirs.find(own), undefined);
    await theirs.keep(own, answerOf("without the cache"), true);
    assert.equal((await theirs.find(own))?.text, "without the cache");
    assert.ok(theirs.takeNotice());
  });

  it("that are none are not believed", async (test) => {
    const redis = await startRedis(test);
    const shared = new RedisCache(redis.url, logged().log, PATIENCE);
    test.after(() => shared.close());
    const cache = new AnswerCache(temporaryFolder(test), 7, { shared });
    const old = { ...answerOf("old"), madeAt: Date.now() - 8 * 24 * 60 * 60 * 1000 };
    const painted = { ...answerOf("text"), model: "\u001b[31mred" };
    for (const value of [
      JSON.stringify(painted),
      "",
      "{}",
      "\u0000",
      JSON.stringify(old),
      JSON.stringify(answerOf("x".repeat(200_000))),
    ]) {
      await shared.set([{ key: `answer:${KEY}`, value: Buffer.from(value) }], 60);
      assert.equal(await cache.find(KEY), undefined, value.slice(0, 20));
    }
  });
});

describe("vectors that a team shares", () => {
  it("come back as they were, to the same model alone, and none that is no unit vector", async (test) => {
    const redis = await startRedis(test);
    const cache = new RedisCache(redis.url, logged().log, PATIENCE);
    test.after(() => cache.close());
    const vectors = new SharedVectors(cache, "model one", 4, ["**/*.pem"]);
    const unit = { codes: Int8Array.of(127, -127, 0, 64), scale: 1 / Math.hypot(127, 127, 64) };
    const long = { codes: Int8Array.of(127, 127, 127, 127), scale: 1 };
    await vectors.put([
      { hash: "01", ...unit },
      { hash: "02", ...long },
    ]);
    const [found, ...others] = await vectors.get(["01", "02", "03"]);
    assert.deepEqual([...(found?.codes ?? [])], [...unit.codes]);
    assert.equal(found?.scale, Math.fround(unit.scale));
    assert.deepEqual(others, [undefined, undefined]);
    for (const other of [new SharedVectors(cache, "model two", 4, []), new SharedVectors(cache, "model one", 8, [])]) {
      assert.deepEqual(await other.get(["01"]), [undefined]);
    }
    assert.deepEqual(
      ["keys/server.PEM", "src/pem.ts"].map((path) => vectors.isPrivate(path)),
      [true, false],
    );
  });
});
