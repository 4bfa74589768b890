import type { Node } from "web-tree-sitter";
import { type Declared, declared, minor, named, type Syntax, textOf } from "./syntax.ts";

export const rust: Syntax = {
  comments: ["line_comment", "block_comment"],
  prefixes: ["attribute_item"],
  containers: ["foreign_mod_item"],
  bodies: ["declaration_list", "enum_variant_list"],
  declarations: {
    function_item: named("function"),
    function_signature_item: named("function"),
    struct_item: named("class"),
    union_item: named("class"),
    enum_item: named("enum"),
    enum_variant: (node) => minor(named("constant")(node)),
    trait_item: named("interface"),
    type_item: (node) => declared("type", textOf(node, "name"), { body: null }),
    const_item: value,
    static_item: value,
    macro_definition: named("function"),
    mod_item: (node) => (node.childForFieldName("body") ? named("module")(node) : null),
    // `impl Display for net::Pool<T>` belongs to `Pool`, like everything else that is written for it.
    impl_item: implementation,
  },
};

function implementation(node: Node): Declared | null {
  const type = textOf(node, "type")?.replace(/^&(?:'\w+ )?(?:mut )?|<.*$/g, "");
  const found = declared("class", type?.split("::").at(-1));
  return found && { ...found, extends: true };
}

function value(node: Node): Declared | null {
  return declared("constant", textOf(node, "name"), { body: node.childForFieldName("value") });
}
