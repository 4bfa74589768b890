/**
 * A Snappy stream says how its data is made of new bytes and of copies from before. Which copies a compressor finds is
 * its own affair and differs from one version to the next, so that data cannot be compressed again to the same bytes.
 * Therefore a stream is taken apart into its data and its tokens: all it says beside the new bytes. What compressors
 * have in common makes the tokens predictable from the data, and only the difference is kept.
 */
export interface SnappyParts {
  data: Uint8Array;
  /** Tags with their lengths and offsets, those that begin in each {@link FRAGMENT_BYTES} of the data by themselves. */
  tokens: Uint8Array[];
}

/** Compressors begin anew after so much data. */
export const FRAGMENT_BYTES = 1 << 16;

/** The length of a stream's data, as its beginning gives it, and of that; undefined for what no compressor writes. */
function snappyLength(stream: Uint8Array): { dataBytes: number; preamble: number } | undefined {
  let dataBytes = 0;
  for (let at = 0; at < Math.min(5, stream.length); at++) {
    dataBytes += (stream[at] & 127) * 128 ** at;
    if (stream[at] >= 128) continue;
    const isShortest = at === 0 || stream[at] > 0;
    return isShortest && dataBytes < 2 ** 32 ? { dataBytes, preamble: at + 1 } : undefined;
  }
  return undefined;
}

/** Takes a stream apart; undefined when it is none, or its data is longer than said. */
export function splitSnappy(stream: Uint8Array, most: number): SnappyParts | undefined {
  const { dataBytes, preamble } = snappyLength(stream) ?? { dataBytes: Number.POSITIVE_INFINITY, preamble: 0 };
  if (dataBytes > most) return undefined;
  const data = new Uint8Array(dataBytes);
  const tokens = new Uint8Array(stream.length);
  /** Where the tokens of each fragment begin. */
  const begins: number[] = [];
  let used = 0;
  let filled = 0;
  for (let at = preamble; at < stream.length; ) {
    const element = elementAt(stream, at);
    if (!element || filled + element.length > dataBytes) return undefined;
    const { tag, length, offset } = element;
    while (begins.length * FRAGMENT_BYTES <= filled) begins.push(used);
    for (let i = 0; i < tag; i++) tokens[used++] = stream[at++];
    if (offset === 0) {
      if (at + length > stream.length) return undefined;
      data.set(stream.subarray(at, at + length), filled);
      at += length;
    } else {
      if (offset > filled) return undefined;
      // A copy may reach into what it makes.
      for (let i = 0; i < length; i++) data[filled + i] = data[filled + i - offset];
    }
    filled += length;
  }
  if (filled !== dataBytes) return undefined;
  const count = Math.ceil(dataBytes / FRAGMENT_BYTES);
  return {
    data,
    tokens: Array.from({ length: count }, (_, i) => tokens.slice(begins[i] ?? used, begins[i + 1] ?? used)),
  };
}

/** Puts a stream together again; undefined when data and tokens do not belong together. */
export function joinSnappy({ data, tokens }: SnappyParts): Uint8Array | undefined {
  const stream = new Uint8Array(5 + tokens.reduce((sum, { length }) => sum + length, data.length));
  let used = 0;
  for (let rest = data.length; ; rest = Math.floor(rest / 128)) {
    stream[used++] = rest < 128 ? rest : 128 + (rest % 128);
    if (rest < 128) break;
  }
  let filled = 0;
  for (const own of tokens) {
    for (let at = 0; at < own.length; ) {
      const element = elementAt(own, at);
      if (!element || filled + element.length > data.length) return undefined;
      stream.set(own.subarray(at, at + element.tag), used);
      used += element.tag;
      at += element.tag;
      if (element.offset === 0) {
        stream.set(data.subarray(filled, filled + element.length), used);
        used += element.length;
      }
      filled += element.length;
    }
  }
  return filled === data.length ? stream.subarray(0, used) : undefined;
}

const HASH_BITS = 14;
/** The last bytes of a fragment are never looked up. */
const MARGIN = 15;
const table = new Uint16Array(1 << HASH_BITS);

/**
 * The tokens that the reference implementation (up to version 1.1.8, and its ports) writes for a fragment of at most
 * {@link FRAGMENT_BYTES}. Later ones find mostly the same copies.
 */
export function predictTokens(data: Uint8Array): Uint8Array {
  const out = new TokenWriter();
  let bits = 8;
  while (bits < HASH_BITS && 1 << bits < data.length) bits++;
  const shift = 32 - bits;
  table.fill(0, 0, 1 << bits);
  const load = (at: number) => data[at] | (data[at + 1] << 8) | (data[at + 2] << 16) | (data[at + 3] << 24);
  const slot = (value: number) => Math.imul(value, 0x1e35a7bd) >>> shift;
  const limit = data.length - MARGIN;
  let emitted = 0;
  let at = 1;
  search: while (data.length >= MARGIN) {
    let candidate: number;
    for (let skip = 32; ; ) {
      const step = skip >> 5;
      skip += step;
      if (at + step > limit) break search;
      const value = load(at);
      candidate = table[slot(value)];
      table[slot(value)] = at;
      if (load(candidate) === value) break;
      at += step;
    }
    out.literal(at - emitted);
    do {
      const from = at;
      at += 4;
      for (let before = candidate + 4; at < data.length && data[at] === data[before]; before++) at++;
      out.copy(from - candidate, at - from);
      emitted = at;
      if (at >= limit) break search;
      table[slot(load(at - 1))] = at - 1;
      candidate = table[slot(load(at))];
      table[slot(load(at))] = at;
    } while (load(candidate) === load(at));
    at++;
  }
  if (emitted < data.length) out.literal(data.length - emitted);
  return out.bytes();
}

class TokenWriter {
  readonly #bytes: number[] = [];

  literal(length: number): void {
    if (length === 0) return;
    if (length <= 60) this.#bytes.push((length - 1) << 2);
    else {
      const extra = length <= 256 ? 1 : 2;
      this.#bytes.push((59 + extra) << 2, (length - 1) & 255);
      if (extra > 1) this.#bytes.push((length - 1) >> 8);
    }
  }

  copy(offset: number, length: number): void {
    let left = length;
    for (; left >= 68; left -= 64) this.#copy(offset, 64);
    if (left > 64) {
      this.#copy(offset, 60);
      left -= 60;
    }
    this.#copy(offset, left);
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  #copy(offset: number, length: number): void {
    if (length < 12 && offset < 2048) this.#bytes.push(1 | ((length - 4) << 2) | ((offset >> 8) << 5), offset & 255);
    else this.#bytes.push(2 | ((length - 1) << 2), offset & 255, offset >> 8);
  }
}

/** Bytes of its tag, the length of what it makes, and how far back that is; 0 for new bytes. Undefined beyond the end. */
function elementAt(bytes: Uint8Array, at: number): { tag: number; length: number; offset: number } | undefined {
  const first = bytes[at];
  const kind = first & 3;
  if (kind === 0) {
    const extra = Math.max(0, (first >> 2) - 59);
    if (at + extra >= bytes.length) return undefined;
    return { tag: 1 + extra, length: 1 + (extra > 0 ? numberAt(bytes, at + 1, extra) : first >> 2), offset: 0 };
  }
  const extra = kind === 3 ? 4 : kind;
  if (at + extra >= bytes.length) return undefined;
  const length = kind === 1 ? 4 + ((first >> 2) & 7) : 1 + (first >> 2);
  const offset = kind === 1 ? ((first >> 5) << 8) + bytes[at + 1] : numberAt(bytes, at + 1, extra);
  return offset === 0 ? undefined : { tag: 1 + extra, length, offset };
}

function numberAt(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = count - 1; i >= 0; i--) value = value * 256 + bytes[at + i];
  return value;
}
