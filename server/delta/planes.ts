import { type ZstdOptions, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { ReusedArray } from "./reused-array.ts";

/**
 * The first bytes of all values, then the second bytes, and so on: each such plane is compressed on its own, since the
 * bytes of an exponent have little in common with those of a fraction. Per plane: its length (u32, the highest bit set
 * when it is kept as it is), then its bytes.
 *
 * @param values little-endian, `width` bytes each
 */
export function splitPlanes(values: Uint8Array, width: number, options: ZstdOptions): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (let byte = 0; byte < width; byte++) {
    const plane = planeOf(values, width, byte);
    const packed = compressed(plane, options);
    const kept = packed.length >= plane.length;
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, kept ? KEPT + plane.length : packed.length, true);
    parts.push(length, kept ? plane.slice() : packed);
  }
  return concat(parts);
}

/** How many bytes {@link splitPlanes} would give. */
export function planesLength(values: Uint8Array, width: number, options: ZstdOptions): number {
  let total = 0;
  for (let byte = 0; byte < width; byte++) {
    const plane = planeOf(values, width, byte);
    total += 4 + Math.min(plane.length, compressed(plane, options).length);
  }
  return total;
}

const PLANE = new ReusedArray((length) => new Uint8Array(length));

/** One byte of each value; until the next is asked for. */
function planeOf(values: Uint8Array, width: number, byte: number): Uint8Array {
  const plane = PLANE.ofLength(values.length / width);
  for (let i = 0, at = byte; i < plane.length; i++, at += width) plane[i] = values[at];
  return plane;
}

/** In one piece of memory that is large enough (as zstd says what it needs), instead of many that are put together. */
function compressed(plane: Uint8Array, options: ZstdOptions): Uint8Array {
  const bound = plane.length + (plane.length >> 8) + 64;
  return zstdCompressSync(plane, { ...options, chunkSize: bound });
}

/** One array of all bytes. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Fills `values` with those whose planes these are. Throws when the planes are not exactly that long. */
export function joinPlanes(planes: Uint8Array, width: number, values: Uint8Array): void {
  const count = values.length / width;
  const view = new DataView(planes.buffer, planes.byteOffset, planes.length);
  let at = 0;
  for (let byte = 0; byte < width; byte++) {
    const said = view.getUint32(at, true);
    const kept = said >= KEPT;
    const size = kept ? said - KEPT : said;
    const packed = planes.subarray(at + 4, at + 4 + size);
    const plane = kept ? packed : zstdDecompressSync(packed, inOnePiece(count));
    if (packed.length !== size || plane.length !== count) throw new Error("a plane has the wrong length");
    for (let i = 0, to = byte; i < count; i++, to += width) values[to] = plane[i];
    at += 4 + size;
  }
  if (at !== planes.length) throw new Error("something follows its planes");
}

/** Smaller pieces would be joined, and both be garbage. */
function inOnePiece(bytes: number): ZstdOptions {
  return { maxOutputLength: Math.max(1, bytes), chunkSize: Math.max(64, bytes) };
}

const KEPT = 2 ** 31;
