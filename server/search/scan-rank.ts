/** A place in a file that was found by its text alone. */
export interface ScanHit {
  /** Relative to the root, forward slashes. */
  path: string;
  /** First and last line with a match in the best part of the file; 1-based, inclusive. */
  startLine: number;
  endLine: number;
  /** The line with most of the query in it. */
  focusLine: number;
  /** Above zero; comparable within one answer only. */
  score: number;
  /** The terms that occur in the file or in its path, as they were given. */
  matchedTerms: readonly string[];
}

/** Matches of one file, line by line in ascending order. */
export interface FileOccurrences {
  path: string;
  /** 1-based. */
  lines: number[];
  /** Matched text in lower case, parallel to `lines`. */
  matches: string[];
}

export interface ScanTerm {
  /** As it was given. */
  term: string;
  /** What is looked for, anywhere in a word. */
  stem: string;
}

const MOST_TERMS = 24;

/** Lines that one hit may span. */
const WINDOW = 20;

/**
 * What to look for in the text. Endings are cut so that `handled` finds `handler` and `queries` finds `query`; terms of
 * one or two letters occur in everything and only serve when there is nothing else.
 */
export function scanTerms(terms: readonly string[]): ScanTerm[] {
  const usable = terms.filter((term) => term !== "" && term.length <= 200 && !/[\n\r\0]/.test(term));
  const telling = usable.filter((term) => term.length > 2 || /[^\p{ASCII}]/u.test(term));
  const byStem = new Map<string, ScanTerm>();
  for (const term of telling.length > 0 ? telling : usable) {
    const stem = stemOf(term.toLowerCase());
    if (!byStem.has(stem)) byStem.set(stem, { term, stem });
  }
  return [...byStem.values()].slice(0, MOST_TERMS);
}

/**
 * The best files first. What counts is how many different terms stand within a screen of each other, rare ones more
 * than common ones; then what else of the query the file holds, and what its path says.
 */
export function rankScan(files: readonly FileOccurrences[], terms: readonly ScanTerm[]): ScanHit[] {
  // The same few words match over and over.
  const known = new Map<string, readonly number[]>();
  const termsOf = (match: string) => {
    const found = known.get(match) ?? termsIn(match, terms);
    known.set(match, found);
    return found;
  };
  const inFile = files.map((file) => file.matches.map(termsOf));
  const weights = terms.map((_, term) => {
    const count = inFile.filter((matches) => matches.some((found) => found.includes(term))).length;
    return Math.log(1 + files.length / Math.max(count, 1));
  });
  const hits = files.map((file, index) => hitOf(file, inFile[index], terms, weights));
  return hits.filter((hit) => hit !== undefined).sort((a, b) => b.score - a.score || (a.path < b.path ? -1 : 1));
}

function hitOf(
  file: FileOccurrences,
  matches: readonly (readonly number[])[],
  terms: readonly ScanTerm[],
  weights: readonly number[],
): ScanHit | undefined {
  const best = bestWindow(file.lines, matches, weights);
  if (!best) return undefined;
  const path = file.path.toLowerCase();
  const name = path.slice(path.lastIndexOf("/") + 1);
  const anywhere = new Set(matches.flat());
  let score = best.score;
  const matchedTerms: string[] = [];
  for (const [index, { term, stem }] of terms.entries()) {
    const inPath = path.includes(stem);
    if (anywhere.has(index) && !best.terms.has(index)) score += 0.3 * weights[index];
    if (inPath) score += (name.includes(stem) ? 0.8 : 0.4) * weights[index];
    if (inPath || anywhere.has(index)) matchedTerms.push(term);
  }
  // Half the query in one place says more than a few of its words in many.
  score *= 0.5 + best.terms.size / terms.length;
  const startLine = file.lines[best.from];
  const endLine = file.lines[best.to - 1];
  return {
    path: file.path,
    startLine,
    endLine,
    focusLine: focusLine(file.lines, matches, weights, best),
    score,
    matchedTerms,
  };
}

interface Window {
  /** Positions [from, to) in the list of matches. */
  from: number;
  to: number;
  terms: ReadonlySet<number>;
  score: number;
}

function bestWindow(
  lines: readonly number[],
  matches: readonly (readonly number[])[],
  weights: readonly number[],
): Window | undefined {
  let best: Window | undefined;
  for (let from = 0; from < lines.length; from++) {
    if (from > 0 && lines[from] === lines[from - 1]) continue;
    const counts = new Map<number, number>();
    let to = from;
    for (; to < lines.length && lines[to] < lines[from] + WINDOW; to++) {
      for (const term of matches[to]) counts.set(term, (counts.get(term) ?? 0) + 1);
    }
    let score = 0;
    for (const [term, count] of counts) score += weights[term] * (1 + 0.1 * Math.log(count));
    if (score > (best?.score ?? 0)) best = { from, to, terms: new Set(counts.keys()), score };
  }
  return best;
}

function focusLine(
  lines: readonly number[],
  matches: readonly (readonly number[])[],
  weights: readonly number[],
  { from, to }: Window,
): number {
  let best = lines[from];
  let bestWeight = 0;
  for (let i = from; i < to; ) {
    const line = lines[i];
    const found = new Set<number>();
    for (; i < to && lines[i] === line; i++) for (const term of matches[i]) found.add(term);
    const weight = [...found].reduce((sum, term) => sum + weights[term], 0);
    if (weight > bestWeight) [best, bestWeight] = [line, weight];
  }
  return best;
}

function termsIn(match: string, terms: readonly ScanTerm[]): number[] {
  const found: number[] = [];
  for (const [index, { stem }] of terms.entries()) if (match.includes(stem)) found.push(index);
  return found;
}

/** Cuts one English ending, if four letters remain. */
function stemOf(term: string): string {
  for (const ending of ["ies", "ing", "ed", "es", "s", "y", "e"]) {
    if (term.endsWith(ending) && term.length - ending.length >= 4) return term.slice(0, -ending.length);
  }
  return term;
}
