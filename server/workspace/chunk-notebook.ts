import type { Chunk, ChunkSymbol } from "./chunk.ts";
import type { ChunkSizes } from "./chunk-sizes.ts";
import { type Heading, markdownProse } from "./headings.ts";
import type { Notebook, NotebookCell } from "./notebook.ts";
import type { Outline, Piece } from "./outline.ts";
import { packChunks } from "./pack-chunks.ts";
import { SourceLines } from "./source-lines.ts";

/**
 * Cuts a notebook between its cells, Markdown at headings and code at its declarations; the parents of all are the
 * headings above. Small neighbours under one heading are one chunk, so that a remark stands with the code it is about.
 * A chunk's text is the source itself, its lines are those of the file.
 * @param outlineCode the outline of a code cell, undefined when its language has no syntax; `code` is the cell with the
 *   commands to the kernel blanked
 */
export function chunkNotebook(
  { cells }: Notebook,
  outlineCode: (cell: SourceLines, code: string) => Outline | undefined,
  sizes: ChunkSizes,
): Chunk[] {
  const all = cells.flatMap((cell) => cell.lines);
  const lines = new SourceLines(all.map(({ text }) => text).join("\n"));
  const breaks = new Uint8Array(lines.count + 2);
  const pieces: Piece[] = [];
  const symbols: ChunkSymbol[] = [];
  const path: Heading[] = [];
  let before = 0;
  let section = 0;
  let containers = 0;

  function addMarkdown(cell: SourceLines): void {
    const { headings, fenced } = markdownProse(cell);
    breaks.set(
      fenced.subarray(1, cell.count + 1).map((inside) => (inside ? 8 : 3)),
      before + 1,
    );
    add(cell, 1, (headings[0]?.line ?? cell.count + 1) - 1);
    for (const [i, heading] of headings.entries()) {
      while (path.length > 0 && (path.at(-1)?.level ?? 0) >= heading.level) path.pop();
      const parents = titles(path);
      const endLine = (headings[i + 1]?.line ?? cell.count + 1) - 1;
      section = ++containers;
      if (heading.title) {
        const line = before + heading.line;
        symbols.push({ name: heading.title, kind: "section", parents, line, endLine: before + endLine });
      }
      add(cell, heading.line, endLine, { kind: "section", name: heading.title, parents, role: "head" });
      path.push(heading);
    }
  }

  function addCode(cell: SourceLines): void {
    const found = outlineCode(
      cell,
      cell.text.replace(MAGIC, (line) => " ".repeat(line.length)),
    );
    if (!found) {
      add(cell, 1, cell.count);
      return;
    }
    const above = titles(path);
    breaks.set(found.breaks.subarray(1, cell.count + 1), before + 1);
    for (const piece of found.pieces) {
      pieces.push({
        ...piece,
        startLine: before + piece.startLine,
        endLine: before + piece.endLine,
        parents: [...above, ...piece.parents],
        container: piece.container === 0 ? section : containers + piece.container,
      });
    }
    for (const symbol of found.symbols) {
      const { line, endLine, parents } = symbol;
      symbols.push({ ...symbol, line: before + line, endLine: before + endLine, parents: [...above, ...parents] });
    }
    containers += Math.max(0, ...found.pieces.map((piece) => piece.container));
  }

  /** Makes lines of a cell a piece, text under the headings above when nothing else is said. */
  function add(cell: SourceLines, first: number, last: number, as?: Partial<Piece>): void {
    let startLine = first;
    let endLine = last;
    while (startLine <= endLine && cell.isBlank(startLine)) startLine++;
    while (endLine >= startLine && cell.isBlank(endLine)) endLine--;
    if (startLine > endLine) return;
    pieces.push({
      kind: "text",
      name: "",
      parents: titles(path),
      role: "text",
      signature: "",
      doc: "",
      container: section,
      ...as,
      startLine: before + startLine,
      endLine: before + endLine,
    });
  }

  for (const cell of cells) {
    // Between cells that are far apart in the file stand outputs, which no chunk should span.
    if ((cell.lines[0]?.fileLine ?? 0) - (all[before - 1]?.fileLine ?? 0) > FAR_APART) section = ++containers;
    const source = new SourceLines(cell.lines.map(({ text }) => text).join("\n"));
    breaks[before + 1] = 0;
    if (cell.kind === "markdown") addMarkdown(source);
    else if (cell.kind === "code" && !FOREIGN.test(source.text)) addCode(source);
    else add(source, 1, source.count);
    before += cell.lines.length;
  }
  return packChunks({ pieces, breaks, symbols }, lines, sizes).map((chunk) => inFile(chunk, all));
}

/** In lines; without outputs there are about ten between the sources of two cells. */
const FAR_APART = 14;

/** `%matplotlib inline`, `!pip install`, `help?`: commands to the kernel, which are no code of its language. */
const MAGIC = /^[ \t]*(?:%.*|!.*|\?.*|\w[\w.]*\?{1,2}[ \t]*)$/gm;
/** A cell for another program: `%%bash`. */
const FOREIGN = /^%%(?!time|timeit|capture|prun)/;

function titles(path: readonly Heading[]): string[] {
  return path.map(({ title }) => title).filter(Boolean);
}

/** The chunk with the lines of the file for those of the source. */
function inFile(chunk: Chunk, lines: NotebookCell["lines"]): Chunk {
  const at = (line: number) => lines[line - 1].fileLine;
  return {
    ...chunk,
    startLine: at(chunk.startLine),
    endLine: at(chunk.endLine),
    symbols: chunk.symbols.map((symbol) => ({ ...symbol, line: at(symbol.line), endLine: at(symbol.endLine) })),
  };
}
