import type { Node } from "web-tree-sitter";
import type { ChunkKind } from "../../shared/search-types.ts";
import { type Declared, declared, named, type Syntax } from "./syntax.ts";

export const bash: Syntax = {
  comments: ["comment"],
  bodies: ["if_statement", "else_clause"],
  declarations: { function_definition: named("function") },
};

export const powershell: Syntax = {
  comments: ["comment"],
  containers: ["statement_list"],
  declarations: {
    function_statement: (node) => member("function", node, "function_name"),
    class_statement: (node) => member("class", node, "simple_name"),
    enum_statement: (node) => member("enum", node, "simple_name"),
    class_method_definition: (node) => member("method", node, "simple_name"),
  },
};

/** PowerShell's nodes have no fields: the name is the first child of its type, the body what follows the header. */
function member(kind: ChunkKind, node: Node, nameType: string): Declared | null {
  const name = node.namedChildren.find((child) => child.type === nameType);
  const body = node.namedChildren.find((child) =>
    /^(?:script_block|class_\w+_definition|enum_member)$/.test(child.type),
  );
  return declared(kind, name?.text, { body: body ?? null });
}
