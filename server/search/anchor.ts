import { locateTerms } from "../text/tokens.ts";

/** What the index keeps of a chunk that can be found again in a text. Lines are from 1, both included. */
export interface AnchoredChunk {
  readonly startLine: number;
  readonly endLine: number;
  /** What is declared in it, what it is named after first; empty for text and for a later part of something long. */
  readonly declared: readonly Declaration[];
}

export interface Declaration {
  readonly name: string;
  /** The declaration on one line, maybe cut; empty when it is not known. */
  readonly signature: string;
  readonly line: number;
}

export interface LineRange {
  readonly startLine: number;
  readonly endLine: number;
}

/** A declaration whose words have changed more than this is another one. */
const SAME_SHARE = 0.5;
/** A declaration that is written over several lines is compared with so many. */
const HEADER_LINES = 6;

/**
 * Where a chunk lies in a text that is not the one that was indexed: what it declares, or the words that were asked
 * for, nearest to the old place. Undefined when it is not in the text any more.
 */
export function anchored(text: string, chunk: AnchoredChunk, terms: readonly string[]): LineRange | undefined {
  const lines = text.split(/\r\n|\n|\r/);
  const { startLine, endLine, declared } = chunk;
  for (const declaration of declared) {
    const line = declarationNear(lines, declaration);
    if (line !== undefined) return moved(chunk, line - declaration.line, lines.length);
  }
  if (declared.length > 0) return undefined;
  const asked = new Set(terms);
  const hasWord = (line: number) => locateTerms(lines[line - 1]).some(({ term }) => asked.has(term));
  const nearest = nearestLine(lines.length, startLine, endLine, hasWord);
  if (nearest === undefined) return startLine <= lines.length ? moved(chunk, 0, lines.length) : undefined;
  if (nearest < startLine) return moved(chunk, nearest - startLine, lines.length);
  return moved(chunk, Math.max(0, nearest - endLine), lines.length);
}

/** The line that declares the name with most of its signature's words; the nearest of equals. */
function declarationNear(lines: readonly string[], { name, signature, line: before }: Declaration): number | undefined {
  const words = wordsOf(signature === "" ? name : signature);
  const keyword = wordBefore(signature, name);
  let best: { line: number; share: number } | undefined;
  for (let line = 1; line <= lines.length; line++) {
    const content = lines[line - 1];
    if (!hasName(content, name) || (keyword !== "" && wordBefore(content, name) !== keyword)) continue;
    const header = wordsOf(lines.slice(line - 1, line - 1 + HEADER_LINES).join(" "));
    let met = 0;
    for (const word of words) if (header.has(word)) met++;
    const share = met / words.size;
    const nearer = best !== undefined && Math.abs(line - before) < Math.abs(best.line - before);
    if (share >= SAME_SHARE && (!best || share > best.share || (share === best.share && nearer)))
      best = { line, share };
  }
  return best?.line;
}

/** The line within the range, or else nearest to it, of which the condition holds. */
function nearestLine(
  count: number,
  startLine: number,
  endLine: number,
  holds: (line: number) => boolean,
): number | undefined {
  for (let line = startLine; line <= Math.min(endLine, count); line++) if (holds(line)) return line;
  for (let distance = 1; distance < Math.max(startLine, count - endLine + 1); distance++) {
    const [above, below] = [startLine - distance, endLine + distance];
    if (above >= 1 && above <= count && holds(above)) return above;
    if (below <= count && holds(below)) return below;
  }
  return undefined;
}

function moved({ startLine, endLine }: LineRange, by: number, lineCount: number): LineRange {
  const start = Math.max(1, Math.min(startLine + by, lineCount));
  return { startLine: start, endLine: Math.max(start, Math.min(endLine + by, lineCount)) };
}

const WORD = /[\p{L}\p{N}_$]+/gu;

function wordsOf(text: string): Set<string> {
  return new Set(text.match(WORD) ?? [text]);
}

/** The word right before the name, such as `function`; empty when there is none. */
function wordBefore(text: string, name: string): string {
  const at = text.indexOf(name);
  return at < 0 ? "" : (/([\p{L}\p{N}_$]+)[^\p{L}\p{N}_$]*$/u.exec(text.slice(0, at))?.[1] ?? "");
}

function hasName(content: string, name: string): boolean {
  for (let at = content.indexOf(name); at >= 0; at = content.indexOf(name, at + 1)) {
    if (!isWordAt(content, at - 1) && !isWordAt(content, at + name.length)) return true;
  }
  return false;
}

function isWordAt(text: string, at: number): boolean {
  return /[\p{L}\p{N}_$]/u.test(text[at] ?? "");
}
