import type { Node, Tree } from "web-tree-sitter";
import type { ChunkKind } from "../../shared/search-types.ts";
import { skipAnnotations } from "./annotations.ts";
import type { ChunkSymbol } from "./chunk.ts";
import type { ChunkSizes } from "./chunk-sizes.ts";
import { docText } from "./doc-comment.ts";
import { oneLine } from "./signature.ts";
import { isSpace, type SourceLines } from "./source-lines.ts";
import type { Declared } from "./syntax.ts";
import {
  BODY,
  COMMENT,
  CONTAINER,
  DECLARATION,
  PREFIX,
  SCOPE,
  type SyntaxTable,
  TOKEN,
  WRAPPER,
} from "./syntax-table.ts";

/** What a run of lines is within its file, before pieces are split and merged to size. */
export interface Piece {
  /** 1-based, inclusive. */
  startLine: number;
  endLine: number;
  kind: ChunkKind;
  name: string;
  parents: readonly string[];
  signature: string;
  doc: string;
  /** Number of the declaration around it, 0 for the file: neighbours of one container merge. */
  container: number;
  role: Role;
}

/** `head` opens a divided declaration, `rest` is what its inner declarations leave over, `text` belongs to none. */
export type Role = "declaration" | "head" | "rest" | "text";

export interface Outline {
  /** In file order; no line is in two, every line with something on it is in one. */
  pieces: Piece[];
  /** By line: how deep in the tree something begins there, 255 where nothing does. A cut is best at the least. */
  breaks: Uint8Array;
  /** Every declaration that can be asked for by name: all but those inside functions, unless they are pieces. */
  symbols: ChunkSymbol[];
}

/** Deeper nodes are not looked into; expressions of a thousand terms nest a thousand deep. */
const MAX_DEPTH = 150;
const NO_BREAK = 255;

/**
 * Divides a parsed file into declarations and what lies between. A declaration that fits a chunk is one piece; a longer
 * one becomes its head, the declarations inside it, and the rest. Only nodes too long for a chunk are looked into, and
 * for symbols the bodies of types and the like, so the walk touches a small part of the tree.
 */
export function outline(tree: Tree, table: SyntaxTable, lines: SourceLines, sizes: ChunkSizes): Outline {
  const { actions } = table;
  const cursor = tree.walk();
  const pieces: Piece[] = [];
  const symbols: ChunkSymbol[] = [];
  const breaks = new Uint8Array(lines.count + 2).fill(NO_BREAK);
  let nextLine = 1;
  let containers = 0;

  /**
   * Divides the children of the node under the cursor, which is part of `around` and `whole` characters long. Returns
   * the comments at its end.
   */
  function divide(around: Owner, depth: number, whole: number, above: Lead): Lead {
    if (depth > MAX_DEPTH || !cursor.gotoFirstChild()) return noLead();
    let owner = around;
    // Where the last declaration ends whose body stands beside it.
    let joinedEnd = 0;
    // Some grammars put a comment above the first member beside the body, not into it.
    let lead = above;
    do {
      const action = actions[cursor.nodeTypeId] ?? 0;
      if (action === TOKEN) continue;
      const start = cursor.startIndex;
      const end = endOfCode(lines.text, start, cursor.endIndex);
      if (end === start) continue;
      const line = lines.lineAt(start);
      if (action & (COMMENT | PREFIX)) {
        if (!lines.isFirstOnLine(start, line)) continue;
        if (lead.startLine === 0 || lead.endLine + 1 !== line) {
          lead = noLead(line);
          markBreak(line, depth);
        }
        lead.endLine = lines.lineAt(end - 1);
        if (action & COMMENT) lead.comments.push(lines.text.slice(start, end));
        continue;
      }
      if (!isAbove(lead, line, lines)) lead = noLead(line);
      if (lead.startLine === line && lines.isFirstOnLine(start, line)) markBreak(line, depth);

      if (action & SCOPE) owner = withScope(owner, table.scope[cursor.nodeTypeId]?.(cursor.currentNode));
      const found = start >= joinedEnd && action & (DECLARATION | WRAPPER) ? descendToDeclaration(action) : undefined;
      const size = Math.max(end, found?.end ?? 0) - start;
      if (found) joinedEnd = found.end;
      if (found && isPieceOf(owner, found.declared, line, size, whole, sizes)) {
        declare(owner, found, { start, end: start + size, line, lead }, depth);
        climb(found.levels);
      } else {
        const worthwhile = action & CONTAINER || size > sizes.target || (size > sizes.small && size * 2 > whole);
        const divisible = worthwhile && lines.lineAt(end - 1) > line;
        if (found) {
          if (!isRoutine(owner.kind)) note(owner, found, !divisible, depth);
          climb(found.levels);
        } else if (!divisible && action & BODY && !isRoutine(owner.kind)) {
          gather(owner, depth);
        }
        if (divisible) {
          const trailing = divide(owner, depth + 1, size, lead.startLine < line ? lead : noLead());
          // Some put it at the end of the node before.
          lead = action & CONTAINER ? trailing : noLead();
          continue;
        }
      }
      lead = noLead();
    } while (cursor.gotoNextSibling());
    cursor.gotoParent();
    return lead;
  }

  function declare(owner: Owner, found: Found, span: Span, depth: number): void {
    const endLine = lines.lineAt(span.end - 1);
    const startLine = Math.max(span.lead.startLine, nextLine);
    const fits = lines.size(startLine, endLine) <= sizes.target || startLine === endLine;
    // It stands on a line that another piece already has.
    const isTaken = endLine < nextLine;
    note(owner, found, fits || isTaken, depth);
    if (isTaken) return;
    flush(owner, startLine - 1);
    const { declared, node } = found;
    const self: Owner = {
      ...scopeOf(owner, declared, span.line),
      signature: signatureOf(lines.text, span, found),
      doc: [...span.lead.comments, table.innerDoc?.(node) ?? ""].map(docText).filter(Boolean).join("\n"),
      container: owner.container,
      opened: false,
    };
    if (fits) {
      pieces.push(pieceOf(self, startLine, endLine, "declaration"));
    } else {
      self.container = ++containers;
      divide(self, depth + 1, span.end - span.start, noLead());
      flush(self, endLine);
    }
    nextLine = endLine + 1;
  }

  /** Makes the declaration under the cursor a symbol, and, when asked to, what is declared inside it. */
  function note(around: Scope, { declared, node, end }: Found, withInside: boolean, depth: number): void {
    const line = lines.lineAt(skipAnnotations(lines.text, node.startIndex, end));
    const isPeer = namesPeer(around, declared, lines.lineAt(node.startIndex));
    const isSame = isPeer && declared.name === around.name;
    const { kind, name, parents, inner } = isPeer
      ? { ...around, name: declared.name, inner: [...around.parents, declared.name] }
      : scopeOf(around, declared, line);
    if (!declared.extends && !isSame) {
      symbols.push({ name, kind, parents, line, endLine: lines.lineAt(end - 1) });
    }
    if (withInside && !isRoutine(kind)) gather({ kind, name, parents, inner, line }, depth + 1);
  }

  /** Makes symbols of the declarations in the node under the cursor, which stays one piece. */
  function gather(around: Scope, depth: number): void {
    if (depth > MAX_DEPTH || !cursor.gotoFirstChild()) return;
    let joinedEnd = 0;
    do {
      const action = actions[cursor.nodeTypeId] ?? 0;
      if (cursor.startIndex < joinedEnd) continue;
      const found = action & (DECLARATION | WRAPPER) ? descendToDeclaration(action) : undefined;
      if (found) {
        joinedEnd = found.end;
        note(around, found, true, depth);
        climb(found.levels);
      } else if (action & (BODY | CONTAINER)) {
        gather(around, depth + 1);
      }
    } while (cursor.gotoNextSibling());
    cursor.gotoParent();
  }

  /** Gives the lines up to `last` that no declaration took to the owner. */
  function flush(owner: Owner, last: number): void {
    const first = nextLine;
    if (last < first) return;
    nextLine = last + 1;
    const startLine = skipBlank(lines, first, last, 1);
    if (startLine > last) return;
    const endLine = skipBlank(lines, last, startLine, -1);
    const role: Role = owner.kind === "text" ? "text" : owner.opened ? "rest" : "head";
    pieces.push(pieceOf(owner, startLine, endLine, role));
    owner.opened = true;
  }

  /** Leaves the cursor on the declaration, `levels` below where it was. */
  function descendToDeclaration(action: number): Found | undefined {
    const outer = table.joins && action & WRAPPER ? cursor.currentNode : undefined;
    if (action & WRAPPER && cursor.gotoFirstChild()) {
      do {
        const inner = actions[cursor.nodeTypeId] ?? 0;
        const found = inner & (DECLARATION | WRAPPER) ? descendToDeclaration(inner) : undefined;
        if (found) return { ...found, levels: found.levels + 1, end: Math.max(found.end, outer ? endOf(outer) : 0) };
      } while (cursor.gotoNextSibling());
      cursor.gotoParent();
    }
    if (!(action & DECLARATION)) return undefined;
    const node = cursor.currentNode;
    const declared = table.describe[cursor.nodeTypeId]?.(node);
    return declared ? { declared, node, levels: 0, end: endOf(node) } : undefined;
  }

  /** Where the code of a declaration ends, with the siblings that are part of it. */
  function endOf(node: Node): number {
    let last = node;
    for (let next = node.nextNamedSibling; next && table.joins?.(node, next); next = next.nextNamedSibling) last = next;
    return endOfCode(lines.text, last.startIndex, last.endIndex);
  }

  function climb(levels: number): void {
    for (let i = 0; i < levels; i++) cursor.gotoParent();
  }

  function markBreak(line: number, depth: number): void {
    if (depth < breaks[line]) breaks[line] = depth;
  }

  const file: Owner = {
    kind: "text",
    name: "",
    parents: [],
    inner: [],
    signature: "",
    doc: "",
    container: 0,
    line: 0,
    opened: true,
  };
  divide(file, 0, Number.POSITIVE_INFINITY, noLead());
  flush(file, lines.count);
  cursor.delete();
  return { pieces, breaks, symbols };
}

/** What a declaration is to the ones inside it. */
interface Scope {
  kind: ChunkKind;
  name: string;
  parents: readonly string[];
  /** Parents of what stands inside. */
  inner: readonly string[];
  /** Where its code begins, comments left out. */
  line: number;
}

/** A declaration while its content is divided. */
interface Owner extends Scope {
  signature: string;
  doc: string;
  container: number;
  /** True once its head is a piece. */
  opened: boolean;
}

interface Found {
  declared: Declared;
  node: Node;
  levels: number;
  /** Offset behind its last character. */
  end: number;
}

interface Span {
  start: number;
  end: number;
  line: number;
  lead: Lead;
}

/** Comments and attributes right above a declaration. */
interface Lead {
  startLine: number;
  endLine: number;
  comments: string[];
}

function noLead(line = 0): Lead {
  return { startLine: line, endLine: line, comments: [] };
}

/** Right above, or, as some houses write documentation blocks, with one blank line between. */
function isAbove(lead: Lead, line: number, lines: SourceLines): boolean {
  if (lead.startLine === 0 || lead.endLine > line) return false;
  if (lead.endLine >= line - 1) return true;
  return lead.endLine === line - 2 && lead.comments.at(-1)?.startsWith("/**") === true && lines.isBlank(line - 1);
}

function withScope(owner: Owner, name: string | undefined): Owner {
  return name ? { ...owner, inner: [...owner.parents, name] } : owner;
}

function scopeOf(around: Scope, declared: Declared, line: number): Scope {
  const inClass = around.kind === "class" || around.kind === "interface";
  const parents = declared.parents?.length ? [...around.inner, ...declared.parents] : around.inner;
  return {
    kind: declared.kind === "function" && inClass ? "method" : declared.kind,
    name: declared.name,
    parents,
    inner: [...parents, declared.name],
    line,
  };
}

/** Whether it stands beside what it stands in: the type in a `typedef`, a constant in a group named by its first. */
function namesPeer(around: Scope, found: Declared, line: number): boolean {
  return found.kind === around.kind && (around.line === line || (found.kind === "constant" && found.minor === true));
}

function isRoutine(kind: ChunkKind): boolean {
  return kind === "function" || kind === "method";
}

/** Inside functions only what could stand alone is a piece of its own; a wrapper is not found twice. */
function isPieceOf(
  owner: Owner,
  found: Declared,
  line: number,
  size: number,
  whole: number,
  sizes: ChunkSizes,
): boolean {
  if (found.minor || (owner.line === line && owner.kind === found.kind && size * 2 > whole)) return false;
  if (!isRoutine(owner.kind) && owner.kind !== "constant") return true;
  return size >= sizes.small && (isRoutine(found.kind) || found.kind === "class");
}

function pieceOf(owner: Owner, startLine: number, endLine: number, role: Role): Piece {
  const { kind, name, parents, signature, container } = owner;
  return { startLine, endLine, kind, name, parents, signature, container, role, doc: role === "rest" ? "" : owner.doc };
}

/** A body further away than this is not looked for. */
const LONGEST_HEADER = 600;

/** From the first word of the declaration to its body. */
function signatureOf(text: string, span: Span, found: Found): string {
  const body = found.declared.body === undefined ? found.node.childForFieldName("body") : found.declared.body;
  const start = text[span.start] === "@" ? found.node.startIndex : span.start;
  return oneLine(text.slice(start, Math.min(body?.startIndex ?? span.end, span.end, start + LONGEST_HEADER)));
}

/** Some grammars count the line break after a node, or white space, as part of it. */
function endOfCode(text: string, start: number, end: number): number {
  let last = end;
  while (last > start && isSpace(text.charCodeAt(last - 1))) last--;
  return last;
}

function skipBlank(lines: SourceLines, from: number, to: number, step: number): number {
  let line = from;
  while ((to - line) * step >= 0 && lines.isBlank(line)) line += step;
  return line;
}
