import type { ChunkKind } from "../../shared/search-types.ts";
import type { Chunk, ChunkSymbol } from "./chunk.ts";
import type { ChunkSizes } from "./chunk-sizes.ts";
import type { Outline, Piece } from "./outline.ts";
import type { SourceLines } from "./source-lines.ts";

const LONGEST_SIGNATURE = 200;
const TYPES: ReadonlySet<ChunkKind> = new Set(["class", "interface", "enum", "section"]);

/** Brings an outline's pieces to size: long ones are split where the tree is shallowest, small neighbours merged. */
export function packChunks({ pieces, breaks, symbols }: Outline, lines: SourceLines, sizes: ChunkSizes): Chunk[] {
  const parts = pieces.flatMap((piece) => split(piece, breaks, lines, sizes));
  const groups = attachRemains(mergeSmall(parts, lines, sizes), lines, sizes);
  const chunks = groups.flatMap((group) => toChunks(group, lines, sizes));
  placeSymbols(symbols, chunks);
  return chunks;
}

/** Brackets and `end`s, without a word of content. */
const CLOSING = /^(?:\bend\b|[^\p{L}\p{N}])*$/u;

/** Neighbouring pieces that become one chunk. */
interface Group {
  startLine: number;
  endLine: number;
  size: number;
  members: Piece[];
}

/** Parts of about equal size, each at most the target where lines allow it. */
function split(piece: Piece, breaks: Uint8Array, lines: SourceLines, sizes: ChunkSizes): Piece[] {
  const parts: Piece[] = [];
  let startLine = piece.startLine;
  while (lines.size(startLine, piece.endLine) > sizes.target && startLine < piece.endLine) {
    const cut = bestCut(startLine, piece.endLine, breaks, lines, sizes);
    parts.push({ ...piece, startLine, endLine: lastWithCode(cut - 1, lines) });
    startLine = cut;
    while (lines.isBlank(startLine)) startLine++;
  }
  parts.push({ ...piece, startLine });
  return parts.map((part, i) => (i === 0 ? part : { ...part, role: part.role === "text" ? "text" : "rest", doc: "" }));
}

function lastWithCode(line: number, lines: SourceLines): number {
  let last = line;
  while (lines.isBlank(last)) last--;
  return last;
}

/** The line at which the next part begins. */
function bestCut(first: number, last: number, breaks: Uint8Array, lines: SourceLines, { target }: ChunkSizes): number {
  const size = lines.size(first, last);
  const ideal = size / Math.ceil(size / target);
  let best = first + 1;
  let bestCost = Number.POSITIVE_INFINITY;
  for (let line = first + 1; line <= last; line++) {
    const before = lines.size(first, line - 1);
    if (before > target && bestCost < Number.POSITIVE_INFINITY) break;
    const depth = Math.min(breaks[line], 20);
    const blank = lines.isBlank(line - 1) ? 1 : 0;
    const cost = depth - blank + (8 * Math.abs(before - ideal)) / ideal;
    if (cost < bestCost) {
      bestCost = cost;
      best = line;
    }
  }
  return best;
}

/** Runs of small pieces up to the target size; lines that only close something join what stands before them. */
function mergeSmall(pieces: readonly Piece[], lines: SourceLines, sizes: ChunkSizes): Group[] {
  const groups: Group[] = [];
  for (const piece of pieces) {
    const size = lines.size(piece.startLine, piece.endLine);
    const last = groups.at(-1);
    const joined = last ? lines.size(last.startLine, piece.endLine) : 0;
    const closing =
      joined <= sizes.max && size < sizes.max && CLOSING.test(lines.slice(piece.startLine, piece.endLine));
    const small = joined <= sizes.target && size < sizes.small && last?.members.every((m) => isSmall(m, lines, sizes));
    if (last && (closing || (small && belongTogether(last.members.at(-1) as Piece, piece, lines, sizes)))) {
      last.members.push(piece);
      last.endLine = piece.endLine;
      last.size = joined;
    } else {
      groups.push({ startLine: piece.startLine, endLine: piece.endLine, size, members: [piece] });
    }
  }
  return groups;
}

/** Joins groups that stayed too small to their smaller neighbour. */
function attachRemains(given: readonly Group[], lines: SourceLines, sizes: ChunkSizes): Group[] {
  const groups = [...given];
  const done: Group[] = [];
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i];
    const before = done.at(-1);
    const after = groups[i + 1];
    // A declaration of some substance may stay alone when its neighbours are not small themselves.
    const tooSmall = group.size < (group.members.some(isNamed) ? sizes.small / 2 : sizes.small);
    const fitsBefore = tooSmall && before !== undefined && fits(before, group, lines, sizes);
    const fitsAfter = tooSmall && after !== undefined && fits(group, after, lines, sizes);
    if (fitsAfter && !(fitsBefore && before.size < after.size)) groups[i + 1] = join(group, after, lines);
    else if (fitsBefore) done[done.length - 1] = join(before, group, lines);
    else done.push(group);
  }
  return done;
}

function fits(first: Group, second: Group, lines: SourceLines, sizes: ChunkSizes): boolean {
  return (
    lines.size(first.startLine, second.endLine) <= sizes.target &&
    belongTogether(first.members.at(-1) as Piece, second.members[0], lines, sizes)
  );
}

function join(first: Group, second: Group, lines: SourceLines): Group {
  return {
    startLine: first.startLine,
    endLine: second.endLine,
    size: lines.size(first.startLine, second.endLine),
    members: [...first.members, ...second.members],
  };
}

/** Neighbours of one container do, and trifles such as `namespace a {` with whatever stands beside them. */
function belongTogether(first: Piece, second: Piece, lines: SourceLines, sizes: ChunkSizes): boolean {
  if (first.container === second.container) return true;
  return [first, second].some((piece) => lines.size(piece.startLine, piece.endLine) < sizes.small * 0.3);
}

function isSmall(piece: Piece, lines: SourceLines, sizes: ChunkSizes): boolean {
  return lines.size(piece.startLine, piece.endLine) < sizes.small;
}

function isNamed(piece: Piece): boolean {
  return piece.role === "declaration" || piece.role === "head";
}

function toChunks(group: Group, lines: SourceLines, sizes: ChunkSizes): Chunk[] {
  const { startLine, endLine } = group;
  const byWeight = group.members.toSorted((a, b) => weight(b, lines) - weight(a, lines));
  const main = byWeight[0];
  const others = byWeight.slice(1).filter(isNamed);
  const described = {
    kind: main.kind,
    name: main.name,
    parents: [...main.parents],
    signature: signatures([main, ...others]),
    doc: [main, ...others]
      .map((piece) => piece.doc)
      .filter(Boolean)
      .join("\n\n"),
  };
  const texts =
    group.size > sizes.max ? cut(lines.slice(startLine, endLine), sizes) : [lines.slice(startLine, endLine)];
  return texts.map((text) => ({ startLine, endLine, ...described, symbols: [], text }));
}

/** The piece that names a merged chunk: the head of a type, then the longest declaration. */
function weight(piece: Piece, lines: SourceLines): number {
  const rank = { head: 2, declaration: 2, rest: 1, text: 0 }[piece.role];
  const opensType = piece.role === "head" && TYPES.has(piece.kind);
  return rank * 10_000 + (opensType ? 5_000 : 0) + lines.size(piece.startLine, piece.endLine);
}

/** All signatures of a merged chunk, the main one first, as far as they fit: every name in it stays a symbol. */
function signatures(pieces: readonly Piece[]): string {
  let line = pieces[0].signature;
  for (const { signature } of pieces.slice(1)) {
    if (signature && line.length + 2 + signature.length <= LONGEST_SIGNATURE)
      line += line ? `; ${signature}` : signature;
  }
  return line;
}

/** Each symbol goes to the chunk with its line; of the pieces of one giant line, to the first. */
function placeSymbols(symbols: readonly ChunkSymbol[], chunks: readonly Chunk[]): void {
  let at = 0;
  for (const symbol of symbols.toSorted((a, b) => a.line - b.line)) {
    while (at < chunks.length && chunks[at].endLine < symbol.line) at++;
    if (at >= chunks.length || chunks[at].startLine > symbol.line) continue;
    const { symbols: placed } = chunks[at];
    if (!placed.some((other) => isSame(other, symbol))) placed.push(symbol);
  }
}

/** A parser that lost its way may read one declaration twice, or inside itself. */
function isSame(a: ChunkSymbol, b: ChunkSymbol): boolean {
  if (a.line !== b.line || a.name !== b.name) return false;
  return (a.kind === b.kind && b.parents.at(-1) === b.name) || a.parents.join(".") === b.parents.join(".");
}

/** Cuts one giant line into pieces of the target size, never inside a surrogate pair. */
export function cut(line: string, { target }: ChunkSizes): string[] {
  const texts: string[] = [];
  for (let start = 0; start < line.length; ) {
    let end = Math.min(start + target, line.length);
    if (end < line.length && isHighSurrogate(line.charCodeAt(end - 1))) end--;
    if (/\S/.test(line.slice(start, end))) texts.push(line.slice(start, end));
    start = end;
  }
  return texts;
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
