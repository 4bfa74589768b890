import type { Node } from "web-tree-sitter";
import type { ChunkKind } from "../../shared/search-types.ts";
import { childOf, type Declared, declared, type Syntax } from "./syntax.ts";

/** Everything is a call in Elixir: what the called name declares. */
const KINDS: ReadonlyMap<string, ChunkKind> = new Map([
  ["defmodule", "module"],
  ["defprotocol", "interface"],
  ["defimpl", "module"],
  ["def", "function"],
  ["defp", "function"],
  ["defmacro", "function"],
  ["defmacrop", "function"],
  ["defguard", "function"],
  ["defguardp", "function"],
  ["defdelegate", "function"],
  ["describe", "function"],
  ["test", "function"],
]);

export const elixir: Syntax = {
  comments: ["comment"],
  // Attributes: `@doc`, `@spec`, `@impl`.
  prefixes: ["unary_operator"],
  bodies: ["do_block"],
  declarations: { call: declaration },
  joins: (node, next) => isClause(node) && isClause(next) && head(node) === head(next),
  innerDoc: (node) => attributeText(childOf(node, "do_block"), "moduledoc") || docAbove(node),
};

function declaration(node: Node): Declared | null {
  const kind = KINDS.get(keyword(node));
  const path = head(node);
  if (!kind || !path) return null;
  const body = childOf(node, "do_block") ?? childOf(childOf(node, "arguments"), "keywords") ?? null;
  // The name of a module is a path, that of a test is a sentence.
  const parents = kind === "module" || kind === "interface" ? path.split(".") : [path];
  return declared(kind, parents.pop(), { parents, body });
}

function keyword(node: Node): string {
  return node.childForFieldName("target")?.text ?? "";
}

/** What is declared: `Shop.Orders`, the `place` of `place(order) when ...`, the title of a test. */
function head(node: Node): string {
  let inner = childOf(node, "arguments")?.namedChild(0) ?? null;
  if (inner?.type === "string") return inner.text.replace(/^"|"$/g, "").replace(/\s+/g, " ");
  if (inner?.type === "binary_operator") inner = inner.childForFieldName("left");
  if (inner?.type === "call") inner = inner.childForFieldName("target");
  return inner?.text ?? "";
}

/** Clauses of one function stand below each other. */
function isClause(node: Node): boolean {
  return node.type === "call" && /^(?:defp?|defmacrop?)$/.test(keyword(node));
}

function docAbove(node: Node): string {
  for (let above = node.previousNamedSibling; above?.type === "unary_operator"; above = above.previousNamedSibling) {
    const text = attributeValue(above, "doc");
    if (text) return text;
  }
  return "";
}

function attributeText(block: Node | undefined, name: string): string {
  for (const child of block?.namedChildren ?? []) {
    const text = attributeValue(child, name);
    if (text) return text;
  }
  return "";
}

/** The text of `@doc "..."` with its quotes, or nothing. */
function attributeValue(node: Node, name: string): string {
  const call = node.type === "unary_operator" ? node.childForFieldName("operand") : null;
  const value = call && keyword(call) === name ? childOf(call, "arguments")?.namedChild(0) : null;
  return value?.type === "string" ? value.text : "";
}
