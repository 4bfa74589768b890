import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { before, describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { contentOf, type DeltaStore, isStoreName } from "../server/delta-store/delta-store.ts";
import { FolderStore } from "../server/delta-store/folder-store.ts";
import { S3Store } from "../server/delta-store/s3-store.ts";
import { pull, push } from "../server/delta-store/transfer.ts";
import { bf16, deltaOptions, makeDelta, put, randomNumbers, safetensors, tuned, weights } from "./delta-fixture.ts";
import { temporaryFolder } from "./open-core.ts";
import { faultyWay, S3_ENVIRONMENT, s3Server } from "./s3-server.ts";

const KILLED = fileURLToPath(new URL("servers/store-killed.ts", import.meta.url));
const PUSHER = fileURLToPath(new URL("servers/store-pusher.ts", import.meta.url));
const MIB = 2 ** 20;
const { signal } = new AbortController();

before(() => Object.assign(process.env, S3_ENVIRONMENT));

/** A delta in a folder of the test's own. */
async function aDelta(test: TestContext, seed = 70): Promise<{ folder: string; path: string }> {
  const folder = temporaryFolder(test);
  const random = randomNumbers(seed);
  const layer = weights(random, 64, 100);
  const model = (values: Float32Array) =>
    safetensors([{ name: "w", dtype: "BF16", shape: [64, 100], bytes: bf16(values) }]);
  const base = put(folder, { "base.safetensors": model(layer) });
  const fine = put(folder, { "fine.safetensors": model(tuned(random, layer, 0.01)) });
  const { path } = await makeDelta(deltaOptions(test, 1), base, fine, join(folder, "mine.delta"));
  return { folder, path };
}

/** A file of random bytes, its content, and what they are. */
async function aFile(test: TestContext, bytes: number) {
  const path = join(temporaryFolder(test), "content");
  writeFileSync(path, randomBytes(bytes));
  return { path, content: await contentOf(path, signal) };
}

function same(one: string, other: string): boolean {
  return Buffer.compare(readFileSync(one), readFileSync(other)) === 0;
}

const STORES: Record<string, (test: TestContext) => Promise<DeltaStore>> = {
  "a folder": async (test) => new FolderStore(join(temporaryFolder(test), "store")),
  "a bucket": async (test) => {
    const { endpoint } = await s3Server(test);
    return new S3Store("s3://deltas/some/place", { endpoint, env: process.env });
  },
};

for (const [kind, make] of Object.entries(STORES)) {
  describe(kind, () => {
    it("keeps deltas once, under any number of names, and gives them back", async (test) => {
      const store = await make(test);
      const { folder, path } = await aDelta(test);
      const first = await push(store, path, "org/model", { signal });
      assert.equal(first.wasThere, false);
      const again = await push(store, path, "other", { signal });
      assert.deepEqual([again.wasThere, again.sha256], [true, first.sha256]);
      assert.deepEqual(
        (await store.names(signal)).map(({ name, bytes }) => [name, bytes]),
        ["org/model", "other"].map((name) => [name, statSync(path).size]),
      );
      for (const wanted of ["org/model", first.sha256]) {
        const out = join(folder, `back-${wanted.length}`);
        await pull(store, wanted, out, { signal, force: false });
        assert.ok(same(out, path));
        await assert.rejects(pull(store, wanted, out, { signal, force: false }), /already there/);
      }
      await assert.rejects(pull(store, "none", join(folder, "none"), { signal, force: false }), {
        kind: "input",
        message: /has no delta none/,
      });
      assert.equal(existsSync(join(folder, "none")), false);
    });

    it("removes what no name refers to, and nothing else", async (test) => {
      const store = await make(test);
      const [kept, dropped] = [await aDelta(test, 71), await aDelta(test, 72)];
      await push(store, kept.path, "kept", { signal });
      const { bytes } = await push(store, dropped.path, "dropped", { signal });
      await push(store, dropped.path, "dropped/twice", { signal });
      assert.equal(await store.removeName("dropped", signal), true);
      assert.equal(await store.removeName("dropped", signal), false);
      assert.deepEqual(await store.collect(0, signal), { removed: 0, bytes: 0 });
      await store.removeName("dropped/twice", signal);
      assert.deepEqual(await store.collect(0, signal), { removed: 1, bytes });
      assert.deepEqual(await store.collect(0, signal), { removed: 0, bytes: 0 });
      await pull(store, "kept", join(kept.folder, "back"), { signal, force: false });
      assert.ok(same(join(kept.folder, "back"), kept.path));
    });

    it("takes only deltas, and only names that every system can keep", async (test) => {
      const store = await make(test);
      const { folder, path } = await aDelta(test);
      for (const name of ["", "..", "../x", "a//b", "/a", "a b", "ü", ".hidden", "x".repeat(300), "a".repeat(64)]) {
        await assert.rejects(push(store, path, name, { signal }), { kind: "input", message: /cannot be a name/ }, name);
      }
      put(folder, { "no.delta": "nothing of the kind" });
      await assert.rejects(push(store, join(folder, "no.delta"), "no", { signal }), /is not a delta/);
    });

    it("stores nothing that was changed after it was hashed", async (test) => {
      const store = await make(test);
      for (const size of [1000, 9 * MIB]) {
        const { path, content } = await aFile(test, size);
        const other = { ...content, sha256: content.sha256.replace(/^./, (one) => (one === "0" ? "1" : "0")) };
        await assert.rejects(store.put(path, other, { signal }), { message: /was changed while it was stored/ });
        assert.equal(await store.has(other, signal), false);
      }
    });

    it("stops when it is told to", async (test) => {
      const store = await make(test);
      const { path, content } = await aFile(test, 20 * MIB);
      const cancel = new AbortController();
      const stopped = store.put(path, content, { signal: cancel.signal, onBytes: () => cancel.abort() });
      await assert.rejects(stopped, { kind: "unavailable", message: /was cancelled/ });
      assert.equal(await store.has(content, signal), false);
    });
  });
}

it("names are told apart from hashes and paths", () => {
  assert.deepEqual(["a", "org/model-1.5_x+y", "0".repeat(63)].map(isStoreName), [true, true, true]);
});

describe("a folder of deltas", () => {
  it("gives nothing that was altered", async (test) => {
    const store = await STORES["a folder"](test);
    const { folder, path } = await aDelta(test);
    const { sha256 } = await push(store, path, "mine", { signal });
    const object = join(store.place, "objects", sha256.slice(0, 2), sha256);
    const altered = readFileSync(object);
    altered[altered.length >> 1] ^= 1;
    writeFileSync(object, altered);
    await assert.rejects(pull(store, "mine", join(folder, "back"), { signal, force: false }), {
      kind: "corrupt",
      message: /something else than was stored/,
    });
    assert.deepEqual(readdirSync(folder).sort(), ["base.safetensors", "fine.safetensors", "mine.delta"]);
  });

  it("collects nothing while a name cannot be understood", async (test) => {
    const store = await STORES["a folder"](test);
    const { path } = await aDelta(test);
    const { sha256 } = await push(store, path, "mine", { signal });
    writeFileSync(join(store.place, "names", "mine.json"), "{}");
    await assert.rejects(store.collect(0, signal), { kind: "corrupt", message: /does not say which delta/ });
    assert.ok(existsSync(join(store.place, "objects", sha256.slice(0, 2), sha256)));
  });

  it("has nothing of a push that was killed, and clears away what it left a day later", async (test) => {
    const store = await STORES["a folder"](test);
    const { path, content } = await aFile(test, 4 * MIB);
    const { signal: died } = spawnSync(process.execPath, [KILLED, "put", store.place, path, `${MIB}`, ""]);
    assert.equal(died, "SIGKILL");
    assert.equal(await store.has(content, signal), false);
    const incoming = join(store.place, "incoming");
    const [left] = readdirSync(incoming);
    await store.collect(0, signal);
    assert.deepEqual(readdirSync(incoming), [left]);
    const long = new Date(Date.now() - 2 * 86_400_000);
    utimesSync(join(incoming, left), long, long);
    await store.collect(0, signal);
    assert.deepEqual(readdirSync(incoming), []);
    await store.put(path, content, { signal });
    assert.equal(await store.has(content, signal), true);
  });

  it("gives what a collection that was killed had moved aside", async (test) => {
    const store = await STORES["a folder"](test);
    const { folder, path } = await aDelta(test);
    const { sha256 } = await push(store, path, "mine", { signal });
    const object = join(store.place, "objects", sha256.slice(0, 2), sha256);
    renameSync(object, `${object}.leaving`);
    await pull(store, "mine", join(folder, "back"), { signal, force: false });
    await store.collect(0, signal);
    assert.ok(existsSync(object));
  });

  it("loses nothing that is pushed while it is collected", async (test) => {
    const store = await STORES["a folder"](test);
    const { folder, path } = await aDelta(test);
    mkdirSync(store.place);
    const pushers = ["one", "two"].map((name) =>
      spawn(process.execPath, [PUSHER, store.place, path, name, "150"], { stdio: ["ignore", "ignore", "inherit"] }),
    );
    const ends = Promise.all(pushers.map((pusher) => once(pusher, "exit")));
    let running = true;
    void ends.then(() => {
      running = false;
    });
    let collections = 0;
    while (running) {
      if (existsSync(join(store.place, "objects"))) await store.collect(0, signal);
      collections++;
      await new Promise(setImmediate);
    }
    assert.deepEqual(
      (await ends).map(([code]) => code),
      [0, 0],
    );
    assert.ok(collections > 10);
    for (const name of ["one", "two"]) {
      await pull(store, name, join(folder, name), { signal, force: false });
      assert.ok(same(join(folder, name), path));
    }
  });

  it("that is not there is said so", async (test) => {
    const store = new FolderStore(join(temporaryFolder(test), "none"));
    await assert.rejects(store.names(), { kind: "input", message: /no store of deltas/ });
    await assert.rejects(store.collect(), { kind: "input", message: /no store of deltas/ });
  });
});

describe("a bucket of deltas", () => {
  it("takes up an upload that was killed, and sends no part twice", async (test) => {
    const { endpoint, port } = await s3Server(test);
    const { path, content } = await aFile(test, 44 * MIB + 5);
    const { signal: died, stderr } = spawnKilled(endpoint, ["put", "s3://deltas/x", path, `${16 * MIB}`]);
    assert.equal(await died, "SIGKILL", await stderr);
    const way = await faultyWay(test, port);
    const store = new S3Store("s3://deltas/x", { endpoint: way.endpoint, env: process.env });
    await store.put(path, content, { signal });
    const sent: string[] = way.asked().match(/partNumber=\d+/g) ?? [];
    assert.ok(sent.length >= 1 && sent.length <= 4, `${sent}`);
    assert.ok(!sent.includes("partNumber=1") && !sent.includes("partNumber=2"), `${sent}`);
    const back = `${path}.back`;
    await store.get(content, back, { signal });
    assert.ok(same(back, path));
    assert.equal(existsSync(`${path}.upload`), false);
  });

  it("takes up a download that was killed", async (test) => {
    const { endpoint, port } = await s3Server(test);
    const { path, content } = await aFile(test, 12 * MIB);
    await new S3Store("s3://deltas", { endpoint, env: process.env }).put(path, content, { signal });
    const back = `${path}.back`;
    const get = ["get", "s3://deltas", back, `${6 * MIB}`];
    const { signal: died, stderr } = spawnKilled(endpoint, get, content.sha256, `${content.bytes}`);
    assert.equal(await died, "SIGKILL", await stderr);
    const left = statSync(back).size;
    const way = await faultyWay(test, port);
    await new S3Store("s3://deltas", { endpoint: way.endpoint, env: process.env }).get(content, back, { signal });
    assert.match(way.asked(), new RegExp(`range: bytes=${left}-`, "i"));
    assert.ok(same(back, path));
  });

  it("is read on where a connection was cut", async (test) => {
    const { endpoint, port } = await s3Server(test);
    const { path, content } = await aFile(test, 6 * MIB);
    await new S3Store("s3://deltas", { endpoint, env: process.env }).put(path, content, { signal });
    const way = await faultyWay(test, port, { connections: 4, after: MIB, how: "cut" });
    const back = `${path}.back`;
    await new S3Store("s3://deltas", { endpoint: way.endpoint, env: process.env }).get(content, back, { signal });
    assert.ok(same(back, path));
    assert.ok((way.asked().match(/range: bytes=/gi) ?? []).length >= 5);
  });

  it("that says nothing more is given up, and what came is kept", async (test) => {
    const { endpoint, port } = await s3Server(test);
    const { path, content } = await aFile(test, 6 * MIB);
    await new S3Store("s3://deltas", { endpoint, env: process.env }).put(path, content, { signal });
    const silent = { connections: 99, how: "silence" } as const;
    const back = `${path}.back`;
    // A little comes, then nothing; and then nothing at all.
    for (const after of [MIB, 0]) {
      const way = await faultyWay(test, port, { ...silent, after });
      const store = new S3Store("s3://deltas", { endpoint: way.endpoint, env: process.env, idleMs: 50 });
      const cancel = new AbortController();
      const some = store.get(content, back, { signal: cancel.signal, onBytes: () => after > 0 && cancel.abort() });
      await assert.rejects(some, { kind: "unavailable", message: after > 0 ? /was cancelled/ : /does not answer/ });
      assert.ok(statSync(back).size > 0);
    }
  });

  it("replaces what another kind of run left where it writes", async (test) => {
    const store = await STORES["a bucket"](test);
    const { folder, path } = await aDelta(test);
    await push(store, path, "mine", { signal });
    put(folder, { "back.incomplete": "something else" });
    await pull(store, "mine", join(folder, "back"), { signal, force: false });
    assert.ok(same(join(folder, "back"), path));
  });

  it("begins anew when it has forgotten an upload", async (test) => {
    const { endpoint } = await s3Server(test);
    const { path, content } = await aFile(test, 17 * MIB);
    const key = `x/objects/${content.sha256.slice(0, 2)}/${content.sha256}`;
    const identity = { place: "s3://deltas/x", key, partBytes: 8 * MIB };
    writeFileSync(`${path}.upload`, `${JSON.stringify(identity)}\nforgotten\n[1,"md5","etag"]\n[2,"cut`);
    const store = new S3Store("s3://deltas/x", { endpoint, env: process.env });
    await store.put(path, content, { signal });
    assert.equal(await store.has(content, signal), true);
    assert.equal(existsSync(`${path}.upload`), false);
  });

  it("keeps what is young, since someone may just be about to name it", async (test) => {
    const store = await STORES["a bucket"](test);
    const { path, content } = await aFile(test, 100);
    await store.put(path, content, { signal });
    assert.deepEqual(await store.collect(3_600_000, signal), { removed: 0, bytes: 0 });
    assert.deepEqual(await store.collect(0, signal), { removed: 1, bytes: 100 });
  });

  it("says what is wrong", async (test) => {
    const { endpoint, port } = await s3Server(test);
    const { path, content } = await aFile(test, 10);
    const wrong = async (pattern: RegExp, place: string, at: string, env: object = {}) => {
      const before = { ...process.env };
      Object.assign(process.env, env);
      try {
        const store = new S3Store(place, { endpoint: at, env: process.env });
        await assert.rejects(store.put(path, content, { signal }), (error: Error) => {
          assert.match(error.message, pattern);
          assert.doesNotMatch(`${error.message} ${(error as { hint?: string }).hint}`, /WRONG-SECRET/);
          return true;
        });
      } finally {
        for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
        Object.assign(process.env, before);
      }
    };
    await wrong(/no bucket/, "s3://another-bucket", endpoint);
    await wrong(/refuses/, "s3://deltas", endpoint, {
      AWS_ACCESS_KEY_ID: "stranger",
      AWS_SECRET_ACCESS_KEY: "WRONG-SECRET",
    });
    await wrong(/no credentials/, "s3://deltas", endpoint, { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" });
    const closed = await faultyWay(test, port, { connections: 99, after: -1, how: "cut" });
    await wrong(/cannot be reached|failed/, "s3://deltas", closed.endpoint);
    for (const place of ["s3://", "s3://UPPER", "s3://a", "gs://deltas"])
      assert.throws(() => new S3Store(place, { env: {} }), /is not the address of a bucket/);
  });
});

/** Runs {@link KILLED} without waiting for it here: the server it talks to is in this very process. */
function spawnKilled(endpoint: string, args: string[], ...more: string[]) {
  const child = spawn(process.execPath, [KILLED, ...args, endpoint, ...more], {
    env: { ...process.env, ...S3_ENVIRONMENT },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (text) => {
    said += text;
  });
  const ended = once(child, "exit");
  return { signal: ended.then(([, killer]) => killer), stderr: ended.then(() => said) };
}
