import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Host } from "../server/host.ts";
import { nodeHost } from "../server/node-host.ts";
import { admits, type WalkBatch, walk, walkBelow } from "../server/workspace/walk.ts";
import type { CairnError } from "../shared/errors.ts";
import { inWords, phrase } from "../shared/phrase.ts";
import { type MemoryEntry, memoryHost } from "./memory-host.ts";

const OPTIONS = { exclude: [], maxFileBytes: 1 << 20 };

/** Everything a walk says, one line an entry: the path of a file, or `path: code, reason`. */
function linesOf(batches: Iterable<WalkBatch>): string[] {
  const lines: string[] = [];
  for (const { files, skipped } of batches) {
    lines.push(...files.map((file) => file.path));
    lines.push(...skipped.map(({ path, code, reason }) => `${path}: ${code}, ${inWords(reason)}`));
  }
  return lines;
}

/** Walks /w and compares, then asks for each path alone, which has to give the same. */
function check(entries: Record<string, MemoryEntry>, expected: readonly string[], options = OPTIONS): void {
  const host = memoryHost({ "/w/": "", ...entries });
  assert.deepEqual(linesOf(walk(host, "/w", options)).sort(), [...expected].sort());
  for (const line of expected) {
    const path = line.split(": ")[0];
    const verdict = admits(host, "/w", path, options);
    if (verdict === undefined || verdict === "folder") assert.fail(`${path} is ${verdict}`);
    assert.equal("code" in verdict ? `${path}: ${verdict.code}, ${inWords(verdict.reason)}` : path, line);
  }
}

test("files come with path, size and time; what is near the root comes first", () => {
  const host = memoryHost({ "/w/a/b/c/deep.ts": "x", "/w/z.ts": "0123456789", "/w/a/m.ts": "", "/w/.hidden/h.ts": "" });
  host.mtimes["/w/z.ts"] = 1234.5;
  const [batch] = walk(host, "/w", OPTIONS);
  assert.deepEqual(batch.files[0], { path: "z.ts", size: 10, mtimeMs: 1234.5 });
  assert.deepEqual(
    batch.files.map((file) => file.path),
    ["z.ts", ".hidden/h.ts", "a/m.ts", "a/b/c/deep.ts"],
  );
});

test("a left-out folder is one entry, and is not looked into", () => {
  const entries: Record<string, MemoryEntry> = { "/w/.gitignore": "dist/\n", "/w/a.ts": "" };
  for (let i = 0; i < 50; i++) entries[`/w/dist/${i}/x.js`] = "";
  check(entries, [".gitignore", "a.ts", "dist: ignored, matched by .gitignore line 1: dist/"]);
  const host = memoryHost(entries);
  linesOf(walk(host, "/w", OPTIONS));
  assert.equal(host.calls.list, 1);
  assert.deepEqual(admits(host, "/w", "dist/3/x.js", OPTIONS), {
    path: "dist",
    code: "ignored",
    reason: phrase("matched by {0} line {1}: {2}", ".gitignore", "1", "dist/"),
  });
});

test("files that say by name or size that they hold no code are left out with the reason", () => {
  check(
    { "/w/yarn.lock": "", "/w/a.png": "", "/w/big.ts": "x".repeat(2000), "/w/ok.ts": "x" },
    [
      "yarn.lock: lock, a lock file, written by a package manager",
      "a.png: binary, an image (.png)",
      "big.ts: large, 2 kB, larger than the limit of 1 kB",
      "ok.ts",
    ],
    { ...OPTIONS, maxFileBytes: 1024 },
  );
});

test("unreadable folders and special files are entries, and the walk goes on", () => {
  check(
    {
      "/w/locked": { fails: "EACCES", folder: true },
      "/w/odd": { fails: "EIO" },
      "/w/pipe": { special: true },
      "/w/z/a.ts": "",
    },
    [
      "locked: unreadable, no permission to read it",
      "odd: unreadable, it cannot be read (EIO)",
      "pipe: special, neither a file nor a folder: a socket, pipe or device",
      "z/a.ts",
    ],
  );
});

test("links: the target is found under its own path, a left-out target through the link, nothing outside", () => {
  check(
    {
      "/w/.gitignore": "build/\n",
      "/w/src/a.ts": "text",
      "/w/build/b.ts": "text",
      "/etc/secret.ts": "text",
      "/w/src/same.ts": { link: "a.ts" },
      "/w/built.ts": { link: "build/b.ts" },
      "/w/outside.ts": { link: "/etc/secret.ts" },
      "/w/etc": { link: "/etc" },
      "/w/sources": { link: "src" },
      "/w/src/up": { link: ".." },
      "/w/src/itself": { link: "itself" },
    },
    [
      ".gitignore",
      "build: ignored, matched by .gitignore line 1: build/",
      "src/a.ts",
      "built.ts",
      "src/same.ts: special, a symbolic link to src/a.ts, which is found under that path",
      "outside.ts: special, a symbolic link to something outside this folder",
      "etc: special, a symbolic link to something outside this folder",
      "sources: special, a symbolic link to the folder src",
      "src/up: loop, a symbolic link to a folder that it lies in",
      "src/itself: loop, a symbolic link that leads back to itself",
    ],
  );
});

test("a link to nothing is reported by a walk, and is gone for an event", () => {
  const host = memoryHost({ "/w/broken.ts": { link: "nowhere.ts" } });
  assert.deepEqual(linesOf(walk(host, "/w", OPTIONS)), [
    "broken.ts: unreadable, a symbolic link to something that is not there",
  ]);
  assert.equal(admits(host, "/w", "broken.ts", OPTIONS), undefined);
});

test("a path behind a linked folder has the verdict of the link", () => {
  const host = memoryHost({ "/w/src/a.ts": "", "/w/sources": { link: "src" } });
  const verdict = admits(host, "/w", "sources/a.ts", OPTIONS);
  assert.deepEqual(verdict, {
    path: "sources",
    code: "special",
    reason: phrase("a symbolic link to the folder {0}", "src"),
  });
});

test("the root itself may be a link", () => {
  const host = memoryHost({ "/real/a.ts": "", "/real/b.ts": { link: "a.ts" }, "/w": { link: "/real" } });
  assert.deepEqual(linesOf(walk(host, "/w", OPTIONS)), [
    "a.ts",
    "b.ts: special, a symbolic link to a.ts, which is found under that path",
  ]);
});

test("one path: a file, a folder, something that is gone", () => {
  const host = memoryHost({ "/w/src/a.ts": "abc" });
  assert.deepEqual(admits(host, "/w", "src/a.ts", OPTIONS), { path: "src/a.ts", size: 3, mtimeMs: 1 });
  assert.equal(admits(host, "/w", "src", OPTIONS), "folder");
  assert.equal(admits(host, "/w", "src/b.ts", OPTIONS), undefined);
  assert.equal(admits(host, "/w", "src/a.ts/b.ts", OPTIONS), undefined);
});

test("below one folder, with the rules that reach it from above", () => {
  const host = memoryHost({
    "/w/.gitignore": "*.log\nout/\n",
    "/w/a/x.ts": "",
    "/w/a/x.log": "",
    "/w/a/b/y.ts": "",
    "/w/out/z.ts": "",
    "/w/other.ts": "",
  });
  const below = (path: string) => linesOf(walkBelow(host, "/w", path, OPTIONS));
  assert.deepEqual(below("a"), ["a/x.ts", "a/b/y.ts", "a/x.log: ignored, matched by .gitignore line 1: *.log"]);
  assert.deepEqual(below("a/x.ts"), ["a/x.ts"]);
  assert.deepEqual(below("out"), ["out: ignored, matched by .gitignore line 2: out/"]);
  assert.deepEqual(below("gone"), []);
});

test("a root that is not there is an error, not an empty folder", () => {
  assert.throws(
    () => linesOf(walk(memoryHost({}), "/missing", OPTIONS)),
    (error: CairnError) => {
      assert.equal(error.kind, "gone");
      assert.equal(error.message, "The folder /missing is not there any more.");
      return true;
    },
  );
});

test("an aborted walk throws the reason between two batches", () => {
  const entries: Record<string, MemoryEntry> = {};
  for (let i = 0; i < 1500; i++) entries[`/w/${i}.ts`] = "";
  const abort = new AbortController();
  const walking = walk(memoryHost(entries), "/w", OPTIONS, abort.signal);
  assert.equal(walking.next().value.files.length, 1000);
  abort.abort(new Error("enough"));
  assert.throws(() => walking.next(), { message: "enough" });
});

test("a file that vanishes between listing and looking is no longer there", () => {
  const host = memoryHost({ "/w/a.ts": "", "/w/b.ts": "" });
  const vanishing: Host = {
    ...host,
    files: {
      ...host.files,
      list: (directory) => {
        const entries = host.files.list(directory);
        delete host.entries["/w/a.ts"];
        return entries;
      },
    },
  };
  assert.deepEqual(linesOf(walk(vanishing, "/w", OPTIONS)), ["b.ts"]);
});

test("on a real disk: any name, links in circles, a pipe, a closed folder", (t) => {
  const root = mkdtempSync(join(tmpdir(), "cairn-walk-"));
  t.after(() => {
    if (process.platform !== "win32") chmodSync(join(root, "closed"), 0o700);
    rmSync(root, { recursive: true });
  });
  mkdirSync(join(root, "src"));
  mkdirSync(join(root, "closed"));
  const expected = ["src/été.ts", "src/🎉.ts", "src/a b.ts", "src/#x.ts", "src/[id].ts", "src/--flag.ts"];
  if (process.platform !== "win32")
    expected.push("src/new\nline.ts", "src/back\\slash.ts", "src/what?*.ts", "src/ .ts");
  for (const path of expected) writeFileSync(join(root, path), "x");

  if (process.platform !== "win32") {
    symlinkSync("..", join(root, "src/circle"));
    spawnSync("mkfifo", [join(root, "src/pipe")]);
    writeFileSync(Buffer.concat([Buffer.from(`${root}/src/`), Buffer.from([0xff, 0xfe]), Buffer.from(".ts")]), "x");
    expected.push(
      "src/circle: loop, a symbolic link to a folder that it lies in",
      "src/pipe: special, neither a file nor a folder: a socket, pipe or device",
      "src/\uFFFD\uFFFD.ts: encoding, its name is not valid Unicode",
    );
    chmodSync(join(root, "closed"), 0);
    // Nothing is closed to the superuser.
    if (process.getuid?.() !== 0) expected.push("closed: unreadable, no permission to read it");
  }
  const host = nodeHost({ env: {} });
  assert.deepEqual(linesOf(walk(host, root, OPTIONS)).sort(), expected.sort());
  assert.deepEqual(
    linesOf(walkBelow(host, root, "src/new\nline.ts", OPTIONS)),
    process.platform === "win32" ? [] : ["src/new\nline.ts"],
  );
});

test("the real host: reads at most what is asked, and names what failed", (t) => {
  const root = mkdtempSync(join(tmpdir(), "cairn-host-"));
  t.after(() => rmSync(root, { recursive: true }));
  writeFileSync(join(root, "a.txt"), "0123456789");
  const { files } = nodeHost();
  assert.equal(Buffer.from(files.read(join(root, "a.txt"))).toString(), "0123456789");
  assert.equal(Buffer.from(files.read(join(root, "a.txt"), 4)).toString(), "0123");
  assert.throws(() => files.read(root), { name: "FileError", code: "EISDIR", path: root });
  assert.throws(() => files.stat(join(root, "b.txt")), { name: "FileError", code: "ENOENT" });
  assert.throws(() => files.list(join(root, "a.txt")), { name: "FileError", code: "ENOTDIR" });
  if (process.platform !== "win32") {
    spawnSync("mkfifo", [join(root, "pipe")]);
    assert.throws(() => files.read(join(root, "pipe")), { name: "FileError", code: "EINVAL" });
  }
});

test("the log writes from the asked level on, and nothing by default", () => {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line.replace(/^\S+ /, ""));
  for (const options of [{ env: {} }, { env: { CAIRN_LOG: "error" } }, { level: "info", env: {} }] as const) {
    const { log } = nodeHost({ ...options, write });
    log.info("i");
    log.error("e");
  }
  assert.deepEqual(lines, ["error e", "info i", "error e"]);
});
