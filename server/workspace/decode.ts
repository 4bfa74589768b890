import { isAscii, isUtf8 } from "node:buffer";

export interface Decoded {
  /** Without its byte order mark; line ends as they are in the file. */
  text: string;
  encoding: "utf-8" | "utf-16le" | "utf-16be" | "utf-32le" | "utf-32be" | "windows-1252" | "iso-8859-1";
}

/** How much of a file is looked at to tell text from binary, in bytes. */
const SAMPLE = 8192;

/**
 * The text of a file, or undefined when the bytes are not text. Never throws: bytes that are not valid UTF-8 and carry
 * no byte order mark are read as windows-1252, where every byte means something and identifiers survive.
 */
export function decode(bytes: Uint8Array): Decoded | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const mark = byteOrderMark(buffer);
  if (mark) return asText(mark.encoding, decodeAs(mark.encoding, buffer.subarray(mark.length)));
  if (buffer.includes(0)) {
    const encoding = utf16WithoutMark(buffer);
    return encoding && asText(encoding, decodeAs(encoding, buffer));
  }
  // Checked on bytes, which is cheaper than on text: control characters are the same in all three encodings.
  if (isUtf8(buffer)) {
    if (tooManyControls(buffer, 0.1)) return undefined;
    // One byte a character in memory, and no decoding to do.
    return { text: buffer.toString(isAscii(buffer) ? "latin1" : "utf-8"), encoding: "utf-8" };
  }
  if (tooManyControls(buffer, 0.02)) return undefined;
  const encoding = hasUndefinedInWindows1252(buffer) ? "iso-8859-1" : "windows-1252";
  return { text: decodeAs(encoding, buffer), encoding };
}

function byteOrderMark(bytes: Buffer): { encoding: Decoded["encoding"]; length: number } | undefined {
  const [a, b, c, d] = bytes;
  // UTF-32 first: its little-endian mark begins with the one of UTF-16.
  if (a === 0xff && b === 0xfe && c === 0 && d === 0) return { encoding: "utf-32le", length: 4 };
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return { encoding: "utf-32be", length: 4 };
  if (a === 0xff && b === 0xfe) return { encoding: "utf-16le", length: 2 };
  if (a === 0xfe && b === 0xff) return { encoding: "utf-16be", length: 2 };
  if (a === 0xef && b === 0xbb && c === 0xbf) return { encoding: "utf-8", length: 3 };
  return undefined;
}

/** Text that is mostly Latin has its zero bytes all on one side of each pair; a binary file has them on both. */
function utf16WithoutMark(bytes: Buffer): "utf-16le" | "utf-16be" | undefined {
  if (bytes.length % 2 !== 0) return undefined;
  const length = Math.min(bytes.length, SAMPLE);
  let zerosAtEven = 0;
  let zerosAtOdd = 0;
  for (let i = 0; i < length; i += 2) {
    if (bytes[i] === 0) zerosAtEven++;
    if (bytes[i + 1] === 0) zerosAtOdd++;
  }
  const pairs = length / 2;
  if (zerosAtOdd >= pairs * 0.6 && zerosAtEven <= pairs * 0.02) return "utf-16le";
  if (zerosAtEven >= pairs * 0.6 && zerosAtOdd <= pairs * 0.02) return "utf-16be";
  return undefined;
}

/** A mark or a pattern of zeros is only a claim: the text it leads to must look like text too. */
function asText(encoding: Decoded["encoding"], text: string): Decoded | undefined {
  const length = Math.min(text.length, SAMPLE);
  let suspicious = 0;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 0xfffd || isUnusualControl(unit)) suspicious++;
  }
  return suspicious > length * 0.1 ? undefined : { text, encoding };
}

function decodeAs(encoding: Decoded["encoding"], bytes: Buffer): string {
  switch (encoding) {
    case "utf-8":
      return bytes.toString("utf-8");
    case "utf-16le":
      return bytes.toString("utf16le");
    case "utf-16be":
      return Buffer.from(bytes.subarray(0, bytes.length & ~1))
        .swap16()
        .toString("utf16le");
    case "utf-32le":
    case "utf-32be":
      return fromUtf32(bytes, encoding === "utf-32le");
    case "windows-1252":
      return bytes.toString("latin1").replace(/[\x80-\x9f]/g, (char) => WINDOWS_1252[char.charCodeAt(0) - 0x80]);
    case "iso-8859-1":
      return bytes.toString("latin1");
  }
}

/** The characters of windows-1252 at 0x80 to 0x9F, where it differs from Latin-1 (Unicode's CP1252.TXT). */
const WINDOWS_1252 =
  "\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f" +
  "\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178";

function fromUtf32(bytes: Buffer, littleEndian: boolean): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = "";
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const code = view.getUint32(at, littleEndian);
    const isCharacter = code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
    text += isCharacter ? String.fromCodePoint(code) : "\uFFFD";
  }
  return text;
}

function tooManyControls(bytes: Buffer, share: number): boolean {
  const length = Math.min(bytes.length, SAMPLE);
  let controls = 0;
  for (let i = 0; i < length; i++) if (isUnusualControl(bytes[i])) controls++;
  return controls > length * share;
}

/** Tabs, line ends, form feeds and the escape of terminal colours do occur in text. */
function isUnusualControl(unit: number): boolean {
  return unit < 0x20 && !(unit >= 0x08 && unit <= 0x0d) && unit !== 0x1b;
}

function hasUndefinedInWindows1252(bytes: Buffer): boolean {
  return [0x81, 0x8d, 0x8f, 0x90, 0x9d].some((byte) => bytes.includes(byte));
}
