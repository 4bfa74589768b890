import type { FileRecord } from "../server/store/file-record.ts";

/** What is known of a file of so many chunks, of which nothing but their number matters. */
export function plainRecord(chunkCount: number): FileRecord {
  const chunks = Array.from({ length: chunkCount }, (_, i) => ({
    hash: "0".repeat(32),
    startLine: i + 1,
    endLine: i + 1,
    kind: "text" as const,
    name: "",
    parents: [],
    signature: "",
    doc: "",
    symbols: [],
    body: Uint32Array.of(0, 1),
    symbol: new Uint32Array(),
    docTerms: new Uint32Array(),
  }));
  return { language: "plaintext", lines: chunkCount, degraded: false, terms: ["word"], chunks };
}
