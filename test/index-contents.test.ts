import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ToServer } from "../shared/protocol.ts";
import { LspClient, uriOf } from "./lsp-client.ts";
import { temporaryFolder, writeFiles } from "./open-core.ts";

const PROJECT = {
  "src/retry.ts": "export function retryWithBackoff(): void {}\n",
  "src/deep/colour.ts": "export class ColourPalette {}\n",
  "docs/guide.md": "# Guide\n\nHow the palette is used.\n",
  "notes.txt": "what to buy\n",
  "picture.png": "not really",
  "node_modules/left-pad/index.js": "module.exports = 1;\n",
};

/** A folder with the project in it, indexed by a server of its own. */
async function openProject(test: TestContext) {
  const folder = temporaryFolder(test);
  const root = join(folder, "project");
  const cacheDirectory = join(folder, "cache");
  writeFiles(root, PROJECT);
  const client = await LspClient.start(test, { folders: [root], cacheDirectory });
  await client.ready();
  return { client, folder, root, cacheDirectory };
}

function statusOf(client: LspClient, root: string, path: string) {
  return client.request(ToServer.fileStatus, { uri: uriOf(join(root, path)) });
}

test("each file is indexed in a way that is told, or left out for a reason", async (test) => {
  const { client, root } = await openProject(test);
  const indexed = { state: "indexed", chunks: 1, outdated: false };
  for (const [path, expected] of [
    ["src/retry.ts", { ...indexed, language: "TypeScript", shape: "syntax" }],
    ["docs/guide.md", { ...indexed, language: "Markdown", shape: "headings" }],
    ["notes.txt", { ...indexed, language: "Plain text", shape: "windows" }],
    ["picture.png", { state: "left-out", path: "picture.png", code: "binary", reason: "an image (.png)" }],
    ["not/there.ts", { state: "waiting" }],
    ["../elsewhere.ts", null],
  ] as const) {
    assert.deepEqual(await statusOf(client, root, path), expected, path);
  }
  const leftOut = await statusOf(client, root, "node_modules/left-pad/index.js");
  assert.equal(leftOut?.state === "left-out" && leftOut.path, "node_modules", "the folder around it is left out");
  assert.equal(await client.request(ToServer.fileStatus, { uri: "untitled:Untitled-1" }), null);
});

test("what is indexed is listed folder by folder", async (test) => {
  const { client, root } = await openProject(test);
  const folder = (folder: string) => client.request(ToServer.indexedIn, { rootUri: uriOf(root), folder });
  assert.deepEqual(await folder(""), {
    folders: [
      { name: "docs", files: 1 },
      { name: "src", files: 2 },
    ],
    files: [{ name: "notes.txt", language: "Plain text", shape: "windows", chunks: 1 }],
  });
  assert.deepEqual((await folder("src")).folders, [{ name: "deep", files: 1 }]);
  assert.deepEqual(await folder("nowhere"), { folders: [], files: [] });
});

test("a second window, which asks the first one, is told the same", async (test) => {
  const { client, root, cacheDirectory } = await openProject(test);
  const second = await LspClient.start(test, { folders: [root], cacheDirectory });
  await second.ready();
  assert.equal((await second.statuses())[0].status.holder, false);
  for (const path of ["src/retry.ts", "picture.png", "not/there.ts"]) {
    assert.deepEqual(await statusOf(second, root, path), await statusOf(client, root, path), path);
  }
  const all = { rootUri: uriOf(root), folder: "" };
  assert.deepEqual(await second.request(ToServer.indexedIn, all), await client.request(ToServer.indexedIn, all));
});

test("the server checks what it needs, for every open folder", async (test) => {
  const { client, root } = await openProject(test);
  const findings = await client.request(ToServer.doctor, {});
  assert.deepEqual(
    findings.filter(({ state }) => state === "fail"),
    [],
  );
  assert.equal(findings.filter(({ name }) => name === "This folder").length, 1);
  assert.match(
    findings.find(({ name }) => name === "This folder")?.detail ?? "",
    new RegExp(`^${root}, its index is held`),
  );
});

test("all data is deleted, and the open folders are indexed again", async (test) => {
  const { client, root, folder, cacheDirectory } = await openProject(test);
  const other = join(folder, "other");
  writeFiles(other, { "kettle.py": "def boil_kettle():\n    pass\n" });
  const closed = await LspClient.start(test, { folders: [other], cacheDirectory });
  await closed.ready();
  await closed.ask("shutdown");
  await closed.tell("exit");
  await closed.exitCode();
  writeFiles(cacheDirectory, { "mine.txt": "a file of the user", "roots/mine/index.db": "another" });
  const [{ status: before }] = await client.statuses();

  const { freedBytes, kept } = await client.request(ToServer.deleteAll, {});
  assert.deepEqual(kept, []);
  assert.ok(freedBytes >= before.indexBytes, `${freedBytes} bytes of ${before.indexBytes}`);
  assert.ok(existsSync(join(cacheDirectory, "mine.txt")) && existsSync(join(cacheDirectory, "roots/mine/index.db")));

  await client.ready();
  assert.equal((await client.hits("retryWithBackoff"))[0].path, "src/retry.ts");
  assert.equal((await statusOf(client, root, "src/retry.ts"))?.state, "indexed");
  assert.equal(readdirSync(join(cacheDirectory, "roots")).length, 2, "the folder that is not open has no index");
});

test("an index that another window holds is kept, and named", async (test) => {
  const { client, folder, cacheDirectory } = await openProject(test);
  const other = join(folder, "other");
  writeFiles(other, { "kettle.py": "def boil_kettle():\n    pass\n" });
  const second = await LspClient.start(test, { folders: [other], cacheDirectory });
  await second.ready();
  assert.deepEqual((await client.request(ToServer.deleteAll, {})).kept, [other]);
  assert.equal((await second.hits("boil_kettle"))[0].path, "kettle.py");
});
