import type { Delta } from "./delta-file.ts";
import { blockEntry, codecOf, type Part } from "./manifest.ts";
import { numberFormat } from "./number-format.ts";

/** What a delta holds of one tensor. */
export interface TensorSummary {
  file: string;
  name: string;
  dtype: string;
  shape: readonly number[];
  bytes: number;
  /** What it takes in the delta; of a block that it shares, its share. */
  storedBytes: number;
  /** The codecs of its blocks, the most frequent first; `twin` for a tensor that is stored once with another. */
  codecs: readonly string[];
}

export interface DeltaSummary {
  made: string;
  folder: boolean;
  files: number;
  bytes: number;
  deltaBytes: number;
  base: { name: string; bytes: number; sha256: string; used: boolean }[];
  tensors: TensorSummary[];
  /** Bytes of the original that each codec has coded. */
  byCodec: Record<string, number>;
}

/** What a manifest says, for people and for programs. Reads no block. */
export function describeDelta({ manifest, bytes }: Delta): DeltaSummary {
  const byCodec: Record<string, number> = {};
  const blocks = manifest.blocks.map(blockEntry);
  const tensors = manifest.files.flatMap((file) =>
    file.parts.flatMap((part): TensorSummary[] => {
      const { storedBytes, codecs } = stored(blocks, part, byCodec);
      const { name, dtype, shape } = part;
      return name === undefined
        ? []
        : [{ file: file.name, name, dtype, shape, bytes: part.bytes, storedBytes, codecs }];
    }),
  );
  return {
    made: manifest.made,
    folder: manifest.folder,
    files: manifest.files.length,
    bytes: manifest.files.reduce((sum, file) => sum + file.bytes, 0),
    deltaBytes: bytes,
    base: manifest.base.map(({ name, bytes, sha256, used }) => ({ name, bytes, sha256, used })),
    tensors,
    byCodec,
  };
}

function stored(blocks: readonly ReturnType<typeof blockEntry>[], part: Part, byCodec: Record<string, number>) {
  const { width } = numberFormat(part.dtype);
  const count = (codec: string, bytes: number) => {
    byCodec[codec] = (byCodec[codec] ?? 0) + bytes;
  };
  if (part.as) {
    count("twin", part.bytes);
    return { storedBytes: 0, codecs: ["twin"] };
  }
  if (part.pool) {
    const entry = blocks[part.pool[0]];
    count(codecOf(entry), part.bytes);
    const share = part.bytes / (entry.rows * entry.cols * width);
    return { storedBytes: Math.round(entry.bytes * share), codecs: [codecOf(entry)] };
  }
  if (part.rows) count("rows", part.bytes);
  const [first, length] = part.blocks ?? [0, 0];
  const own = blocks.slice(first, first + length);
  const times = new Map<string, number>();
  for (const entry of own) {
    const codec = part.factors === undefined ? codecOf(entry) : `predicted ${codecOf(entry)}`;
    times.set(codec, (times.get(codec) ?? 0) + 1);
    count(codec, entry.rows * entry.cols * width);
  }
  return {
    storedBytes: own.reduce(
      (sum, entry) => sum + entry.bytes,
      part.factors === undefined ? 0 : blocks[part.factors].bytes,
    ),
    codecs: [...times].sort((a, b) => b[1] - a[1]).map(([codec]) => codec),
  };
}
