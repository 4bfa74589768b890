import assert from "node:assert/strict";
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { sqliteError } from "../server/store/sqlite.ts";
import type { IndexStatus } from "../shared/search-types.ts";
import { openCore, temporaryFolder, writeFiles } from "./open-core.ts";

const SERVERS = new URL("servers/", import.meta.url);

function sources(count: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [
      `src/file${i}.ts`,
      Array.from({ length: 60 }, (_, n) => `export function step${i}x${n}() {\n  return "${i} and ${n}";\n}\n`).join(
        "\n",
      ),
    ]),
  );
}

/** Opens the root in a process that may not write files beyond a size, as on a disk that is nearly full. */
function openWithLittleRoom(test: TestContext, root: string, cache: string, kilobytes: number): ChildProcess {
  const script = `trap "" XFSZ; ulimit -f ${kilobytes * 2}; exec "$0" "$@"`;
  const args = [process.execPath, fileURLToPath(new URL("opens-root.ts", SERVERS)), root, cache, "terminal"];
  const child = spawn("/bin/sh", ["-c", script, ...args], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  test.after(() => child.kill("SIGKILL"));
  return child;
}

async function ask<T>(child: ChildProcess, question: unknown): Promise<T> {
  child.send(question as string);
  const [answer] = await once(child, "message");
  return answer as T;
}

describe("at the limits of the machine", () => {
  it("a disk without room: a clear message, what is indexed is found, and later the rest is indexed once", async (test) => {
    const [root, cache] = [temporaryFolder(test), temporaryFolder(test)];
    writeFiles(root, sources(150));
    const cramped = openWithLittleRoom(test, root, cache, 200);
    const status = await ask<IndexStatus>(cramped, "idle");
    assert.equal(status.phase, "failed");
    assert.match(status.message, /could not be (opened or )?written.*Check|The disk is full/);
    const found = await ask<string[]>(cramped, { find: "step3x7" });
    assert.ok(found.includes("src/file3.ts"), `found ${found}`);
    cramped.kill("SIGKILL");
    await once(cramped, "exit");

    const { workspace } = await openCore(test, root, cache);
    const after = await workspace.idle();
    assert.deepEqual([after.phase, after.files, after.message], ["ready", 150, ""]);
    assert.equal(after.embedded, after.chunks);
  });

  it("a disk without room of which SQLite says only that it failed", {
    skip: process.platform !== "linux" && "needs /proc",
  }, () => {
    const failed = Object.assign(new Error("disk I/O error"), { errcode: 4_874 });
    // A file system without a free block.
    assert.match(sqliteError(failed, "/proc/index.db").message, /^The disk is full: /);
    assert.match(sqliteError(failed, join(import.meta.dirname, "index.db")).message, /could not be opened or written/);
  });

  it("a cache folder that cannot be made", { skip: process.platform !== "linux" && "needs /sys" }, async (test) => {
    const root = temporaryFolder(test);
    await assert.rejects(openCore(test, root, "/sys/cairn"), { kind: "unavailable", hint: /cairn\.cacheDirectory/ });
  });

  it("a file of two gigabytes is left out with a reason", async (test) => {
    const [root, cache] = [temporaryFolder(test), temporaryFolder(test)];
    const file = openSync(join(root, "huge.ts"), "w");
    ftruncateSync(file, 2 ** 31);
    closeSync(file);
    const { workspace } = await openCore(test, root, cache);
    assert.equal((await workspace.idle()).phase, "ready");
    const [skip] = await workspace.skipped();
    assert.deepEqual([skip.path, skip.code], ["huge.ts", "large"]);
    assert.match(skip.reason, /2(\.\d)? ?GB|2,?048|2,?097,?152/);
  });

  it("a folder of 200,000 entries", async (test) => {
    const [root, cache] = [temporaryFolder(test), temporaryFolder(test)];
    mkdirSync(join(root, "frames"));
    for (let i = 0; i < 200_000; i++) closeSync(openSync(join(root, "frames", `${i}.png`), "w"));
    writeFiles(root, { "frames/render.ts": "export function renderFrames() {}\n" });
    const { workspace, found } = await openCore(test, root, cache);
    const status = await workspace.idle();
    assert.deepEqual([status.phase, status.files, status.skipped.binary], ["ready", 1, 200_000]);
    assert.deepEqual(await found("renderFrames"), ["frames/render.ts"]);
  });

  it("a file that is rewritten all the while it is indexed ends up as it was left", async (test) => {
    const [root, cache] = [temporaryFolder(test), temporaryFolder(test)];
    const path = join(root, "busy.ts");
    writeFileSync(path, "");
    const { workspace, found } = await openCore(test, root, cache);
    const writer = fork(fileURLToPath(new URL("rewrites-file.ts", SERVERS)), [path]);
    test.after(() => writer.kill("SIGKILL"));
    const written = once(writer, "exit");
    writer.on("message", () => workspace.changed([path]));
    await written;
    workspace.changed([path]);
    assert.equal((await workspace.idle()).phase, "ready");
    assert.deepEqual(await found("lastVersion"), ["busy.ts"]);
  });
});
