import type { Chunk } from "./chunk.ts";
import type { ChunkSizes } from "./chunk-sizes.ts";
import { cut } from "./pack-chunks.ts";
import type { SourceLines } from "./source-lines.ts";

/** Cuts a text without syntax into overlapping windows of whole lines. */
export function chunkWindows(lines: SourceLines, sizes: ChunkSizes): Chunk[] {
  const chunks: Chunk[] = [];
  let start = nextWithCode(lines, 1);
  while (start <= lines.count) {
    const end = windowEnd(lines, start, sizes);
    chunks.push(...windowChunks(lines, start, end, sizes));
    if (end >= lines.count) break;
    start = nextWithCode(lines, overlapStart(lines, start, end, sizes));
  }
  return chunks;
}

/** The last line that fits; the blank line before it if one comes in the last third; all the rest when little is left. */
function windowEnd(lines: SourceLines, start: number, { target }: ChunkSizes): number {
  if (lines.size(start, lines.count) <= target * 1.2) return lines.count;
  let end = start;
  while (end < lines.count && lines.size(start, end + 1) <= target) end++;
  for (let line = end; line > start && lines.size(start, line) >= target / 1.5; line--) {
    if (lines.isBlank(line) || lines.isBlank(line + 1)) return line;
  }
  return end;
}

/** The first line of the next window: a seventh of the target before the end, and always beyond the last start. */
function overlapStart(lines: SourceLines, start: number, end: number, { target }: ChunkSizes): number {
  let next = end + 1;
  if (lines.size(next, next) > target) return next;
  while (next - 1 > start && lines.size(next - 1, end) <= target / 7) next--;
  return next;
}

function nextWithCode(lines: SourceLines, from: number): number {
  let line = from;
  while (line <= lines.count && lines.isBlank(line)) line++;
  return line;
}

function windowChunks(lines: SourceLines, startLine: number, last: number, sizes: ChunkSizes): Chunk[] {
  let endLine = last;
  while (endLine > startLine && lines.isBlank(endLine)) endLine--;
  const text = lines.slice(startLine, endLine);
  return (text.length > sizes.max ? cut(text, sizes) : [text]).map((text) => ({
    startLine,
    endLine,
    kind: "text",
    name: "",
    parents: [],
    signature: "",
    doc: "",
    symbols: [],
    text,
  }));
}
