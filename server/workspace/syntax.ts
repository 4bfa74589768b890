import type { Node } from "web-tree-sitter";
import type { ChunkKind } from "../../shared/search-types.ts";

/** What a language's table says of one declaration. */
export interface Declared {
  kind: ChunkKind;
  name: string;
  /** Enclosing names that the declaration itself spells out, outermost first: a Go receiver, the `A` of `A::b`. */
  parents?: string[];
  /** Where the signature ends; by default the node's `body` field, otherwise the whole declaration. */
  body?: Node | null;
  /** A symbol that is never a chunk of its own: a member of an enum, a prototype, a plain variable. */
  minor?: true;
  /** Adds to a declaration that stands elsewhere, as `impl` does, and is no symbol itself. */
  extends?: true;
}

/** Tells what a node declares; null when it is no declaration of substance. */
export type Describe = (node: Node) => Declared | null;

/** The differences between languages, as node types of their grammars. The walker itself knows none. */
export interface Syntax {
  readonly declarations: Readonly<Record<string, Describe>>;
  /** Comments: a run of them right above a declaration is its documentation. */
  readonly comments: readonly string[];
  /** Siblings that belong to the declaration after them: attributes, decorators. */
  readonly prefixes?: readonly string[];
  /** Nodes around one declaration that count as part of it: `export`, decorators, `template<...>`. */
  readonly wrappers?: readonly string[];
  /** Nodes that are always looked into although they declare nothing: `#ifdef`, `extern "C"`, grouped types. */
  readonly containers?: readonly string[];
  /** Nodes between a declaration and its members, where symbols are looked for; never those of functions. */
  readonly bodies?: readonly string[];
  /** Declarations that name the parent of all siblings after them: `namespace App;`. */
  readonly scopes?: Readonly<Record<string, (node: Node) => string>>;
  /** Whether the sibling after a declaration is still part of it: a body that stands beside its header, an equation. */
  readonly joins?: (declaration: Node, next: Node) => boolean;
  /** Documentation that is written inside the declaration. */
  readonly innerDoc?: (node: Node) => string;
}

/** Describes a node whose name is its field `name`. */
export function named(kind: ChunkKind): Describe {
  return (node) => declared(kind, textOf(node, "name"));
}

/** A declaration, or null when it has no name. */
export function declared(
  kind: ChunkKind,
  name: string | undefined,
  more?: { parents?: string[] | undefined; body?: Node | null | undefined },
): Declared | null {
  return name ? { kind, name: name.length > 100 ? name.slice(0, 100) : name, ...more } : null;
}

/** A declaration that is found by its name but never a chunk of its own. */
export function minor(found: Declared | null): Declared | null {
  return found && { ...found, minor: true };
}

/** The text of a field on one line, or undefined. */
export function textOf(node: Node, field: string): string | undefined {
  return node.childForFieldName(field)?.text.replace(/\s+/g, " ");
}

/** The first child of a type, for grammars that name few fields; undefined for no node, too. */
export function childOf(node: Node | null | undefined, type: string): Node | undefined {
  return node?.namedChildren.find((child) => child.type === type);
}

export function spansLines(node: Node): boolean {
  return node.endPosition.row > node.startPosition.row;
}

/** `MAX_RETRIES`, but not `T` or `a`. */
export function isConstantName(name: string): boolean {
  return name.length > 1 && /^[A-Z][A-Z0-9_]*$/.test(name);
}
