import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createChunker } from "../server/workspace/chunk-file.ts";

const chunker = await createChunker();
after(() => chunker.close());

/** Chunks as `first-last kind parents > name`. */
function titles(path: string, text: string): string[] {
  return chunker
    .chunk(path, text)
    .chunks.map(({ startLine, endLine, kind, name, parents }) =>
      `${startLine}-${endLine} ${kind} ${[...parents, name].filter(Boolean).join(" > ")}`.trim(),
    );
}

/** Statements of forty characters a line. */
function statements(lines: number, indent = "  "): string {
  return Array.from({ length: lines }, (_, i) => `${indent}total += price[${i}] * quantity[${i}];`.padEnd(39)).join(
    "\n",
  );
}

test("a small file is one chunk, named by its longest declaration, with all signatures", () => {
  const source =
    'import x from "x";\n\nexport type Id = string;\n\n/** Adds. */\nexport function add(a: number): number {\n  return a;\n}\n';
  const [chunk, ...rest] = chunker.chunk("a.ts", source).chunks;
  assert.deepEqual(rest, []);
  assert.deepEqual(chunk, {
    startLine: 1,
    endLine: 8,
    kind: "function",
    name: "add",
    parents: [],
    signature: "export function add(a: number): number; export type Id = string",
    doc: "Adds.",
    symbols: [
      { name: "Id", kind: "type", parents: [], line: 3, endLine: 3 },
      { name: "add", kind: "function", parents: [], line: 6, endLine: 8 },
    ],
    text: source.trimEnd(),
  });
});

test("functions of a decent size stand alone, imports and small neighbours are gathered", () => {
  const source = [
    'import { a } from "a";',
    `function first() {\n${statements(12)}\n}`,
    "const one = () => 1;",
    "const two = () => 2;",
    `function second() {\n${statements(12)}\n}`,
  ].join("\n");
  assert.deepEqual(titles("a.ts", source), ["1-15 function first", "16-31 function second"]);
});

test("a small class is one chunk, a large one its head and its methods", () => {
  const method = (name: string, lines: number) => `  ${name}() {\n${statements(lines, "    ")}\n  }`;
  const small = `class Cart {\n  items = [];\n${method("total", 5)}\n}`;
  assert.deepEqual(titles("a.ts", small), ["1-10 class Cart"]);
  const large = `class Cart {\n  items = [];\n\n${method("total", 15)}\n\n${method("tax", 15)}\n\n${method("print", 15)}\n}`;
  assert.deepEqual(titles("a.ts", large), ["1-20 class Cart", "22-38 method Cart > tax", "40-57 method Cart > print"]);
});

test("a long function is split between statements, every part with its name", () => {
  const loop = (name: string) => `  for (const x of ${name}) {\n${statements(22, "    ")}\n  }`;
  const source = `/** Sums. */\nfunction sum() {\n${loop("a")}\n${loop("b")}\n${loop("c")}\n}`;
  const { chunks } = chunker.chunk("a.ts", source);
  assert.deepEqual(
    chunks.map(({ startLine, endLine, name, signature, doc }) => ({ startLine, endLine, name, signature, doc })),
    [
      { startLine: 1, endLine: 26, name: "sum", signature: "function sum()", doc: "Sums." },
      { startLine: 27, endLine: 50, name: "sum", signature: "function sum()", doc: "" },
      { startLine: 51, endLine: 75, name: "sum", signature: "function sum()", doc: "" },
    ],
  );
});

test("inside a long function, long functions are their own chunks", () => {
  const inner = (name: string) => `  function ${name}() {\n${statements(14, "    ")}\n  }`;
  const source = `function createApp() {\n${inner("listen")}\n${inner("close")}\n${inner("use")}\n${statements(14)}\n}`;
  assert.deepEqual(titles("a.js", source), [
    "1-17 function createApp > listen",
    "18-33 function createApp > close",
    "34-49 function createApp > use",
    "50-64 function createApp",
  ]);
});

test("a long line has a chunk of its own, a giant one is cut", () => {
  const long = `const a = "${"x".repeat(2000)}";`;
  assert.deepEqual(titles("a.ts", `let a = 1;\n${long}\nlet b = 2;\n`), ["1-1 text", "2-2 text", "3-3 text"]);
  const { chunks } = chunker.chunk("a.ts", `const data = "${"🎉x".repeat(2000)}";\n`);
  assert.deepEqual(
    chunks.map(({ startLine, endLine, text }) => [startLine, endLine, text.length <= 1500]),
    [
      [1, 1, true],
      [1, 1, true],
      [1, 1, true],
      [1, 1, true],
      [1, 1, true],
    ],
  );
  assert.ok(chunks.every(({ text }) => text.isWellFormed()));
});

test("files without syntax get windows that overlap and end at blank lines when one is near", () => {
  const block = (name: string, lines: number) =>
    Array.from({ length: lines }, (_, i) => `${name}_${i} = ${"v".repeat(30)}`).join("\n");
  const source = `${block("alpha", 30)}\n\n${block("beta", 50)}\n`;
  assert.deepEqual(titles("settings.ini", source), ["1-30 text", "26-62 text", "58-81 text"]);
});
