import { f16 } from "./delta-fixture.ts";

/** A tensor of a GGUF file that a test makes. */
interface GgufTensor {
  name: string;
  /** Number of the ggml type. */
  type: number;
  /** The innermost first. */
  sizes: readonly number[];
  bytes: Uint8Array;
}

/** Values of metadata: texts, lists of texts, truths, whole numbers of 32 bits; one float, or a list of integers, in an array. */
type Metadata = Readonly<Record<string, string | number | boolean | readonly string[] | Float32Array | Int32Array>>;

export const GgmlType = { F32: 0, F16: 1, Q4_0: 2, Q8_0: 8, BF16: 30 } as const;

/** The bytes of a GGUF file, version 3, its tensors in the order given, each where its alignment wants it. */
export function gguf(metadata: Metadata, tensors: readonly GgufTensor[]): Uint8Array {
  const alignment = Number(metadata["general.alignment"] ?? 32);
  const header: Uint8Array[] = [
    Buffer.from("GGUF"),
    u32(3),
    u64(tensors.length),
    u64(Object.keys(metadata).length),
    ...Object.entries(metadata).flatMap(([key, value]) => [text(key), metadataValue(value)]),
  ];
  const data: Uint8Array[] = [];
  let end = 0;
  for (const { name, type, sizes, bytes } of tensors) {
    header.push(text(name), u32(sizes.length), ...sizes.map(u64), u32(type), u64(end));
    data.push(bytes, new Uint8Array(-bytes.length & (alignment - 1)));
    end += bytes.length + (-bytes.length & (alignment - 1));
  }
  const before = Buffer.concat(header);
  return Buffer.concat([before, new Uint8Array(-before.length & (alignment - 1)), ...data]);
}

/** Blocks of 32 values: a scale as a half, then a byte each. */
export function q8(values: Float32Array): Uint8Array {
  return blocks(values, 34, 127, (block, levels) => {
    levels.forEach((level, i) => {
      block[2 + i] = level;
    });
  });
}

/** Blocks of 32 values: a scale as a half, then half a byte each, the first sixteen in the lower halves. */
export function q4(values: Float32Array): Uint8Array {
  return blocks(values, 18, 7, (block, levels) => {
    for (let i = 0; i < 16; i++) block[2 + i] = (levels[i] + 8) | ((levels[16 + i] + 8) << 4);
  });
}

function blocks(
  values: Float32Array,
  bytes: number,
  most: number,
  put: (block: Uint8Array, levels: number[]) => void,
): Uint8Array {
  const packed = new Uint8Array((values.length / 32) * bytes);
  for (let at = 0; at < values.length; at += 32) {
    const own = values.subarray(at, at + 32);
    const scale = Math.max(...own.map(Math.abs)) / most || 1;
    const block = packed.subarray((at / 32) * bytes, (at / 32 + 1) * bytes);
    block.set(f16(Float32Array.of(scale)));
    put(
      block,
      Array.from(own, (value) => Math.round(value / scale)),
    );
  }
  return packed;
}

function metadataValue(value: Metadata[string]): Uint8Array {
  if (typeof value === "number") return Buffer.concat([u32(4), u32(value)]);
  if (typeof value === "boolean") return Buffer.concat([u32(7), Buffer.of(Number(value))]);
  if (typeof value === "string") return Buffer.concat([u32(8), text(value)]);
  if (value instanceof Float32Array) return Buffer.concat([u32(6), bytesOf(value.subarray(0, 1))]);
  if (value instanceof Int32Array) return Buffer.concat([u32(9), u32(5), u64(value.length), bytesOf(value)]);
  return Buffer.concat([u32(9), u32(8), u64(value.length), ...value.map(text)]);
}

function bytesOf(values: Float32Array | Int32Array): Uint8Array {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

export function text(value: string): Uint8Array {
  return Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
}

export function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u64(value: number | bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
