import { createHash, hash } from "node:crypto";
import type { ChunkRecord, FileRecord } from "../store/file-record.ts";
import { TermBags } from "../text/term-bags.ts";
import type { Chunk, ChunkedFile } from "./chunk.ts";

/** Longest signature or doc sentence that is kept for display. */
const SHOWN_LENGTH = 200;

/**
 * Key of a file's content: 32 hex digits. The language is part of it because the same bytes give other chunks under
 * another name.
 */
export function contentKey(language: string, bytes: Uint8Array): string {
  return createHash("sha256").update(`${language}\n`).update(bytes).digest("hex").slice(0, 32);
}

/** What this thread has met of words; only its speed depends on what came before. */
const bags = new TermBags();

/** Turns a file's chunks into what the index keeps of them. */
export function recordOf(file: ChunkedFile): FileRecord {
  bags.begin();
  const chunks = file.chunks.map(
    (chunk): ChunkRecord => ({
      hash: chunkHash(chunk),
      startLine: chunk.startLine,
      endLine: chunk.endLine,
      kind: chunk.kind,
      name: chunk.name,
      parents: chunk.parents,
      signature: chunk.signature.slice(0, SHOWN_LENGTH),
      doc: firstSentence(chunk.doc),
      body: bags.bag(chunk.text),
      symbols: chunk.symbols,
      symbol: bags.bag([...chunk.parents, ...namesOf(chunk)].join(" ")),
      docTerms: bags.bag(chunk.doc),
    }),
  );
  return { language: file.language, lines: file.lines, degraded: file.degraded, terms: bags.terms(), chunks };
}

/** The name of the chunk and, once each, the names of all that is declared in it. */
function namesOf({ name, symbols }: Chunk): Set<string> {
  return new Set([name, ...symbols.map((symbol) => symbol.name)]);
}

/** Key of a chunk's vector: 32 hex digits of the SHA-256 of its text. */
function chunkHash(chunk: Chunk): string {
  return hash("sha256", chunk.text, "hex").slice(0, 32);
}

/** The first sentence of a comment on one line, cut at 200 characters. */
export function firstSentence(doc: string): string {
  const flat = doc.replace(/\s+/g, " ").trim();
  const end = flat.search(/[.!?](\s|$)/);
  return (end < 0 ? flat : flat.slice(0, end + 1)).slice(0, SHOWN_LENGTH);
}
