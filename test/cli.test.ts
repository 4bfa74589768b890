import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { olderNode } from "./older-node.ts";
import { PROJECT } from "./sample-project.ts";

/** The real program, on a folder of its own with a cache of its own. */
const program = join(dirname(import.meta.dirname), "bin", "cairn.mjs");
const sandbox = mkdtempSync(join(tmpdir(), "cairn-cli-"));
const folder = join(sandbox, "project");

const FILES: Record<string, string> = {
  ...PROJECT,
  "package-lock.json": "{}",
  "logo.png": "\u0089PNG\r\n\u001a\n\0\0",
};

before(() => {
  for (const [path, content] of Object.entries(FILES)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  mkdirSync(join(sandbox, "empty"));
});
after(() => rmSync(sandbox, { recursive: true, force: true }));

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface How {
  node?: string;
  env?: Record<string, string>;
  input?: string;
  cwd?: string;
}

function start(args: readonly string[], how: How = {}): ChildProcess {
  const { NO_COLOR: _no, FORCE_COLOR: _force, CAIRN_LOG: _log, ...inherited } = process.env;
  return spawn(how.node ?? process.execPath, [program, ...args], {
    cwd: how.cwd ?? folder,
    env: { ...inherited, CAIRN_CACHE_DIR: join(sandbox, "cache"), ...how.env },
    stdio: "pipe",
  });
}

async function cairn(args: readonly string[], how: How = {}): Promise<Outcome> {
  const child = start(args, how);
  child.stdin?.end(how.input ?? "");
  const exit = once(child, "exit");
  const [stdout, stderr] = await Promise.all(
    [child.stdout, child.stderr].map((stream) => (stream ? text(stream) : "")),
  );
  const [code] = await exit;
  return { code, stdout, stderr };
}

test("a search prints place, name, reason and the lines that match", async () => {
  const { code, stdout, stderr } = await cairn(["search", "retry a request", "--limit", "1"]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^src\/retry\.ts:\d+ {2}retryRequest {2}\S.*\n( +\d+ {2}.*\n)+$/);
  assert.equal(stderr, "");
});

test("a search answers with one JSON object", async () => {
  const { code, stdout } = await cairn(["search", "blend two colours", folder, "--json"], { cwd: sandbox });
  assert.equal(code, 0);
  const { query, root, complete, hits } = JSON.parse(stdout);
  assert.deepEqual({ query, root, complete }, { query: "blend two colours", root: folder, complete: true });
  const { path, startLine, endLine, language, name } = hits[0];
  assert.deepEqual(
    { path, startLine, endLine, language, name },
    { path: "src/colours.py", startLine: 1, endLine: 3, language: "python", name: "mix_colours" },
  );
});

test("filters narrow a search", async () => {
  const paths = async (...args: string[]) =>
    JSON.parse((await cairn(["search", "request colours", "--json", ...args])).stdout).hits.map(
      ({ path }: { path: string }) => path,
    );
  assert.deepEqual(new Set(await paths()), new Set(["src/retry.ts", "src/colours.py"]));
  assert.deepEqual(await paths("--lang", "py"), ["src/colours.py"]);
  assert.deepEqual(await paths("--path", "*.ts"), ["src/retry.ts"]);
  assert.deepEqual(await paths("--kind", "class"), []);
});

test("many questions are answered in their order by one process", async () => {
  const input = '{"id": 7, "query": "mix_colours"}\n\n{"id": "b", "query": "retryRequest"}\r\n';
  const { code, stdout, stderr } = await cairn(["search", "--queries", "-", "--limit", "1"], { input });
  assert.equal(code, 0, stderr);
  const answers = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    answers.map(({ id, results }) => ({ id, results: results.map(({ score, ...place }: { score: number }) => place) })),
    [
      { id: 7, results: [{ path: "src/colours.py", startLine: 1, endLine: 3 }] },
      { id: "b", results: [{ path: "src/retry.ts", startLine: 1, endLine: 8 }] },
    ],
  );
  for (const { results } of answers) assert.equal(typeof results[0].score, "number");
});

test("a bad line of questions is named before anything is answered", async () => {
  const good = '{"id": 1, "query": "retry"}';
  for (const [line, message] of [
    ["{", /questions\.jsonl, line 2: this is not JSON/],
    ['{"query": "retry"}', /questions\.jsonl, line 2: "id" is missing/],
    ['{"id": 2, "query": 3}', /questions\.jsonl, line 2: "query" is missing or not a text/],
    ["null", /questions\.jsonl, line 2: "id" is missing/],
  ] as const) {
    writeFileSync(join(sandbox, "questions.jsonl"), `${good}\n${line}\n`);
    const { code, stdout, stderr } = await cairn(["search", "--queries", join(sandbox, "questions.jsonl")]);
    assert.deepEqual({ code, stdout }, { code: 2, stdout: "" });
    assert.match(stderr, message);
  }
});

test("nothing found is exit code 1", async () => {
  const { code, stdout, stderr } = await cairn(["search", "retry", "--lang", "rust"]);
  assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
  assert.match(stderr, /^Nothing found\./);
});

test("mistakes are explained, with exit code 2", async () => {
  writeFileSync(join(sandbox, "file.txt"), "");
  const cases: [string[], RegExp][] = [
    [[], /^Cairn finds code by meaning/],
    [["serch", "x"], /no command "serch"\.\nDid you mean `cairn search`\?/],
    [["--vrsion"], /no option --vrsion/],
    [["search"], /nothing to search for/],
    [["search", "  "], /nothing to search for/],
    [["search", "where", "are", "retries"], /too many: "retries"\.\nPut a question of several words in quotes/],
    [["search", "x", "--limt", "3"], /no option --limt\.\nDid you mean --limit\?/],
    [["search", "x", "-z"], /no option -z/],
    [["search", "x", "--limit"], /--limit needs a value/],
    [["search", "x", "--json=yes"], /--json takes no value/],
    [["search", "x", "--limit", "0"], /--limit must be a whole number from 1 to 100, not "0"/],
    [["search", "x", "--limit", "ten"], /--limit must be a whole number from 1 to 100, not "ten"/],
    [["search", "x", "--kind", "clas"], /no kind "clas"\.\nThe kinds: function, /],
    [["search", "x", "--lang", "klingon"], /klingon/],
    [["search", "x", "--color", "pink"], /--color must be auto, always or never/],
    [["search", "x", join(sandbox, "nowhere")], /no folder .*nowhere/],
    [["search", "x", join(sandbox, "file.txt")], /file\.txt is a file, not a folder/],
    [["search", "--queries", join(sandbox, "nowhere.jsonl")], /cannot be read: .*ENOENT/],
    [["index", join(sandbox, "nowhere")], /no folder .*nowhere/],
    [["status", "a", "b"], /too many: "b"/],
    [["lsp"], /Run `cairn lsp --stdio`/],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await cairn(args);
    assert.deepEqual({ code, stdout }, { code: 2, stdout: "" }, args.join(" "));
    assert.match(stderr, message);
  }
});

test("a folder that may not be read is said to be so", {
  skip: process.getuid?.() === 0 && "root may read all",
}, async () => {
  mkdirSync(join(sandbox, "closed"), { mode: 0o000 });
  const { code, stderr } = await cairn(["index", join(sandbox, "closed")]);
  chmodSync(join(sandbox, "closed"), 0o700);
  assert.equal(code, 2);
  assert.match(stderr, /may not be read by this user/);
});

test("an empty folder has nothing to index, and nothing to find", async () => {
  const indexed = await cairn(["index", join(sandbox, "empty")]);
  assert.equal(indexed.code, 0);
  assert.match(indexed.stdout, /^There is nothing to index in .*empty/);
  for (const command of ["search", "ask"]) {
    const { code, stderr } = await cairn([command, "where is retry", join(sandbox, "empty")]);
    assert.equal(code, 1);
    assert.match(stderr, /^Nothing found: there is nothing to search in \S+empty\. Is it the right folder\?\n$/);
  }
  mkdirSync(join(sandbox, "pictures"));
  writeFileSync(join(sandbox, "pictures", "logo.png"), "");
  assert.match((await cairn(["search", "retry", join(sandbox, "pictures")])).stderr, /`cairn status --skipped` says/);
  assert.match((await cairn(["search", "zebra", "--path", "*.md"])).stderr, /^Nothing found\. Other words/);
});

test("a variable that cannot be used is said once", async () => {
  const { code, stderr } = await cairn(["ask", "retry a request"], { env: { INFERENCE_PROVIDER: "nobody" } });
  assert.equal(code, 0);
  assert.equal(stderr.match(/INFERENCE_PROVIDER must be one of/g)?.length, 1, stderr);
});

test("help and version go to the standard output", async () => {
  assert.match((await cairn(["--help"])).stdout, /^Cairn finds code by meaning[\s\S]*Exit codes:/);
  for (const command of ["search", "index", "status", "doctor", "lsp"]) {
    const { code, stdout } = await cairn([command, "--help"]);
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`Usage: cairn ${command}`));
  }
  const { version } = JSON.parse(readFileSync(join(dirname(program), "..", "package.json"), "utf8"));
  assert.deepEqual(await cairn(["--version"]), { code: 0, stdout: `${version}\n`, stderr: "" });
});

test("colour is for terminals, unless asked for or forbidden", async () => {
  const coloured = async (args: string[], env: Record<string, string>) =>
    (await cairn(["search", "retry", ...args], { env })).stdout.includes("\x1b[");
  assert.equal(await coloured([], {}), false);
  assert.equal(await coloured([], { FORCE_COLOR: "1" }), true);
  assert.equal(await coloured([], { FORCE_COLOR: "1", NO_COLOR: "1" }), false);
  assert.equal(await coloured(["--color=always"], { NO_COLOR: "1" }), true);
  assert.equal(await coloured(["--color", "never"], { FORCE_COLOR: "1" }), false);
});

test("status says what is indexed, and what is left out and why", async () => {
  await cairn(["index"]);
  const status = await cairn(["status"]);
  assert.equal(status.code, 0);
  assert.match(status.stdout, /up to date\n {2}indexed +2 files, 2 chunks\n {2}left out +1 \w+, 1 \w+\n/);
  const { skippedFiles, phase } = JSON.parse((await cairn(["status", "--skipped", "--json"])).stdout);
  assert.equal(phase, "ready");
  assert.deepEqual(skippedFiles.map(({ path, code }: { path: string; code: string }) => `${path}: ${code}`).sort(), [
    "logo.png: binary",
    "package-lock.json: lock",
  ]);
  assert.match((await cairn(["status", "--skipped"])).stdout, /^logo\.png {2}binary {2}\S/m);
});

test("status lists all that is left out, also of a folder that was never indexed", async () => {
  const fresh = join(sandbox, "fresh");
  for (const name of ["a", "b", "c"]) {
    mkdirSync(join(fresh, name), { recursive: true });
    for (let i = 0; i < 200; i++) writeFileSync(join(fresh, name, `${i}.ts`), `export const n${i} = "${name}";\n`);
    writeFileSync(join(fresh, name, "logo.png"), "");
  }
  const { skippedFiles } = JSON.parse((await cairn(["status", fresh, "--skipped", "--json"])).stdout);
  const expected = ["a/logo.png", "b/logo.png", "c/logo.png"];
  assert.deepEqual(
    skippedFiles.map(({ path }: { path: string }) => path),
    expected,
  );
  const { stdout, stderr } = await cairn(["status", join(fresh, "a"), "--skipped"]);
  assert.deepEqual([stdout.match(/^logo\.png {2}binary/)?.length, stderr], [1, ""]);
  rmSync(join(fresh, "a", "logo.png"));
  const nothing = await cairn(["status", join(fresh, "a"), "--skipped"]);
  assert.deepEqual(nothing, { code: 0, stdout: "", stderr: "Nothing is left out.\n" });
});

test("status says how fast the index answers when it is asked for its health", async () => {
  await cairn(["index"]);
  assert.match(
    (await cairn(["status", "--health"])).stdout,
    /\n {2}index {2}ready {2}\S+ ms, 95% within \S+ ms, 0% of 4 calls failed\n$/,
  );
  const { phase, health } = JSON.parse((await cairn(["status", "--health", "--json"])).stdout);
  assert.deepEqual([phase, health.models[0].name, health.models[0].state], ["ready", "index", "ready"]);
});

test("what a second run finds unchanged is not embedded again", async () => {
  await cairn(["index"]);
  assert.match((await cairn(["index"])).stdout, / 0 chunks embedded now/);
  assert.match((await cairn(["index", "--rebuild"])).stdout, /2 files, 2 chunks; 0 chunks embedded now/);
});

test("doctor finds this machine able", async () => {
  const { code, stdout } = await cairn(["doctor", "--json"]);
  const { findings } = JSON.parse(stdout);
  assert.deepEqual(
    findings.filter(({ state }: { state: string }) => state !== "ok"),
    [],
  );
  assert.equal(code, 0);
});

test("doctor says what does not work and what to do", async () => {
  writeFileSync(join(sandbox, "file.txt"), "");
  const { code, stdout } = await cairn(["doctor"], { env: { CAIRN_CACHE_DIR: join(sandbox, "file.txt") } });
  assert.equal(code, 3);
  assert.match(stdout, /^fail {2}Cache folder .*file\.txt cannot be written.*\n +Make it writable, or choose another/m);
});

test("a reader that has enough ends the program quietly", async () => {
  const child = start(["search", "--queries", "-"]);
  child.stdin?.on("error", () => {});
  child.stdin?.end(questions(2000));
  const stderr = child.stderr ? text(child.stderr) : "";
  child.stdout?.once("data", () => child.stdout?.destroy());
  const [code] = await once(child, "exit");
  assert.deepEqual({ code, stderr: await stderr }, { code: 0, stderr: "" });
});

test("an output that takes nothing is said once, without a stack", {
  skip: process.platform !== "linux" && "there is no full device",
}, async () => {
  const full = openSync("/dev/full", "w");
  for (const args of [
    ["--help"],
    ["--version"],
    ["search", "--help"],
    ["search", "retry"],
    ["ask", "retry a request"],
  ]) {
    const env = { ...process.env, CAIRN_CACHE_DIR: join(sandbox, "cache") };
    const child = spawn(process.execPath, [program, ...args], { cwd: folder, env, stdio: ["ignore", full, "pipe"] });
    const stderr = child.stderr ? await text(child.stderr) : "";
    if (child.exitCode === null) await once(child, "exit");
    assert.equal(child.exitCode, 3, args.join(" "));
    assert.equal(stderr.match(/^cairn: the answer could not be written: ENOSPC/gm)?.length, 1, stderr);
    assert.doesNotMatch(stderr, /^ +at /m);
  }
  closeSync(full);
});

test("Ctrl-C ends the program with 130 and leaves the index to others", async () => {
  const child = start(["search", "--queries", "-"]);
  child.stdin?.end(questions(2000));
  child.stdout?.once("data", () => child.kill("SIGINT"));
  const stdout = child.stdout ? text(child.stdout) : "";
  const [code] = await once(child, "exit");
  assert.equal(code, 130);
  assert.ok((await stdout).split("\n").length < 2000);
  assert.equal((await cairn(["search", "retry"])).code, 0);
});

const older = olderNode();
test("an older Node hands over to a newer one", { skip: !older && "no Node before 22 on the PATH" }, async () => {
  assert.deepEqual(
    await cairn(["search", "retry", "--limit", "1"], { node: older }),
    await cairn(["search", "retry", "--limit", "1"]),
  );
  assert.equal((await cairn(["search", "retry", "--lang", "rust"], { node: older })).code, 1);
  const child = start(["search", "--queries", "-"], { node: older });
  child.stdin?.end(questions(2000));
  child.stdout?.once("data", () => child.kill("SIGINT"));
  child.stdout?.resume();
  assert.equal((await once(child, "exit"))[0], 130);
});

function questions(count: number): string {
  return Array.from({ length: count }, (_, id) => `${JSON.stringify({ id, query: "retry a request" })}\n`).join("");
}
