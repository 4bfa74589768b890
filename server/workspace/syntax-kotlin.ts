import type { Node } from "web-tree-sitter";
import { childOf, type Declared, declared, isConstantName, minor, named, type Syntax, spansLines } from "./syntax.ts";

export const kotlin: Syntax = {
  comments: ["line_comment", "block_comment"],
  // What a companion declares is asked for by the name of its class.
  containers: ["companion_object"],
  bodies: ["class_body", "enum_class_body"],
  declarations: {
    class_declaration: type,
    object_declaration: (node) => declared("class", childOf(node, "identifier")?.text, { body: body(node) }),
    function_declaration: (node) => routine(node),
    secondary_constructor: (node) => declared("method", "constructor", { body: childOf(node, "block") ?? null }),
    property_declaration: property,
    type_alias: (node) => declared("type", node.childForFieldName("type")?.text, { body: null }),
    enum_entry: (node) => minor(declared("constant", childOf(node, "identifier")?.text)),
  },
};

function type(node: Node): Declared | null {
  const isInterface = node.children.some((child) => child.type === "interface");
  const kind = isInterface ? "interface" : childOf(node, "enum_class_body") ? "enum" : "class";
  return declared(kind, node.childForFieldName("name")?.text, { body: body(node) });
}

function body(node: Node): Node | null {
  return childOf(node, "class_body") ?? childOf(node, "enum_class_body") ?? null;
}

/** `fun Pool<Int>.withOne()` belongs to `Pool`. */
function routine(node: Node): Declared | null {
  const name = node.childForFieldName("name");
  const before = name?.previousNamedSibling;
  const receiver = before?.type === "user_type" ? before.text.replace(/<.*$/s, "").split(".").at(-1) : undefined;
  const found = named("function")(node);
  return (
    found && { ...found, parents: receiver ? [receiver] : undefined, body: childOf(node, "function_body") ?? null }
  );
}

/** A property with code of its own is a chunk; of the others constants and those of the file are found by name. */
function property(node: Node): Declared | null {
  const name = childOf(childOf(node, "variable_declaration"), "identifier")?.text;
  const accessor = childOf(node, "getter") ?? childOf(node, "setter");
  if (accessor && spansLines(node)) return declared("method", name, { body: accessor });
  const isFound = isConstantName(name ?? "") || node.parent?.type === "source_file";
  return isFound ? minor(declared("constant", name)) : null;
}
