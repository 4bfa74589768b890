/** So much of a doc comment says what it is about; the rest is details. */
const MAX_PROSE = 240;

/**
 * The prose of a hover: its Markdown without signatures in code fences, tags, links and markup, cut at a word.
 * Empty when it has none.
 */
export function hoverProse(markdown: string): string {
  const prose = markdown
    .replace(/```[\s\S]*?(```|$)/g, "\n")
    .replace(/<[^>]+>/g, " ")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    // What follows the first tag of a doc comment is about parameters and the like.
    .split(/^\s*[*_]{0,2}@\w+|^\s*-{3,}\s*$\n[*_]*@/m)[0]
    .replace(/[`*_#>|\\]+/g, (marks) => (marks === "_" ? "_" : ""))
    .replace(/^\s*-{3,}\s*$/gm, " ")
    .replace(/\s+/g, " ")
    .trim();
  if (prose.length <= MAX_PROSE) return prose;
  return prose.slice(0, prose.lastIndexOf(" ", MAX_PROSE));
}
