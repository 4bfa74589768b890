import { createChunker } from "../workspace/chunk-file.ts";

export interface ChunkingFigures {
  files: number;
  /** Files whose parser failed or took too long. */
  degraded: number;
  chunks: number;
  /** Megabytes (10^6 UTF-8 bytes) of source. */
  megabytes: number;
  seconds: number;
  megabytesPerSecond: number;
}

/** Parses and chunks files one after another on this thread, grammars and their first compilation included. */
export async function measureChunking(files: readonly { path: string; text: string }[]): Promise<ChunkingFigures> {
  const chunker = await createChunker();
  let chunks = 0;
  let degraded = 0;
  let bytes = 0;
  for (const { text } of files) bytes += Buffer.byteLength(text);
  const started = performance.now();
  for (const { path, text } of files) {
    const file = chunker.chunk(path, text);
    chunks += file.chunks.length;
    if (file.degraded) {
      degraded++;
      await chunker.ready();
    }
  }
  const seconds = (performance.now() - started) / 1000;
  chunker.close();
  const megabytes = bytes / 1e6;
  return { files: files.length, degraded, chunks, megabytes, seconds, megabytesPerSecond: megabytes / seconds };
}
