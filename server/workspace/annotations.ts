import { isSpace } from "./source-lines.ts";

/** What closes each bracket that an annotation may open. */
const CLOSING: Readonly<Record<string, string>> = { "(": ")", "[": "]" };

/**
 * Where a declaration begins behind its annotations, decorators and attributes: `@Test(timeout = 5)`, `[Obsolete]`,
 * `#[Route("/")]`. The start itself when there are none or their brackets are not closed before the end.
 */
export function skipAnnotations(text: string, start: number, end: number): number {
  let at = start;
  for (;;) {
    const isAttribute = text[at] === "[" || text.startsWith("#[", at);
    if (text[at] === "@") at = afterName(text, at + 1, end);
    else if (!isAttribute) return at;
    else if (text[at] === "#") at++;
    if (text[at] in CLOSING) at = afterBrackets(text, at, end);
    while (at < end && isSpace(text.charCodeAt(at))) at++;
    if (at >= end) return start;
  }
}

function afterName(text: string, from: number, end: number): number {
  let at = from;
  while (at < end && /[\w.$:]/.test(text[at])) at++;
  return at;
}

/** Behind the bracket that closes the one at `from`, strings left alone; the end when none does. */
function afterBrackets(text: string, from: number, end: number): number {
  const open = text[from];
  const close = CLOSING[open];
  let depth = 0;
  for (let at = from; at < end; at++) {
    const character = text[at];
    if (character === '"' || character === "'") at = closingQuote(text, at, end);
    else if (character === open) depth++;
    else if (character === close && --depth === 0) return at + 1;
  }
  return end;
}

function closingQuote(text: string, from: number, end: number): number {
  let at = from + 1;
  while (at < end && text[at] !== text[from]) at += text[at] === "\\" ? 2 : 1;
  return at;
}
