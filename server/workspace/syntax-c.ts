import type { Node } from "web-tree-sitter";
import type { ChunkKind } from "../../shared/search-types.ts";
import {
  type Declared,
  type Describe,
  declared,
  isConstantName,
  minor,
  named,
  type Syntax,
  spansLines,
  textOf,
} from "./syntax.ts";

export const c: Syntax = {
  comments: ["comment"],
  containers: [
    "preproc_if",
    "preproc_ifdef",
    "preproc_else",
    "preproc_elif",
    "preproc_elifdef",
    "linkage_specification",
    "declaration_list",
  ],
  bodies: ["enumerator_list"],
  declarations: {
    function_definition: routine,
    struct_specifier: record("class"),
    union_specifier: record("class"),
    enum_specifier: record("enum"),
    enumerator: (node) => minor(named("constant")(node)),
    type_definition: typedef,
    declaration: initialised,
    preproc_function_def: (node) =>
      declared("function", textOf(node, "name"), { body: node.childForFieldName("value") }),
    preproc_def: macro,
  },
};

export const cpp: Syntax = {
  ...c,
  prefixes: ["attribute_declaration"],
  wrappers: ["template_declaration"],
  containers: [...(c.containers ?? []), "field_declaration_list"],
  bodies: ["enumerator_list", "field_declaration"],
  declarations: {
    ...c.declarations,
    class_specifier: record("class"),
    namespace_definition: (node) => (textOf(node, "name") ? named("module")(node) : null),
    declaration: (node) => prototype(node) ?? initialised(node),
    field_declaration: prototype,
    alias_declaration: named("type"),
    concept_definition: named("type"),
  },
};

/** A struct, class or enum with a body; `struct stat` in front of a name is only a type. */
function record(kind: ChunkKind): Describe {
  return (node) => (node.childForFieldName("body") ? qualified(kind, textOf(node, "name")) : null);
}

function routine(node: Node): Declared | null {
  const declarator = node.childForFieldName("declarator");
  // With an export macro, `class API Pool { ... }` parses as a function without parameters.
  const type = /^(?:class|struct|union|enum)\b/.exec(node.childForFieldName("type")?.text ?? "")?.[0];
  if (type && declarator?.type === "identifier") return declared(type === "enum" ? "enum" : "class", declarator.text);
  return qualified("function", declaratorName(declarator));
}

function typedef(node: Node): Declared | null {
  const type = node.childForFieldName("type");
  const body = type?.childForFieldName("body") ?? null;
  const kind = !body ? "type" : type?.type === "enum_specifier" ? "enum" : "class";
  return declared(kind, declaratorName(node.childForFieldName("declarator")), { body });
}

/** Tables and other values over several lines; a plain variable is only a symbol, a prototype outside classes neither. */
function initialised(node: Node): Declared | null {
  const type = node.childForFieldName("type");
  if (type?.childForFieldName("body")) return record(type.type === "enum_specifier" ? "enum" : "class")(type);
  const declarator = node.childForFieldName("declarator");
  if (declarator?.type !== "init_declarator") return null;
  const found = qualified("constant", declaratorName(declarator));
  if (!spansLines(node)) return minor(found);
  return found && { ...found, body: declarator.childForFieldName("value") };
}

/** What a class declares and another file defines: the only place where pure virtual functions stand. */
function prototype(node: Node): Declared | null {
  let declarator = node.childForFieldName("declarator");
  while (declarator?.type === "pointer_declarator" || declarator?.type === "reference_declarator") {
    declarator = declarator.childForFieldName("declarator") ?? declarator.namedChild(0);
  }
  if (declarator?.type !== "function_declarator") return null;
  const around = node.parent?.type === "template_declaration" ? node.parent.parent : node.parent;
  if (around?.type !== "field_declaration_list") return null;
  const name = declarator.childForFieldName("declarator");
  const isMacro = name?.type === "parenthesized_declarator" || isConstantName(name?.text ?? "");
  return isMacro ? null : minor(qualified("method", name?.text));
}

/** A macro of several lines is a chunk; one without a value, such as an include guard, is not even a symbol. */
function macro(node: Node): Declared | null {
  const found = named("constant")(node);
  if (spansLinesOfCode(node)) return found;
  return node.childForFieldName("value") ? minor(found) : null;
}

/** The name inside pointers, arrays, parameters and parentheses; `A::b` as it is written. */
function declaratorName(node: Node | null): string | undefined {
  for (let inner = node, depth = 0; inner && depth < 12; depth++) {
    const next = inner.childForFieldName("declarator");
    if (next) inner = next;
    else if (/^(?:parenthesized_declarator|reference_declarator|attributed_declarator)$/.test(inner.type)) {
      inner = inner.namedChild(inner.namedChildCount > 1 && inner.type !== "attributed_declarator" ? 1 : 0);
    } else return inner.text.replace(/\s+/g, " ");
  }
  return undefined;
}

/** `net::Pool<T>::acquire` is `acquire` inside `net`, `Pool`; null for what a misunderstood macro left as a name. */
function qualified(kind: ChunkKind, path: string | undefined): Declared | null {
  const parts = path?.replace(/(?<!operator\s*<*)<[^<>]*(?:<[^<>]*>[^<>]*)*>/g, "").split(/\s*::\s*/) ?? [];
  const name = parts.pop()?.trim() ?? "";
  const parents = parts.filter(Boolean);
  const clean = (/^~?\w+$/.test(name) || /^operator\b/.test(name)) && parents.every((parent) => /^\w+$/.test(parent));
  if (!clean || KEYWORDS.has(name)) return null;
  return declared(kind === "function" && parents.length > 0 ? "method" : kind, name, { parents });
}

const KEYWORDS = new Set([
  "namespace",
  "enum",
  "struct",
  "class",
  "union",
  "if",
  "for",
  "while",
  "switch",
  "do",
  "else",
  "return",
]);

/** A `#define` with continued lines; its node always ends on the next line. */
function spansLinesOfCode(node: Node): boolean {
  return node.text.trimEnd().includes("\n");
}
