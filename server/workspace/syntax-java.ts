import type { Node } from "web-tree-sitter";
import { type Declared, declared, isConstantName, minor, named, type Syntax, textOf } from "./syntax.ts";

export const java: Syntax = {
  comments: ["line_comment", "block_comment"],
  bodies: ["class_body", "interface_body", "annotation_type_body", "enum_body", "enum_body_declarations"],
  declarations: {
    class_declaration: named("class"),
    record_declaration: named("class"),
    interface_declaration: named("interface"),
    annotation_type_declaration: named("interface"),
    enum_declaration: named("enum"),
    enum_constant: (node) => minor(named("constant")(node)),
    field_declaration: constant,
    constant_declaration: constant,
    method_declaration: named("method"),
    constructor_declaration: named("method"),
    compact_constructor_declaration: named("method"),
  },
};

/** `static final int MAX_RETRIES`; other fields are no symbols. */
function constant(node: Node): Declared | null {
  const declarator = node.childForFieldName("declarator");
  const name = (declarator && textOf(declarator, "name")) ?? "";
  return isConstantName(name) ? minor(declared("constant", name)) : null;
}
