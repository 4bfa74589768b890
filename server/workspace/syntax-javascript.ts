import type { Node } from "web-tree-sitter";
import { type Declared, declared, isConstantName, minor, named, type Syntax, spansLines, textOf } from "./syntax.ts";

const FUNCTIONS = new Set(["arrow_function", "function_expression", "generator_function", "function"]);
/** Test runners' blocks: their titles are the best names a test file has. */
const OBJECTS = [
  "class",
  "class_body",
  "statement_block",
  "variable_declarator",
  "assignment_expression",
  "call_expression",
  "arguments",
  "object",
  "pair",
];
const TEST_BLOCKS = /^(?:describe|context|suite|it|test|specify)(?:\.\w+)*$/;

/** JavaScript and JSX. */
export const javascript: Syntax = {
  comments: ["comment"],
  prefixes: ["decorator"],
  wrappers: ["export_statement"],
  bodies: OBJECTS,
  declarations: {
    function_declaration: named("function"),
    generator_function_declaration: named("function"),
    class_declaration: named("class"),
    method_definition: named("method"),
    field_definition: (node) => functionField(node, "property"),
    pair: (node) => functionField(node, "key"),
    lexical_declaration: variable,
    variable_declaration: variable,
    expression_statement: statement,
    export_statement: defaultExport,
  },
};

const { field_definition: _, ...shared } = javascript.declarations;

/** TypeScript and TSX. */
export const typescript: Syntax = {
  ...javascript,
  wrappers: ["export_statement", "ambient_declaration"],
  bodies: [...OBJECTS, "ambient_declaration", "interface_body", "object_type", "enum_body"],
  declarations: {
    ...shared,
    public_field_definition: (node) => functionField(node, "name"),
    function_signature: named("function"),
    abstract_class_declaration: named("class"),
    interface_declaration: named("interface"),
    type_alias_declaration: (node) => declared("type", textOf(node, "name"), { body: null }),
    enum_declaration: named("enum"),
    enum_assignment: (node) => minor(named("constant")(node)),
    property_identifier: (node) => (node.parent?.type === "enum_body" ? minor(declared("constant", node.text)) : null),
    internal_module: named("module"),
    module: (node) => declared("module", textOf(node, "name")?.replace(/^["']|["']$/g, "")),
    method_signature: named("method"),
    abstract_method_signature: named("method"),
  },
};

function functionField(node: Node, field: string): Declared | null {
  const value = node.childForFieldName("value");
  if (!value || !FUNCTIONS.has(value.type)) return null;
  return declared("method", textOf(node, field)?.replace(/^["']|["']$/g, ""), { body: bodyOf(value) });
}

function variable(node: Node): Declared | null {
  const declarator = node.namedChildren.find((child) => child.type === "variable_declarator");
  const name = declarator?.childForFieldName("name");
  const value = declarator?.childForFieldName("value");
  if (name?.type !== "identifier") return null;
  const found = value ? valueNamed(name.text, value, node) : null;
  return found ?? (value && IMPORTS.test(value.text) ? null : minor(declared("constant", name.text)));
}

/** What these give has its name elsewhere. */
const IMPORTS = /^(?:await\s+)?(?:require|import)\s*\(/;

function valueNamed(name: string, value: Node, whole: Node): Declared | null {
  if (FUNCTIONS.has(value.type)) return declared("function", name, { body: bodyOf(value) });
  if (value.type === "class") return declared("class", name, { body: bodyOf(value) });
  return isConstantName(name) || spansLines(whole) ? declared("constant", name, { body: value }) : null;
}

function statement(node: Node): Declared | null {
  const expression = node.namedChild(0);
  switch (expression?.type) {
    case "internal_module":
      return declared("module", textOf(expression, "name"), { body: bodyOf(expression) });
    case "assignment_expression":
      return assignment(expression);
    case "call_expression":
      return testBlock(expression);
    default:
      return null;
  }
}

/** `exports.retry = function`, `Queue.prototype.push = ...`, `module.exports = class Pool`. */
function assignment(node: Node): Declared | null {
  const value = node.childForFieldName("right");
  const path = textOf(node, "left")?.split(".") ?? [];
  if (!value || path.length > 4 || !path.every((part) => /^[\w$]+$/.test(part))) return null;
  const owner = path.filter((part) => !["exports", "module", "this", "prototype", "window", "global"].includes(part));
  const name = owner.pop() ?? value.childForFieldName("name")?.text ?? path.join(".");
  const found = valueNamed(name, value, node);
  if (found?.kind === "constant" && value.type !== "object" && value.type !== "call_expression") return null;
  return (
    found && { ...found, kind: found.kind === "function" && owner.length > 0 ? "method" : found.kind, parents: owner }
  );
}

function testBlock(call: Node): Declared | null {
  if (!TEST_BLOCKS.test(textOf(call, "function") ?? "")) return null;
  const [title, ...rest] = call.childForFieldName("arguments")?.namedChildren ?? [];
  if (!title || !/string/.test(title.type)) return null;
  const body = rest.find((argument) => FUNCTIONS.has(argument.type));
  return body ? declared("function", title.text.slice(1, -1).replace(/\s+/g, " "), { body }) : null;
}

/** `export default () => {}` and its like have the name they are imported by. */
function defaultExport(node: Node): Declared | null {
  const value = node.childForFieldName("value");
  return value && valueNamed(value.childForFieldName("name")?.text ?? "default", value, node);
}

function bodyOf(node: Node): Node | null {
  return node.childForFieldName("body");
}
