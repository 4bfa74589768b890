import type { Node } from "web-tree-sitter";
import { type Declared, declared, minor, named, type Syntax, spansLines, textOf } from "./syntax.ts";

export const csharp: Syntax = {
  comments: ["comment"],
  containers: ["preproc_if", "preproc_else", "preproc_elif", "declaration_list"],
  bodies: ["enum_member_declaration_list"],
  scopes: { file_scoped_namespace_declaration: (node) => textOf(node, "name") ?? "" },
  declarations: {
    namespace_declaration: named("module"),
    class_declaration: named("class"),
    struct_declaration: named("class"),
    record_declaration: named("class"),
    interface_declaration: named("interface"),
    enum_declaration: named("enum"),
    enum_member_declaration: (node) => minor(named("constant")(node)),
    delegate_declaration: named("type"),
    method_declaration: named("method"),
    constructor_declaration: named("method"),
    destructor_declaration: named("method"),
    operator_declaration: (node) => declared("method", `operator ${textOf(node, "operator") ?? ""}`.trim()),
    indexer_declaration: (node) => declared("method", "this[]", { body: node.childForFieldName("accessors") }),
    property_declaration: property,
    local_function_statement: named("function"),
  },
};

/** A property with code in it is a chunk, a plain one only a symbol. */
function property(node: Node): Declared | null {
  const body = node.childForFieldName("accessors") ?? node.childForFieldName("value");
  const found = declared("method", textOf(node, "name"), { body });
  return spansLines(node) ? found : minor(found);
}
