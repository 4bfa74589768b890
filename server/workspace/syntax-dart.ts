import type { Node } from "web-tree-sitter";
import type { ChunkKind } from "../../shared/search-types.ts";
import { childOf, type Declared, declared, minor, named, type Syntax, textOf } from "./syntax.ts";

export const dart: Syntax = {
  comments: ["comment", "documentation_comment"],
  prefixes: ["annotation"],
  wrappers: ["declaration", "method_signature", "static_final_declaration_list"],
  bodies: ["class_body", "extension_body", "enum_body"],
  declarations: {
    class_definition: named("class"),
    mixin_declaration: (node) =>
      declared("class", childOf(node, "identifier")?.text, { body: childOf(node, "class_body") }),
    extension_declaration: named("class"),
    enum_declaration: named("enum"),
    enum_constant: (node) => minor(named("constant")(node)),
    type_alias: (node) => declared("type", childOf(node, "type_identifier")?.text, { body: null }),
    function_signature: (node) => routine(node, "function", textOf(node, "name")),
    getter_signature: (node) => routine(node, "function", textOf(node, "name")),
    setter_signature: (node) => routine(node, "function", textOf(node, "name")),
    operator_signature: (node) => routine(node, "method", `operator ${childOf(node, "binary_operator")?.text ?? "[]"}`),
    constructor_signature: (node) => routine(node, "method", lastName(node)),
    factory_constructor_signature: (node) => routine(node, "method", lastName(node)),
    static_final_declaration: (node) => minor(declared("constant", childOf(node, "identifier")?.text)),
  },
  joins: (_node, next) => next.type === "function_body",
};

/** The body stands beside the signature, not in it. */
function routine(node: Node, kind: ChunkKind, name: string | undefined): Declared | null {
  const whole = node.parent?.type === "method_signature" ? node.parent : node;
  const next = whole.nextNamedSibling;
  return declared(kind, name, { body: next?.type === "function_body" ? next : null });
}

/** `Pool.empty()` is `empty`, `Pool()` is `Pool`. */
function lastName(node: Node): string | undefined {
  return node.namedChildren.filter((child) => child.type === "identifier").at(-1)?.text;
}
