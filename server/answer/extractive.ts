import { tokenize } from "../text/tokens.ts";
import { PIPED, type Source } from "./source.ts";

/** A quoted piece of one source. */
export interface Passage {
  readonly source: Source;
  /** In their order; a gap in the numbers is a gap in the quotation. */
  readonly lines: readonly { readonly line: number; readonly text: string }[];
}

const MOST_PASSAGES = 5;
/** Lines of a passage: enough to see what a function is and where it does what was asked. */
const MOST_LINES = 12;
/** Fewer are quoted with what stands around them: a line alone says little. */
const LEAST_LINES = 6;
const MOST_DOC_LINES = 4;
/** A passage whose best evidence is weaker than this part of the first one's is left out. */
const WEAKEST = 0.25;

/**
 * The answer that needs no model: of the best sources the doc comment and the signature, then the lines that say most of
 * what was asked, each with its neighbour where that completes it.
 * @param sources best first
 * @param terms the meaningful words of the question, as the tokeniser gives them
 */
export function extract(sources: readonly Source[], terms: readonly string[]): Passage[] {
  const asked = new Set(terms);
  const lines = sources.map(({ text }) => text.split("\n"));
  const worth = rarity(lines, asked);
  const scored = sources.map((source, i) => {
    const evidence = new Set(
      tokenize(`${source.path} ${source.name} ${source.text}`).filter((term) => asked.has(term)),
    );
    return { source, lines: lines[i], evidence: sum([...evidence].map((term) => worth.get(term) ?? 0)) };
  });
  const most = Math.max(0, ...scored.map(({ evidence }) => evidence));
  return scored
    .filter(({ source, evidence }, rank) => rank === 0 || source.path === PIPED || evidence >= WEAKEST * most)
    .slice(0, MOST_PASSAGES)
    .map(({ source, lines }) => ({ source, lines: quote(source, lines, worth) }));
}

/** What each asked word tells: the fewer lines hold it, the more. */
function rarity(sources: readonly (readonly string[])[], asked: ReadonlySet<string>): Map<string, number> {
  const counts = new Map<string, number>();
  let total = 0;
  for (const lines of sources) {
    for (const line of lines) {
      total++;
      for (const term of new Set(tokenize(line))) if (asked.has(term)) counts.set(term, (counts.get(term) ?? 0) + 1);
    }
  }
  return new Map([...counts].map(([term, count]) => [term, Math.log(1 + total / count)]));
}

function quote(source: Source, lines: readonly string[], worth: ReadonlyMap<string, number>): Passage["lines"] {
  const chosen = new Set<number>();
  const declaration = declarationLine(lines, source.name);
  for (const line of docLines(lines, declaration)) chosen.add(line);
  if (declaration >= 0) chosen.add(declaration);

  const afterLicence = licenceEnd(source, lines, worth);
  const ranked = lines
    .map((text, line) => ({ line, score: scoreOf(text, worth) }))
    .filter(({ line, score }) => score > 0 && line >= afterLicence)
    .sort((a, b) => b.score - a.score || a.line - b.line);
  for (const { line } of ranked) {
    if (chosen.size >= MOST_LINES) break;
    chosen.add(line);
    // A line that opens a block says little without the next.
    if (/[{(:,=]\s*$/.test(lines[line]) && line + 1 < lines.length && chosen.size < MOST_LINES) chosen.add(line + 1);
  }
  for (const line of ranked.length > 0 ? around(ranked, lines) : lines.keys()) {
    if (chosen.size >= LEAST_LINES) break;
    if (line >= afterLicence) chosen.add(line);
  }
  return [...chosen]
    .sort((a, b) => a - b)
    .filter((line) => lines[line].trim() !== "")
    .map((line) => ({ line: source.startLine + line, text: lines[line] }));
}

/**
 * Where the licence ends that a file begins with; 0 when it has none, and when that is what was asked for: nobody else wants
 * to read it.
 */
function licenceEnd({ startLine }: Source, lines: readonly string[], worth: ReadonlyMap<string, number>): number {
  const first = lines.findIndex((line) => line.trim() !== "" && !line.startsWith("#!"));
  if (startLine !== 1 || !COMMENT.test(lines[first] ?? "")) return 0;
  const length = lines.slice(first).findIndex((line) => !COMMENT.test(line));
  // Nothing else stands there.
  if (length < 0) return 0;
  const end = first + length;
  const isLicence = lines.slice(first, end).some((line) => LICENCE.test(line));
  return isLicence && ![...worth.keys()].some((term) => LICENCE.test(term)) ? end : 0;
}

const LICENCE = /licen[cs]e|copyright|spdx/i;

/** What stands around the lines that say most, the closest first; what was found by its meaning alone has none of those. */
function* around(ranked: readonly { readonly line: number }[], lines: readonly string[]): Generator<number> {
  for (let distance = 1; distance < lines.length; distance++) {
    for (const { line } of ranked) {
      for (const near of [line + distance, line - distance]) if (lines[near]?.trim()) yield near;
    }
  }
}

/** The first line that is no comment and holds the symbol's name; -1 when the source is no symbol. */
function declarationLine(lines: readonly string[], name: string): number {
  if (name === "") return -1;
  const plain = name.replace(/[^\p{L}\p{N}_$].*$/u, "");
  const isName = (line: string) =>
    plain !== "" && line.split(/[^\p{L}\p{N}_$]+/u).includes(plain) && !COMMENT.test(line);
  return lines.findIndex(isName);
}

const COMMENT = /^\s*(?:\/\/|\/\*|\*|#(?!\w)|--|;;|%|"""|'''|<!--)/;

/** A comment, or what is noted of a declaration: `@Override`, `#[test]`, `[Fact]`. */
const BELONGS_BELOW = new RegExp(`${COMMENT.source}|^\\s*[@[]`);

/** The first words of the comment right above a declaration, or of the docstring below it. */
function docLines(lines: readonly string[], declaration: number): number[] {
  const above: number[] = [];
  for (let line = declaration - 1; line >= 0 && BELONGS_BELOW.test(lines[line]); line--) {
    if (saysSomething(lines[line])) above.unshift(line);
  }
  if (above.length > 0) return above.slice(0, MOST_DOC_LINES);
  const below = declaration + 1;
  if (!/^\s*[rbu]{0,2}("""|''')/i.test(lines[below] ?? "")) return [];
  const closes = (text: string) => (text.match(/"""|'''/g) ?? []).length > 0;
  const rest = lines.slice(below + 1, below + MOST_DOC_LINES);
  const oneLine = (lines[below].match(/"""|'''/g) ?? []).length > 1;
  const end = rest.findIndex(closes);
  return [below, ...(oneLine ? [] : rest.slice(0, end < 0 ? rest.length : end + 1).map((_, i) => below + 1 + i))];
}

/** A comment with words in it, not its frame (`/**`). */
function saysSomething(line: string): boolean {
  return COMMENT.test(line) && /\p{L}{2}/u.test(line);
}

/** Words told once a line, less for what is said in a very long one. */
function scoreOf(text: string, worth: ReadonlyMap<string, number>): number {
  const terms = tokenize(text.slice(0, 1000));
  const found = sum([...new Set(terms)].map((term) => worth.get(term) ?? 0));
  return found / Math.sqrt(1 + Math.max(0, terms.length - 20) / 20);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
