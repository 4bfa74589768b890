import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { FileReader } from "./read-file.ts";
import type { TensorPlace } from "./safetensors.ts";

/** Types of ggml by their number: the name, values in a block, bytes of a block. Those that are no longer used lack. */
const TYPES: Readonly<Record<number, readonly [name: string, values: number, bytes: number]>> = {
  0: ["F32", 1, 4],
  1: ["F16", 1, 2],
  2: ["Q4_0", 32, 18],
  3: ["Q4_1", 32, 20],
  6: ["Q5_0", 32, 22],
  7: ["Q5_1", 32, 24],
  8: ["Q8_0", 32, 34],
  9: ["Q8_1", 32, 36],
  10: ["Q2_K", 256, 84],
  11: ["Q3_K", 256, 110],
  12: ["Q4_K", 256, 144],
  13: ["Q5_K", 256, 176],
  14: ["Q6_K", 256, 210],
  15: ["Q8_K", 256, 292],
  16: ["IQ2_XXS", 256, 66],
  17: ["IQ2_XS", 256, 74],
  18: ["IQ3_XXS", 256, 98],
  19: ["IQ1_S", 256, 50],
  20: ["IQ4_NL", 32, 18],
  21: ["IQ3_S", 256, 110],
  22: ["IQ2_S", 256, 82],
  23: ["IQ4_XS", 256, 136],
  24: ["I8", 1, 1],
  25: ["I16", 1, 2],
  26: ["I32", 1, 4],
  27: ["I64", 1, 8],
  28: ["F64", 1, 8],
  29: ["IQ1_M", 256, 56],
  30: ["BF16", 1, 2],
  34: ["TQ1_0", 256, 54],
  35: ["TQ2_0", 256, 66],
  39: ["MXFP4", 32, 17],
};

/** Bytes of the values of metadata by their type; 8 is a string and 9 an array. */
const VALUE_BYTES: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};
const UINT32 = 4;
const STRING = 8;
const ARRAY = 9;

const MAGIC = 0x46554747;
/** Of the metadata, what is larger has a place of its own: a vocabulary is the same in the base, wherever it lies. */
const LARGE_VALUE_BYTES = 4096;
const LONGEST_NAME = 4096;
const MOST_DIMENSIONS = 8;
const DEEPEST_ARRAY = 4;
const WINDOW_BYTES = 1 << 18;

/**
 * What a GGUF file holds, in the order in which it lies there: its tensors, and the large values of its metadata under
 * their keys. Undefined when it is none, or of a version or byte order that is not known; it is taken as bytes then.
 *
 * Rows of types that pack values into blocks are given in bytes: that is how they are stored and compared.
 *
 * @throws {CairnError} `input` when the header is not valid: counts, strings and sizes that do not fit into the file,
 *   tensors that overlap or reach beyond it
 */
export function readGguf(reader: FileReader, path: string, fileBytes: number): TensorPlace[] | undefined {
  const header = new HeaderReader(reader, path, fileBytes);
  if (fileBytes < 24 || header.u32() !== MAGIC) return undefined;
  const version = header.u32();
  if (version !== 2 && version !== 3) return undefined;
  const tensorCount = header.u64();
  const { large, alignment } = readMetadata(header, header.u64());
  const described: Described[] = [];
  // Each takes bytes of the file, so a count that lies ends with it.
  for (let i = 0; i < tensorCount; i++) described.push(readDescription(header));
  const start = Math.ceil(header.at / alignment) * alignment;
  const tensors = placed(header, described, start, fileBytes);
  const names = new Set<string>();
  for (const { name } of [...large, ...tensors]) {
    if (names.has(name)) throw header.refused(`it has ${shown(name)} twice`);
    names.add(name);
  }
  return [...large, ...tensors];
}

function readMetadata(header: HeaderReader, count: number): { large: TensorPlace[]; alignment: number } {
  const large: TensorPlace[] = [];
  let alignment = 32;
  for (let i = 0; i < count; i++) {
    const key = header.text(LONGEST_NAME);
    const type = header.u32();
    const at = header.at;
    if (key === "general.alignment" && type === UINT32) {
      alignment = header.u32();
      if (alignment === 0 || alignment % 8 !== 0) throw header.refused(`its alignment is ${alignment}`);
    } else skipValue(header, type, 0);
    const bytes = header.at - at;
    if (bytes >= LARGE_VALUE_BYTES) large.push({ name: key, dtype: "U8", shape: [bytes], at, bytes });
  }
  return { large, alignment };
}

function skipValue(header: HeaderReader, type: number, depth: number): void {
  if (type === STRING) header.skip(header.u64());
  else if (type !== ARRAY) header.skip(valueBytes(header, type));
  else {
    if (depth >= DEEPEST_ARRAY) throw header.refused("its metadata is nested too deep");
    const item = header.u32();
    const count = header.u64();
    if (item !== STRING && item !== ARRAY) header.skip(count * valueBytes(header, item));
    else for (let i = 0; i < count; i++) skipValue(header, item, depth + 1);
  }
}

function valueBytes(header: HeaderReader, type: number): number {
  const bytes = Object.hasOwn(VALUE_BYTES, type) ? VALUE_BYTES[type] : undefined;
  if (bytes === undefined) throw header.refused(`its metadata has values of the type ${type}`);
  return bytes;
}

interface Described {
  name: string;
  /** The innermost first. */
  sizes: number[];
  type: number;
  offset: number;
}

function readDescription(header: HeaderReader): Described {
  const name = header.text(LONGEST_NAME);
  const dimensions = header.u32();
  if (dimensions > MOST_DIMENSIONS) throw header.refused(`its tensor ${shown(name)} has ${dimensions} dimensions`);
  const sizes = Array.from({ length: dimensions }, () => header.u64());
  return { name, sizes, type: header.u32(), offset: header.u64() };
}

function placed(header: HeaderReader, described: Described[], start: number, fileBytes: number): TensorPlace[] {
  const inOrder = described.toSorted((a, b) => a.offset - b.offset);
  let end = 0;
  return inOrder.map(({ name, sizes, type, offset }, i) => {
    const next = inOrder[i + 1]?.offset ?? fileBytes - start;
    const { dtype, shape, bytes } = layoutOf(header, name, sizes, type, next - offset);
    if (offset < end) throw header.refused(`its tensor ${shown(name)} overlaps another`);
    end = offset + bytes;
    if (start + end > fileBytes) throw header.refused(`its tensor ${shown(name)} reaches beyond the file`);
    return { name, dtype, shape, at: start + offset, bytes };
  });
}

/** @param room bytes up to the next tensor: all that is known of a type that is not */
function layoutOf(header: HeaderReader, name: string, sizes: readonly number[], type: number, room: number) {
  if (!Object.hasOwn(TYPES, type))
    return { dtype: `GGML_${type}`, shape: [Math.max(0, room)], bytes: Math.max(0, room) };
  const [dtype, values, blockBytes] = TYPES[type];
  const [row = 1, ...rows] = sizes;
  if (row % values !== 0) throw header.refused(`a row of its tensor ${shown(name)} does not fill its blocks`);
  const rowBytes = (row / values) * blockBytes;
  const bytes = rows.reduce((product, size) => product * size, rowBytes);
  // Beyond this a product is no longer exact; no file is as large.
  if (!(bytes <= Number.MAX_SAFE_INTEGER)) throw header.refused(`its tensor ${shown(name)} reaches beyond the file`);
  const width = values === 1 ? row : rowBytes;
  return { dtype, shape: sizes.length === 0 ? [] : [...rows.reverse(), width], bytes };
}

/** Reads on from the beginning of a file, a window at a time; whatever reaches beyond its end is refused. */
class HeaderReader {
  at = 0;
  readonly #reader: FileReader;
  readonly #path: string;
  readonly #fileBytes: number;
  #window = new DataView(new ArrayBuffer(0));
  #windowAt = 0;

  constructor(reader: FileReader, path: string, fileBytes: number) {
    this.#reader = reader;
    this.#path = path;
    this.#fileBytes = fileBytes;
  }

  u32(): number {
    return this.#take(4).getUint32(0, true);
  }

  /** @throws {CairnError} `input` for what is larger than the file: no count or size in a header can be */
  u64(): number {
    const value = this.#take(8).getBigUint64(0, true);
    if (value > BigInt(this.#fileBytes)) throw this.refused(`its header claims ${value} of something`);
    return Number(value);
  }

  text(longest: number): string {
    const bytes = this.u64();
    if (bytes > longest) throw this.refused(`it has a name of ${bytes} bytes`);
    const view = this.#take(bytes);
    return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset, bytes));
  }

  skip(bytes: number): void {
    if (!(this.at + bytes <= this.#fileBytes)) throw this.refused("its header reaches beyond the file");
    this.at += bytes;
  }

  refused(why: string): CairnError {
    return new CairnError(
      "input",
      phrase("{0} is not a valid GGUF file: {1}.", this.#path, why),
      phrase("Download or export it again."),
    );
  }

  #take(bytes: number): DataView {
    const from = this.at;
    this.skip(bytes);
    if (from < this.#windowAt || this.at > this.#windowAt + this.#window.byteLength) {
      const window = new Uint8Array(Math.min(Math.max(WINDOW_BYTES, bytes), this.#fileBytes - from));
      this.#reader.read(this.#path, from, window);
      this.#window = new DataView(window.buffer);
      this.#windowAt = from;
    }
    return new DataView(this.#window.buffer, from - this.#windowAt, bytes);
  }
}

function shown(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}
