import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { CodeExcerpt, ReadRequest } from "../../shared/search-types.ts";
import type { Segment } from "../store/segment.ts";

/** Lines shown before and after a line that lies in nothing the index knows. */
const LINES_AROUND = 20;

/** A file of the index, by its numbers. */
export interface IndexedFile {
  readonly segment: Segment;
  readonly file: number;
}

/**
 * Cuts what was asked for out of a file's text.
 * @param indexed where the index holds the file, for the symbol around a line; undefined while it does not
 * @throws CairnError("input") for lines that the file does not have
 */
export function readCode(text: string, request: ReadRequest, indexed: IndexedFile | undefined): CodeExcerpt {
  const lines = text.split(/\r\n|\n|\r/);
  if (lines.length > 1 && lines.at(-1) === "") lines.pop();
  const lineCount = lines.length;
  const { path, line } = request;
  const span =
    line === undefined
      ? { startLine: request.startLine ?? 1, endLine: request.endLine ?? lineCount, name: "", parents: [] }
      : around(checked(line, path, lineCount), lines, indexed);
  const startLine = checked(span.startLine, path, lineCount);
  const endLine = Math.max(startLine, Math.min(span.endLine, lineCount));
  return {
    path,
    startLine,
    endLine,
    lineCount,
    text: lines.slice(startLine - 1, endLine).join("\n"),
    name: span.name,
    parents: span.parents,
  };
}

interface Span {
  startLine: number;
  endLine: number;
  name: string;
  parents: readonly string[];
}

/** The innermost declaration around the line with the comment above it, else the piece of the file the line lies in. */
function around(line: number, lines: readonly string[], indexed: IndexedFile | undefined): Span {
  const found = indexed && (symbolAround(indexed, line, lines) ?? chunkAround(indexed, line));
  if (found) return found;
  const startLine = Math.max(1, line - LINES_AROUND);
  return { startLine, endLine: Math.min(lines.length, line + LINES_AROUND), name: "", parents: [] };
}

function symbolAround({ segment, file }: IndexedFile, asked: number, lines: readonly string[]): Span | undefined {
  let best: (Span & { size: number }) | undefined;
  for (let chunk = segment.firstChunk[file]; chunk < segment.firstChunk[file + 1]; chunk++) {
    for (const { name, parents, line, endLine } of segment.symbols(chunk)) {
      const startLine = Math.max(Math.min(line, segment.startLine[chunk]), withComment(line, lines));
      // What stands on a single line, a field or a local constant, is shown with what it lies in.
      const size = endLine === line && parents.length > 0 ? Number.POSITIVE_INFINITY : endLine - line;
      if (startLine > asked || endLine < asked || (best && size >= best.size)) continue;
      best = { startLine, endLine, name, parents, size };
    }
  }
  return best;
}

/** The first line of the comment and the annotations that stand right above a line. */
function withComment(line: number, lines: readonly string[]): number {
  let first = line;
  while (first > 1 && ABOVE_DECLARATION.test(lines[first - 2])) first--;
  return first;
}

const ABOVE_DECLARATION = /^\s*(?:\/\/|\/\*|\*|#|--|;;|%|@|\[\w|"""|'''|<!--)|\*\/\s*$/;

function chunkAround({ segment, file }: IndexedFile, asked: number): Span | undefined {
  for (let chunk = segment.firstChunk[file]; chunk < segment.firstChunk[file + 1]; chunk++) {
    const startLine = segment.startLine[chunk];
    const endLine = segment.endLine[chunk];
    if (startLine <= asked && endLine >= asked) {
      return { startLine, endLine, name: segment.name(chunk), parents: segment.parents(chunk) };
    }
  }
  return undefined;
}

function checked(line: number, path: string, lineCount: number): number {
  if (Number.isInteger(line) && line >= 1 && line <= lineCount) return line;
  throw new CairnError(
    "input",
    phrase("{0} has no line {1}.", path, line),
    phrase("Its lines are 1 to {0}.", lineCount),
  );
}
