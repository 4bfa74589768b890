import type { Node } from "web-tree-sitter";
import { type Declared, declared, minor, named, type Syntax, textOf } from "./syntax.ts";

export const scala: Syntax = {
  comments: ["comment", "block_comment"],
  containers: ["extension_definition", "package_clause"],
  bodies: ["template_body", "with_template_body", "enum_body", "enum_case_definitions"],
  declarations: {
    class_definition: named("class"),
    object_definition: named("class"),
    package_object: named("module"),
    trait_definition: named("interface"),
    enum_definition: named("enum"),
    simple_enum_case: (node) => minor(named("constant")(node)),
    full_enum_case: (node) => minor(named("constant")(node)),
    function_definition: named("function"),
    function_declaration: named("function"),
    given_definition: named("constant"),
    type_definition: (node) => declared("type", textOf(node, "name"), { body: null }),
    val_definition: value,
  },
};

/** Values of objects and of the file begin with a capital by convention when they are constants. */
function value(node: Node): Declared | null {
  const name = textOf(node, "pattern") ?? "";
  return /^[A-Z]\w*$/.test(name) ? minor(declared("constant", name)) : null;
}
