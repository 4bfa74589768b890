import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ToServer } from "../shared/protocol.ts";
import type { SimilarRequest } from "../shared/search-types.ts";
import { LspClient, uriOf } from "./lsp-client.ts";
import { openCore, temporaryFolder, writeFiles } from "./open-core.ts";

const FETCH_RETRY = `/** Fetches a page, and tries again with a growing delay when the server fails. */
export async function fetchWithRetry(url: string, attempts: number): Promise<Response> {
  let delay = 100;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const response = await fetch(url);
    if (response.ok) return response;
    await sleep(delay);
    delay *= 2;
  }
  throw new Error("the server kept failing");
}
`;

const PROJECT = {
  "src/page.ts": `import { sleep } from "./sleep.ts";\n\n${FETCH_RETRY}`,
  "src/upload.ts": `/** Uploads a file, waiting longer before each further attempt when the server fails. */
export async function uploadPatiently(url: string, body: Blob): Promise<Response> {
  let pause = 50;
  for (let attempt = 0; attempt < 5; attempt++) {
    const response = await fetch(url, { method: "PUT", body });
    if (response.ok) return response;
    await sleep(pause);
    pause *= 2;
  }
  throw new Error("the upload kept failing");
}
`,
  "test/page.test.ts": `test("fetches a page again when the server fails", async () => {
  let attempts = 0;
  const response = await fetchWithRetry("http://localhost/page", 3);
  assert.equal(response.ok, true);
  assert.equal(attempts, 2);
});
`,
  "lib/connect.py": `def connect_with_backoff(server, attempts):
    """Opens a connection, backing off between failures."""
    pause = 0.1
    for attempt in range(attempts):
        connection = server.connect()
        if connection.ok:
            return connection
        time.sleep(pause)
        pause *= 2
    raise ConnectionError("no connection")
`,
  "src/colours.ts": `/** Blends two colours in equal parts. */
export function mixColours(first: number[], second: number[]): number[] {
  return first.map((channel, i) => (channel + second[i]) / 2);
}
`,
};

/** The fetching function as a place: its file and lines. */
const PAGE: SimilarRequest = { text: FETCH_RETRY, path: "src/page.ts", startLine: 3, endLine: 13 };

async function openProject(test: TestContext, files: Readonly<Record<string, string>> = PROJECT) {
  const [root, cache] = [temporaryFolder(test), temporaryFolder(test)];
  writeFiles(root, files);
  const { workspace } = await openCore(test, root, cache, { role: "editor" });
  await workspace.idle();
  const similar = async (request: SimilarRequest) =>
    (await workspace.similar(request)).hits.map(({ path, name }) => (name ? `${path} ${name}` : path));
  return { workspace, root, cache, similar };
}

test("code that does the same is found under other names and in other languages, and not the asked place", async (test) => {
  const { similar } = await openProject(test);
  const [first, second, ...rest] = await similar(PAGE);
  assert.deepEqual([first, second], ["src/upload.ts uploadPatiently", "lib/connect.py connect_with_backoff"]);
  assert.equal(
    rest.some((hit) => hit.startsWith("src/page.ts") || hit.startsWith("src/colours.ts")),
    false,
    rest.join(),
  );
});

test("without its place the code itself comes first, as nearly the same", async (test) => {
  const { workspace } = await openProject(test);
  const { hits, complete, note } = await workspace.similar({ text: FETCH_RETRY });
  assert.equal(hits[0].path, "src/page.ts");
  assert.match(hits[0].reason, /^nearly the same code · shares /);
  assert.deepEqual([complete, note], [true, ""]);
});

test("a copy in the same file is found; only the lines asked about are left out", async (test) => {
  const copy = FETCH_RETRY.replaceAll("fetchWithRetry", "fetchAgain");
  const copies = Array.from({ length: 5 }, () => copy).join("\n\n");
  const { workspace } = await openProject(test, { ...PROJECT, "src/page.ts": `${FETCH_RETRY}\n\n${copies}` });
  const { hits } = await workspace.similar({ text: FETCH_RETRY, path: "src/page.ts", startLine: 1, endLine: 11 });
  assert.deepEqual([hits[0].path, hits[0].name], ["src/page.ts", "fetchAgain"]);
  assert.ok(hits.every(({ path, startLine }) => path !== "src/page.ts" || startLine > 11));
  assert.ok(
    hits.slice(0, 4).some(({ path }) => path !== "src/page.ts"),
    "copies in one file do not fill the page",
  );
});

test("the filters and the limit of a search hold", async (test) => {
  const { similar } = await openProject(test);
  assert.deepEqual(await similar({ ...PAGE, languages: ["python"] }), ["lib/connect.py connect_with_backoff"]);
  assert.deepEqual(await similar({ ...PAGE, paths: ["src"], limit: 1 }), ["src/upload.ts uploadPatiently"]);
  await assert.rejects(similar({ ...PAGE, languages: ["klingon"] }), { kind: "input", message: /"klingon"/ });
});

test("a test that is asked about finds tests at their full worth; other code finds them after code", async (test) => {
  const twin = PROJECT["test/page.test.ts"].replace("fetches a page", "loads a page");
  const { similar } = await openProject(test, { ...PROJECT, "test/load.test.ts": twin });
  const fromTest = await similar({ text: PROJECT["test/page.test.ts"], path: "test/page.test.ts" });
  assert.match(fromTest[0], /^test\/load\.test\.ts/);
  const fromCode = await similar(PAGE);
  assert.ok(fromCode.findIndex((hit) => hit.startsWith("test/")) > 1, fromCode.join());
});

test("text without a word is an error, and long text is cut with a note", async (test) => {
  const { workspace } = await openProject(test);
  await assert.rejects(workspace.similar({ text: " { } ;\n" }), {
    kind: "input",
    message: "There is no code to compare with.",
  });
  const { note } = await workspace.similar({ text: FETCH_RETRY.repeat(40) });
  assert.equal(note, "Only the first 8,000 characters were compared.");
});

test("code is read as the index sees it: a whole symbol, some lines, or all of a file", async (test) => {
  const { workspace } = await openProject(test);
  const symbol = await workspace.read({ path: "src/page.ts", line: 8 });
  assert.deepEqual([symbol.startLine, symbol.endLine, symbol.name], [3, 13, "fetchWithRetry"]);
  assert.equal(symbol.text, FETCH_RETRY.trimEnd());
  const lines = await workspace.read({ path: "./src/colours.ts", startLine: 2, endLine: 2 });
  assert.match(lines.text, /^export function mixColours/);
  assert.equal((await workspace.read({ path: "src/colours.ts" })).lineCount, 4);
  await assert.rejects(workspace.read({ path: "src/colours.ts", line: 99 }), { message: /has no line 99/ });
});

test("an editor asks over the language server, and hears what is wrong with what it asked", async (test) => {
  const [root, cacheDirectory] = [temporaryFolder(test), temporaryFolder(test)];
  writeFiles(root, PROJECT);
  const client = await LspClient.start(test, { folders: [root], cacheDirectory });
  await client.ready();
  const [{ rootUri, answer }] = await client.request(ToServer.similar, { ...PAGE, limit: 1, rootUri: uriOf(root) });
  assert.equal(rootUri, uriOf(root));
  assert.deepEqual(
    answer.hits.map(({ path }) => path),
    ["src/upload.ts"],
  );
  await assert.rejects(client.request(ToServer.similar, { text: "" }), { message: /no code to compare with/ });
});

test("a process that does not hold the index gets the same answer from the one that does", async (test) => {
  const { root, cache, similar } = await openProject(test);
  const client = await LspClient.start(test, { folders: [root], cacheDirectory: cache });
  await client.ready();
  const [{ answer }] = await client.request(ToServer.similar, { ...PAGE, limit: 10 });
  assert.deepEqual(
    await similar(PAGE),
    answer.hits.map(({ path, name }) => (name ? `${path} ${name}` : path)),
  );
});

function cairn(cwd: string, cache: string, ...args: string[]) {
  const program = join(import.meta.dirname, "../server/cli/cli.ts");
  const env = { ...process.env, CAIRN_CACHE_DIR: cache };
  return spawnSync(process.execPath, [program, ...args], { cwd, env, encoding: "utf8" });
}

test("the terminal takes a file, a line or lines, from here or in the folder", (test) => {
  const [root, cache] = [temporaryFolder(test), temporaryFolder(test)];
  writeFiles(root, PROJECT);
  const json = (cwd: string, ...args: string[]) => JSON.parse(cairn(cwd, cache, "similar", ...args, "--json").stdout);

  const byLine = json(root, "src/page.ts:8");
  assert.deepEqual([byLine.startLine, byLine.endLine, byLine.hits[0].path], [3, 13, "src/upload.ts"]);
  const byLines = json(join(root, "src"), "page.ts:5-9", "..");
  assert.deepEqual([byLines.path, byLines.startLine, byLines.endLine], ["src/page.ts", 5, 9]);
  const elsewhere = json(cache, "src/page.ts", root, "--lang", "python");
  assert.deepEqual([elsewhere.startLine, elsewhere.hits[0].path], [1, "lib/connect.py"]);

  const shown = cairn(root, cache, "similar", "src/page.ts:8", "-n", "1");
  assert.equal(shown.status, 0);
  assert.match(shown.stdout, /^src\/upload\.ts:\d+ {2}uploadPatiently {2}close in meaning/);
});

test("the terminal says what is wrong with a place", (test) => {
  const [root, cache] = [temporaryFolder(test), temporaryFolder(test)];
  writeFiles(root, { ...PROJECT, ".gitignore": "out/\n", "out/made.ts": "export const made = 1;\n" });
  const complaint = (...args: string[]) => {
    const { status, stderr } = cairn(root, cache, "similar", ...args);
    assert.equal(status, 2, stderr);
    return stderr;
  };
  assert.match(complaint(), /There is no place to start from/);
  assert.match(complaint("src/none.ts"), /There is no file src\/none\.ts/);
  assert.match(complaint("src/page.ts:99"), /src\/page\.ts has no line 99/);
  assert.match(complaint("src/page.ts:9-5"), /end before they begin/);
  assert.match(complaint("out/made.ts"), /left out of the index and is not read: matched by \.gitignore line 1/);
  assert.match(complaint("../page.ts"), /is not a path inside/);
  rmSync(join(root, "src/page.ts"));
  assert.match(complaint("src/page.ts:8"), /There is no file src\/page\.ts/);
});
