import { crc32 } from "node:zlib";
import type { RowCounts } from "../../shared/delta-types.ts";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { Delta } from "./delta-file.ts";
import { type BlockEntry, blockEntry, codecOf, type Part } from "./manifest.ts";
import { numberFormat } from "./number-format.ts";
import { FileReader } from "./read-file.ts";
import { countRows } from "./row-codec.ts";
import { sumOfRows } from "./row-counts.ts";

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

/** What a delta holds of one dataset. */
interface DatasetSummary {
  file: string;
  bytes: number;
  storedBytes: number;
  rows: RowCounts;
}

export interface DeltaSummary {
  made: string;
  folder: boolean;
  files: number;
  bytes: number;
  deltaBytes: number;
  base: { name: string; bytes: number; sha256: string; used: boolean }[];
  tensors: TensorSummary[];
  datasets: DatasetSummary[];
  /** Of all datasets together; undefined where there are none. */
  rows: RowCounts | undefined;
  /** Bytes of the original that each codec has coded. */
  byCodec: Record<string, number>;
}

/**
 * What a manifest says, for people and for programs, and what became of the rows of datasets: of all blocks only theirs
 * are read.
 *
 * @throws {CairnError} `corrupt` when a block of rows is damaged
 */
export function describeDelta({ manifest, bytes, path }: Delta): DeltaSummary {
  const byCodec: Record<string, number> = {};
  const blocks = manifest.blocks.map(blockEntry);
  const reader = new FileReader();
  const tensors: TensorSummary[] = [];
  const datasets: DatasetSummary[] = [];
  try {
    for (const { name: file, parts } of manifest.files) {
      for (const part of parts) {
        const { storedBytes, codecs } = stored(blocks, part, byCodec);
        const { name, dtype, shape, bytes, rows } = part;
        if (name !== undefined) tensors.push({ file, name, dtype, shape, bytes, storedBytes, codecs });
        if (rows) datasets.push({ file, bytes, storedBytes, rows: rowsOf(rows, blocks, path, reader) });
      }
    }
  } finally {
    reader.close();
  }
  return {
    made: manifest.made,
    folder: manifest.folder,
    files: manifest.files.length,
    bytes: manifest.files.reduce((sum, file) => sum + file.bytes, 0),
    deltaBytes: bytes,
    base: manifest.base.map(({ name, bytes, sha256, used }) => ({ name, bytes, sha256, used })),
    tensors,
    datasets,
    rows: sumOfRows(datasets.map(({ rows }) => rows)),
    byCodec,
  };
}

function rowsOf(
  { kind, blocks: [first, count] }: NonNullable<Part["rows"]>,
  blocks: readonly BlockEntry[],
  path: string,
  reader: FileReader,
): RowCounts {
  const counts = blocks.slice(first, first + count).map(({ at, bytes, crc, cols }, i) => {
    const block = new Uint8Array(bytes);
    reader.read(path, at, block);
    if (crc32(block) === crc) return countRows(block, kind, cols);
    throw new CairnError(
      "corrupt",
      phrase("{0} is damaged: its block {1} is not what was written.", path, first + i),
      phrase("Copy or download it again."),
    );
  });
  return sumOfRows(counts) ?? { kept: 0, changed: 0, added: 0 };
}

function stored(blocks: readonly BlockEntry[], part: Part, byCodec: Record<string, number>) {
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
  const [first, length] = part.rows?.blocks ?? part.blocks ?? [0, 0];
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
