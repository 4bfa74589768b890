import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { createTerminal, renderLine } from "../server/cli/terminal.ts";

const plain = createTerminal(new PassThrough(), new PassThrough(), {}, "never").style;
const coloured = createTerminal(new PassThrough(), new PassThrough(), {}, "always").style;

test("matches are marked where they are, also after characters of two units", () => {
  assert.equal(renderLine("retry it", [[0, 5]], coloured), "\x1b[1;31mretry\x1b[0m it");
  assert.equal(renderLine("🎉 retry", [[3, 8]], coloured), "🎉 \x1b[1;31mretry\x1b[0m");
  assert.equal(
    renderLine(
      "aXbX",
      [
        [1, 2],
        [3, 4],
      ],
      coloured,
    ),
    "a\x1b[1;31mX\x1b[0mb\x1b[1;31mX\x1b[0m",
  );
  assert.equal(renderLine("retry", [[0, 5]], plain), "retry");
});

test("what a file holds cannot steer the terminal", () => {
  assert.equal(renderLine("\x1b[2J\x07\r", [], plain), "␛[2J␇␍");
  assert.equal(renderLine("a\u009b31mb\u202ec\x7f", [], plain), "a\ufffd31mb\ufffdc␡");
  assert.equal(renderLine("\tif", [], plain), "  if");
  assert.equal(renderLine("new\nline", [], plain), "new␊line");
});

test("a line that is too long is cut to the columns there are", () => {
  for (const [text, width, expected] of [
    ["abcdef", 6, "abcdef"],
    ["abcdefg", 6, "abcde…"],
    ["名前をつける", 6, "名前…"],
    ["🎉🎉🎉", 5, "🎉🎉…"],
    ["e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"],
    ["\tabc", 4, "  a…"],
  ] as const) {
    assert.equal(renderLine(text, [], plain, width), expected);
  }
});

test("progress is one line, shown only on a terminal that can, and gone before anything else", () => {
  const pipe = new PassThrough();
  const screen = Object.assign(new PassThrough(), { isTTY: true, columns: 12 });
  const dumb = Object.assign(new PassThrough(), { isTTY: true, columns: 12 });
  for (const stderr of [pipe, screen, dumb]) {
    const env = { TERM: stderr === dumb ? "dumb" : "xterm" };
    const terminal = createTerminal(new PassThrough(), stderr, env, "auto");
    terminal.progress("Indexing 10% of all");
    terminal.progress("Indexing 90%");
    terminal.note("done\n");
  }
  for (const plain of [pipe, dumb]) assert.equal(plain.read().toString(), "done\n");
  assert.equal(screen.read().toString(), "Indexing 1…\r\x1b[2KIndexing 9…\r\x1b[2Kdone\n");
});
