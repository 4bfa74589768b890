import type { Language as Grammar, Node } from "web-tree-sitter";
import type { Describe, Syntax } from "./syntax.ts";

/** What the walker does at a node, as bits. */
export const COMMENT = 1;
export const PREFIX = 2;
export const WRAPPER = 4;
export const CONTAINER = 8;
export const DECLARATION = 16;
export const SCOPE = 32;
/** Punctuation and keywords. */
export const TOKEN = 64;
/** Looked into for symbols, not for chunks. */
export const BODY = 128;

/** A language's syntax with node types replaced by the grammar's numbers. */
export interface SyntaxTable {
  /** By node type. */
  readonly actions: Uint8Array;
  readonly describe: readonly (Describe | undefined)[];
  readonly scope: readonly (((node: Node) => string) | undefined)[];
  readonly joins: ((declaration: Node, next: Node) => boolean) | undefined;
  readonly innerDoc: ((node: Node) => string) | undefined;
}

/** Throws when the syntax names a node type that the grammar does not have. */
export function syntaxTable(grammar: Grammar, syntax: Syntax): SyntaxTable {
  const actions = new Uint8Array(grammar.nodeTypeCount + 1);
  const describe: (Describe | undefined)[] = new Array(actions.length);
  const scope: (((node: Node) => string) | undefined)[] = new Array(actions.length);
  const numbers = new Map<string, number[]>();
  for (let type = 0; type < actions.length; type++) {
    const name = grammar.nodeTypeForId(type);
    if (name === null || !grammar.nodeTypeIsNamed(type)) actions[type] = TOKEN;
    else numbers.set(name, [...(numbers.get(name) ?? []), type]);
  }

  function mark(names: readonly string[] | undefined, action: number): void {
    for (const name of names ?? []) {
      const types = numbers.get(name);
      if (!types) throw new Error(`The grammar has no node type ${name}.`);
      for (const type of types) actions[type] |= action;
    }
  }

  mark(syntax.comments, COMMENT);
  mark(syntax.prefixes, PREFIX);
  mark(syntax.wrappers, WRAPPER);
  mark(syntax.containers, CONTAINER);
  mark(syntax.bodies, BODY);
  mark(Object.keys(syntax.declarations), DECLARATION);
  mark(Object.keys(syntax.scopes ?? {}), SCOPE);
  for (const [name, types] of numbers) {
    for (const type of types) {
      describe[type] = syntax.declarations[name];
      scope[type] = syntax.scopes?.[name];
    }
  }
  return { actions, describe, scope, joins: syntax.joins, innerDoc: syntax.innerDoc };
}
