import { spawn } from "node:child_process";
import { once } from "node:events";
import { DatabaseSync } from "node:sqlite";
import MiniSearch from "minisearch";
import { ripgrepPath } from "../package-files.ts";
import { parseQuery } from "../search/query.ts";
import type { Field, Segment } from "../store/segment.ts";

/** Another way to search the same chunks. */
export interface Peer {
  name: string;
  /** Answers one query with its best hits; what they are does not matter here. */
  search(query: string): Promise<void> | void;
  close(): void;
}

/** How many hits each is asked for. */
export const HITS = 10;

/** The chunks in memory, in the search library that many web pages use. */
export function miniSearch(segment: Segment): Peer {
  const index = new MiniSearch({
    fields: [...FIELDS],
    tokenize: (text) => text.split(" "),
    processTerm: (term) => term,
    searchOptions: { boost: WEIGHTS, combineWith: "OR" },
  });
  index.addAll(documents(segment));
  return {
    name: "minisearch",
    search: (query) => void index.search(termsOf(query).join(" ")).slice(0, HITS),
    close: () => index.removeAll(),
  };
}

/** The chunks in SQLite's own full-text index, in memory, without a copy of the text, ranked by BM25. */
export function fullTextSearch(segment: Segment): Peer {
  const database = new DatabaseSync(":memory:");
  database.exec(`CREATE VIRTUAL TABLE chunks USING fts5(${FIELDS.join()}, content='', tokenize='unicode61')`);
  const weights = FIELDS.map((field) => WEIGHTS[field]);
  database.exec(`INSERT INTO chunks(chunks, rank) VALUES ('rank', 'bm25(${weights.join()})')`);
  const insert = database.prepare("INSERT INTO chunks(rowid, body, symbol, doc, path) VALUES (?, ?, ?, ?, ?)");
  database.exec("BEGIN");
  for (const { id, body, symbol, doc, path } of documents(segment)) insert.run(id + 1, body, symbol, doc, path);
  database.exec("COMMIT");
  const select = database.prepare(`SELECT rowid FROM chunks WHERE chunks MATCH ? ORDER BY rank LIMIT ${HITS}`);
  return {
    name: "SQLite FTS5",
    search(query) {
      const terms = termsOf(query).map((term) => `"${term.replaceAll('"', '""')}"`);
      if (terms.length > 0) select.all(terms.join(" OR "));
    },
    close: () => database.close(),
  };
}

/** No index at all: every file is read again and lines with one of the words are counted, file by file. */
export function ripgrep(root: string): Peer {
  const program = ripgrepPath();
  return {
    name: "ripgrep",
    async search(query) {
      const patterns = termsOf(query).flatMap((term) => ["--regexp", term]);
      const args = ["--count", "--ignore-case", "--fixed-strings", "--no-ignore", ...patterns, "."];
      const child = spawn(program, args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
      child.stdout.resume();
      await once(child, "close");
    },
    close() {},
  };
}

const FIELDS = ["body", "symbol", "doc", "path"] as const;
const WEIGHTS: Readonly<Record<Field, number>> = { body: 1, symbol: 2, doc: 1, path: 3 };

interface Document extends Record<Field, string> {
  id: number;
}

function termsOf(query: string): readonly string[] {
  return parseQuery(query).terms;
}

/** The chunks of a segment as texts of the very terms that Cairn has for them, as often as each occurs. */
function documents(segment: Segment): Document[] {
  const chunks = segment.chunkCount;
  const texts = Object.fromEntries(
    FIELDS.map((field) => [field, textsOf(segment, field, field === "path" ? segment.fileCount : chunks)]),
  ) as Record<Field, readonly string[]>;
  return Array.from({ length: chunks }, (_, id) => ({
    id,
    body: texts.body[id],
    symbol: texts.symbol[id],
    doc: texts.doc[id],
    path: texts.path[segment.chunkFile[id]],
  }));
}

function textsOf(segment: Segment, field: Field, count: number): readonly string[] {
  const terms: string[][] = Array.from({ length: count }, () => []);
  const found = new Uint32Array(count);
  const counts = new Uint8Array(count);
  segment.fieldTerms(field).forEach((term, n) => {
    const text = segment.term(term);
    const length = segment.postingList(field, n, found, counts);
    for (let i = 0; i < length; i++) {
      for (let times = 0; times < counts[i]; times++) terms[found[i]].push(text);
    }
  });
  return terms.map((list) => list.join(" "));
}
