import type { ChunkKind } from "../../shared/search-types.ts";

/** A named declaration, or a heading of prose, at its own lines. */
export interface ChunkSymbol {
  name: string;
  kind: ChunkKind;
  /** Names of the enclosing symbols or headings, outermost first. */
  parents: readonly string[];
  /** 1-based, inclusive: the declaration itself, without the comment and the annotations above it. */
  line: number;
  endLine: number;
}

/** A piece of a file that is found and shown as one: a declaration, a section, or a window of lines. */
export interface Chunk {
  /** 1-based, inclusive. */
  startLine: number;
  endLine: number;
  kind: ChunkKind;
  /** Symbol or heading; empty for a window. */
  name: string;
  /** Names of the enclosing symbols or headings, outermost first. */
  parents: string[];
  /** The declaration on one line, at most 200 characters; empty for text. */
  signature: string;
  /** The whole doc comment without its markers; empty when there is none. */
  doc: string;
  /**
   * Every declaration that begins in the chunk, in file order, the one that names it included. Of a declaration that
   * is several chunks only the one with its first line has it.
   */
  symbols: ChunkSymbol[];
  /** The exact text that is embedded and searched. */
  text: string;
}

export interface ChunkedFile {
  language: string;
  lines: number;
  /** True when the language has a grammar but its parser failed or took too long. */
  degraded: boolean;
  chunks: Chunk[];
}
