import { parquetMetadata } from "hyparquet/src/metadata.js";
import { deserializeTCompactProtocol } from "hyparquet/src/thrift.js";
import { LONGEST_DATA, type PackedStream } from "./packed-rows.ts";
import type { FileReader } from "./read-file.ts";
import { splitSnappy } from "./snappy.ts";

/** Footers are small beside the data; the file is taken as bytes when they are not. */
const MOST_FOOTER_BYTES = 64 << 20;
/** Headers of pages hold statistics, which may be long texts. */
const HEADER_BYTES = 16 << 10;
const LONGEST_HEADER = 1 << 20;
const DATA_PAGE_V2 = 3;

/** A page's header, by the numbers of its fields, as far as it says where the compressed bytes lie. */
interface PageHeader {
  type: number;
  bytes: number;
  /** Levels before the values, which are never compressed. */
  levelBytes: number;
  isCompressed: boolean;
}

/**
 * The Snappy streams in a Parquet file, in the order in which they lie there: those of its pages that can be taken apart.
 * None for a file that is not Parquet or is not as its footer says: it is taken as bytes then, so nothing is lost.
 */
export function snappyPages(reader: FileReader, path: string, fileBytes: number): PackedStream[] {
  let streams: PackedStream[];
  try {
    streams = columnsOf(reader, path, fileBytes).flatMap(({ from, to }) => [...pagesIn(reader, path, from, to)]);
  } catch {
    // The library's own errors for what it cannot read, and those of views for what reaches beyond the file.
    return [];
  }
  streams.sort((a, b) => a.at - b.at);
  let end = 0;
  return streams.filter((stream) => {
    if (stream.at < end) return false;
    end = stream.at + stream.bytes;
    return true;
  });
}

function columnsOf(reader: FileReader, path: string, fileBytes: number): { from: number; to: number }[] {
  const tail = new Uint8Array(8);
  if (fileBytes < 12) return [];
  reader.read(path, fileBytes - 8, tail);
  const footerBytes = new DataView(tail.buffer).getUint32(0, true) + 8;
  if (footerBytes > Math.min(fileBytes, MOST_FOOTER_BYTES)) return [];
  const footer = new Uint8Array(footerBytes);
  reader.read(path, fileBytes - footerBytes, footer);
  return parquetMetadata(footer, { geoparquet: false }).row_groups.flatMap(({ columns }) =>
    columns.flatMap(({ meta_data }) => {
      if (meta_data?.codec !== "SNAPPY") return [];
      const { dictionary_page_offset: dictionary, data_page_offset: data, total_compressed_size: bytes } = meta_data;
      const from = Number(dictionary && dictionary < data ? dictionary : data);
      const to = from + Number(bytes);
      return from >= 0 && to >= from && to <= fileBytes ? [{ from, to }] : [];
    }),
  );
}

function* pagesIn(reader: FileReader, path: string, from: number, to: number): Generator<PackedStream> {
  for (let at = from; at < to; ) {
    const { header, headerBytes } = readHeader(reader, path, at, to);
    const body = at + headerBytes;
    const end = body + header.bytes;
    if (!(header.bytes >= 0) || end > to) return;
    at = end;
    const start = body + (header.type === DATA_PAGE_V2 ? header.levelBytes : 0);
    if (!header.isCompressed || start >= end) continue;
    const stream = new Uint8Array(end - start);
    reader.read(path, start, stream);
    const parts = splitSnappy(stream, LONGEST_DATA);
    if (parts) yield { at: start, bytes: stream.length, dataBytes: parts.data.length };
  }
}

function readHeader(reader: FileReader, path: string, at: number, to: number) {
  for (let room = HEADER_BYTES; ; room *= 8) {
    const bytes = new Uint8Array(Math.min(room, to - at));
    reader.read(path, at, bytes);
    const source = { view: new DataView(bytes.buffer), offset: 0 };
    try {
      const fields = deserializeTCompactProtocol(source);
      const v2 = fields.field_8;
      const header: PageHeader = {
        type: fields.field_1,
        bytes: fields.field_3,
        levelBytes: (v2?.field_5 ?? 0) + (v2?.field_6 ?? 0),
        isCompressed: v2?.field_7 !== false,
      };
      return { header, headerBytes: source.offset };
    } catch (error) {
      // It may only have been longer than what was read.
      if (bytes.length >= Math.min(LONGEST_HEADER, to - at)) throw error;
    }
  }
}
