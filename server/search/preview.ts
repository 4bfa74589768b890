import type { PreviewLine } from "../../shared/search-types.ts";
import { locateTerms } from "../text/tokens.ts";
import type { ParsedQuery } from "./query.ts";

/** What a hit covers: lines from 1, both included, and the name of its symbol. */
export interface Span {
  startLine: number;
  endLine: number;
  name: string;
}

const MOST_LINES = 3;
/** Longer lines are shown as a window around their first match. */
const LONGEST_LINE = 240;
/** Longer lines are not searched for matches beyond this. */
const SEARCHED_LENGTH = 5_000;

/**
 * The lines of a hit to show, with what matched the query, and the one to open: where most of the query stands, the
 * line that names the symbol before others.
 * @param readLine what of a line of the file is shown and searched
 */
export function previewOf(
  text: string,
  span: Span,
  query: ParsedQuery,
  readLine = (line: string): string => line,
): { focusLine: number; preview: PreviewLine[] } {
  const lines = text.split(/\r\n|\n|\r/);
  const first = Math.min(span.startLine, lines.length);
  const last = Math.min(span.endLine, lines.length);
  const asked = new Set(query.terms);
  const found: { line: number; ranges: [number, number][]; worth: number }[] = [];
  for (let line = first; line <= last; line++) {
    const content = readLine(lines[line - 1]).slice(0, SEARCHED_LENGTH);
    if (content.trim() === "") continue;
    const { ranges, terms } = matches(content, asked, query.prefix);
    const names = span.name !== "" && line < first + 40 && namesIt(content, span.name);
    found.push({ line, ranges, worth: terms + (names ? 0.5 + Math.min(terms, 1) : 0) });
  }
  if (found.length === 0) return { focusLine: first, preview: [] };
  const best = found.reduce((a, b) => (b.worth > a.worth ? b : a));
  const shown = [best, ...found.filter((one) => one !== best && one.worth > 0).sort((a, b) => b.worth - a.worth)]
    .slice(0, MOST_LINES)
    .sort((a, b) => a.line - b.line);
  return {
    focusLine: best.line,
    preview: shown.map(({ line, ranges }) => windowed(line, readLine(lines[line - 1]), ranges)),
  };
}

function matches(
  content: string,
  asked: ReadonlySet<string>,
  prefix: string,
): { ranges: [number, number][]; terms: number } {
  const met = new Set<string>();
  const ranges: [number, number][] = [];
  for (const { start, end, term } of locateTerms(content)) {
    const begun = prefix.length > 1 && term !== prefix && term.startsWith(prefix);
    if (!asked.has(term) && !begun) continue;
    met.add(begun ? prefix : term);
    ranges.push([start, end]);
  }
  return { ranges: united(ranges), terms: met.size };
}

/** Ranges in order, those that touch or overlap made one. */
function united(ranges: [number, number][]): [number, number][] {
  const result: [number, number][] = [];
  for (const [start, end] of ranges.sort((a, b) => a[0] - b[0])) {
    const before = result.at(-1);
    if (before && start <= before[1]) before[1] = Math.max(before[1], end);
    else result.push([start, end]);
  }
  return result;
}

function namesIt(content: string, name: string): boolean {
  const at = content.indexOf(name);
  return at >= 0 && !/[\p{L}\p{N}_$]/u.test(content[at + name.length] ?? "");
}

/** The line itself, or for a long one the part around its first match; never cut within a character. */
function windowed(line: number, content: string, ranges: readonly [number, number][]): PreviewLine {
  if (content.length <= LONGEST_LINE) return { line, text: content, ranges };
  let from = Math.max(0, (ranges[0]?.[0] ?? 0) - 40);
  let to = Math.min(content.length, from + LONGEST_LINE);
  if (isLowSurrogate(content, from)) from--;
  if (isLowSurrogate(content, to)) to--;
  const lead = from > 0 ? "…" : "";
  const shift = lead.length - from;
  const inside = ranges.filter(([start, end]) => start >= from && end <= to);
  return {
    line,
    text: `${lead}${content.slice(from, to)}${to < content.length ? "…" : ""}`,
    ranges: inside.map(([start, end]) => [start + shift, end + shift] as const),
  };
}

function isLowSurrogate(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff;
}
