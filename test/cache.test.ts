import assert from "node:assert/strict";
import { type ChildProcess, fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, symlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { clearCache, limitCache, listCache } from "../server/cache-folder.ts";
import { Lease } from "../server/store/lease.ts";
import { openCore, temporaryFolder, writeFiles } from "./open-core.ts";

const OPENS_ROOT = fileURLToPath(new URL("servers/opens-root.ts", import.meta.url));
const PROGRAM = fileURLToPath(new URL("../bin/cairn.mjs", import.meta.url));

/** Indexes a folder of files with one function each, and closes it again. Resolves to the folder. */
async function indexed(test: TestContext, cache: string, name: string, files = 1): Promise<string> {
  const root = join(temporaryFolder(test), name);
  for (let i = 0; i < files; i++)
    writeFiles(root, { [`part${i}.ts`]: `export function ${name}${i}() {\n  return ${i};\n}\n` });
  const { core, workspace } = await openCore(test, root, cache);
  assert.equal((await workspace.idle()).phase, "ready");
  await core.close();
  return root;
}

/** Another process that has the root open until the test ends. */
async function holder(test: TestContext, root: string, cache: string): Promise<ChildProcess> {
  const child = fork(OPENS_ROOT, [root, cache, "editor"], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  test.after(() => child.kill("SIGKILL"));
  child.send("idle");
  await once(child, "message");
  return child;
}

/** Makes the index of a folder look as if it had last been used so many days ago. */
function lastUsed(cache: string, root: string, days: number): void {
  const entry = listCache(cache).roots.find((one) => one.root === root);
  assert.ok(entry, root);
  const time = new Date(Date.now() - days * 24 * 60 * 60 * 1000);
  utimesSync(join(entry.directory, "root.json"), time, time);
}

function rootsIn(cache: string): string[] {
  return listCache(cache).roots.map(({ root }) => root);
}

function cairn(cache: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, "cache", ...args], {
    env: { ...process.env, CAIRN_CACHE_DIR: cache, NO_COLOR: "1", FORCE_COLOR: undefined },
    encoding: "utf8",
  });
  return { code: status, stdout, stderr };
}

describe("the cache folder", () => {
  it("lists each folder, the last used first, and who has it open", async (test) => {
    const cache = temporaryFolder(test);
    const old = await indexed(test, cache, "old");
    const open = await indexed(test, cache, "open");
    lastUsed(cache, old, 10);
    const child = await holder(test, open, cache);
    const { roots, vectorBytes, bytes } = listCache(cache);
    assert.deepEqual(
      roots.map(({ root, inUse, pid }) => ({ root, inUse, pid })),
      [
        { root: open, inUse: true, pid: child.pid },
        { root: old, inUse: false, pid: 0 },
      ],
    );
    assert.equal(bytes, vectorBytes + roots[0].bytes + roots[1].bytes);
    assert.ok(vectorBytes > 0 && roots[1].bytes > 0);
  });

  it("clears what nobody has open; what is open still answers, and what was cleared comes back", async (test) => {
    const cache = temporaryFolder(test);
    const gone = await indexed(test, cache, "gone");
    const open = await indexed(test, cache, "open");
    const child = await holder(test, open, cache);
    const { removed, kept, freedBytes } = clearCache(cache, "all");
    assert.deepEqual([removed.map(({ root }) => root), kept.map(({ root }) => root)], [[gone], [open]]);
    assert.ok(freedBytes > 0);
    child.send({ find: "open0" });
    assert.deepEqual((await once(child, "message"))[0], ["part0.ts"]);

    const again = await openCore(test, gone, cache);
    const status = await again.workspace.idle();
    assert.deepEqual([status.phase, status.files], ["ready", 1]);
    assert.deepEqual(await again.found("gone0"), ["part0.ts"]);
  });

  it("with nothing open, clearing all takes the embeddings too", async (test) => {
    const cache = temporaryFolder(test);
    const root = await indexed(test, cache, "plenty", 500);
    const before = listCache(cache).vectorBytes;
    clearCache(cache, "all");
    const { roots, vectorBytes } = listCache(cache);
    assert.deepEqual(roots, []);
    assert.ok(vectorBytes < before / 2, `${vectorBytes} of ${before} bytes`);
    const { workspace } = await openCore(test, root, cache);
    assert.equal((await workspace.idle()).embedded, 1000, "each of the 500 chunks was embedded twice");
  });

  it("clearing all takes what was agreed to and chosen, and the runs of the benchmark", (test) => {
    const cache = temporaryFolder(test);
    const ours = [
      "agreed-providers.json",
      "embedding-model.json",
      "local-llm.json",
      "routing.jsonl",
      "benchmarks/2026-11-01.json",
    ];
    const others = ["benchmarks/notes.txt", "mine.json"];
    writeFiles(cache, Object.fromEntries([...ours, ...others].map((name) => [name, "{}"])));
    clearCache(cache, { unusedSinceMs: Date.now() });
    assert.deepEqual(
      ours.filter((name) => existsSync(join(cache, name))),
      ours,
    );
    clearCache(cache, "all");
    assert.deepEqual(
      [...ours, ...others].filter((name) => existsSync(join(cache, name))),
      others,
    );
  });

  it("never touches what is not ours", async (test) => {
    const [cache, elsewhere] = [temporaryFolder(test), temporaryFolder(test)];
    await indexed(test, cache, "mine");
    const [{ directory }] = listCache(cache).roots;
    writeFiles(cache, { "roots/notes.txt": "mine", "roots/backup/index.db": "mine", "letter.txt": "mine" });
    writeFiles(directory, { "own.txt": "mine" });
    writeFiles(elsewhere, { "index.db": "mine" });
    symlinkSync(elsewhere, join(cache, "roots", "0123456789abcdef"));
    clearCache(cache, "all");
    for (const path of ["roots/notes.txt", "roots/backup/index.db", "letter.txt"])
      assert.ok(existsSync(join(cache, path)));
    assert.ok(existsSync(join(elsewhere, "index.db")));
    assert.deepEqual(readdirSync(directory), ["own.txt"]);
  });

  it("an index that is held is neither cleared nor held twice", async (test) => {
    const cache = temporaryFolder(test);
    await indexed(test, cache, "contended");
    const [{ directory }] = listCache(cache).roots;
    const first = Lease.acquire(directory);
    test.after(() => first?.release());
    assert.ok(first);
    assert.equal(clearCache(cache, "all").kept.length, 1);
    assert.equal(Lease.acquire(directory), undefined);
  });

  it("opened at the moment it is cleared, a folder is indexed all the same", async (test) => {
    const cache = temporaryFolder(test);
    const root = await indexed(test, cache, "busy", 3);
    for (let round = 0; round < 6; round++) {
      // The root's thread takes the lease while this one clears.
      const opening = openCore(test, root, cache);
      for (let i = 0; i <= round; i++) clearCache(cache, { root });
      const { core, workspace } = await opening;
      const status = await workspace.idle();
      assert.deepEqual([status.phase, status.files], ["ready", 3]);
      assert.deepEqual(
        listCache(cache).roots.map((one) => [one.root, one.inUse]),
        [[root, true]],
      );
      await core.close();
    }
  });

  it("a cache folder that is not there is empty", (test) => {
    const missing = join(temporaryFolder(test), "never", "made");
    assert.deepEqual(listCache(missing), {
      roots: [],
      vectorBytes: 0,
      usageBytes: 0,
      answers: 0,
      answerBytes: 0,
      bytes: 0,
    });
    assert.deepEqual(clearCache(missing, "all"), { removed: [], kept: [], freedBytes: 0 });
    assert.equal(existsSync(missing), false);
  });
});

describe("the cap on the cache", () => {
  it("takes the least recently used first, and no more than it must", async (test) => {
    const cache = temporaryFolder(test);
    const [oldest, older, newest] = [
      await indexed(test, cache, "oldest"),
      await indexed(test, cache, "older"),
      await indexed(test, cache, "newest"),
    ];
    lastUsed(cache, oldest, 30);
    lastUsed(cache, older, 20);
    lastUsed(cache, newest, 10);
    const cap = listCache(cache).bytes - 1;
    assert.deepEqual(
      limitCache(cache, cap).removed.map(({ root }) => root),
      [oldest],
    );
    assert.deepEqual(rootsIn(cache), [newest, older]);
    assert.deepEqual(limitCache(cache, cap).removed, []);
  });

  it("keeps what is open, however old, then drops the oldest embeddings", async (test) => {
    const cache = temporaryFolder(test);
    const open = await indexed(test, cache, "open", 500);
    const other = await indexed(test, cache, "other");
    await holder(test, open, cache);
    lastUsed(cache, open, 400);
    const before = listCache(cache);
    const { removed, freedBytes } = limitCache(cache, 1000);
    assert.deepEqual([removed.map(({ root }) => root), rootsIn(cache)], [[other], [open]]);
    const after = listCache(cache);
    assert.ok(after.vectorBytes < before.vectorBytes / 2, `${after.vectorBytes} of ${before.vectorBytes} bytes`);
    assert.equal(freedBytes, before.bytes - after.bytes);
  });

  it("an editor keeps it after indexing, by its setting; a terminal deletes nothing", async (test) => {
    const cache = temporaryFolder(test);
    const old = await indexed(test, cache, "old");
    lastUsed(cache, old, 3);
    writeFiles(listCache(cache).roots[0].directory, { "index.db.damaged": new Uint8Array(1e6) });
    const settings = { cache: { maxSizeMb: 1 } };

    const here = temporaryFolder(test);
    writeFiles(here, { "here.ts": "export function here() {}\n" });
    const terminal = await openCore(test, here, cache, { settings });
    await terminal.workspace.idle();
    await terminal.core.close();
    assert.deepEqual(rootsIn(cache), [here, old]);

    writeFiles(here, { "there.ts": "export function there() {}\n" });
    const editor = await openCore(test, here, cache, { role: "editor", settings });
    assert.equal((await editor.workspace.idle()).phase, "ready");
    assert.deepEqual(rootsIn(cache), [here]);
    assert.deepEqual(await editor.found("there"), ["there.ts"]);
  });
});

describe("cairn cache", () => {
  it("lists and clears, and says what it freed", async (test) => {
    const cache = temporaryFolder(test);
    const [kept, old, open] = [
      await indexed(test, cache, "kept"),
      await indexed(test, cache, "old"),
      await indexed(test, cache, "open"),
    ];
    lastUsed(cache, old, 100);
    lastUsed(cache, open, 200);
    const child = await holder(test, open, cache);
    lastUsed(cache, open, 200);

    const { stdout } = cairn(cache);
    assert.match(stdout, new RegExp(`B {2}${kept} {2}last used \\d{4}-\\d\\d-\\d\\d\n`));
    assert.match(stdout, new RegExp(`${open} {2}in use by process ${child.pid}\n`));
    const listed = JSON.parse(cairn(cache, "--json").stdout);
    assert.deepEqual(
      listed.roots.map(({ root }: { root: string }) => root),
      [kept, old, open],
    );
    assert.equal(listed.cacheDirectory, cache);

    const unused = cairn(cache, "clear", "--unused", "90");
    assert.equal(unused.code, 0, unused.stderr);
    assert.match(
      unused.stdout,
      new RegExp(`deleted the index of ${old}\n.*kept the index of ${open}, in use by process`),
    );
    assert.match(unused.stdout, /\n1 folder deleted from the cache, \d.* freed\n$/);

    const inUse = cairn(cache, "clear", open);
    assert.deepEqual([inUse.code, inUse.stdout], [3, ""]);
    assert.match(inUse.stderr, new RegExp(`The index of ${open} is in use by process ${child.pid}\\.`));

    assert.equal(cairn(cache, "clear", kept).code, 0);
    assert.deepEqual(rootsIn(cache), [open]);
    const all = JSON.parse(cairn(cache, "clear", "--all", "--json").stdout);
    assert.deepEqual([all.removed, all.kept[0].root, all.freedBytes], [[], open, 0]);
  });

  it("says what is wrong with what was asked", (test) => {
    const cache = temporaryFolder(test);
    const cases: [string[], RegExp][] = [
      [["clear"], /Which index is to be deleted\?/],
      [["clear", "--all", "--unused", "3"], /exclude each other/],
      [["clear", "--unused", "soon"], /--unused must be a whole number from 0 to 36500, not "soon"/],
      [["clear", "/never/indexed"], /There is no index of \/never\/indexed\./],
      [["clear", "/a", "/b"], /One argument too many/],
      [["empty"], /does not know "empty"/],
      [["--all"], /--all and --unused go with clear/],
    ];
    for (const [args, message] of cases) {
      const { code, stderr } = cairn(cache, ...args);
      assert.equal(code, 2, args.join(" "));
      assert.match(stderr, message);
    }
  });
});
