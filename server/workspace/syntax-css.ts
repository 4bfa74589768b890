import type { Node } from "web-tree-sitter";
import { childOf, type Declared, declared, type Syntax } from "./syntax.ts";

export const css: Syntax = {
  comments: ["comment"],
  bodies: ["block"],
  declarations: {
    rule_set: rule,
    media_statement: rule,
    supports_statement: rule,
    keyframes_statement: (node) => declared("section", header(node), { body: childOf(node, "keyframe_block_list") }),
  },
};

/** Named by what stands before its braces: a selector, `@media (width < 40em)`. */
function rule(node: Node): Declared | null {
  return declared("section", header(node), { body: childOf(node, "block") });
}

function header(node: Node): string {
  return node.text.split("{", 1)[0].replace(/\s+/g, " ").trim();
}
