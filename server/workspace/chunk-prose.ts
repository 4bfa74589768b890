import type { Chunk, ChunkSymbol } from "./chunk.ts";
import type { ChunkSizes } from "./chunk-sizes.ts";
import type { Heading, Prose } from "./headings.ts";
import type { Piece } from "./outline.ts";
import { packChunks } from "./pack-chunks.ts";
import type { SourceLines } from "./source-lines.ts";

/**
 * Cuts prose by its headings: a section is the text up to the next heading, whatever its level, and its parents are the
 * headings above it. Long sections are split at paragraphs, tiny ones join the section above or beside them.
 */
export function chunkProse(lines: SourceLines, prose: Prose, sizes: ChunkSizes): Chunk[] {
  const { headings, fenced } = prose;
  const pieces: Piece[] = [];
  const symbols: ChunkSymbol[] = [];
  const firstHeading = headings[0]?.line ?? lines.count + 1;
  pushSection(pieces, lines, 1, firstHeading - 1, {
    kind: prose.title ? "section" : "text",
    name: prose.title,
    parents: [],
    container: 0,
    role: prose.title ? "head" : "text",
  });
  const path: { heading: Heading; number: number }[] = [];
  for (const [i, heading] of headings.entries()) {
    while (path.length > 0 && (path.at(-1)?.heading.level ?? 0) >= heading.level) path.pop();
    const parents = path.map(({ heading }) => heading.title).filter(Boolean);
    const endLine = (headings[i + 1]?.line ?? lines.count + 1) - 1;
    if (heading.title) symbols.push({ name: heading.title, kind: "section", parents, line: heading.line, endLine });
    const hasChildren = (headings[i + 1]?.level ?? 0) > heading.level;
    pushSection(pieces, lines, heading.line, endLine, {
      kind: "section",
      name: heading.title,
      parents,
      // As the head of a class stands with its methods, a heading with sections below it stands with them.
      container: hasChildren ? i + 1 : (path.at(-1)?.number ?? 0),
      role: hasChildren ? "head" : "declaration",
    });
    path.push({ heading, number: i + 1 });
  }
  return packChunks({ pieces, breaks: paragraphs(lines, fenced), symbols }, lines, sizes);
}

type Section = Pick<Piece, "kind" | "name" | "parents" | "container" | "role">;

function pushSection(pieces: Piece[], lines: SourceLines, first: number, last: number, section: Section): void {
  let startLine = first;
  let endLine = last;
  while (startLine <= endLine && lines.isBlank(startLine)) startLine++;
  while (endLine >= startLine && lines.isBlank(endLine)) endLine--;
  if (startLine <= endLine) pieces.push({ ...section, startLine, endLine, signature: "", doc: "" });
}

/** Paragraphs begin after a blank line, items of a list on their own; inside code a cut is a last resort. */
function paragraphs(lines: SourceLines, fenced: Uint8Array): Uint8Array {
  const breaks = new Uint8Array(lines.count + 2);
  for (let line = 1; line <= lines.count; line++) {
    const blankBefore = line > 1 && lines.isBlank(line - 1);
    if (fenced[line]) breaks[line] = blankBefore ? 8 : 12;
    else if (blankBefore) breaks[line] = 1;
    else breaks[line] = /^\s*(?:[-*+]|\d+[.)])\s/.test(lines.slice(line, line)) ? 3 : 6;
  }
  return breaks;
}
