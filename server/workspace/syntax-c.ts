import type { Node } from "web-tree-sitter";
import type { ChunkKind } from "../../shared/search-types.ts";
import { type Declared, type Describe, declared, named, type Syntax, spansLines, textOf } from "./syntax.ts";

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
  declarations: {
    function_definition: routine,
    struct_specifier: record("class"),
    union_specifier: record("class"),
    enum_specifier: record("enum"),
    type_definition: typedef,
    declaration: initialised,
    preproc_function_def: (node) =>
      declared("function", textOf(node, "name"), { body: node.childForFieldName("value") }),
    preproc_def: (node) => (spansLinesOfCode(node) ? named("constant")(node) : null),
  },
};

export const cpp: Syntax = {
  ...c,
  prefixes: ["attribute_declaration"],
  wrappers: ["template_declaration"],
  containers: [...(c.containers ?? []), "field_declaration_list"],
  declarations: {
    ...c.declarations,
    class_specifier: record("class"),
    namespace_definition: (node) => (textOf(node, "name") ? named("module")(node) : null),
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

/** Tables and other values over several lines; prototypes and plain variables are no chunks of their own. */
function initialised(node: Node): Declared | null {
  const type = node.childForFieldName("type");
  if (type?.childForFieldName("body")) return record(type.type === "enum_specifier" ? "enum" : "class")(type);
  const declarator = node.childForFieldName("declarator");
  if (declarator?.type !== "init_declarator" || !spansLines(node)) return null;
  const found = qualified("constant", declaratorName(declarator));
  return found && { ...found, body: declarator.childForFieldName("value") };
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

const KEYWORDS = new Set(["enum", "struct", "class", "union", "if", "for", "while", "switch", "do", "else", "return"]);

/** A `#define` with continued lines; its node always ends on the next line. */
function spansLinesOfCode(node: Node): boolean {
  return node.text.trimEnd().includes("\n");
}
