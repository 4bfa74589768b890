import type { Node } from "web-tree-sitter";
import type { ChunkKind } from "../../shared/search-types.ts";
import { type Declared, declared, isConstantName, named, type Syntax, spansLines, textOf } from "./syntax.ts";

const TEST_BLOCKS = new Set(["describe", "context", "it", "specify", "feature", "scenario", "test", "shared_examples"]);

export const ruby: Syntax = {
  comments: ["comment"],
  containers: ["body_statement", "singleton_class"],
  // For `private def reset`.
  bodies: ["call", "argument_list"],
  declarations: {
    module: (node) => scoped("module", node),
    class: (node) => scoped("class", node),
    method: named("method"),
    singleton_method: named("method"),
    assignment: constant,
    call: testBlock,
  },
};

/** `class Rails::Engine` is `Engine` inside `Rails`. */
function scoped(kind: ChunkKind, node: Node): Declared | null {
  const parents = textOf(node, "name")?.split("::").filter(Boolean) ?? [];
  return declared(kind, parents.pop(), { parents });
}

function constant(node: Node): Declared | null {
  const name = node.childForFieldName("left");
  if (name?.type !== "constant" || !(spansLines(node) || isConstantName(name.text))) return null;
  return declared("constant", name.text, { body: node.childForFieldName("right") });
}

function testBlock(node: Node): Declared | null {
  const block = node.childForFieldName("block");
  if (!block || !TEST_BLOCKS.has(textOf(node, "method") ?? "")) return null;
  const title = node.childForFieldName("arguments")?.namedChild(0);
  return declared("function", title?.text.replace(/^["']|["']$/g, "").replace(/\s+/g, " "), { body: block });
}
