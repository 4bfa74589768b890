import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { ChunkRecord, FileRecord, SymbolRecord } from "./file-record.ts";

type PackedChunk = [
  hash: string,
  startLine: number,
  endLine: number,
  kind: ChunkRecord["kind"],
  name: string,
  parents: readonly string[],
  signature: string,
  doc: string,
  bodyWords: number,
  symbolWords: number,
  docWords: number,
  symbols: readonly PackedSymbol[],
];

/** Lines count from the symbol before: small numbers that repeat compress to almost nothing. */
type PackedSymbol = [
  name: string,
  kind: SymbolRecord["kind"],
  parents: readonly string[],
  linesOn: number,
  linesMore: number,
];

interface PackedHead {
  language: string;
  lines: number;
  degraded: boolean;
  terms: string;
  chunks: PackedChunk[];
}

/** A record has a few kilobytes: tables of the usual size, made anew for each, would take more than a megabyte. */
const COMPRESSION = {
  [constants.ZSTD_c_compressionLevel]: 1,
  [constants.ZSTD_c_windowLog]: 17,
  [constants.ZSTD_c_hashLog]: 14,
};

/** Smaller records are stored as they are: half of all, a tenth of the bytes, and each call costs as much as many kilobytes. */
const WORTH_COMPRESSING = 2_048;
/** The first bytes of a zstd frame; as the length with which a record begins they would be four gigabytes. */
const ZSTD_MAGIC = 0xfd2fb528;

/** Packs a record for the store: a JSON head and the term bags as varints, compressed with zstd unless it is small. */
export function encodeRecord(record: FileRecord): Uint8Array {
  const head: PackedHead = {
    language: record.language,
    lines: record.lines,
    degraded: record.degraded,
    terms: record.terms.join("\n"),
    chunks: record.chunks.map((c) => [
      c.hash,
      c.startLine,
      c.endLine,
      c.kind,
      c.name,
      c.parents,
      c.signature,
      c.doc,
      c.body.length,
      c.symbol.length,
      c.docTerms.length,
      packSymbols(c),
    ]),
  };
  const json = Buffer.from(JSON.stringify(head), "utf8");
  let words = 0;
  for (const c of record.chunks) words += c.body.length + c.symbol.length + c.docTerms.length;
  const bytes = Buffer.allocUnsafe(4 + json.length + words * 5);
  bytes.writeUInt32LE(json.length, 0);
  json.copy(bytes, 4);
  let at = 4 + json.length;
  for (const c of record.chunks) {
    for (const bag of [c.body, c.symbol, c.docTerms]) {
      for (const word of bag) {
        let rest = word;
        while (rest > 127) {
          bytes[at++] = (rest & 127) | 128;
          rest >>>= 7;
        }
        bytes[at++] = rest;
      }
    }
  }
  // A copy, where it is not compressed: the buffer may be part of a pool.
  if (at < WORTH_COMPRESSING) return Uint8Array.prototype.slice.call(bytes, 0, at);
  return zstdCompressSync(bytes.subarray(0, at), { params: COMPRESSION });
}

/**
 * The reverse of {@link encodeRecord}.
 * @throws CairnError("corrupt") when the bytes are damaged.
 */
export function decodeRecord(packed: Uint8Array): FileRecord {
  try {
    const stored = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
    const bytes = stored.readUInt32LE(0) === ZSTD_MAGIC ? zstdDecompressSync(stored) : stored;
    const jsonLength = bytes.readUInt32LE(0);
    const head = JSON.parse(bytes.toString("utf8", 4, 4 + jsonLength)) as PackedHead;
    let at = 4 + jsonLength;
    const bag = (words: number) => {
      const values = new Uint32Array(words);
      for (let i = 0; i < words; i++) {
        let byte = bytes[at++];
        let value = byte & 127;
        for (let shift = 7; byte > 127; shift += 7) {
          byte = bytes[at++];
          value |= (byte & 127) << shift;
        }
        values[i] = value;
      }
      return values;
    };
    return {
      language: head.language,
      lines: head.lines,
      degraded: head.degraded,
      terms: head.terms === "" ? [] : head.terms.split("\n"),
      chunks: head.chunks.map((c) => ({
        hash: c[0],
        startLine: c[1],
        endLine: c[2],
        kind: c[3],
        name: c[4],
        parents: c[5],
        signature: c[6],
        doc: c[7],
        body: bag(c[8]),
        symbol: bag(c[9]),
        docTerms: bag(c[10]),
        symbols: unpackSymbols(c[11], c[1]),
      })),
    };
  } catch (cause) {
    throw new CairnError(
      "corrupt",
      phrase("A file's record in the index is damaged."),
      phrase("The file is indexed again."),
      {
        cause,
      },
    );
  }
}

function packSymbols({ symbols, startLine }: ChunkRecord): PackedSymbol[] {
  let before = startLine;
  return symbols.map(({ name, kind, parents, line, endLine }) => {
    const linesOn = line - before;
    before = line;
    return [name, kind, parents, linesOn, endLine - line];
  });
}

function unpackSymbols(packed: readonly PackedSymbol[], startLine: number): SymbolRecord[] {
  let line = startLine;
  return packed.map(([name, kind, parents, linesOn, linesMore]) => {
    line += linesOn;
    return { name, kind, parents, line, endLine: line + linesMore };
  });
}
