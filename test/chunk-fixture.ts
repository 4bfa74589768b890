import assert from "node:assert/strict";
import type { ChunkedFile } from "../server/workspace/chunk.ts";
import { type Chunker, createChunker } from "../server/workspace/chunk-file.ts";

/** Every declaration its own chunk, and classes divided as if they were large. */
const sizes = { target: 150, small: 0, max: 2000 };

export const fineChunker = await createChunker({ sizes });
const withoutGrammars = await createChunker({ sizes, grammarFiles: { read: noFile, runtime: noFile } });

/**
 * The fixture is the source with a line `▶ kind parents > name` above the first line of every chunk: what remains
 * without these lines is chunked, and must give the same lines again.
 */
export function checkChunks(path: string, fixture: string): void {
  assert.equal(checkChunksOf(fineChunker, path, fixture).degraded, false);
}

/** The same, of a file whose grammar, if it has one, does not load. */
export function checkChunksByPatterns(path: string, fixture: string): void {
  checkChunksOf(withoutGrammars, path, fixture);
}

function checkChunksOf(chunker: Chunker, path: string, fixture: string): ChunkedFile {
  const annotated = fixture.replace(/^\n/, "");
  const source = annotated.replace(/^[ \t]*▶.*\n/gm, "");
  const file = chunker.chunk(path, source);
  const lines = source.split("\n");
  for (const chunk of file.chunks.toReversed()) {
    const at = chunk.startLine - 1;
    const title = [chunk.kind, [...chunk.parents, chunk.name].filter(Boolean).join(" > ")].filter(Boolean).join(" ");
    lines.splice(at, 0, `${/^[ \t]*/.exec(lines[at])?.[0]}▶ ${title}`);
  }
  assert.equal(lines.join("\n"), annotated);
  return file;
}

function noFile(): never {
  throw new Error("no such file");
}
