import type { Node } from "web-tree-sitter";
import type { ChunkKind } from "../../shared/search-types.ts";
import { childOf, type Declared, declared, minor, named, type Syntax, spansLines, textOf } from "./syntax.ts";

/** By the keyword of a declaration; the grammar has one node type for all of them. */
const TYPE_KINDS: Readonly<Record<string, ChunkKind>> = {
  class: "class",
  struct: "class",
  actor: "class",
  enum: "enum",
};

export const swift: Syntax = {
  comments: ["comment", "multiline_comment"],
  bodies: ["class_body", "protocol_body", "enum_class_body"],
  declarations: {
    class_declaration: type,
    protocol_declaration: named("interface"),
    function_declaration: named("function"),
    protocol_function_declaration: (node) => declared("method", textOf(node, "name"), { body: null }),
    init_declaration: () => declared("method", "init"),
    deinit_declaration: () => declared("method", "deinit"),
    subscript_declaration: (node) => declared("method", "subscript", { body: childOf(node, "computed_property") }),
    property_declaration: property,
    typealias_declaration: (node) => declared("type", textOf(node, "name"), { body: null }),
    enum_entry: (node) => minor(declared("constant", textOf(node, "name"))),
  },
};

/** What an extension adds belongs to the type it names, like everything else that is written for it. */
function type(node: Node): Declared | null {
  const keyword = textOf(node, "declaration_kind") ?? "";
  const name = textOf(node, "name")?.replace(/<.*$/, "").split(".").at(-1);
  const found = declared(TYPE_KINDS[keyword] ?? "class", name);
  return keyword === "extension" && found ? { ...found, extends: true } : found;
}

/** A computed property is a chunk; of the others those of the file are found by name. */
function property(node: Node): Declared | null {
  const name = node.childForFieldName("name")?.text;
  const computed = node.childForFieldName("computed_value");
  if (computed && spansLines(node)) return declared("method", name, { body: computed });
  return node.parent?.type === "source_file" ? minor(declared("constant", name)) : null;
}
