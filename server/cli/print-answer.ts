import type { IndexStatus, SearchAnswer, SearchHit } from "../../shared/search-types.ts";
import type { CommandContext } from "./command.ts";
import { renderLine } from "./terminal.ts";

/**
 * Prints the hits, best first, and beside them what else there is to say.
 * @param status of the index that was asked
 */
export function printAnswer({ terminal }: CommandContext, answer: SearchAnswer, status: IndexStatus): void {
  if (answer.hits.length === 0) terminal.note(`${nothingFound(status)}\n`);
  for (const [position, hit] of answer.hits.entries()) {
    if (position > 0) terminal.print("\n");
    printHit(terminal, hit);
  }
  if (answer.note) terminal.note(`\n${answer.note}\n`);
  if (!answer.complete) terminal.note("\nNot everything is indexed yet: other files were searched by their words.\n");
}

/** Why nothing was found, and what may help. */
export function nothingFound({ root, files, skipped, walking }: IndexStatus): string {
  if (files > 0 || walking) return "Nothing found. Other words, or fewer of --path, --lang and --kind, may help.";
  const leftOut = Object.keys(skipped).length > 0;
  const next = leftOut ? "`cairn status --skipped` says what is left out, and why." : "Is it the right folder?";
  return `Nothing found: there is nothing to search in ${root}. ${next}`;
}

/** `path:line  name  reason`, then the lines that matched. */
function printHit(terminal: CommandContext["terminal"], hit: SearchHit): void {
  const { style, width } = terminal;
  const place = `${style.path(renderLine(hit.path, [], style))}:${style.line(String(hit.focusLine))}`;
  const name = style.bold(renderLine([...hit.parents, hit.name].filter(Boolean).join(" › "), [], style));
  terminal.print(`${[place, name, style.dim(renderLine(hit.reason, [], style))].filter(Boolean).join("  ")}\n`);
  for (const { line, text, ranges } of hit.preview) {
    const number = String(line).padStart(6);
    terminal.print(`${style.line(number)}  ${renderLine(text, ranges, style, width && width - 8)}\n`);
  }
}
