import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { LspClient, uriOf } from "./lsp-client.ts";
import { temporaryFolder, writeFiles } from "./open-core.ts";

const PROGRAM = fileURLToPath(new URL("../bin/cairn.mjs", import.meta.url));
const onUnix = { skip: process.platform === "win32" && "no such names there" };

/** Names that a shell, a line, a terminal, an option parser or a path may take for something else, by what lies in the file. */
const NAMES: Readonly<Record<string, string>> = {
  semicolon: "; rm -rf x.ts",
  substitution: "$(touch pwned)`touch pwned`.ts",
  newline: "two\nlines.ts",
  dash: "--hidden.ts",
  longest: `${"l".repeat(252)}.ts`,
  colour: "\u001b[31mred\u001b[0m.ts",
  quote: 'it\'s "quoted".ts',
  backslash: "back\\slash.ts",
  dots: "..x..ts",
  percent: "%2e%2e%2fetc.ts",
  glob: "[a-z]*{b,c}?.ts",
  mirrored: "\u202egnp.ts",
  blank: " .ts",
};

/** What would colour or turn around the text of a terminal. */
const CONTROLS = ["\u001b", "\u202e"];

function project(test: TestContext): string {
  const root = join(temporaryFolder(test), "project");
  writeFiles(root, { "x.ts": "export function keep() {}\n" });
  for (const [word, name] of Object.entries(NAMES)) {
    writeFiles(root, { [name]: `export function lies_in_${word}() {\n  return "${word}";\n}\n` });
    writeFiles(root, { [`${name.replace(/^(l{40})l*/, "$1")}.png`]: "\u0089PNG\r\n\u001a\n\0\0" });
  }
  return root;
}

function cairn(root: string, ...args: string[]) {
  const env = { ...process.env, CAIRN_CACHE_DIR: join(root, "..", "cache"), NO_COLOR: "1", FORCE_COLOR: undefined };
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], {
    cwd: root,
    env,
    encoding: "utf8",
  });
  return { code: status, stdout, stderr };
}

test("through the terminal: every file is found under its own name, and nothing is run", onUnix, (test) => {
  const root = project(test);
  const indexed = JSON.parse(cairn(root, "index", "--json").stdout);
  assert.deepEqual([indexed.phase, indexed.files], ["ready", Object.keys(NAMES).length + 1]);

  const questions = Object.keys(NAMES).map((word) => JSON.stringify({ id: word, query: `lies_in_${word}` }));
  writeFileSync(join(root, "..", "questions.jsonl"), questions.join("\n"));
  const answers = cairn(root, "search", "--queries", "../questions.jsonl", "--limit", "1").stdout.trim().split("\n");
  const found = answers.map((line) => JSON.parse(line)).map(({ id, results }) => [id, results[0]?.path]);
  assert.deepEqual(Object.fromEntries(found), NAMES);

  const { skippedFiles } = JSON.parse(cairn(root, "status", "--skipped", "--json").stdout);
  assert.equal(skippedFiles.length, Object.keys(NAMES).length);
  for (const { code } of skippedFiles) assert.equal(code, "binary");
  assert.deepEqual([existsSync(join(root, "x.ts")), existsSync(join(root, "pwned"))], [true, false]);
});

test("what is printed for people keeps to its line and sends nothing to the terminal", onUnix, (test) => {
  const root = project(test);
  for (const word of ["newline", "colour", "mirrored"]) {
    const { stdout } = cairn(root, "search", `lies_in_${word}`, "--limit", "1");
    const [first] = stdout.split("\n");
    assert.match(first, /\.ts:\d+ {2}/);
    assert.ok(!CONTROLS.some((control) => stdout.includes(control)), stdout);
  }
  const { stdout } = cairn(root, "status", "--skipped");
  assert.equal(stdout.trim().split("\n").length, Object.keys(NAMES).length);
  assert.ok(!CONTROLS.some((control) => stdout.includes(control)), stdout);
});

test("through the language server: symbols, saves and searches name the same files", onUnix, async (test) => {
  const root = project(test);
  const client = await LspClient.start(test, {
    folders: [root],
    cacheDirectory: join(root, "..", "cache"),
  });
  await client.ready();
  const symbols = await client.ask<{ name: string; location: { uri: string } }[]>("workspace/symbol", {
    query: "lies_in_",
  });
  assert.deepEqual(
    Object.fromEntries(symbols.map(({ name, location }) => [name.replace("lies_in_", ""), location.uri])),
    Object.fromEntries(Object.entries(NAMES).map(([word, name]) => [word, uriOf(join(root, name))])),
  );
  for (const [word, name] of Object.entries(NAMES)) {
    await client.tell("textDocument/didSave", { textDocument: { uri: uriOf(join(root, name)) } });
    assert.equal((await client.hits(`lies_in_${word}`))[0]?.path, name);
  }
  assert.deepEqual(client.surprises, []);
});

test("a name that is not UTF-8 is left out with a reason, and the rest is indexed", {
  skip: process.platform !== "linux" && "needs Linux",
}, (test) => {
  const root = project(test);
  writeFileSync(
    Buffer.concat([Buffer.from(`${root}/caf`), Buffer.from([0xe9]), Buffer.from(".ts")]),
    "export function latin() {}\n",
  );
  const { stdout, stderr } = cairn(root, "index", "--json");
  const status = JSON.parse(stdout);
  assert.deepEqual([status.phase, status.files, stderr], ["ready", Object.keys(NAMES).length + 1, ""]);
  const { skippedFiles } = JSON.parse(cairn(root, "status", "--skipped", "--json").stdout);
  const latin = skippedFiles.find(({ path }: { path: string }) => path.startsWith("caf"));
  assert.equal(latin?.code, "encoding");
});
