import type { ChunkKind } from "../../shared/search-types.ts";

/**
 * Everything the index keeps of one file's content. It does not know the file's path, so a rename, a copy or a branch
 * switch back to known content costs neither parsing nor embedding.
 */
export interface FileRecord {
  /** Language id ("typescript", "markdown", "text"). */
  language: string;
  /** Number of lines. */
  lines: number;
  /** True when a parser failed or took too long and windows were used instead. */
  degraded: boolean;
  /** Distinct lexical terms of the file; the bags below hold positions in this list. */
  terms: readonly string[];
  chunks: readonly ChunkRecord[];
}

/** A named declaration, or a heading of prose, at its own lines. */
export interface SymbolRecord {
  name: string;
  kind: ChunkKind;
  /** Names of the enclosing symbols or headings, outermost first. */
  parents: readonly string[];
  /** 1-based, inclusive: the declaration itself, without the comment and the annotations above it. */
  line: number;
  endLine: number;
}

export interface ChunkRecord {
  /** First 16 bytes of the SHA-256 of the chunk's text, as 32 hex digits: the key of its vector. */
  hash: string;
  /** 1-based, inclusive. */
  startLine: number;
  endLine: number;
  kind: ChunkKind;
  name: string;
  parents: readonly string[];
  /** The declaration on one line, at most 200 characters; empty for text. */
  signature: string;
  /** First sentence of the doc comment, at most 200 characters. */
  doc: string;
  /** Every declaration that begins in the chunk, in file order. */
  symbols: readonly SymbolRecord[];
  /** Term bags by field: pairs [position in terms, count], flat. */
  body: Uint32Array;
  symbol: Uint32Array;
  docTerms: Uint32Array;
}
