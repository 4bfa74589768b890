import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { NumberReader, NumberWriter } from "./numbers.ts";
import { concat } from "./planes.ts";
import { patchOf, writeSteps } from "./row-patch.ts";
import { FRAGMENT_BYTES, joinSnappy, predictTokens, type SnappyParts, splitSnappy } from "./snappy.ts";

/** The first byte of a block of rows that have to be packed again, and of a record of what is packed in a base. */
export const PACKED_ROWS = 7;
export const PACKED_PLACES = 8;

/** A Snappy stream in a file. */
export interface PackedStream {
  /** From the start of the file, or of what is said. */
  at: number;
  bytes: number;
  /** Of its data. */
  dataBytes: number;
}

/** Data of a longer stream is left as it is. */
export const LONGEST_DATA = 32 << 20;
/** Bytes of a record or of the numbers of a block, unpacked: some for each stream. */
const MOST_NUMBER_BYTES = 64 << 20;
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 19 } };

/**
 * The bytes with each stream replaced by its data.
 *
 * @throws {CairnError} `corrupt` when one of them is no stream
 */
export function unpack(bytes: Uint8Array, streams: readonly PackedStream[]): Uint8Array {
  return concat(unpacked(bytes, streams).map((piece) => ("data" in piece ? piece.data : piece)));
}

/**
 * A block of rows that are packed: what is needed to pack them again, and the rows as `encode` codes them. Tokens are
 * kept as patches of what is predicted from the data.
 */
export function encodePacked(
  bytes: Uint8Array,
  streams: readonly PackedStream[],
  encode: (rows: Uint8Array) => Uint8Array,
): Uint8Array<ArrayBuffer> {
  const pieces = unpacked(bytes, streams);
  const rows = concat(pieces.map((piece) => ("data" in piece ? piece.data : piece)));
  const numbers = new NumberWriter();
  const fresh: Uint8Array[] = [];
  numbers.unsigned(rows.length);
  let raw = 0;
  for (const piece of pieces) {
    if (!("data" in piece)) {
      raw = piece.length;
      continue;
    }
    numbers.unsigned(raw);
    numbers.unsigned(piece.data.length);
    raw = 0;
    piece.tokens.forEach((tokens, i) => {
      const predicted = predictTokens(fragment(piece.data, i));
      const steps = Buffer.compare(predicted, tokens) === 0 ? [] : patchOf(predicted, tokens);
      writeSteps(steps, numbers, fresh);
    });
  }
  const frames = [numbers.bytes(), concat(fresh)].map((part) => zstdCompressSync(part, ZSTD));
  const lengths = new Uint8Array(9);
  lengths[0] = PACKED_ROWS;
  frames.forEach((frame, i) => {
    new DataView(lengths.buffer).setUint32(1 + 4 * i, frame.length, true);
  });
  return concat([lengths, ...frames, encode(rows)]);
}

/**
 * The reverse: `length` bytes.
 *
 * @param most the longest that unpacked rows may be
 * @throws {CairnError} `corrupt`
 */
export function decodePacked(
  block: Uint8Array,
  length: number,
  most: number,
  decode: (rows: Uint8Array, length: number) => Uint8Array,
): Uint8Array<ArrayBuffer> {
  if (block.length < 9) throw damaged("it is cut off");
  const view = new DataView(block.buffer, block.byteOffset);
  const [first, second] = [9 + view.getUint32(1, true), view.getUint32(5, true)];
  const numbers = new NumberReader(unzipped(block.subarray(9, first)), damaged);
  const fresh = new Source(unzipped(block.subarray(first, first + second)));
  const total = numbers.unsigned();
  if (total > most) throw damaged("its rows are too long");
  const rows = new Source(decode(block.subarray(first + second), total));
  const out = new Uint8Array(length);
  let at = 0;
  const put = (bytes: Uint8Array) => {
    if (at + bytes.length > length) throw damaged("it is longer than said");
    out.set(bytes, at);
    at += bytes.length;
  };
  while (!numbers.isAtEnd) {
    put(rows.take(numbers.unsigned()));
    const data = rows.take(numbers.unsigned());
    const tokens = Array.from({ length: Math.ceil(data.length / FRAGMENT_BYTES) }, (_, i) =>
      patchedTokens(predictTokens(fragment(data, i)), numbers, fresh),
    );
    const stream = joinSnappy({ data, tokens });
    if (!stream) throw damaged("a stream of it does not fit its data");
    put(stream);
  }
  put(rows.rest());
  if (at !== length || !fresh.isAtEnd) throw damaged("its parts do not end together");
  return out;
}

/** Tokens of a fragment are a few bytes for each byte of it, at the most. */
const MOST_TOKEN_BYTES = 4 * FRAGMENT_BYTES;

function patchedTokens(predicted: Uint8Array, numbers: NumberReader, fresh: Source): Uint8Array {
  const steps = numbers.unsigned();
  if (steps === 0) return predicted;
  const parts: Uint8Array[] = [];
  let from = 0;
  let bytes = 0;
  for (let left = steps; left > 0; left--) {
    from += numbers.signed();
    const copy = numbers.unsigned();
    const inserted = fresh.take(numbers.unsigned());
    bytes += copy + inserted.length;
    if (from < 0 || from + copy > predicted.length || bytes > MOST_TOKEN_BYTES)
      throw damaged("it refers to bytes that are not there");
    parts.push(predicted.subarray(from, from + copy), inserted);
    from += copy;
  }
  return concat(parts);
}

function fragment(data: Uint8Array, number: number): Uint8Array {
  return data.subarray(number * FRAGMENT_BYTES, (number + 1) * FRAGMENT_BYTES);
}

/** Bytes that are used up from their beginning. */
class Source {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(count: number): Uint8Array {
    if (this.#at + count > this.#bytes.length) throw damaged("it refers to bytes that are not there");
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }
}

/** What is packed in each of several files, in the order in which it lies there. */
export function encodePlaces(files: readonly (readonly PackedStream[])[]): Uint8Array<ArrayBuffer> {
  const numbers = new NumberWriter();
  for (const streams of files) {
    numbers.unsigned(streams.length);
    let end = 0;
    for (const { at, bytes, dataBytes } of streams) {
      for (const number of [at - end, bytes, dataBytes]) numbers.unsigned(number);
      end = at + bytes;
    }
  }
  return concat([Uint8Array.of(PACKED_PLACES), zstdCompressSync(numbers.bytes(), ZSTD)]);
}

/**
 * @param fileBytes the lengths of the files
 * @param most bytes of all files unpacked, at most
 * @throws {CairnError} `corrupt`
 */
export function decodePlaces(record: Uint8Array, fileBytes: readonly number[], most: number): PackedStream[][] {
  if (record[0] !== PACKED_PLACES) throw damaged("it does not say what is packed");
  const numbers = new NumberReader(unzipped(record.subarray(1)), damaged);
  let unpackedBytes = 0;
  const files = fileBytes.map((end) => {
    const streams: PackedStream[] = [];
    let from = 0;
    for (let left = numbers.unsigned(); left > 0; left--) {
      const at = from + numbers.unsigned();
      const stream = { at, bytes: numbers.unsigned(), dataBytes: numbers.unsigned() };
      from = at + stream.bytes;
      unpackedBytes += stream.dataBytes;
      if (from > end || stream.dataBytes > LONGEST_DATA) throw damaged("something packed is not in its file");
      streams.push(stream);
    }
    return streams;
  });
  if (!numbers.isAtEnd || unpackedBytes > most) throw damaged("it says more than there is");
  return files;
}

/** What lies between streams as it is, each stream in its parts. */
function unpacked(bytes: Uint8Array, streams: readonly PackedStream[]): (Uint8Array | SnappyParts)[] {
  const pieces: (Uint8Array | SnappyParts)[] = [];
  let end = 0;
  for (const { at, bytes: length, dataBytes } of streams) {
    const parts = splitSnappy(bytes.subarray(at, at + length), LONGEST_DATA);
    if (parts?.data.length !== dataBytes) throw damaged("something packed cannot be unpacked");
    if (at > end) pieces.push(bytes.subarray(end, at));
    pieces.push(parts);
    end = at + length;
  }
  if (end < bytes.length) pieces.push(bytes.subarray(end));
  return pieces;
}

function unzipped(frame: Uint8Array): Uint8Array {
  try {
    return zstdDecompressSync(frame, { maxOutputLength: MOST_NUMBER_BYTES });
  } catch {
    throw damaged("its numbers cannot be unpacked");
  }
}

function damaged(why: string): CairnError {
  return new CairnError(
    "corrupt",
    phrase("A block of packed rows cannot be decoded: {0}.", why),
    phrase("Get the delta again; this copy is damaged."),
  );
}
