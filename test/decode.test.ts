import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "../server/workspace/decode.ts";

const SAMPLE = "let grüße = 1;\r\nconst x = 2;\rend\n";

function check(bytes: Uint8Array, encoding: string | undefined, text = SAMPLE): void {
  assert.deepEqual(decode(bytes), encoding && { text, encoding });
}

const utf8 = (text: string) => Buffer.from(text, "utf8");
const utf16 = (text: string) => Buffer.from(text, "utf16le");
const utf32 = (text: string) => Buffer.from(new Uint32Array([...text].map((char) => char.codePointAt(0) ?? 0)).buffer);
const reversed = (bytes: Buffer, width: 16 | 32) => (width === 16 ? bytes.swap16() : bytes.swap32());

test("UTF-8 with and without a byte order mark; every line end stays as it is", () => {
  check(utf8(SAMPLE), "utf-8");
  check(utf8(`\uFEFF${SAMPLE}`), "utf-8");
  check(utf8("plain ascii\n"), "utf-8", "plain ascii\n");
  check(utf8("日本語 🎉 עברית"), "utf-8", "日本語 🎉 עברית");
  check(new Uint8Array(0), "utf-8", "");
});

test("UTF-16 and UTF-32 by their byte order mark", () => {
  check(utf16(`\uFEFF${SAMPLE}`), "utf-16le");
  check(reversed(utf16(`\uFEFF${SAMPLE}`), 16), "utf-16be");
  check(utf32(`\uFEFF${SAMPLE}`), "utf-32le");
  check(reversed(utf32(`\uFEFF${SAMPLE}`), 32), "utf-32be");
});

test("UTF-16 without a mark by its pattern of zero bytes", () => {
  check(utf16(SAMPLE), "utf-16le");
  check(reversed(utf16(SAMPLE), 16), "utf-16be");
});

test("bytes that are not UTF-8 are windows-1252, or Latin-1 where that has no character", () => {
  check(Buffer.from("caf\xe9 \x80 \x93quoted\x94 // ok\n", "latin1"), "windows-1252", "café € “quoted” // ok\n");
  check(Buffer.from("caf\xe9 \x81 rest of the text\n", "latin1"), "iso-8859-1", "café \x81 rest of the text\n");
  check(Buffer.concat([utf8("cut in the middle: ü").subarray(0, -1)]), "windows-1252", "cut in the middle: Ã");
});

test("terminal colours, tabs and form feeds are text", () => {
  check(utf8("\x1b[31mred\x1b[0m\t\f\v\b\n"), "utf-8", "\x1b[31mred\x1b[0m\t\f\v\b\n");
});

test("what is not text has no encoding", () => {
  check(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 62, 0]), undefined);
  check(Buffer.from("text with one \0 byte", "latin1"), undefined);
  check(Buffer.from(Array.from({ length: 300 }, (_, i) => (i * 37 + 5) % 255 || 1)), undefined);
  check(Buffer.from(Array.from({ length: 200 }, (_, i) => (i % 7) + 1)), undefined);
  // Little-endian 16-bit numbers behind what looks like a mark.
  check(Buffer.from([0xff, 0xfe, ...Array.from({ length: 400 }, (_, i) => (i % 2 ? 0 : (i * 3) % 30))]), undefined);
});

test("a view into a larger buffer is read from its own start to its own end", () => {
  const around = utf8(`xx${SAMPLE}yy`);
  check(new Uint8Array(around.buffer, around.byteOffset + 2, around.length - 4), "utf-8");
});
