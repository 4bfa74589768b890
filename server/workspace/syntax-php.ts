import type { Node } from "web-tree-sitter";
import { type Declared, declared, minor, named, type Syntax, spansLines, textOf } from "./syntax.ts";

export const php: Syntax = {
  comments: ["comment"],
  bodies: ["declaration_list", "enum_declaration_list", "compound_statement", "if_statement"],
  scopes: {
    namespace_definition: (node) => (node.childForFieldName("body") ? "" : (textOf(node, "name") ?? "")),
  },
  declarations: {
    namespace_definition: (node) => (node.childForFieldName("body") ? named("module")(node) : null),
    function_definition: named("function"),
    class_declaration: named("class"),
    trait_declaration: named("class"),
    interface_declaration: named("interface"),
    enum_declaration: named("enum"),
    enum_case: (node) => minor(named("constant")(node)),
    method_declaration: named("method"),
    const_declaration: constants,
  },
};

function constants(node: Node): Declared | null {
  const first = node.namedChildren.find((child) => child.type === "const_element");
  const found = declared("constant", first?.namedChild(0)?.text, { body: first?.namedChild(1) ?? null });
  return spansLines(node) ? found : minor(found);
}
