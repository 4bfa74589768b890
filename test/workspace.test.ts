import assert from "node:assert/strict";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { FileError, type Host } from "../server/host.ts";
import { nodeHost } from "../server/node-host.ts";
import { openCore, temporaryFolder, writeFiles } from "./open-core.ts";

const RETRY = `/** Waits longer after each failed attempt. */
export async function retryWithBackoff(work, attempts) {
  for (let i = 0; i < attempts; i++) await work();
}
`;
const PARSE = `/** Reads a configuration file. */
export function parseConfiguration(text) {
  return JSON.parse(text);
}
`;

async function open(test: TestContext, files: Record<string, string>) {
  const root = temporaryFolder(test);
  const cache = temporaryFolder(test);
  writeFiles(root, files);
  return { root, cache, ...(await openCore(test, root, cache)) };
}

describe("a workspace is indexed and kept current", () => {
  it("finds who says an error message that quotes what was different that time, and says so", async (test) => {
    const check = 'export function check(port) {\n  throw new Error("the port " + port + " is in use");\n}\n';
    const { workspace } = await open(test, { "src/check.js": check, "src/config.js": PARSE });
    await workspace.idle();
    const pasted = await workspace.search({ query: 'the port "8123" is in use' });
    assert.equal(pasted.hits[0].path, "src/check.js");
    assert.equal(pasted.note, "Nothing has all that stands in quotes: these are the closest without it.");
    const quoted = await workspace.search({ query: '"in use"' });
    assert.deepEqual([quoted.hits.map(({ path }) => path), quoted.note], [["src/check.js"], ""]);
  });

  it("finds code by what it does", async (test) => {
    const { workspace, found } = await open(test, { "src/retry.js": RETRY, "src/config.js": PARSE });
    const status = await workspace.idle();
    assert.equal(status.phase, "ready");
    assert.equal(status.files, 2);
    assert.equal((await found("how are failed attempts repeated"))[0], "src/retry.js");
    assert.equal((await found("read settings from json"))[0], "src/config.js");
  });

  it("before a file is indexed it is found by its text, and says so", async (test) => {
    const root = temporaryFolder(test);
    const cache = temporaryFolder(test);
    writeFiles(root, {
      "src/retry.js": RETRY,
      "src/config.js": PARSE,
      "skipped/a.js": RETRY,
      ".cairnignore": "skipped\n",
    });
    const { workspace } = await openCore(test, root, cache);
    workspace.pause();
    await workspace.idle();
    const { hits, complete } = await workspace.search({ query: "how are failed attempts retried" });
    assert.equal(complete, false);
    assert.deepEqual([hits.length, hits[0].path, hits[0].indexed], [1, "src/retry.js", false]);
    assert.match(hits[0].reason, /not indexed yet/);
    assert.equal(hits[0].preview.find((line) => line.line === hits[0].focusLine)?.ranges.length !== 0, true);
  });

  it("what the store knows and no snapshot holds is found by its text until it is laid out", async (test) => {
    const { root, cache, core, workspace } = await open(test, { "src/retry.js": RETRY, "src/config.js": PARSE });
    await workspace.idle();
    await core.close();
    rmSync(join(cache, "roots", readdirSync(join(cache, "roots"))[0], "snapshot.bin"));
    const again = await openCore(test, root, cache);
    again.workspace.pause();
    await again.workspace.idle();
    const { hits, complete } = await again.workspace.search({ query: "retryWithBackoff" });
    assert.deepEqual([complete, hits.map(({ path, indexed }) => [path, indexed])], [false, [["src/retry.js", false]]]);
  });

  it("files that are gone take no place among the definitions of a name", async (test) => {
    const defining = Object.fromEntries(
      Array.from({ length: 60 }, (_, i) => [`old${i}.js`, `export function assemble() {\n  return ${i};\n}\n`]),
    );
    const naming = Object.fromEntries(
      Array.from({ length: 60 }, (_, i) => [`use${i}.js`, `start${i}(assemble, assemble.assemble(assemble));\n`]),
    );
    const left = `${RETRY}${PARSE}export function assemble(parts) {\n${"  parts.join(other);\n".repeat(20)}}\n`;
    const { root, workspace } = await open(test, { ...defining, ...naming, "deep/down/left.js": left });
    await workspace.idle();
    for (const path of Object.keys(defining)) rmSync(join(root, path));
    workspace.rescan();
    await workspace.idle();
    const { hits } = await workspace.search({ query: "assemble", limit: 100 });
    assert.deepEqual(
      hits.filter(({ name }) => name === "assemble").map(({ path }) => path),
      ["deep/down/left.js"],
    );
  });

  it("a file in whose place a folder comes, and a folder in whose place a file comes", async (test) => {
    const { root, workspace, found } = await open(test, { "retry.js": RETRY, "config.js/index.js": PARSE });
    await workspace.idle();
    for (const path of ["retry.js", "config.js"]) rmSync(join(root, path), { recursive: true });
    writeFiles(root, { "retry.js/index.js": RETRY, "config.js": PARSE });
    workspace.changed([join(root, "retry.js"), join(root, "config.js")]);
    const status = await workspace.idle();
    assert.deepEqual([status.phase, status.files, status.skipped], ["ready", 2, {}]);
    assert.deepEqual(await found("retryWithBackoff"), ["retry.js/index.js"]);
    assert.equal((await found("parseConfiguration"))[0], "config.js");
  });

  it("until the walk is over, the status says that what is left out is not all of it", async (test) => {
    const names = Array.from({ length: 300 }, (_, i) => `folder${i % 30}/${i}`);
    const files = names.flatMap((name) => [
      [`${name}.js`, RETRY],
      [`${name}.png`, ""],
    ]);
    const { workspace } = await open(test, Object.fromEntries(files));
    const told = [await workspace.status()];
    const listening = workspace.onStatus((status) => told.push(status));
    told.push(await workspace.idle());
    listening.dispose();
    const whole = told.filter(({ walking }) => !walking);
    assert.ok(whole.length > 0);
    for (const { skipped } of whole) assert.deepEqual(skipped, { binary: 300 });
  });

  it("an empty folder is ready with nothing in it", async (test) => {
    const { workspace } = await open(test, {});
    const status = await workspace.idle();
    assert.deepEqual([status.phase, status.files, status.chunks], ["ready", 0, 0]);
    assert.deepEqual((await workspace.search({ query: "anything" })).hits, []);
  });

  it("a second start reads and embeds nothing", async (test) => {
    const { root, cache, core, workspace } = await open(test, { "src/retry.js": RETRY, "src/config.js": PARSE });
    const before = await workspace.idle();
    await core.close();
    const again = await openCore(test, root, cache);
    const after = await again.workspace.idle();
    assert.equal(after.embedded, before.embedded);
    assert.equal(after.files, 2);
    assert.equal((await again.found("failed attempts"))[0], "src/retry.js");
  });

  it("a saved file is found by its new content and no longer by the old; only new chunks are embedded", async (test) => {
    const { root, workspace, found } = await open(test, { "a.js": RETRY, "b.js": PARSE });
    const before = await workspace.idle();
    writeFileSync(join(root, "a.js"), `${PARSE.replace("parseConfiguration", "parseManifest")}`);
    workspace.changed([join(root, "a.js")]);
    const after = await workspace.idle();
    assert.equal(after.embedded, before.embedded + 1);
    assert.ok((await found("parseManifest")).includes("a.js"));
    assert.ok(
      !(await workspace.search({ query: "retryWithBackoff" })).hits.some((hit) => hit.name === "retryWithBackoff"),
    );
  });

  it("a rename, a copy and a moved folder embed nothing", async (test) => {
    const { root, workspace, found } = await open(test, { "lib/a.js": RETRY, "lib/b.js": PARSE });
    const before = await workspace.idle();
    renameSync(join(root, "lib"), join(root, "source"));
    writeFiles(root, { "copy.js": RETRY });
    workspace.changed([join(root, "lib"), join(root, "source"), join(root, "copy.js")]);
    const after = await workspace.idle();
    assert.equal(after.embedded, before.embedded);
    assert.deepEqual((await found("retryWithBackoff")).sort().slice(0, 2), ["copy.js", "source/a.js"]);
    assert.equal(after.files, 3);
  });

  it("switching a branch of 1,000 files there and back embeds each content once", async (test) => {
    const branch = (name: string) =>
      Object.fromEntries(
        Array.from({ length: 1000 }, (_, i) => [`src/f${i}.js`, `export const ${name}${i} = ${i};\n`]),
      );
    const { root, workspace, found } = await open(test, branch("first"));
    const one = await workspace.idle();
    writeFiles(root, branch("second"));
    workspace.rescan();
    const two = await workspace.idle();
    assert.equal(two.embedded, 2 * one.embedded);
    writeFiles(root, branch("first"));
    workspace.rescan();
    const back = await workspace.idle();
    assert.equal(back.embedded, two.embedded);
    assert.equal((await found("first777"))[0], "src/f777.js");
    assert.deepEqual(await workspace.symbols("second777", 1), []);
  });

  it("a deleted file and a deleted folder are no longer found", async (test) => {
    const { root, workspace, found } = await open(test, { "a.js": RETRY, "deep/er/b.js": RETRY, "deep/c.js": PARSE });
    await workspace.idle();
    rmSync(join(root, "a.js"));
    rmSync(join(root, "deep"), { recursive: true });
    workspace.changed([join(root, "a.js"), join(root, "deep")]);
    assert.equal((await workspace.idle()).files, 0);
    assert.deepEqual(await found("retryWithBackoff"), []);
  });

  it("an ignore file that appears hides what it names, and shows it again when it goes", async (test) => {
    const { root, workspace, found } = await open(test, { "out/a.js": RETRY, "b.js": PARSE });
    await workspace.idle();
    writeFileSync(join(root, ".gitignore"), "out/\n");
    workspace.changed([join(root, ".gitignore")]);
    await workspace.idle();
    assert.ok(!(await found("retryWithBackoff")).includes("out/a.js"));
    assert.match((await workspace.skipped()).find((skip) => skip.path === "out")?.reason ?? "", /\.gitignore/);
    rmSync(join(root, ".gitignore"));
    workspace.changed([join(root, ".gitignore")]);
    await workspace.idle();
    assert.ok((await found("retryWithBackoff")).includes("out/a.js"));
  });

  it("files that are read together need the ignore files once, and what is read next knows what they say now", async (test) => {
    const root = temporaryFolder(test);
    const rules = join(root, ".gitignore");
    writeFiles(root, { "a.js": RETRY, "b.js": PARSE, ".gitignore": "*.log\n" });
    const host = nodeHost({ level: "silent" });
    let reads = 0;
    const read: Host["files"]["read"] = (path, maxBytes) => {
      if (path === rules) reads++;
      return host.files.read(path, maxBytes);
    };
    const counting = { ...host, files: { ...host.files, read } };
    const { workspace } = await openCore(test, root, temporaryFolder(test), { host: counting });
    await workspace.idle();
    reads = 0;
    const both = await Promise.all(["a.js", "b.js"].map((path) => workspace.read({ path })));
    assert.deepEqual([both.map(({ text }) => `${text}\n`), reads], [[RETRY, PARSE], 1]);
    writeFiles(root, { ".gitignore": "b.js\n" });
    await nextTurn();
    await assert.rejects(workspace.read({ path: "b.js" }), /b\.js is left out of the index and is not read/);
    assert.equal(`${(await workspace.read({ path: "a.js" })).text}\n`, RETRY);
  });

  it("a file whose time and size are as before is read again when its time was too young to be trusted", async (test) => {
    const { root, workspace, found } = await open(test, { "a.js": "export const apple = 1;\n" });
    await workspace.idle();
    writeFileSync(join(root, "a.js"), "export const grape = 1;\n");
    workspace.rescan();
    await workspace.idle();
    assert.deepEqual(await found("grape"), ["a.js"]);
  });

  it("a file from the future and one from 1970 are indexed and kept", async (test) => {
    const { root, cache, core, workspace } = await open(test, { "future.js": RETRY, "past.js": PARSE });
    await workspace.idle();
    utimesSync(join(root, "future.js"), 4_000_000_000, 4_000_000_000);
    utimesSync(join(root, "past.js"), 1, 1);
    workspace.rescan();
    const before = await workspace.idle();
    await core.close();
    const after = await (await openCore(test, root, cache)).workspace.idle();
    assert.deepEqual([after.files, after.embedded], [2, before.embedded]);
  });

  it("pause stops, resume goes on, rebuild embeds nothing again", async (test) => {
    const { root, workspace, found } = await open(test, { "a.js": RETRY });
    await workspace.idle();
    workspace.pause();
    writeFiles(root, { "b.js": PARSE });
    workspace.changed([join(root, "b.js")]);
    assert.equal((await workspace.idle()).phase, "paused");
    assert.equal((await workspace.status()).files, 1);
    workspace.resume();
    const resumed = await workspace.idle();
    assert.deepEqual([resumed.phase, resumed.files], ["ready", 2]);
    workspace.rebuild();
    const rebuilt = await workspace.idle();
    assert.deepEqual([rebuilt.files, rebuilt.embedded], [2, resumed.embedded]);
    assert.equal((await found("failed attempts"))[0], "a.js");
  });
});

describe("a damaged cache is rebuilt", () => {
  const damage: Record<string, (path: string) => void> = {
    "overwritten with zeros": (path) => writeFileSync(path, Buffer.alloc(readFileSync(path).length)),
    "cut in half": (path) => truncateSync(path, Math.floor(readFileSync(path).length / 2)),
    "replaced by text": (path) => writeFileSync(path, "not what it was\n".repeat(1000)),
    "flipped in its middle": (path) => {
      const bytes = readFileSync(path);
      for (let at = 8192; at < bytes.length; at += 97) bytes[at] ^= 0x5a;
      writeFileSync(path, bytes);
    },
  };
  for (const [how, spoil] of Object.entries(damage)) {
    for (const file of ["index.db", "vectors.db", "snapshot.bin", "lease.db"]) {
      it(`${file} ${how}`, async (test) => {
        const files = Object.fromEntries(
          Array.from({ length: 40 }, (_, i) => [`f${i}.js`, RETRY.replace("retryWithBackoff", `retry${i}`)]),
        );
        const { root, cache, core, workspace } = await open(test, files);
        await workspace.idle();
        await core.close();
        const folder = readdirSync(join(cache, "roots"))[0];
        spoil(file === "vectors.db" ? join(cache, file) : join(cache, "roots", folder, file));
        const again = await openCore(test, root, cache);
        const status = await again.workspace.idle();
        assert.deepEqual([status.phase, status.files], ["ready", 40]);
        assert.equal((await again.found("retry17"))[0], "f17.js");
      });
    }
  }
});

describe("what cannot be used is said", () => {
  it("a snapshot that cannot be read is as good as none", async (test) => {
    const { root, cache, core, workspace } = await open(test, { "a.js": RETRY });
    await workspace.idle();
    await core.close();
    const snapshot = join(cache, "roots", readdirSync(join(cache, "roots"))[0], "snapshot.bin");
    rmSync(snapshot);
    mkdirSync(snapshot);
    const again = await openCore(test, root, cache);
    assert.equal((await again.workspace.idle()).phase, "ready");
    assert.deepEqual(await again.found("failed attempts"), ["a.js"]);
  });

  it("a file that is not there, one that holds no text, and one that may not be read", async (test) => {
    const root = temporaryFolder(test);
    writeFiles(root, { "secret.js": RETRY, "picture.js": new Uint8Array([1, 0, 2, 0, 0]) });
    const host = nodeHost({ level: "silent" });
    const read: Host["files"]["read"] = (path, maxBytes) => {
      if (path === join(root, "secret.js")) throw new FileError("EACCES", path, "permission denied");
      return host.files.read(path, maxBytes);
    };
    const closed = { ...host, files: { ...host.files, read } };
    const { workspace } = await openCore(test, root, temporaryFolder(test), { host: closed });
    await assert.rejects(workspace.read({ path: "none.js" }), { message: /^There is no file none\.js/, hint: /name/ });
    await assert.rejects(workspace.read({ path: "picture.js" }), { message: /its content is not text/ });
    const message = "secret.js cannot be read (EACCES).";
    await assert.rejects(workspace.read({ path: "secret.js" }), { message, hint: /permissions/ });
  });

  it("a folder that is not there, and a file", async (test) => {
    const root = temporaryFolder(test);
    const cache = temporaryFolder(test);
    writeFiles(root, { file: "text" });
    await assert.rejects(openCore(test, join(root, "nowhere"), cache), {
      kind: "input",
      message: /no folder .*nowhere/,
    });
    await assert.rejects(openCore(test, join(root, "file"), cache), { kind: "input", message: /is not a folder/ });
  });

  it("a cache folder that is a file", async (test) => {
    const root = temporaryFolder(test);
    const cache = join(temporaryFolder(test), "cache");
    writeFileSync(cache, "");
    await assert.rejects(openCore(test, root, cache), { kind: "unavailable", hint: /cairn\.cacheDirectory/ });
  });

  it("a query of one megabyte is answered", async (test) => {
    const { workspace } = await open(test, { "a.js": RETRY });
    await workspace.idle();
    assert.ok(Array.isArray((await workspace.search({ query: "retry attempts ".repeat(70_000) })).hits));
  });

  it("a folder of hostile names is indexed", async (test) => {
    const names = [
      "new\nline.js",
      "tab\t.js",
      "quote'\".js",
      "emoji😀.js",
      "-rf.js",
      "back\\slash.js",
      " space .js",
      "ünï.js",
    ];
    const { workspace } = await open(test, Object.fromEntries(names.map((name) => [`d/${name}`, RETRY])));
    mkdirSync(join(workspace.root, "d", "empty"));
    assert.equal((await workspace.idle()).files, names.length);
  });
});
