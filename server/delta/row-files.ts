import type { Model, ModelFile } from "./model-files.ts";
import type { PackedStream } from "./packed-rows.ts";
import { snappyPages } from "./parquet-pages.ts";
import { FileReader } from "./read-file.ts";
import { type RowFile, type RowKind, rowKindOf } from "./rows.ts";

/** The files of a base whose rows a dataset may refer to. */
export function rowFilesOf({ files }: Model, kind: RowKind): (RowFile & { number: number; packed: PackedStream[] })[] {
  return files.flatMap((file, number) =>
    file.bytes > 0 && rowKindOf(file.name) === kind
      ? [{ number, path: file.path, bytes: file.bytes, packed: packedIn(file) }]
      : [],
  );
}

/** What is compressed in a file and can be taken apart. */
export function packedIn({ name, path, bytes }: ModelFile): PackedStream[] {
  if (!/\.parquet$/i.test(name)) return [];
  const reader = new FileReader();
  try {
    return snappyPages(reader, path, bytes);
  } finally {
    reader.close();
  }
}

/** The length of a file once it is unpacked, or more. */
export function unpackedBytes({ bytes, packed = [] }: RowFile): number {
  return packed.reduce((sum, { dataBytes }) => sum + dataBytes, bytes);
}
