import type { Node } from "web-tree-sitter";
import { type Declared, declared, minor, named, type Syntax, textOf } from "./syntax.ts";

const EQUATIONS: ReadonlySet<string> = new Set(["function", "bind"]);

export const haskell: Syntax = {
  comments: ["comment", "haddock"],
  containers: ["imports", "declarations"],
  bodies: ["class_declarations", "instance_declarations", "data_constructors"],
  declarations: {
    data_type: (node) => declared("type", textOf(node, "name"), { body: node.childForFieldName("constructors") }),
    newtype: named("type"),
    type_synomym: (node) => declared("type", textOf(node, "name"), { body: null }),
    type_family: named("type"),
    data_constructor: (node) => minor(declared("constant", /[A-Z]\w*/.exec(node.text)?.[0])),
    class: (node) => declared("interface", textOf(node, "name"), { body: node.childForFieldName("declarations") }),
    instance: instance,
    signature: (node) => routine(node, node.nextNamedSibling),
    function: (node) => routine(node, node.childForFieldName("match")),
    bind: (node) => routine(node, node.childForFieldName("match")),
  },
  joins: (node, next) => EQUATIONS.has(next.type) && textOf(node, "name") === textOf(next, "name"),
};

function routine(node: Node, body: Node | null): Declared | null {
  return declared("function", textOf(node, "name"), { body: body && EQUATIONS.has(body.type) ? body : (body ?? null) });
}

/** `instance Eq Shape` is named as it is written. */
function instance(node: Node): Declared | null {
  const words = [textOf(node, "name"), textOf(node, "patterns")?.replace(/^\(|\)$/g, "")];
  return declared("class", words.filter(Boolean).join(" "), { body: node.childForFieldName("declarations") });
}
