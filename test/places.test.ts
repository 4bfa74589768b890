import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { Workspace } from "../server/core-api.ts";
import { nodeHost } from "../server/node-host.ts";
import { ToServer } from "../shared/protocol.ts";
import type { IndexStatus } from "../shared/search-types.ts";
import { LspClient, uriOf } from "./lsp-client.ts";
import { openCore, temporaryFolder, writeFiles } from "./open-core.ts";

function named(name: string): string {
  return `export function ${name}() {\n  return "${name}";\n}\n`;
}

function manyFiles(prefix: string, count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i}.ts`, named(`${prefix}${i}`)]));
}

/** A server with some folders open, each below one temporary folder. */
async function open(test: TestContext, ...folders: Record<string, string>[]) {
  const base = temporaryFolder(test);
  const roots = folders.map((files, i) => {
    const root = join(base, `root${i}`);
    mkdirSync(root);
    writeFiles(root, files);
    return root;
  });
  const client = await LspClient.start(test, { folders: roots, cacheDirectory: join(base, "cache") });
  return { base, client, roots };
}

function changeFolders(client: LspClient, added: readonly string[], removed: readonly string[] = []): Promise<void> {
  const named = (paths: readonly string[]) => paths.map((path) => ({ uri: uriOf(path), name: "folder" }));
  return client.tell("workspace/didChangeWorkspaceFolders", {
    event: { added: named(added), removed: named(removed) },
  });
}

/** The best hit of each open folder, as the folder's URI and the path in it. */
async function best(client: LspClient, query: string): Promise<string[]> {
  const answers = await client.request(ToServer.search, { query });
  return answers.flatMap(({ rootUri, answer }) => (answer.hits[0] ? [`${rootUri} ${answer.hits[0].path}`] : []));
}

function git(directory: string, ...args: string[]): void {
  const settings = ["user.name=A", "user.email=a@example.org", "protocol.file.allow=always"].flatMap((one) => [
    "-c",
    one,
  ]);
  execFileSync("git", [...settings, ...args], { cwd: directory, stdio: "ignore" });
}

function repository(root: string, files: Record<string, string>): void {
  mkdirSync(root, { recursive: true });
  writeFiles(root, files);
  git(root, "init", "--quiet");
  git(root, "add", ".");
  git(root, "commit", "--quiet", "--message", "first");
}

/** A core that looks for a folder which has gone more often than there is need for. */
function openVigilant(test: TestContext, root: string, cache: string) {
  return openCore(test, root, cache, { role: "editor", host: nodeHost({ level: "silent", folderLookMs: 20 }) });
}

/** The status once all is indexed, told by the workspace itself. */
function ready(workspace: Workspace): Promise<IndexStatus> {
  return new Promise((resolve) => {
    const listening = workspace.onStatus((status) => {
      if (status.phase !== "ready") return;
      listening.dispose();
      resolve(status);
    });
  });
}

describe("many folders at once", () => {
  it("added and removed while they are indexed", async (test) => {
    const { base, client, roots } = await open(test, manyFiles("alpha", 400));
    const [alpha] = roots;
    const [beta, gamma] = [join(base, "beta"), join(base, "gamma")];
    writeFiles(beta, manyFiles("beta", 400));
    writeFiles(gamma, manyFiles("gamma", 20));
    await changeFolders(client, [beta, gamma]);
    await client.until(async () => (await client.statuses()).some(({ status }) => status.phase === "indexing"));
    await changeFolders(client, [], [alpha, beta]);
    await changeFolders(client, [beta]);
    await client.ready();
    assert.deepEqual(
      (await client.statuses()).map(({ rootUri, status }) => [rootUri, status.files]),
      [
        [uriOf(gamma), 20],
        [uriOf(beta), 400],
      ],
    );
    assert.deepEqual((await best(client, "beta377")).at(-1), `${uriOf(beta)} beta377.ts`);
    await changeFolders(client, [alpha], [gamma]);
    await client.ready();
    assert.ok((await best(client, "alpha311")).includes(`${uriOf(alpha)} alpha311.ts`));
    assert.deepEqual(client.surprises, []);
  });

  it("the same folder twice, by two names", async (test) => {
    const { base, client, roots } = await open(test, { "a.ts": named("onlyHere") });
    const alias = join(base, "alias");
    symlinkSync(roots[0], alias);
    await changeFolders(client, [alias, roots[0]]);
    await client.ready();
    const statuses = await client.statuses();
    assert.deepEqual(
      statuses.map(({ rootUri, status }) => [rootUri, status.files, status.embedded]),
      [
        [uriOf(roots[0]), 1, 1],
        [uriOf(alias), 1, 1],
      ],
    );
    await changeFolders(client, [], [roots[0]]);
    writeFiles(roots[0], { "b.ts": named("writtenLater") });
    await client.tell("textDocument/didSave", { textDocument: { uri: uriOf(join(alias, "b.ts")) } });
    await client.until(async () => (await client.hits("writtenLater"))[0]?.indexed === true);
    assert.deepEqual(await best(client, "writtenLater"), [`${uriOf(alias)} b.ts`]);
  });

  it("a folder and its subfolder", async (test) => {
    const { client, roots } = await open(test, { "a.ts": named("outside"), "sub/b.ts": named("inside") });
    const sub = join(roots[0], "sub");
    await changeFolders(client, [sub]);
    await client.ready();
    assert.deepEqual(await best(client, "inside"), [`${uriOf(roots[0])} sub/b.ts`, `${uriOf(sub)} b.ts`]);

    writeFiles(sub, { "c.ts": named("savedInBoth") });
    await client.tell("textDocument/didSave", { textDocument: { uri: uriOf(join(sub, "c.ts")) } });
    const bothIndexed = async () =>
      (await client.hits("savedInBoth")).filter((hit) => hit.name === "savedInBoth" && hit.indexed).length === 2;
    await client.until(bothIndexed);
    const [{ status }] = await client.statuses();
    assert.equal(status.embedded, 3, "what lies in both is embedded once");
  });

  it("a worktree of the same repository: nothing is embedded again", async (test) => {
    const base = temporaryFolder(test);
    const [main, other] = [join(base, "main"), join(base, "other")];
    repository(main, manyFiles("step", 30));
    git(main, "worktree", "add", "--quiet", "-b", "feature", other);
    const client = await LspClient.start(test, { folders: [main], cacheDirectory: join(base, "cache") });
    await client.ready();
    await changeFolders(client, [other]);
    await client.ready();
    assert.deepEqual(
      (await client.statuses()).map(({ status }) => [status.files, status.embedded]),
      [
        [30, 30],
        [30, 30],
      ],
    );
    assert.deepEqual(await best(client, "step17"), [`${uriOf(main)} step17.ts`, `${uriOf(other)} step17.ts`]);
  });

  it("a submodule is part of its folder, and follows its own ignore file", async (test) => {
    const base = temporaryFolder(test);
    repository(join(base, "library"), { "lib.ts": named("inLibrary"), ".gitignore": "made.ts\n" });
    const app = join(base, "app");
    repository(app, { "app.ts": named("inApp") });
    git(app, "submodule", "--quiet", "add", join(base, "library"), "vendored");
    writeFiles(app, { "vendored/made.ts": named("ignoredThere") });
    const client = await LspClient.start(test, { folders: [app], cacheDirectory: join(base, "cache") });
    await client.ready();
    assert.deepEqual(await best(client, "inLibrary"), [`${uriOf(app)} vendored/lib.ts`]);
    const [{ skipped }] = await client.request(ToServer.skipped, {});
    assert.ok(skipped.some(({ path, code }) => path === "vendored/made.ts" && code === "ignored"));
  });
});

describe("names of files and folders", () => {
  it("a folder in another script, and names in two forms of the same letter", async (test) => {
    const base = join(temporaryFolder(test), "проект 検索 naïve %20");
    const files = { "größe.ts": named("measured"), "e\u0301.ts": named("decomposed"), "é.ts": named("composed") };
    writeFiles(base, files);
    const client = await LspClient.start(test, { folders: [base], cacheDirectory: temporaryFolder(test) });
    await client.ready();
    for (const [path, query] of [
      ["größe.ts", "measured"],
      ["e\u0301.ts", "decomposed"],
      ["é.ts", "composed"],
    ]) {
      assert.deepEqual(await best(client, query), [`${uriOf(base)} ${path}`]);
    }
    const [symbol] = await client.ask<{ location: { uri: string } }[]>("workspace/symbol", { query: "measured" });
    assert.equal(symbol.location.uri, uriOf(join(base, "größe.ts")));
  });

  it("a folder more than 300 bytes deep, and a file 3,000 bytes below it", async (test) => {
    const base = join(temporaryFolder(test), ...Array(8).fill("a-rather-long-name-of-a-folder-that-goes-on"));
    const deep = Array(60).fill("another-quite-long-name-of-a-folder-for-sources-xy").join("/");
    writeFiles(base, { "near.ts": named("nearTheTop") });
    writeFiles(base, { [`${deep}/far.ts`]: named("farBelow") });
    assert.ok(base.length > 300 && deep.length > 3000);
    const client = await LspClient.start(test, { folders: [base], cacheDirectory: temporaryFolder(test) });
    await client.ready();
    assert.deepEqual(await best(client, "nearTheTop"), [`${uriOf(base)} near.ts`]);
    assert.deepEqual(await best(client, "farBelow"), [`${uriOf(base)} ${deep}/far.ts`]);
  });

  it("look-alikes that differ in case only", async (test) => {
    const root = temporaryFolder(test);
    writeFiles(root, { "Readme.ts": named("upperCase") });
    if (existsSync(join(root, "readme.ts"))) return test.skip("the file system takes them for one");
    writeFiles(root, { "readme.ts": named("lowerCase"), "SRC/a.ts": named("loud"), "src/a.ts": named("quiet") });
    const client = await LspClient.start(test, { folders: [root], cacheDirectory: temporaryFolder(test) });
    await client.ready();
    for (const [path, query] of [
      ["Readme.ts", "upperCase"],
      ["readme.ts", "lowerCase"],
      ["SRC/a.ts", "loud"],
      ["src/a.ts", "quiet"],
    ]) {
      assert.deepEqual(await best(client, query), [`${uriOf(root)} ${path}`]);
    }
    rmSync(join(root, "src"), { recursive: true });
    const changes = [{ uri: uriOf(join(root, "src")), type: 3 }];
    await client.tell("workspace/didChangeWatchedFiles", { changes });
    await client.until(async () => (await client.statuses()).every(({ status }) => status.files === 3));
    assert.deepEqual(await best(client, "loud"), [`${uriOf(root)} SRC/a.ts`]);
  });
});

describe("a folder that goes away", () => {
  it("while it is indexed: it is said, nothing is lost, and the index comes back with the folder", async (test) => {
    const base = temporaryFolder(test);
    const [root, away] = [join(base, "root"), join(base, "away")];
    writeFiles(root, manyFiles("step", 600));
    const { workspace } = await openCore(test, root, join(base, "cache"), { role: "editor" });
    renameSync(root, away);
    workspace.rescan();
    const gone = await workspace.idle();
    assert.equal(gone.phase, "failed");
    assert.match(gone.message, new RegExp(`^The folder ${root} is not there any more\\. Its index is kept`));

    renameSync(away, root);
    workspace.rescan();
    const back = await workspace.idle();
    assert.deepEqual([back.phase, back.files, back.embedded, back.message], ["ready", 600, 600, ""]);
  });

  it("once it is indexed: what is known stays until the folder is back", async (test) => {
    const base = temporaryFolder(test);
    const [root, away] = [join(base, "root"), join(base, "away")];
    writeFiles(root, manyFiles("step", 20));
    const { workspace, found } = await openCore(test, root, join(base, "cache"), { role: "editor" });
    assert.equal((await workspace.idle()).files, 20);
    renameSync(root, away);
    workspace.changed([root]);
    workspace.changed(Object.keys(manyFiles("step", 20)).map((path) => join(root, path)));
    const gone = await workspace.idle();
    assert.deepEqual([gone.phase, gone.files], ["failed", 20]);

    renameSync(away, root);
    workspace.changed([root]);
    const back = await workspace.idle();
    assert.deepEqual([back.phase, back.files, back.embedded], ["ready", 20, 20]);
    assert.equal((await found("step7"))[0], "step7.ts");
  });

  it("deleted with all its files: it is said, what is known stays, and it goes on by itself when it is back", async (test) => {
    const base = temporaryFolder(test);
    const [root, backup] = [join(base, "root"), join(base, "backup")];
    writeFiles(root, manyFiles("step", 20));
    writeFiles(backup, manyFiles("step", 20));
    const { workspace, found } = await openVigilant(test, root, join(base, "cache"));
    assert.equal((await workspace.idle()).files, 20);
    rmSync(root, { recursive: true });
    workspace.changed(Object.keys(manyFiles("step", 20)).map((path) => join(root, path)));
    const gone = await workspace.idle();
    assert.deepEqual([gone.phase, gone.files], ["failed", 20]);
    assert.match(gone.message, new RegExp(`^The folder ${root} is not there any more`));

    renameSync(backup, root);
    const back = await ready(workspace);
    assert.deepEqual([back.files, back.embedded, back.message], [20, 20, ""]);
    assert.equal((await found("step7"))[0], "step7.ts");
  });

  it("deleted while it is indexed: no file of it counts as deleted, and the rest follows when it is back", async (test) => {
    const base = temporaryFolder(test);
    const [root, backup] = [join(base, "root"), join(base, "backup")];
    writeFiles(root, manyFiles("deep/step", 600));
    writeFiles(backup, manyFiles("deep/step", 600));
    const { workspace } = await openVigilant(test, root, join(base, "cache"));
    rmSync(root, { recursive: true });
    // A fast machine has read all of it by now, and would not look again unasked.
    workspace.rescan();
    const gone = await workspace.idle();
    assert.equal(gone.phase, "failed");
    assert.match(gone.message, new RegExp(`^The folder ${root} is not there any more`));
    assert.deepEqual(gone.skipped, {});

    renameSync(backup, root);
    const back = await ready(workspace);
    assert.deepEqual([back.files, back.embedded, back.message], [600, 600, ""]);
  });

  it("a worktree that is deleted over LSP: the other folders go on", async (test) => {
    const base = temporaryFolder(test);
    const [main, other] = [join(base, "main"), join(base, "other")];
    repository(main, manyFiles("step", 300));
    git(main, "worktree", "add", "--quiet", "-b", "feature", other);
    const client = await LspClient.start(test, { folders: [other, main], cacheDirectory: join(base, "cache") });
    assert.equal((await client.statuses()).length, 2, "both are open");
    git(main, "worktree", "remove", "--force", other);
    await client.tell("workspace/didChangeWatchedFiles", { changes: [{ uri: uriOf(other), type: 3 }] });
    const phases = async () => (await client.statuses()).map(({ status }) => status.phase);
    await client.until(async () => (await phases()).join() === "failed,ready");
    const [{ status }] = await client.statuses();
    assert.match(status.message, /is not there any more\. Its index is kept/);
    assert.ok((await best(client, "step250")).includes(`${uriOf(main)} step250.ts`));

    git(main, "worktree", "prune");
    git(main, "worktree", "add", "--quiet", other, "feature");
    await client.until(async () => (await phases()).join() === "ready,ready");
    const [again] = await client.statuses();
    assert.deepEqual([again.status.files, again.status.embedded], [300, 300]);
    assert.deepEqual(client.surprises, []);
  });
});
