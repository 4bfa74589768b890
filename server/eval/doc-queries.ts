import { createHash } from "node:crypto";
import type { ChunkKind } from "../../shared/search-types.ts";
import type { Chunk } from "../workspace/chunk.ts";
import { docText } from "../workspace/doc-comment.ts";
import { firstSentence } from "../workspace/index-file.ts";
import {
  breathe,
  FILES_BETWEEN_BREATHS,
  type FolderIndexer,
  type IndexingOptions,
  type SourceText,
} from "./folder-indexer.ts";
import type { LabelledSet } from "./labelled-set.ts";

export interface DocQueryOptions extends IndexingOptions {
  /** How many at the most. */
  readonly limit?: number;
}

const MOST = 200;
const ASKED: ReadonlySet<ChunkKind> = new Set(["function", "method", "class"]);
/** A sentence of fewer words says too little to be asked for, one of as many characters is cut or no query. */
const FEWEST_WORDS = 4;
const LONGEST = 200;

/**
 * Queries made of code itself: the first sentence of the doc comment of a function, method or class asks for it. Which
 * ones are asked depends on the code alone. The comments that are asked are taken out of the texts that come back, so
 * that only the code can answer; lines stay where they are, and the files on disk are not touched.
 */
export async function docQueries(
  indexer: FolderIndexer,
  texts: readonly SourceText[],
  { limit = MOST, signal, onFile }: DocQueryOptions = {},
): Promise<LabelledSet> {
  const documented: Documented[] = [];
  for (const [i, text] of texts.entries()) {
    const { chunks } = await indexer.chunk(text);
    const lines = text.text.split(/\r\n|\r|\n/);
    for (const chunk of chunks) {
      const found = documentedIn(text.path, chunk, lines);
      if (found) documented.push(found);
    }
    onFile?.(i + 1, texts.length);
    if (i % FILES_BETWEEN_BREATHS === 0) await breathe(signal);
  }
  const candidates = askingForOne(documented);
  const asked = choose(candidates, limit);
  const emptied = new Map<string, Map<number, string>>();
  for (const { path, withoutComment } of asked) {
    emptied.set(path, new Map([...(emptied.get(path) ?? []), ...withoutComment]));
  }
  return {
    queries: asked.map(({ query, kind, path, startLine, endLine }) => {
      return { query, category: kind, targets: [{ path, startLine, endLine }] };
    }),
    texts: texts.map((text) => withLines(text, emptied.get(text.path))),
    notes:
      candidates.length > asked.length
        ? [`${asked.length} of ${candidates.length} doc comments are asked; which ones depends on the code alone.`]
        : [],
  };
}

interface Documented {
  readonly query: string;
  readonly kind: ChunkKind;
  readonly path: string;
  readonly startLine: number;
  readonly endLine: number;
  /** The lines of the comment without their words, by number. */
  readonly withoutComment: ReadonlyMap<number, string>;
}

function documentedIn(path: string, chunk: Chunk, lines: readonly string[]): Documented | undefined {
  const { kind, name, doc, startLine, endLine } = chunk;
  if (!ASKED.has(kind) || doc === "") return undefined;
  const query = askedFor(doc, name);
  const withoutComment = query === undefined ? undefined : hideWords(chunk, lines);
  return query !== undefined && withoutComment ? { query, kind, path, startLine, endLine, withoutComment } : undefined;
}

/** The first sentence; undefined when it is no question to a search, or says the name that is to be found. */
function askedFor(doc: string, name: string): string | undefined {
  const [opening] = doc.split(/\n\s*\n|\n@/);
  const sentence = firstSentence(opening);
  if (sentence.length >= LONGEST || /^@|[{}<>;]/.test(sentence)) return undefined;
  const begun = sentence.startsWith(`${name} `) ? sentence.slice(name.length + 1) : sentence;
  // Quotation marks would ask for a phrase.
  const query = begun.replace(/["`]/g, "").replace(/\.$/, "").trim();
  const saysName = name.length > 1 && /[a-z][A-Z]|_/.test(name) && query.includes(name);
  return query.split(/\s+/).length < FEWEST_WORDS || saysName ? undefined : query;
}

/** The chunk's lines that have words of its comments, without these; undefined when one cannot be told from code. */
function hideWords({ doc, startLine, endLine }: Chunk, lines: readonly string[]): Map<number, string> | undefined {
  const wanted = new Set(doc.split("\n").map((line) => line.trim()));
  wanted.delete("");
  const seen = new Set<string>();
  const emptied = new Map<number, string>();
  for (let line = startLine; line <= endLine; line++) {
    const source = lines[line - 1];
    const words = docText(source)
      .replace(/^[rbuRBU]{0,2}(?:"""|''')|(?:"""|''')$/g, "")
      .trim();
    if (!wanted.has(words) || !source.includes(words)) continue;
    seen.add(words);
    emptied.set(
      line,
      source.replace(words, () => ""),
    );
  }
  return seen.size === wanted.size ? emptied : undefined;
}

/** Without those whose sentence stands above several declarations. */
function askingForOne(documented: readonly Documented[]): Documented[] {
  const times = new Map<string, number>();
  for (const { query } of documented) times.set(query.toLowerCase(), (times.get(query.toLowerCase()) ?? 0) + 1);
  return documented.filter(({ query }) => times.get(query.toLowerCase()) === 1);
}

/** Spread over all code: the first in the order of their hashes, which is nobody's choice. */
function choose(documented: readonly Documented[], limit: number): Documented[] {
  return documented
    .map((one) => ({ one, order: createHash("sha256").update(`${one.path}\n${one.query}`).digest("hex") }))
    .sort((a, b) => (a.order < b.order ? -1 : 1))
    .slice(0, limit)
    .map(({ one }) => one);
}

function withLines(text: SourceText, changed: ReadonlyMap<number, string> | undefined): SourceText {
  if (!changed) return text;
  // Every other piece is a line break.
  const pieces = text.text.split(/(\r\n|\r|\n)/);
  for (const [line, content] of changed) pieces[2 * (line - 1)] = content;
  return { path: text.path, text: pieces.join("") };
}
