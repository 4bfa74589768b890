import type { Node } from "web-tree-sitter";
import type { ChunkKind } from "../../shared/search-types.ts";
import { type Declared, declared, isConstantName, minor, type Syntax, spansLines, textOf } from "./syntax.ts";

/** Calls that declare what their first argument names. */
const KINDS: ReadonlyMap<string, ChunkKind> = new Map([
  ["setClass", "class"],
  ["setRefClass", "class"],
  ["setGeneric", "function"],
  ["setMethod", "method"],
  ["test_that", "function"],
  ["describe", "function"],
]);
const ASSIGNMENT = /^(?:<<?-|=)$/;
const CLASS = /^(?:R6::)?R6Class$|^setRefClass$|^setClass$/;

export const r: Syntax = {
  comments: ["comment"],
  bodies: ["call", "arguments", "argument"],
  declarations: {
    binary_operator: assignment,
    call: declaringCall,
    argument: (node) => method(node),
  },
};

function assignment(node: Node): Declared | null {
  if (!ASSIGNMENT.test(textOf(node, "operator") ?? "")) return null;
  const name = textOf(node, "lhs")?.replace(/^[`"]|[`"]$/g, "");
  const value = node.childForFieldName("rhs");
  if (value?.type === "function_definition")
    return declared("function", name, { body: value.childForFieldName("body") });
  if (value?.type === "call" && CLASS.test(textOf(value, "function") ?? "")) {
    return declared("class", name, { body: value.childForFieldName("arguments") });
  }
  if (node.parent?.type !== "program" || !name || !/^[\w.]+$/.test(name)) return null;
  const found = declared("constant", name, { body: value });
  return isConstantName(name) || spansLines(node) ? found : minor(found);
}

function declaringCall(node: Node): Declared | null {
  const kind = KINDS.get(textOf(node, "function") ?? "");
  const values = node.childForFieldName("arguments")?.namedChildren.filter(({ type }) => type === "argument") ?? [];
  const [name, type] = values.slice(0, 2).map((argument) => quoted(argument.childForFieldName("value")));
  if (!kind || !name) return null;
  return declared(kind, name, { parents: kind === "method" && type ? [type] : undefined, body: values[1] ?? null });
}

/** `get = function() ...` in the list of a class. */
function method(node: Node): Declared | null {
  const value = node.childForFieldName("value");
  if (value?.type !== "function_definition") return null;
  return declared("method", textOf(node, "name"), { body: value.childForFieldName("body") });
}

function quoted(node: Node | null): string | undefined {
  return node?.type === "string" ? node.text.slice(1, -1) : undefined;
}
