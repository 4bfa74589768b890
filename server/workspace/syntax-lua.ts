import type { Node } from "web-tree-sitter";
import { type Declared, declared, type Syntax, spansLines, textOf } from "./syntax.ts";

export const lua: Syntax = {
  comments: ["comment"],
  wrappers: ["variable_declaration"],
  bodies: ["expression_list", "table_constructor"],
  declarations: {
    function_declaration: (node) => routine(textOf(node, "name"), node.childForFieldName("body")),
    assignment_statement: assignment,
    field: (node) => assigned(textOf(node, "name"), node.childForFieldName("value")),
  },
};

/** `function M.pool:take()` is `take` inside `M > pool`. */
function routine(path: string | undefined, body: Node | null): Declared | null {
  const parents = path?.split(/[.:]/) ?? [];
  return declared("function", parents.pop(), { parents, body });
}

function assignment(node: Node): Declared | null {
  const [names, values] = node.namedChildren;
  if (names?.namedChildCount !== 1 || values?.namedChildCount !== 1) return null;
  return assigned(names.text, values.namedChild(0));
}

function assigned(path: string | undefined, value: Node | null): Declared | null {
  if (value?.type === "function_definition") return routine(path, value.childForFieldName("body") ?? value);
  if (value?.type !== "table_constructor" || !spansLines(value)) return null;
  return declared("constant", path, { body: value });
}
