import type { Node } from "web-tree-sitter";
import type { ChunkKind } from "../../shared/search-types.ts";
import { childOf, type Declared, declared, minor, named, type Syntax, spansLines, textOf } from "./syntax.ts";

/** By the node that a constant is set to. */
const TYPE_KINDS: Readonly<Record<string, ChunkKind>> = {
  struct_declaration: "class",
  union_declaration: "class",
  opaque_declaration: "class",
  enum_declaration: "enum",
  error_set_declaration: "enum",
};

export const zig: Syntax = {
  comments: ["comment"],
  // A generic type is a function that returns a struct.
  bodies: [
    "struct_declaration",
    "union_declaration",
    "opaque_declaration",
    "enum_declaration",
    "block",
    "expression_statement",
    "return_expression",
  ],
  declarations: {
    function_declaration: routine,
    variable_declaration: variable,
    container_field: (node) => (node.parent?.type === "enum_declaration" ? minor(named("constant")(node)) : null),
    test_declaration: (node) => {
      const title = childOf(node, "string") ?? childOf(node, "identifier");
      return declared("function", title?.text.replace(/^"|"$/g, ""), { body: childOf(node, "block") ?? null });
    },
  },
};

function routine(node: Node): Declared | null {
  return named(textOf(node, "type") === "type" ? "class" : "function")(node);
}

function variable(node: Node): Declared | null {
  const name = childOf(node, "identifier")?.text;
  const value = node.namedChildren.at(-1) ?? null;
  const kind = TYPE_KINDS[value?.type ?? ""];
  if (kind) return declared(kind, name, { body: value });
  const isPart = node.parent?.type === "source_file" || TYPE_KINDS[node.parent?.type ?? ""] !== undefined;
  if (!isPart || /^@(?:import|cImport)\b/.test(value?.text ?? "")) return null;
  const found = declared("constant", name, { body: value });
  return spansLines(node) ? found : minor(found);
}
