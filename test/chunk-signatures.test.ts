import assert from "node:assert/strict";
import { test } from "node:test";
import { fineChunker } from "./chunk-fixture.ts";

/** Signature and doc of the first named chunk. */
function checkDoc(path: string, source: string, signature: string, doc: string): void {
  const chunk = fineChunker.chunk(path, source).chunks.find(({ name }) => name !== "");
  assert.deepEqual({ signature: chunk?.signature, doc: chunk?.doc }, { signature, doc });
}

test("signatures are one line up to the body, docs come without their markers", () => {
  checkDoc(
    "a.ts",
    "/**\n * Retries {@link Task}s.\n *\n * @param n how often\n */\nexport function retry(\n  n: number, // at most 9\n): void {\n}\n",
    "export function retry(n: number,): void",
    "Retries Tasks.\n\n@param n how often",
  );
  checkDoc(
    "a.js",
    "// eslint-disable-next-line\n// Adds.\nconst add = (a, b) => a + b;\n",
    "const add = (a, b)",
    "Adds.",
  );
  checkDoc(
    "a.py",
    'def f(a: int = 1) -> str:\n    """Gives F.\n\n    Always.\n    """\n',
    "def f(a: int = 1) -> str",
    "Gives F.\n\nAlways.",
  );
  checkDoc("a.go", "// New makes\n// a queue.\nfunc New() *Queue {\n}\n", "func New() *Queue", "New makes\na queue.");
  checkDoc("a.rs", "/// Takes one.\n#[inline]\npub fn take() -> u8 { 1 }\n", "pub fn take() -> u8", "Takes one.");
  checkDoc(
    "a.cs",
    '/// <summary>\n/// Places an <see cref="T:Order"/>.\n/// </summary>\n[Attr] public class A { }\n',
    "public class A",
    "Places an Order.",
  );
  checkDoc("A.java", "/** Is {@code true}. */\n@Deprecated\nclass A extends B {}\n", "class A extends B", "Is true.");
  checkDoc(
    "a.php",
    "<?php\n/* Helps. */\n#[Pure]\nfunction help(): int { return 1; }\n",
    "function help(): int",
    "Helps.",
  );
  checkDoc(
    "a.ts",
    `function f(${"argument: string, ".repeat(30)}) {}\n`,
    `function f(${"argument: string, ".repeat(11).slice(0, 188)}…`,
    "",
  );
});

test("a block comment documents across one blank line, a plain comment or a file header does not", () => {
  checkDoc("a.js", "/** Runs. */\n\napp.run = function () {};\n", "app.run = function ()", "Runs.");
  checkDoc("a.js", "// Section\n\nfunction run() {}\n", "function run()", "");
  checkDoc("a.js", "let a; // trailing\nfunction run() {}\n", "function run()", "");
});

test("a C header with C++ in it is C++, others are C", () => {
  assert.equal(fineChunker.chunk("pool.h", "#pragma once\nnamespace net {\nclass Pool;\n}\n").language, "cpp");
  assert.equal(fineChunker.chunk("pool.h", "struct class_info { int public; };\n").language, "c");
});

test("documentation and header, where a language has its own way", () => {
  checkDoc("a.hs", "-- | Doubles.\ndouble :: Int -> Int\ndouble n = 2 * n\n", "double :: Int -> Int", "Doubles.");
  checkDoc("a.dart", "/// Doubles.\nint twice(int n) async {\n  return 2 * n;\n}\n", "int twice(int n)", "Doubles.");
  checkDoc("a.r", "#' Doubles.\ntwice <- function(n) {\n  2 * n\n}\n", "twice <- function(n)", "Doubles.");
  checkDoc("a.lua", "--[[ Doubles. ]]\nfunction twice(n)\n  return 2 * n\nend\n", "function twice(n)", "Doubles.");
  checkDoc("a.ex", '@doc "Doubles."\ndef twice(n) do\n  2 * n\nend\n', "def twice(n)", "Doubles.");
});
