import type { ChunkKind } from "../../shared/search-types.ts";
import type { ChunkSymbol } from "./chunk.ts";
import type { ChunkSizes } from "./chunk-sizes.ts";
import type { DeclarationPattern } from "./declaration-patterns.ts";
import { docText } from "./doc-comment.ts";
import type { Outline, Piece, Role } from "./outline.ts";
import { oneLine } from "./signature.ts";
import type { SourceLines } from "./source-lines.ts";

/** Lines longer than this open no declaration. */
const LONGEST_LINE = 400;
const NO_BREAK = 255;

/**
 * The outline of a file by the look of its lines: a declaration begins where a pattern matches and ends before the next
 * line that is indented no deeper. Undefined when nothing matches.
 */
export function outlineByPatterns(
  lines: SourceLines,
  patterns: readonly DeclarationPattern[],
  sizes: ChunkSizes,
): Outline | undefined {
  const look = Array.from({ length: lines.count + 1 }, (_, line) => (line === 0 ? BLANK : lookOf(lines, line)));
  const declarations = findDeclarations(lines, look, patterns);
  if (declarations.length === 0) return undefined;
  const pieces: Piece[] = [];
  let containers = 0;
  let next = 1;

  /** Gives the lines up to `last` to `owner`, or to none. */
  function flush(owner: Declaration | undefined, container: number, last: number): void {
    let startLine = next;
    let endLine = last;
    next = Math.max(next, last + 1);
    while (startLine <= endLine && look[startLine].blank) startLine++;
    while (endLine >= startLine && look[endLine].blank) endLine--;
    if (startLine > endLine) return;
    const role: Role = owner === undefined ? "text" : owner.opened ? "rest" : "head";
    pieces.push(pieceOf(owner, startLine, endLine, container, role));
    if (owner) owner.opened = true;
  }

  function place(inside: readonly Declaration[], owner: Declaration | undefined, container: number): void {
    for (const declaration of inside) {
      if (declaration.endLine < next) continue;
      flush(owner, container, declaration.startLine - 1);
      if (lines.size(next, declaration.endLine) <= sizes.target) {
        pieces.push(pieceOf(declaration, next, declaration.endLine, container, "declaration"));
        next = declaration.endLine + 1;
      } else {
        const own = ++containers;
        place(visibleInside(declaration, lines, sizes), declaration, own);
        flush(declaration, own, declaration.endLine);
      }
    }
  }

  place(declarations, undefined, 0);
  flush(undefined, 0, lines.count);
  return { pieces, breaks: breaksOf(look), symbols: [...symbolsOf(declarations, lines, sizes)] };
}

interface Look {
  blank: boolean;
  indent: number;
  /** Closes or continues what stands above at the same indentation. */
  closing: boolean;
  /** A comment, an attribute or an annotation. */
  lead: boolean;
}

interface Declaration {
  kind: ChunkKind;
  name: string;
  parents: string[];
  signature: string;
  doc: string;
  /** Of its comment, if it has one. */
  startLine: number;
  line: number;
  endLine: number;
  indent: number;
  inside: Declaration[];
  opened: boolean;
}

const BLANK: Look = { blank: true, indent: 0, closing: false, lead: false };
const CLOSING = /^(?:[)\]}{]|(?:end|endfunction|endmodule|where|then|else|begin|done|fi|esac)\b)/i;
const LEAD = /^(?:\/\/|\/\*|\*|--|#(?!\w)|#\[|;|%|!|"""|\(\*|\{-|@\w)/;

function lookOf(lines: SourceLines, line: number): Look {
  const text = lines.text.slice(lines.start(line), Math.min(lines.end(line), lines.start(line) + LONGEST_LINE));
  const indent = text.search(/\S/);
  if (indent === -1) return BLANK;
  const code = text.slice(indent);
  return { blank: false, indent, closing: CLOSING.test(code), lead: LEAD.test(code) };
}

function findDeclarations(
  lines: SourceLines,
  look: readonly Look[],
  patterns: readonly DeclarationPattern[],
): Declaration[] {
  const outermost: Declaration[] = [];
  const open: Declaration[] = [];
  for (let line = 1; line <= lines.count; line++) {
    const { blank, indent, closing } = look[line];
    if (blank) continue;
    const declaration = declarationAt(lines, look, line, patterns);
    // A lead line above a declaration already belongs to it, and no longer to what stands before.
    while (open.length > 0 && ends(open[open.length - 1], line, indent, closing, declaration, lines)) open.pop();
    if (declaration) {
      const around = open.at(-1);
      if (around) {
        declaration.parents = [...around.parents, around.name, ...declaration.parents];
        if (declaration.kind === "function" && (around.kind === "class" || around.kind === "interface")) {
          declaration.kind = "method";
        }
      }
      (around?.inside ?? outermost).push(declaration);
      open.push(declaration);
    }
    for (const one of open) one.endLine = line;
  }
  return trimLeads(outermost);
}

function ends(
  open: Declaration,
  line: number,
  indent: number,
  closing: boolean,
  found: Declaration | undefined,
  lines: SourceLines,
): boolean {
  if (indent > open.indent || (indent === open.indent && closing)) return false;
  // Equations below a Haskell signature begin with its name.
  const sameName =
    found === undefined && indent === open.indent && lines.slice(line, line).startsWith(open.name, indent);
  return !sameName;
}

/** Where a comment of the next declaration was counted into the one before, it is taken back. */
function trimLeads(declarations: Declaration[]): Declaration[] {
  for (const [i, declaration] of declarations.entries()) {
    const following = declarations[i + 1];
    if (following) declaration.endLine = Math.min(declaration.endLine, following.startLine - 1);
    for (const inner of declaration.inside) inner.endLine = Math.min(inner.endLine, declaration.endLine);
    trimLeads(declaration.inside);
  }
  return declarations;
}

function declarationAt(
  lines: SourceLines,
  look: readonly Look[],
  line: number,
  patterns: readonly DeclarationPattern[],
): Declaration | undefined {
  const text = lines.slice(line, line);
  if (text.length > LONGEST_LINE) return undefined;
  for (const [kind, pattern] of patterns) {
    const match = pattern.exec(text);
    const path = match?.slice(1).find(Boolean);
    if (!path) continue;
    let startLine = line;
    while (startLine > 1 && leads(look[startLine - 1], look[line])) startLine--;
    const parts = path.replace(/[`"[\]]|<[^<>]*>/g, "").split(/::|[.:](?=\w)/);
    const comment = startLine < line ? lines.slice(startLine, line - 1) : "";
    return {
      kind,
      name: (parts.pop() || path).trim().slice(0, 100),
      parents: parts.filter(Boolean),
      signature: oneLine(text),
      doc: docText(comment.replace(/^\s*@.*$/gm, "")),
      startLine,
      line,
      endLine: line,
      indent: look[line].indent,
      inside: [],
      opened: false,
    };
  }
  return undefined;
}

/** The lines of a block comment may begin with a star one column further in. */
function leads(above: Look, declaration: Look): boolean {
  return above.lead && (above.indent === declaration.indent || above.indent === declaration.indent + 1);
}

function* symbolsOf(
  declarations: readonly Declaration[],
  lines: SourceLines,
  sizes: ChunkSizes,
): Generator<ChunkSymbol> {
  for (const declaration of declarations) {
    const { name, kind, parents, line, endLine } = declaration;
    yield { name, kind, parents, line, endLine: Math.max(line, endLine) };
    yield* symbolsOf(visibleInside(declaration, lines, sizes), lines, sizes);
  }
}

/** What is declared inside; of a function only what could stand alone. */
function visibleInside({ kind, inside }: Declaration, lines: SourceLines, sizes: ChunkSizes): Declaration[] {
  return kind === "function" || kind === "method" ? inside.filter((d) => isLarge(d, lines, sizes)) : inside;
}

function isLarge(declaration: Declaration, lines: SourceLines, sizes: ChunkSizes): boolean {
  return lines.size(declaration.startLine, declaration.endLine) >= sizes.small;
}

function pieceOf(
  owner: Declaration | undefined,
  startLine: number,
  endLine: number,
  container: number,
  role: Role,
): Piece {
  const { kind, name, parents, signature, doc } = owner ?? NONE;
  return { startLine, endLine, kind, name, parents, signature, doc: role === "rest" ? "" : doc, container, role };
}

const NONE = { kind: "text", name: "", parents: [], signature: "", doc: "" } as const;

/** The less a line is indented, the better it is to cut there. */
function breaksOf(look: readonly Look[]): Uint8Array {
  const breaks = new Uint8Array(look.length + 1).fill(NO_BREAK);
  for (let line = 1; line < look.length; line++) {
    const { blank, closing, indent } = look[line];
    if (!blank && !closing && !look[line - 1].lead) breaks[line] = Math.min(indent >> 1, 19);
  }
  return breaks;
}
