import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Log } from "../server/host.ts";
import { nodeHost } from "../server/node-host.ts";
import { ripgrepPath } from "../server/package-files.ts";
import { type ScanRequest, scanFiles } from "../server/search/scan.ts";
import { scanTerms } from "../server/search/scan-rank.ts";
import { fixedRules, openRules } from "../server/workspace/ignore-rules.ts";

interface Scan {
  files: Record<string, string | Uint8Array>;
  terms: string[];
  options?: Partial<ScanRequest>;
}

/** Writes the files, scans them as the server does, and gives the hits and what was logged. */
async function scan(t: TestContext, { files, terms, options }: Scan) {
  const root = mkdtempSync(join(tmpdir(), "cairn-scan-"));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  const logged: string[] = [];
  const write = (message: string) => void logged.push(message);
  const log: Log = { info: write, warn: write, error: write };
  const exclude = ["**/*.skip.ts", "old"];
  const rules = openRules(nodeHost({ env: {} }), root, exclude);
  const hits = await scanFiles({
    ripgrep: ripgrepPath(),
    root,
    terms,
    limit: 10,
    leaveOut: fixedRules(exclude),
    exclude: (path) => path.startsWith("indexed/"),
    admit: (path) => rules.leavesOut(path, false) === undefined,
    maxFileBytes: 1 << 20,
    log,
    // Long enough that no machine is too slow for these few files.
    budgetMs: 60_000,
    ...options,
  });
  return { hits, logged };
}

async function paths(t: TestContext, fixture: Scan): Promise<string[]> {
  return (await scan(t, fixture)).hits.map((hit) => hit.path);
}

test("a hit spans the lines where most of the query stands together", async (t) => {
  const code = [
    "// retry",
    ...Array(30).fill(""),
    "function backoff(attempt) {",
    "  // how often we retried",
    "  return delay(attempt);",
    "}",
  ];
  const { hits } = await scan(t, { files: { "src/http.ts": code.join("\n") }, terms: ["retry", "backoff", "attempt"] });
  const [{ score, ...hit }] = hits;
  assert.deepEqual(hit, {
    path: "src/http.ts",
    startLine: 32,
    endLine: 34,
    focusLine: 32,
    matchedTerms: ["retry", "backoff", "attempt"],
  });
  assert.ok(score > 0);
});

test("only the files that are named are searched, also those of a strange name", async (t) => {
  const files = { "a.ts": "retry\n", "b.ts": "retry\n", "-c.ts": "retry\n", "d e.ts": "retry\n" };
  const only = ["b.ts", "-c.ts", "d e.ts", "gone.ts"];
  assert.deepEqual((await paths(t, { files, terms: ["retry"], options: { only } })).sort(), [
    "-c.ts",
    "b.ts",
    "d e.ts",
  ]);
  assert.deepEqual(await paths(t, { files, terms: ["retry"], options: { only: [] } }), []);
});

test("more of the query close together comes first, then what the path says, then rarer words", async (t) => {
  const far = `retry\n${"\n".repeat(40)}limit\n`;
  assert.deepEqual(
    await paths(t, {
      files: {
        "a.ts": "retry\n",
        "b.ts": far,
        "c.ts": "retry limit\n",
        "d.ts": "limit\n",
        "e.ts": "retry\n",
        "src/retry.ts": "retry\n",
      },
      terms: ["retry", "limit"],
    }),
    ["c.ts", "src/retry.ts", "b.ts", "d.ts", "a.ts", "e.ts"],
  );
});

test("words match in any case, inside identifiers, and with another ending", async (t) => {
  const files = { "a.ts": "RetryHandler", "b.ts": "const RETRIES = 3", "c.ts": "Überprüfung", "d.ts": "nothing" };
  assert.deepEqual((await paths(t, { files, terms: ["retry"] })).sort(), ["a.ts", "b.ts"]);
  assert.deepEqual(await paths(t, { files, terms: ["überprüfung"] }), ["c.ts"]);
});

test("the same files are left out as from the index", async (t) => {
  assert.deepEqual(
    (
      await paths(t, {
        files: {
          ".gitignore": "dist/\n",
          ".ignore": "*.gen.ts\n",
          ".cairnignore": "/private.ts\n",
          "deep/.cairnignore": "hidden.ts\n",
          "deep/hidden.ts": "needle",
          "private.ts": "needle",
          "a.gen.ts": "needle",
          "dist/a.ts": "needle",
          "node_modules/x/index.js": "needle",
          ".git/config": "needle",
          "a.skip.ts": "needle",
          "old/a.ts": "needle",
          "big.ts": `needle${"x".repeat(2 << 20)}`,
          "binary.dat": Buffer.from("needle\0"),
          "late.dat": Buffer.concat([Buffer.from("needle\n"), Buffer.alloc(200_000, "line\n"), Buffer.from([0])]),
          "indexed/a.ts": "needle",
          "src/old/ok.ts": "needle",
          ".github/ok.yml": "needle",
          "deep/ok.ts": "needle",
        },
        terms: ["needle"],
      })
    ).sort(),
    [".github/ok.yml", "deep/ok.ts", "src/old/ok.ts"],
  );
});

test("a file that turns out to be binary is not found, also where there is nothing else to find", async (t) => {
  const late = Buffer.concat([Buffer.from("needle\n"), Buffer.alloc(200_000, "line\n"), Buffer.from([0])]);
  assert.deepEqual(await paths(t, { files: { "late.dat": late }, terms: ["needle"] }), []);
  const named = { "a.dat": Buffer.from("needle\0"), "b.dat": Buffer.from("needle\0"), "c.ts": "needle" };
  const only = Object.keys(named);
  assert.deepEqual(await paths(t, { files: named, terms: ["needle"], options: { only } }), ["c.ts"]);
});

test("names with any character, and a long line", async (t) => {
  const names = ["a b.ts", "-flag.ts", "[id].ts", "日本.ts"];
  if (process.platform !== "win32") names.push("new\nline.ts", "a:3:b.ts");
  const files = Object.fromEntries(names.map((name) => [name, `${"x".repeat(100_000)} needle`]));
  assert.deepEqual((await paths(t, { files, terms: ["needle"] })).sort(), names.sort());
});

test("the limit, and terms that are no use", async (t) => {
  const files = { "a.ts": "needle id", "b.ts": "needle", "c.ts": "needle" };
  assert.equal((await paths(t, { files, terms: ["needle"], options: { limit: 2 } })).length, 2);
  assert.deepEqual(await paths(t, { files, terms: [] }), []);
  assert.deepEqual(await paths(t, { files, terms: ["absent"] }), []);
  assert.deepEqual(await paths(t, { files, terms: ["a\nb", ""] }), []);
  assert.deepEqual(await paths(t, { files, terms: ["-e", "(", "--files"] }), []);
  assert.deepEqual(await paths(t, { files, terms: ["id"] }), ["a.ts"]);
});

test("when the time is up, what was found by then is the answer", async (t) => {
  const { hits, logged } = await scan(t, { files: { "a.ts": "needle" }, terms: ["needle"], options: { budgetMs: 0 } });
  assert.ok(hits.length <= 1);
  assert.deepEqual(logged, []);
});

test("aborting rejects with the reason, before and while ripgrep runs", async (t) => {
  const abort = new AbortController();
  const running = scan(t, { files: { "a.ts": "needle" }, terms: ["needle"], options: { signal: abort.signal } });
  abort.abort(new Error("newer query"));
  await assert.rejects(running, { message: "newer query" });
  const aborted = scan(t, { files: {}, terms: ["needle"], options: { signal: abort.signal } });
  await assert.rejects(aborted, { message: "newer query" });
});

test("a missing binary, a crash and a missing folder are an empty answer and one line in the log", async (t) => {
  for (const options of [
    { ripgrep: join(tmpdir(), "no-such-ripgrep") },
    { ripgrep: process.execPath },
    { root: join(tmpdir(), "no-such-folder") },
  ]) {
    const { hits, logged } = await scan(t, { files: { "a.ts": "needle" }, terms: ["needle"], options });
    assert.deepEqual(hits, []);
    assert.equal(logged.length, 1);
    assert.match(logged[0], /^Searching files that are not indexed yet failed: /);
  }
});

test("what is looked for: stems, without words of two letters when there are longer ones", () => {
  const stems = (...terms: string[]) => scanTerms(terms).map(({ stem }) => stem);
  assert.deepEqual(stems("handled", "query", "caching", "files", "id"), ["handl", "quer", "cach", "file"]);
  assert.deepEqual(stems("id", "db"), ["id", "db"]);
  assert.deepEqual(stems("検索", "retry"), ["検索", "retr"]);
  assert.deepEqual(stems("handle", "handler", "handling"), ["handl", "handler"]);
});
