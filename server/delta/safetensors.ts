import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";

/** A named range of a file that holds values of one format. */
export interface TensorPlace {
  name: string;
  /** As the file names it: `BF16`, `F32`... */
  dtype: string;
  shape: readonly number[];
  /** Bytes from the start of the file. */
  at: number;
  bytes: number;
}

/** The format's own limit for a header. */
const MOST_HEADER_BYTES = 100_000_000;

/** Bits of a value. Formats that are not here are taken as they come, without a check of their size. */
const BITS: Readonly<Record<string, number>> = {
  BOOL: 8,
  U8: 8,
  I8: 8,
  F8_E4M3: 8,
  F8_E5M2: 8,
  F8_E8M0: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  I64: 64,
  U64: 64,
  F64: 64,
  C64: 64,
};

/** Where a safetensors file's values begin. Throws `input` when the file is too short for what it claims. */
export function dataStart(path: string, fileBytes: number, first: Uint8Array): number {
  if (first.length < 8) throw refused(path, "it is too short for a header");
  const length = new DataView(first.buffer, first.byteOffset).getBigUint64(0, true);
  if (length > BigInt(Math.max(0, fileBytes - 8)))
    throw refused(path, `its header claims ${length} bytes, more than there are`);
  if (length > MOST_HEADER_BYTES)
    throw refused(path, `its header claims ${length} bytes; 100 MB are the format's limit`);
  return 8 + Number(length);
}

/**
 * The tensors that a header lists, in the order in which they lie in the file.
 *
 * @param header the file up to where its values begin
 * @throws {CairnError} `input` when the header is not valid: not JSON, sizes that do not fit, tensors that overlap or
 *   reach beyond the file
 */
export function readTensors(path: string, fileBytes: number, header: Uint8Array): TensorPlace[] {
  const entries = parseHeader(path, header);
  const start = header.length;
  const tensors = Object.entries(entries)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, entry]) => readTensor(path, name, entry, start, fileBytes));
  tensors.sort((a, b) => a.at - b.at || a.bytes - b.bytes);
  let end = start;
  for (const { name, at, bytes } of tensors) {
    if (at < end) throw refused(path, `its tensor ${shown(name)} overlaps another`);
    end = at + bytes;
  }
  return tensors;
}

function parseHeader(path: string, header: Uint8Array): object {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(header.subarray(8));
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return parsed;
  } catch {
    // Reported below with the other case.
  }
  throw refused(path, "its header is not JSON");
}

function readTensor(path: string, name: string, entry: unknown, start: number, fileBytes: number): TensorPlace {
  const { dtype, shape, data_offsets } = (entry ?? {}) as Record<string, unknown>;
  if (typeof dtype !== "string" || !isSizes(shape) || !isSizes(data_offsets) || data_offsets.length !== 2) {
    throw refused(path, `its tensor ${shown(name)} is not described as the format wants`);
  }
  const [from, to] = data_offsets;
  if (from > to || to > fileBytes - start) throw refused(path, `its tensor ${shown(name)} reaches beyond the file`);
  if (Object.hasOwn(BITS, dtype)) {
    const bits = shape.reduce((product, size) => product * BigInt(size), BigInt(BITS[dtype]));
    if (bits !== 8n * BigInt(to - from))
      throw refused(path, `its tensor ${shown(name)} has a size that does not fit its shape`);
  }
  return { name, dtype, shape, at: start + from, bytes: to - from };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function shown(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}

function refused(path: string, why: string): CairnError {
  return new CairnError(
    "input",
    phrase("{0} is not a valid safetensors file: {1}.", path, why),
    phrase("Download or export it again."),
  );
}
