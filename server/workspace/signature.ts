const LONGEST = 200;

/** A declaration's header on one line: without decorators, comments and the mark that opens its body; cut at 200. */
export function oneLine(header: string): string {
  const line = header
    .replace(/\s(?:#|\/\/)\s[^\r\n]*/g, "")
    .replace(/\\?[\r\n]\s*(?:(?:#|\/\/|\/\*|\*).*)?/g, " ")
    .replace(/\s+/g, " ")
    .replace(/([([]) | (?=[)\]])/g, "$1")
    .replace(/^(?:@[\w.]+(?:\([^()]*\))? ?|#?\[[^[\]]*\] ?)+/, "")
    .replace(/(?: ?(?:=>|[={:,;(]|\bdo))? ?$/, "")
    .trim();
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}
