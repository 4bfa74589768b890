import type { Node } from "web-tree-sitter";
import { type Declared, declared, isConstantName, minor, named, type Syntax, textOf } from "./syntax.ts";

export const solidity: Syntax = {
  comments: ["comment"],
  bodies: ["contract_body", "enum_body"],
  declarations: {
    contract_declaration: named("class"),
    library_declaration: named("class"),
    interface_declaration: named("interface"),
    struct_declaration: named("class"),
    enum_declaration: named("enum"),
    event_definition: (node) => declared("type", textOf(node, "name"), { body: null }),
    error_declaration: (node) => declared("type", textOf(node, "name"), { body: null }),
    modifier_definition: named("function"),
    function_definition: named("function"),
    constructor_definition: () => declared("method", "constructor"),
    fallback_receive_definition: (node) => declared("method", /^\w+/.exec(node.text)?.[0]),
    state_variable_declaration: constant,
  },
};

function constant(node: Node): Declared | null {
  const name = textOf(node, "name") ?? "";
  return isConstantName(name) ? minor(declared("constant", name)) : null;
}
