import type { Node } from "web-tree-sitter";
import { childOf, type Declared, declared, type Syntax } from "./syntax.ts";

export const terraform: Syntax = {
  comments: ["comment"],
  containers: ["body"],
  declarations: { block },
};

/** `resource "aws_s3_bucket" "logs"` is `logs` inside `aws_s3_bucket`; a block without labels has its type's name. */
function block(node: Node): Declared | null {
  if (node.parent?.parent?.type !== "config_file") return null;
  const type = childOf(node, "identifier")?.text;
  const parents = node.namedChildren
    .filter((child) => child.type === "string_lit")
    .map((label) => label.text.replace(/^"|"$/g, ""));
  const body = childOf(node, "block_start") ?? null;
  return declared(type === "module" ? "module" : "constant", parents.pop() ?? type, { parents, body });
}
