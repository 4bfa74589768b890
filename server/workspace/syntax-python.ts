import type { Node } from "web-tree-sitter";
import { type Declared, declared, isConstantName, minor, named, type Syntax, spansLines } from "./syntax.ts";

export const python: Syntax = {
  comments: ["comment"],
  wrappers: ["decorated_definition"],
  bodies: [
    "block",
    "if_statement",
    "elif_clause",
    "else_clause",
    "try_statement",
    "except_clause",
    "finally_clause",
    "with_statement",
  ],
  declarations: {
    function_definition: named("function"),
    class_definition: named("class"),
    type_alias_statement: (node) => declared("type", node.namedChild(0)?.text),
    expression_statement: assignment,
  },
  innerDoc: docstring,
};

function assignment(node: Node): Declared | null {
  const expression = node.namedChild(0);
  const name = expression?.type === "assignment" ? expression.childForFieldName("left") : null;
  if (name?.type !== "identifier") return null;
  const found = declared("constant", name.text, { body: expression?.childForFieldName("right") ?? null });
  if (isConstantName(name.text) || spansLines(node)) return found;
  return node.parent?.type === "module" ? minor(found) : null;
}

function docstring(node: Node): string {
  const first = node.childForFieldName("body")?.namedChildren.find((child) => child.type !== "comment");
  const text = first?.type === "expression_statement" ? first.namedChild(0) : null;
  return text?.type === "string" ? text.text : "";
}
