import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { after, test } from "node:test";
import { measureChunking } from "../server/bench/chunking.ts";
import { packageFile } from "../server/package-files.ts";
import type { ChunkedFile } from "../server/workspace/chunk.ts";
import { createChunker } from "../server/workspace/chunk-file.ts";
import { type GrammarFiles, nodeGrammarFiles } from "../server/workspace/node-grammar-files.ts";

const chunker = await createChunker();
after(() => chunker.close());

const SOURCE = `/** Grüße 🎉 an alle. */
export function greet(name: string): string {
  return \`🎉 \${name}\`; // 日本語
}

class Größe {
  wert = "𝒳";
}
`;

/** What holds for the chunks of any text. */
function checkChunks(text: string, file: ChunkedFile, name: string): void {
  const lines = text === "" ? [] : text.split(/\r\n|\n|\r/);
  if (lines.at(-1) === "") lines.pop();
  assert.equal(file.lines, lines.length, name);
  const covered = new Set<number>();
  let last = { startLine: 0, endLine: 0 };
  const windows = file.chunks.every(({ kind }) => kind === "text");
  for (const chunk of file.chunks) {
    const where = `${name}:${chunk.startLine}-${chunk.endLine}`;
    assert.ok(chunk.text.length <= 3000 && /\S/.test(chunk.text), where);
    assert.ok(chunk.startLine > last.startLine || isCut(chunk, last), where);
    assert.ok(windows || chunk.startLine > last.endLine || isCut(chunk, last), where);
    const whole = lines.slice(chunk.startLine - 1, chunk.endLine).join("\n");
    if (chunk.startLine === chunk.endLine) assert.ok(whole.includes(chunk.text), where);
    else assert.equal(chunk.text.replace(/\r\n?/g, "\n"), whole, where);
    assert.ok(chunk.signature.length <= 200 && !/[\r\n]/.test(chunk.signature + chunk.name), where);
    assert.ok(chunk.kind === "text" || chunk.kind === "section" || chunk.name !== "", where);
    for (let line = chunk.startLine; line <= chunk.endLine; line++) covered.add(line);
    last = chunk;
  }
  for (const [i, line] of lines.entries()) assert.ok(covered.has(i + 1) || !/\S/.test(line), `${name}:${i + 1}`);
}

/** Parts of one giant line have the same number. */
function isCut(chunk: { startLine: number; endLine: number }, last: { startLine: number; endLine: number }): boolean {
  return chunk.startLine === last.startLine && chunk.endLine === chunk.startLine && last.endLine === last.startLine;
}

/** Up to forty installed files of every kind of text. */
function* realFiles(): Generator<{ path: string; text: string }> {
  const left = new Map<string, number>();
  const folders = [packageFile("server"), packageFile("node_modules")];
  for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(path);
      const extension = extname(entry.name);
      const more = left.get(extension) ?? 40;
      if (!entry.isFile() || more === 0 || !TEXT.has(extension) || statSync(path).size > 200_000) continue;
      left.set(extension, more - 1);
      yield { path, text: readFileSync(path, "utf8") };
    }
  }
}

const TEXT = new Set([".ts", ".mts", ".js", ".mjs", ".c", ".h", ".cc", ".py", ".go", ".rs", ".rb", ".md", ".css"]);

test("real files: every line is found, in order, once, within the limits, none degraded", () => {
  const kinds = new Set<string>();
  for (const { path, text } of realFiles()) {
    const file = chunker.chunk(path, text);
    assert.equal(file.degraded, false, path);
    checkChunks(text, file, path);
    checkChunks(text.replaceAll("\n", "\r\n"), chunker.chunk(path, text.replaceAll("\n", "\r\n")), `${path} with CRLF`);
    kinds.add(extname(path));
  }
  assert.ok(kinds.has(".ts") && kinds.has(".js") && kinds.has(".c") && kinds.has(".md"));
});

test("line ends and characters beyond 16 bits move no span", () => {
  for (const end of ["\n", "\r\n"]) {
    const [chunk] = chunker.chunk("a.ts", SOURCE.replaceAll("\n", end)).chunks;
    assert.equal(chunk.name, "greet");
    assert.equal(chunk.doc, "Grüße 🎉 an alle.");
    assert.equal(chunk.signature, "export function greet(name: string): string; class Größe");
    assert.deepEqual([chunk.startLine, chunk.endLine], [1, 8]);
    assert.equal(chunk.text, SOURCE.trimEnd().replaceAll("\n", end));
  }
  const macintosh = SOURCE.replaceAll("\n", "\r");
  checkChunks(macintosh, chunker.chunk("a.ts", macintosh), "lone CR");
});

test("odd texts", () => {
  const texts = {
    empty: "",
    blank: "\n \n\t\n",
    "one character": "x",
    "byte order mark": `\uFEFF${SOURCE}`,
    "no last line end": "a\nb",
    "lone surrogates": "const a = '\ud83c';\nfunction f\udf89() {}\n",
    "only closing brackets": "}\n}\n}\n",
    "unclosed everything": "function a() { if (x) { class B { c( [ `${",
    nul: "a\0b\n\0\n",
    "900 KB on one line": `x = [${"1234567, ".repeat(100_000)}]`,
    "2,000 levels deep": `${"(".repeat(2000)}1${")".repeat(2000)}`,
    "deep blocks": `${"{\n".repeat(3000)}${"}\n".repeat(3000)}`,
  };
  for (const [name, text] of Object.entries(texts)) {
    for (const path of ["a.ts", "a.py", "a.cpp", "a.rb", "a.sh", "a.md", "a.rst", "a.yaml", "a.kt", "a.hs", "a"]) {
      checkChunks(text, chunker.chunk(path, text), `${name} as ${path}`);
    }
  }
});

test("a grammar that does not load costs its language the syntax, others keep theirs", async () => {
  const files: GrammarFiles = {
    ...nodeGrammarFiles(),
    read: (name) => nodeGrammarFiles().read(name === "tree-sitter-python.wasm" ? "gone.wasm" : name),
  };
  const partial = await createChunker({ grammarFiles: files });
  const python = partial.chunk("a.py", "def f():\n    return 1\n");
  assert.deepEqual([python.degraded, python.chunks.map(({ kind }) => kind)], [true, ["text"]]);
  const go = partial.chunk("a.go", "package a\n\nfunc F() {}\n");
  assert.deepEqual([go.degraded, go.chunks.map(({ name }) => name)], [false, ["F"]]);
  partial.close();
});

test("without the parser's runtime everything gets windows", async () => {
  const none = await createChunker({ grammarFiles: { ...nodeGrammarFiles(), read: () => new Uint8Array(8) } });
  const file = none.chunk("a.ts", SOURCE);
  assert.equal(file.degraded, true);
  checkChunks(SOURCE, file, "no runtime");
  await none.ready();
  none.close();
});

test("a parse that takes too long is cancelled, the next file is parsed", async () => {
  // A clock that runs a second every time the parser asks whether to go on.
  let now = 0;
  const slow = await createChunker({ clock: () => (now += 1000) });
  const text = `const a = ${"[".repeat(5000)}\n`.repeat(10);
  const file = slow.chunk("a.ts", text);
  assert.equal(file.degraded, true);
  checkChunks(text, file, "slow");
  assert.equal(slow.chunk("a.ts", "type A = 1;\n").chunks[0].name, "A");
  slow.close();
});

test("a parser that crashes costs one file; a new one takes its place", async () => {
  const files = nodeGrammarFiles();
  let runtimes = 0;
  const crashing: GrammarFiles = {
    ...files,
    runtime() {
      runtimes++;
      const library = files.runtime();
      class CrashingParser extends library.Parser {
        override parse(...args: Parameters<InstanceType<typeof library.Parser>["parse"]>) {
          if (args[0].toString().includes("crash")) throw new WebAssembly.RuntimeError("memory access out of bounds");
          return super.parse(...args);
        }
      }
      return { ...library, Parser: CrashingParser };
    },
  };
  const fragile = await createChunker({ grammarFiles: crashing });
  assert.equal(fragile.chunk("a.ts", "type A = 1;\n").degraded, false);
  assert.equal(fragile.chunk("b.ts", "type crash = 1;\n").degraded, true);
  await fragile.ready();
  const next = fragile.chunk("c.ts", "type C = 1;\n");
  assert.deepEqual([next.degraded, next.chunks[0].name, runtimes], [false, "C", 2]);
  fragile.close();
});

test("the benchmark counts what it cuts", async () => {
  const figures = await measureChunking([
    { path: "a.ts", text: SOURCE },
    { path: "b.md", text: "# B\n" },
  ]);
  assert.deepEqual([figures.files, figures.chunks, figures.degraded], [2, 2, 0]);
});
