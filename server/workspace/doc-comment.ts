/** Lines addressed to tools, not to readers. */
const DIRECTIVE =
  /^(?:eslint|prettier|biome|tslint|jshint|istanbul|c8|v8|@ts-|go:|nolint|noqa|pylint|mypy|type: ignore|rubocop|NOLINT|clang-format|noinspection|shellcheck)/;

/**
 * The words of a comment (one comment, or several line comments below each other) or a docstring, without their
 * markers, indentation and XML tags. Paragraphs and tags such as `@param` stay.
 */
export function docText(comment: string): string {
  const withoutQuotes = comment
    .replace(/^[rbuRBU]{0,2}("""|'''|"|')([\s\S]*)\1$/, "$2")
    .replace(/^--\[(=*)\[([\s\S]*)\]\1\]$/, "$2");
  const words = [];
  for (const line of withoutQuotes.split(/\r\n|\r|\n/)) {
    const text = withoutMarkers(line);
    if (!DIRECTIVE.test(text)) words.push(text);
  }
  return words
    .join("\n")
    .replace(/\{@\w+ ([^}]*)\}/g, "$1")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}

function withoutMarkers(line: string): string {
  const text = line
    .trim()
    .replace(/^<#|#>$|^(?:\/\*+!?|\/\/+[!<]?|#+'?|--+(?: [|^])?|\{-[|^]?(?!#)|;+|\(\*+|\*+(?!\/|\w|\)))\s?/, "")
    .replace(/\s*(?:\**\*\/|\*\)|-\})$/, "")
    .trim();
  if (!line.includes("///")) return text;
  return text
    .replace(/<(?:see|paramref|typeparamref)\s+\w+="(?:[A-Z]:)?([^"]*)"\s*\/>/g, "$1")
    .replace(/<\/?\w+(?:\s[^<>]*)?>/g, "")
    .trim();
}
