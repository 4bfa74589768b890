import type { Node } from "web-tree-sitter";
import { type Declared, declared, named, type Syntax, spansLines, textOf } from "./syntax.ts";

export const php: Syntax = {
  comments: ["comment"],
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
    method_declaration: named("method"),
    const_declaration: constants,
  },
};

function constants(node: Node): Declared | null {
  const first = node.namedChildren.find((child) => child.type === "const_element");
  return spansLines(node)
    ? declared("constant", first?.namedChild(0)?.text, { body: first?.namedChild(1) ?? null })
    : null;
}
