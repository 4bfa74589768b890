import { join } from "node:path";
import type { Host } from "../host.ts";
import { SEGMENT_DIMS } from "../store/segment.ts";
import { buildSegment } from "../store/segment-build.ts";
import { classifyContent } from "./classify.ts";
import { decode } from "./decode.ts";
import { type BatchTools, bytesOfHashes } from "./index-batch.ts";
import { contentKey, recordOf } from "./index-file.ts";
import type { FileOnScreen, LaidOutFile } from "./index-jobs.ts";
import { languageOf } from "./languages.ts";
import { admits, type WalkOptions } from "./walk.ts";

/**
 * Lays out one file as it is on screen, without a word to the store. Null when there is nothing to lay out: the text is
 * the one that is indexed, or the file is left out.
 */
export async function overlayOf(
  { host, root, encoder, chunker }: Pick<BatchTools, "host" | "root" | "encoder" | "chunker">,
  { path, text, indexed }: FileOnScreen,
  options: WalkOptions,
): Promise<LaidOutFile | null> {
  const verdict = admits(host, root, path, options);
  if (verdict === undefined || verdict === "folder" || "reason" in verdict) return null;
  if (classifyContent(path, text)) return null;
  const language = languageOf(path, text.slice(0, 200).split("\n", 1)[0]).id;
  const bytes = readable(host, join(root, path));
  const onDisk = bytes && decode(bytes)?.text;
  if (bytes === undefined || onDisk === undefined) return null;
  if (onDisk === text && contentKey(language, bytes) === indexed) return null;
  // A parser that crashed on the file before is replaced first.
  await chunker.ready();
  const chunked = chunker.chunk(path, text);
  const record = recordOf(chunked);
  const bodies = encoder.bodies(chunked.chunks.map((chunk) => chunk.text));
  const codes = new Int8Array(record.chunks.length * SEGMENT_DIMS);
  const scales = new Float32Array(record.chunks.length);
  encoder.place(bodies, encoder.path(path), codes, scales, 0);
  const content = contentKey(language, Buffer.from(text));
  return {
    segment: buildSegment([{ path, content, record, codes, scales }]),
    hashes: bytesOfHashes(record.chunks.map(({ hash }) => hash)),
    texts: chunked.chunks.map((chunk) => chunk.text),
  };
}

function readable(host: Host, path: string): Uint8Array | undefined {
  try {
    return host.files.read(path);
  } catch {
    return undefined;
  }
}
