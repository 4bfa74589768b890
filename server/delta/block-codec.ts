import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { CodecMemory } from "./codec-memory.ts";
import {
  type BlockStatistics,
  type ContextModel,
  canHaveKeys,
  chooseContexts,
  contextMap,
  MOST_CONTEXTS,
  MOST_KEYS,
  Sample,
  TOKENS,
} from "./context-model.ts";
import {
  codedBits,
  fillSlots,
  fillSymbols,
  normalise,
  readFrequencies,
  TOTAL,
  writeFrequencies,
} from "./frequencies.ts";
import type { NumberFormat } from "./number-format.ts";
import { concat, joinPlanes, planesLength, splitPlanes } from "./planes.ts";

/** What is coded as one: whole rows of a tensor, a part of a long row, or small tensors one after the other. */
export interface BlockShape {
  format: NumberFormat;
  rows: number;
  cols: number;
}

/** The first byte of a block says how the rest is to be read; FORMAT.md describes each. */
export const Codec = {
  /** The bytes as they are. */
  raw: 0,
  /** Byte planes of the value itself, each by zstd. Needs no base. */
  planes: 1,
  /** Byte planes of the difference, each by zstd. */
  differencePlanes: 2,
  /** Tokens of the difference by rANS, with contexts, and low bits. */
  contexts: 3,
  /** The base's bytes. */
  same: 4,
} as const;
export type CodecName = keyof typeof Codec;

export function codecName(id: number): CodecName | undefined {
  return (Object.keys(Codec) as CodecName[]).find((name) => Codec[name] === id);
}

/**
 * Codes the block whose bytes lie in the codec's memory at `fine`, and those of its base, when it has one, at `base`.
 * The result is never much longer than the block, and stays until the next call. Overwrites all else in the memory.
 */
export function encodeBlock(codec: CodecMemory, shape: BlockShape, hasBase: boolean): Uint8Array {
  const length = shape.rows * shape.cols * shape.format.width;
  const fine = codec.bytes(codec.at.fine, length);
  if (hasBase && Buffer.compare(fine, codec.bytes(codec.at.base, length)) === 0) return Uint8Array.of(Codec.same);
  let best: Uint8Array | undefined;
  if (hasBase && shape.format.width !== 8) best = encodeDifference(codec, shape, length);
  else if (hasBase) best = encodePlanes(Codec.differencePlanes, xored(fine, codec.bytes(codec.at.base, length)), 8);
  // A difference that saves little may still save more than the value alone; a look at a part tells.
  const shortest = Math.min(length, best?.length ?? length);
  if (shortest > WORTH_HAVING * length && mayBeShorterAlone(fine, shape.format, shortest, best !== undefined)) {
    const alone = encodePlanes(Codec.planes, rotated(fine, shape.format), shape.format.width);
    if (!best || alone.length < best.length) best = alone;
  }
  return best && best.length <= length ? best : concat([Uint8Array.of(Codec.raw), fine]);
}

/**
 * Decodes a block into the codec's memory at `fine`, whose bytes it returns; they stay until the next call. The base's
 * bytes lie at `base` when the block was coded with one.
 *
 * @throws {CairnError} `corrupt` when the block is not what the encoder writes.
 */
export function decodeBlock(codec: CodecMemory, shape: BlockShape, block: Uint8Array): Uint8Array {
  const { width } = shape.format;
  const length = shape.rows * shape.cols * width;
  const fine = codec.bytes(codec.at.fine, length);
  const body = block.subarray(1);
  try {
    switch (block[0]) {
      case Codec.raw:
        if (body.length !== length) throw damaged("it is too short or too long");
        fine.set(body);
        return fine;
      case Codec.same:
        if (body.length !== 0) throw damaged("something follows it");
        fine.set(codec.bytes(codec.at.base, length));
        return fine;
      case Codec.planes:
        joinPlanes(body, width, fine);
        restore(fine, shape.format);
        return fine;
      case Codec.differencePlanes:
        decodeDifferencePlanes(codec, shape, body, length);
        return fine;
      case Codec.contexts:
        decodeContexts(codec, shape, body);
        return fine;
      default:
        throw damaged(`its codec ${block[0]} is not known`);
    }
  } catch (error) {
    if (error instanceof CairnError) throw error;
    // A decompressor or a kernel that ran out of what the block gives it.
    throw damaged(error instanceof Error ? error.message : String(error));
  }
}

/** Whether the planes of the value, by a part of the block, would take less than what is known. */
function mayBeShorterAlone(fine: Uint8Array, format: NumberFormat, known: number, isKnown: boolean): boolean {
  if (!isKnown || fine.length <= PROBE_BYTES) return true;
  const from = Math.floor((fine.length - PROBE_BYTES) / 2 / format.width) * format.width;
  const probe = 1 + planesLength(rotated(fine.subarray(from, from + PROBE_BYTES), format), format.width, ZSTD);
  return (probe * fine.length) / PROBE_BYTES < known;
}

/** What of a coded block does not grow with it: its tables of frequencies, and lengths. */
export function headerBytes(block: Uint8Array): number {
  if (block[0] !== Codec.contexts) return 1;
  return FIXED + new DataView(block.buffer, block.byteOffset).getUint32(1, true);
}

/** Below this share of its length a block's difference is taken without a look at the value alone. */
const WORTH_HAVING = 0.6;
/** How much of a block is tried with zstd before all of it is. */
const PROBE_BYTES = 1 << 14;
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
/** Headers are small and are read as often as blocks: the best that is still quick. */
const ZSTD_HEADER = { params: { [constants.ZSTD_c_compressionLevel]: 9 } };
const HEADER_LIMIT = 1 << 24;
const FIRST_STATE = 0x8000;

function encodeDifference(codec: CodecMemory, { format, rows, cols }: BlockShape, length: number): Uint8Array {
  const { kernels, at } = codec;
  const n = rows * cols;
  const [keyedRows, keyedCols] = canHaveKeys(rows, cols) ? [rows, cols] : [1, n];
  const model = chooseContexts(statistics(codec, format, keyedRows, keyedCols));
  placeModel(codec, model, 16 * TOKENS, 0);
  const counts = codec.words(at.counts, 4 * MOST_CONTEXTS * TOKENS).fill(0);
  const bitsEnd = kernels.tokens(
    at.z,
    at.e,
    keyedRows,
    keyedCols,
    at.rowKeys,
    at.colKeys,
    model.step,
    at.map,
    at.tokenTable,
    at.pairs,
    at.counts,
    at.bits,
    at.scratch,
  );
  const symbols = new DataView(codec.memory.buffer, at.symbols, 16 * MOST_CONTEXTS * TOKENS);
  let tokenBits = 0;
  const frequencies = model.bounds.map((_, context) => {
    const contextCounts = new Uint32Array(TOKENS);
    for (let token = 0; token < TOKENS; token++) contextCounts[token] = counts[4 * (TOKENS * context + token)];
    const scaled = normalise(contextCounts);
    tokenBits += codedBits(contextCounts, scaled);
    fillSymbols(scaled, symbols, 16 * TOKENS * context);
    return scaled;
  });
  const header = encodeHeader(model, frequencies);
  const expected = header.length + tokenBits / 8 + (bitsEnd - at.bits);
  const planes = betterPlanes(codec, codec.words(at.z, n), format.width, length, expected);
  if (planes) return planes;
  const wordsStart = kernels.encode(at.pairs, n, at.symbols, at.wordsEnd, at.states);
  // Words end where bits begin; what comes before them is put there, and the block lies in one piece.
  const start = wordsStart - header.length - FIXED;
  const block = codec.bytes(start, bitsEnd - start);
  const view = new DataView(codec.memory.buffer, start, FIXED);
  view.setUint8(0, Codec.contexts);
  view.setUint32(1, header.length, true);
  view.setUint32(5, at.wordsEnd - wordsStart, true);
  view.setUint32(9, bitsEnd - at.bits, true);
  codec.words(at.states, 4).forEach((state, i) => {
    view.setUint32(13 + 4 * i, state, true);
  });
  block.set(header, FIXED);
  return block;
}

/** Brings differences and exponents into `z` and `e`, and returns what is to be known of them. */
function statistics(codec: CodecMemory, format: NumberFormat, rows: number, cols: number): BlockStatistics {
  const { kernels, at } = codec;
  const sample = new Sample(rows, cols);
  const hasKeys = canHaveKeys(rows, cols);
  const rowSums = codec.floats(at.rowSums, hasKeys ? rows : 0);
  const colSums = codec.floats(at.colSums, hasKeys ? cols : 0).fill(0);
  const [z, e] = [codec.words(at.z, rows * cols), codec.bytes(at.e, rows * cols)];
  for (const tile of tiles(rows, cols)) {
    const n = tile.rows * tile.cols;
    const [tileZ, tileE] = [at.z + 4 * tile.from, at.e + tile.from];
    split(codec, format, n, at.base + tile.from * format.width, at.fine + tile.from * format.width, tileZ, tileE);
    if (hasKeys) kernels.magnitudes(tileZ, tileE, tile.rows, cols, at.rowSums + 4 * tile.row, at.colSums);
    sample.take(z, e, tile.from + n);
  }
  return { sample, rows, cols, rowSums, colSums };
}

/** A part of a block that stays in a processor's cache between one step and the next. */
interface Tile {
  row: number;
  rows: number;
  cols: number;
  /** The number of its first value. */
  from: number;
}

/** Whole rows, or parts of a single one. */
function* tiles(rows: number, cols: number): Generator<Tile> {
  const most = Math.max(1, Math.floor(TILE_VALUES / cols));
  if (rows > 1) {
    for (let row = 0; row < rows; row += most) yield { row, rows: Math.min(most, rows - row), cols, from: row * cols };
  } else {
    for (let from = 0; from < cols; from += TILE_VALUES)
      yield { row: 0, rows: 1, cols: Math.min(TILE_VALUES, cols - from), from };
  }
}

const TILE_VALUES = 8192;

/** The codec, three lengths and four states. */
const FIXED = 1 + 3 * 4 + 4 * 4;

/** The difference as planes by zstd, when a part of the block says that they are shorter than expected of contexts. */
function betterPlanes(
  codec: CodecMemory,
  z: Uint32Array,
  width: number,
  length: number,
  expected: number,
): Uint8Array<ArrayBuffer> | undefined {
  const probed = Math.min(length, PROBE_BYTES);
  const values = probed / width;
  const from = Math.floor((z.length - values) / 2);
  const probe = 1 + planesLength(narrow(codec, z.subarray(from, from + values), width), width, ZSTD);
  if (probe * (length / probed) > expected) return undefined;
  const planes = encodePlanes(Codec.differencePlanes, narrow(codec, z, width), width);
  return planes.length < expected ? planes : undefined;
}

/** `unit` and `origin` are those of {@link contextMap}. */
function placeModel(
  codec: CodecMemory,
  { rowKeys, colKeys, bounds }: Omit<ContextModel, "step">,
  unit: number,
  origin: number,
): void {
  codec.bytes(codec.at.rowKeys, rowKeys.length).set(rowKeys);
  codec.bytes(codec.at.colKeys, colKeys.length).set(colKeys);
  contextMap(bounds, codec.words(codec.at.map, MOST_KEYS), unit, origin);
}

/** Which parts of a model a header holds. */
const HAS_ROW_KEYS = 1;
const HAS_COLUMN_KEYS = 2;

/** step, flags, number of contexts, their bounds, keys of rows and columns that are not all zero, frequencies. */
function encodeHeader(model: ContextModel, frequencies: readonly Uint16Array[]): Uint8Array {
  const rows = model.rowKeys.some((key) => key > 0);
  const cols = model.colKeys.some((key) => key > 0);
  const numbers = [model.step, (rows ? HAS_ROW_KEYS : 0) + (cols ? HAS_COLUMN_KEYS : 0), model.bounds.length];
  for (const bound of model.bounds) numbers.push(bound & 0xff, bound >> 8);
  const tables: number[] = [];
  for (const scaled of frequencies) writeFrequencies(scaled, tables);
  const parts: Uint8Array[] = [Uint8Array.from(numbers)];
  if (rows) parts.push(model.rowKeys);
  if (cols) parts.push(model.colKeys);
  parts.push(Uint8Array.from(tables));
  return zstdCompressSync(concat(parts), ZSTD_HEADER);
}

function decodeHeader(bytes: Uint8Array, rows: number, cols: number) {
  const header = zstdDecompressSync(bytes, { maxOutputLength: HEADER_LIMIT });
  const [step, flags, contexts] = header;
  if (!(step <= 4) || !(contexts >= 1 && contexts <= MOST_CONTEXTS)) throw damaged("its contexts are not valid");
  const bounds: number[] = [];
  let at = 3;
  for (let context = 0; context < contexts; context++, at += 2) {
    const bound = header[at] + header[at + 1] * 256;
    if (!(bound <= MOST_KEYS && bound > (bounds.at(-1) ?? 0))) throw damaged("its contexts are not in order");
    bounds.push(bound);
  }
  const keys = (there: boolean, count: number): Uint8Array => {
    if (!there) return new Uint8Array(count);
    const list = header.subarray(at, at + count);
    if (list.length !== count) throw damaged("its keys are cut off");
    at += count;
    return list;
  };
  // Without keys, rows are of no interest.
  const [keyedRows, keyedCols] = flags === 0 ? [1, rows * cols] : [rows, cols];
  const rowKeys = keys((flags & HAS_ROW_KEYS) !== 0, keyedRows);
  const colKeys = keys((flags & HAS_COLUMN_KEYS) !== 0, keyedCols);
  const frequencies = bounds.map(() => {
    const table = readFrequencies(header, at);
    if (!table) throw damaged("its frequencies are not valid");
    at = table.next;
    return table.frequencies;
  });
  if (at !== header.length) throw damaged("its header is too long");
  return { model: { step, rowKeys, colKeys, bounds }, frequencies, keyedRows, keyedCols };
}

function decodeContexts(codec: CodecMemory, { format, rows, cols }: BlockShape, body: Uint8Array): void {
  const { kernels, at } = codec;
  const n = rows * cols;
  if (format.width === 8 || body.length < FIXED - 1) throw damaged("it is cut off");
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const [headerBytes, wordBytes, bitBytes] = [0, 4, 8].map((offset) => view.getUint32(offset, true));
  if (FIXED - 1 + headerBytes + wordBytes + bitBytes !== body.length) throw damaged("its parts do not fit its length");
  if (wordBytes > at.wordsEnd - at.words || bitBytes > 4 * n) throw damaged("its parts are too long");
  const header = body.subarray(FIXED - 1, FIXED - 1 + headerBytes);
  const { model, frequencies, keyedRows, keyedCols } = decodeHeader(header, rows, cols);
  placeModel(codec, model, 4 * TOTAL, at.slots);
  frequencies.forEach((scaled, context) => {
    fillSlots(scaled, codec.words(at.slots + 4 * TOTAL * context, TOTAL));
  });
  const states = [12, 16, 20, 24].map((offset) => view.getUint32(offset, true));
  codec.words(at.states, 6).set([...states, at.words, 0]);
  const words = body.subarray(FIXED - 1 + headerBytes, FIXED - 1 + headerBytes + wordBytes);
  codec.bytes(at.words, words.length).set(words);
  const bits = body.subarray(body.length - bitBytes);
  codec.bytes(at.bits, bits.length).set(bits);
  for (const tile of tiles(keyedRows, keyedCols)) {
    const [base, fine] = [at.base + tile.from * format.width, at.fine + tile.from * format.width];
    // The exponents are what it is for.
    split(codec, format, tile.rows * tile.cols, base, base, at.z, at.e);
    kernels.decode(
      at.e,
      tile.rows,
      tile.cols,
      at.rowKeys + tile.row,
      at.colKeys + (tile.cols === keyedCols ? 0 : tile.from),
      model.step,
      at.map,
      at.tokenTable,
      at.states,
      at.bits,
      at.z,
      at.scratch,
    );
    join(codec, format, tile.rows * tile.cols, base, fine);
  }
  const [s0, s1, s2, s3, wordsEnd, bitCount] = codec.words(at.states, 6);
  const finished = [s0, s1, s2, s3].every((state) => state === FIRST_STATE);
  if (!finished || wordsEnd !== at.words + wordBytes || Math.ceil(bitCount / 8) !== bitBytes) {
    throw damaged("its symbols do not end where they should");
  }
}

function decodeDifferencePlanes(
  codec: CodecMemory,
  { format, rows, cols }: BlockShape,
  body: Uint8Array,
  length: number,
) {
  // Values of their width, before they are widened; garbage of this size would pile up.
  const planes = codec.bytes(codec.at.words, length);
  joinPlanes(body, format.width, planes);
  if (format.width === 8) {
    codec.bytes(codec.at.fine, length).set(xored(planes, codec.bytes(codec.at.base, length)));
    return;
  }
  widen(planes, format.width, codec.words(codec.at.z, rows * cols));
  join(codec, format, rows * cols, codec.at.base, codec.at.fine);
}

/** Differences of `n` values into `z`, and the base's exponents into `e`. */
function split(
  { kernels }: CodecMemory,
  format: NumberFormat,
  n: number,
  base: number,
  fine: number,
  z: number,
  e: number,
): void {
  const kernel = format.width === 1 ? kernels.split8 : format.width === 2 ? kernels.split16 : kernels.split32;
  kernel(base, fine, n, format.flip, format.shift, format.mask, z, e);
}

/** The way back, from the differences in `z`. */
function join({ kernels, at }: CodecMemory, format: NumberFormat, n: number, base: number, fine: number): void {
  const kernel = format.width === 1 ? kernels.join8 : format.width === 2 ? kernels.join16 : kernels.join32;
  kernel(base, at.z, n, format.flip, fine);
}

function encodePlanes(codec: number, values: Uint8Array, width: number): Uint8Array<ArrayBuffer> {
  return concat([Uint8Array.of(codec), splitPlanes(values, width, ZSTD)]);
}

/** Values of their width, in memory that words have not been written to yet. */
function narrow({ memory, at }: CodecMemory, z: Uint32Array, width: number): Uint8Array {
  const values = new Uint8Array(memory.buffer, at.words, z.length * width);
  if (width === 1) values.set(z);
  else if (width === 2) new Uint16Array(memory.buffer, at.words, z.length).set(z);
  else new Uint32Array(memory.buffer, at.words, z.length).set(z);
  return values;
}

function widen(values: Uint8Array, width: number, z: Uint32Array): void {
  if (width === 1) z.set(values);
  else if (width === 2) z.set(new Uint16Array(values.buffer, values.byteOffset, z.length));
  else z.set(new Uint32Array(values.buffer, values.byteOffset, z.length));
}

/** Floats turned by one bit, so that the exponent fills the highest byte and the sign lies with the fraction. */
function rotated(bytes: Uint8Array, { width, flip }: NumberFormat): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(bytes);
  if (flip === 0 || width === 8) return copy;
  const turn = { 1: turn8, 2: turn16, 4: turn32 }[width];
  turn(copy, 1);
  return copy;
}

function restore(bytes: Uint8Array, { width, flip }: NumberFormat): void {
  if (flip === 0 || width === 8) return;
  const turn = { 1: turn8, 2: turn16, 4: turn32 }[width];
  turn(bytes, 8 * width - 1);
}

function turn8(bytes: Uint8Array, by: number): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] << by) | (bytes[i] >> (8 - by));
}

function turn16(bytes: Uint8Array, by: number): void {
  const values = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  for (let i = 0; i < values.length; i++) values[i] = (values[i] << by) | (values[i] >> (16 - by));
}

function turn32(bytes: Uint8Array, by: number): void {
  const values = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  for (let i = 0; i < values.length; i++) values[i] = (values[i] << by) | (values[i] >>> (32 - by));
}

function xored(a: Uint8Array, b: Uint8Array): Uint8Array {
  return Uint8Array.from(a, (byte, i) => byte ^ b[i]);
}

function damaged(why: string): CairnError {
  return new CairnError(
    "corrupt",
    phrase("A block of the delta cannot be decoded: {0}.", why),
    phrase("Get the delta again; this copy is damaged."),
  );
}
