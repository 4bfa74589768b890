import { estimateTokens } from "../../shared/token-estimate.ts";
import { hashOf, PIPED, placeOf, type Source } from "./source.ts";

/** What a model gets to see of the sources. */
export interface PackedContext {
  /** By their numbers: the first is [1], the most relevant. */
  readonly sources: readonly Source[];
  /** Fenced and labelled, in the order in which they are shown. */
  readonly text: string;
  /** Of the text, estimated from above; never more than the budget. */
  readonly tokens: number;
}

/**
 * Packs as many sources as the budget holds, the most relevant first. A source goes in whole or not at all; only when
 * not even one fits whole, the best is cut to the lines around its match.
 * What came with the question is cut too.
 * @param sources best first
 * @param budget tokens
 */
export function packSources(sources: readonly Source[], budget: number): PackedContext {
  const fence = fenceFor(sources);
  const taken: Source[] = [];
  let tokens = 0;
  for (const source of sources) {
    const cost = costOf(source, taken.length + 1, fence);
    const fitting = tokens + cost <= budget ? source : shortened(source, fence, budget, budget - tokens);
    if (!fitting) continue;
    taken.push(fitting);
    tokens += costOf(fitting, taken.length, fence);
  }
  if (taken.length === 0 && sources.length > 0) {
    const cut = cutToFit(sources[0], fence, budget);
    if (cut) {
      taken.push(cut);
      tokens = costOf(cut, 1, fence);
    }
  }
  const blocks = taken.map((source, i) => block(source, i + 1, fence));
  return { sources: taken, text: bestAtBothEnds(blocks).join("\n\n"), tokens };
}

/** What the user gave along comes first and is cut rather than left out, but leaves half of the room to the code. */
function shortened(source: Source, fence: string, budget: number, left: number): Source | undefined {
  return source.path === PIPED || source.isGiven
    ? cutToFit(source, fence, Math.min(Math.floor(budget / 2), left - TOKENS_BETWEEN))
    : undefined;
}

function costOf(source: Source, number: number, fence: string): number {
  return estimateTokens(block(source, number, fence)) + TOKENS_BETWEEN;
}

/** The blank line between two blocks. */
const TOKENS_BETWEEN = 2;

/** Models read the beginning and the end of a long context best: 1, 3, 5 ... 6, 4, 2. */
function bestAtBothEnds<Item>(items: readonly Item[]): Item[] {
  const first = items.filter((_, i) => i % 2 === 0);
  const last = items.filter((_, i) => i % 2 === 1);
  return [...first, ...last.reverse()];
}

/**
 * The text between two fences is data. No line of a source can close its fence, for the fence is longer than any run of
 * its sign in any source.
 */
function block(source: Source, number: number, fence: string): string {
  const symbol = [...source.parents, source.name].filter(Boolean).join(" › ");
  // A file's name is foreign text too: it stays on its line.
  const head = [placeOf(source), symbol]
    .filter(Boolean)
    .join("  ")
    .replace(/[\p{Cc}\u2028\u2029]/gu, " ");
  return `${fence} source [${number}] ${head}\n${source.text}\n${fence} end of [${number}]`;
}

function fenceFor(sources: readonly Source[]): string {
  const runs = sources.flatMap(({ text }) => text.match(/={4,}/g) ?? []);
  return "=".repeat(1 + runs.reduce((longest, run) => Math.max(longest, run.length), 4));
}

/** Whole lines around the match that fit; undefined when not even that line does. */
function cutToFit(source: Source, fence: string, budget: number): Source | undefined {
  const lines = source.text.split("\n");
  const focus = Math.min(Math.max(source.focusLine - source.startLine, 0), lines.length - 1);
  const part = (first: number, last: number): Source => ({
    ...source,
    startLine: source.startLine + first,
    endLine: source.startLine + last,
    text: lines.slice(first, last + 1).join("\n"),
  });
  const fits = (first: number, last: number) => costOf(part(first, last), 1, fence) <= budget;
  if (!fits(focus, focus)) return undefined;
  let [first, last] = [focus, focus];
  for (let grew = true; grew; ) {
    grew = false;
    if (last + 1 < lines.length && fits(first, last + 1)) {
      last++;
      grew = true;
    }
    if (first > 0 && fits(first - 1, last)) {
      first--;
      grew = true;
    }
  }
  const cut = part(first, last);
  return { ...cut, hash: hashOf(cut.text.trimEnd()) };
}
