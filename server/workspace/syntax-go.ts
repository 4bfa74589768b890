import type { Node } from "web-tree-sitter";
import type { ChunkKind } from "../../shared/search-types.ts";
import { type Declared, declared, minor, named, type Syntax, spansLines, textOf } from "./syntax.ts";

const TYPE_KINDS: Readonly<Record<string, ChunkKind>> = { struct_type: "class", interface_type: "interface" };

export const go: Syntax = {
  comments: ["comment"],
  containers: ["type_declaration"],
  bodies: ["type_spec", "interface_type", "const_declaration", "var_declaration", "var_spec_list"],
  declarations: {
    function_declaration: named("function"),
    method_declaration: (node) => declared("method", textOf(node, "name"), { parents: receiver(node) }),
    type_declaration: (node) => (isGroup(node) ? null : type(node.namedChild(0))),
    type_spec: (node) => (node.parent && isGroup(node.parent) ? type(node) : null),
    method_elem: (node) => minor(named("method")(node)),
    const_declaration: values,
    var_declaration: values,
    const_spec: (node) => minor(named("constant")(node)),
    var_spec: (node) => minor(named("constant")(node)),
  },
};

/** `func (q *Queue[T]) Push()` belongs to `Queue`. */
function receiver(node: Node): string[] | undefined {
  const name = /(\w+)\s*(?:\[[^\]]*\])?\s*\)\s*$/.exec(textOf(node, "receiver") ?? "")?.[1];
  return name ? [name] : undefined;
}

/** `type ( ... )` is looked into, `type A ...` is the declaration itself. */
function isGroup(declaration: Node): boolean {
  return declaration.namedChildCount > 1;
}

function type(spec: Node | null): Declared | null {
  const definition = spec?.childForFieldName("type");
  if (!spec) return null;
  return declared(TYPE_KINDS[definition?.type ?? ""] ?? "type", textOf(spec, "name"), { body: null });
}

function values(node: Node): Declared | null {
  if (!spansLines(node)) return null;
  const specs = node.namedChildren.flatMap((child) => (child.type === "var_spec_list" ? child.namedChildren : child));
  const first = specs.find((child) => child.type === "const_spec" || child.type === "var_spec");
  return first
    ? declared("constant", textOf(first, "name"), { body: first.childForFieldName("value") ?? first })
    : null;
}
