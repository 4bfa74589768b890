import { joined, type Phrase, phrase } from "../../shared/phrase.ts";
import type { Snapshot } from "../store/segment.ts";
import { type Candidate, type Candidates, CLOSE_COSINE, termBit } from "./candidates.ts";
import { type AskedFor, askedFor, type Evidence, evidenceOf } from "./evidence.ts";
import type { FileFacts } from "./file-facts.ts";
import { fuse } from "./fuse.ts";
import type { ParsedQuery } from "./query.ts";
import { BOOSTS, type Boost, PENALTIES, WEIGHTS } from "./rank-terms.ts";

export interface RankOptions {
  /** Terms to leave out, by their names in {@link RANK_TERMS}: to measure what each is worth. */
  readonly disable?: ReadonlySet<string>;
}

export interface Ranked {
  readonly candidate: Candidate;
  readonly score: number;
  /** One line for people: why this is here. */
  readonly reason: Phrase;
}

/** Everything of the ranking that can be switched off. */
export const RANK_TERMS: readonly string[] = [
  "semantic",
  ...BOOSTS.map(({ name }) => name),
  "coherence",
  ...PENALTIES.map(({ name }) => name),
  "repeats",
];

/**
 * Orders the candidates, best first: fused evidence plus boosts, the best chunk of each file raised by what else its
 * file has, times penalties, and each further chunk of a file lowered. The same input gives the same order.
 */
export function rank(snapshot: Snapshot, query: ParsedQuery, found: Candidates, options: RankOptions = {}): Ranked[] {
  const isOn = (name: string) => !options.disable?.has(name);
  const boosts = BOOSTS.filter(({ name }) => isOn(name));
  const penalties = PENALTIES.filter(({ name }) => isOn(name));
  const asked = askedFor(query, found);
  const fused = fuse(found, query.kind, isOn("semantic"));

  const scored = found.list.map((candidate, i): Scored => {
    const evidence = evidenceOf(snapshot, query, candidate, fused[i]);
    const gains = boosts.map((boost) => boost.value(evidence, asked));
    return { evidence, gains, score: gains.reduce((sum, gain) => sum + gain, evidence.fused) };
  });
  if (isOn("coherence")) raiseCoherentFiles(scored);
  for (const one of scored) {
    for (const penalty of penalties) one.score *= penalty.factor(one.evidence, asked);
  }
  scored.sort(byScore);
  if (isOn("repeats")) lowerRepeats(scored);
  return scored.map((one) => ({
    candidate: one.evidence.candidate,
    score: one.score,
    // Few of the candidates are shown: only theirs is put together.
    get reason() {
      return reasonOf(one, asked, boosts);
    },
  }));
}

interface Scored {
  readonly evidence: Evidence;
  /** What each boost adds, in their order. */
  readonly gains: readonly number[];
  score: number;
}

/** A file with much evidence is about the matter: its best chunk gets its share of the strongest file's sum. */
function raiseCoherentFiles(scored: readonly Scored[]): void {
  const files = new Map<FileFacts, { sum: number; best: Scored }>();
  let strongest = 0;
  for (const one of scored) {
    const { facts, fused } = one.evidence;
    const file = files.get(facts) ?? { sum: 0, best: one };
    file.sum += fused;
    if (one.score > file.best.score) file.best = one;
    files.set(facts, file);
    strongest = Math.max(strongest, file.sum);
  }
  if (strongest === 0) return;
  for (const { sum, best } of files.values()) best.score += (WEIGHTS.coherence * sum) / strongest;
}

/** Each further chunk of a file counts less than the one before, so that one file does not fill the page. */
function lowerRepeats(sorted: Scored[]): void {
  const seen = new Map<FileFacts, number>();
  for (const one of sorted) {
    const before = seen.get(one.evidence.facts) ?? 0;
    seen.set(one.evidence.facts, before + 1);
    one.score *= WEIGHTS.repeats ** before;
  }
  sorted.sort(byScore);
}

function byScore(a: Scored, b: Scored): number {
  if (a.score !== b.score) return b.score - a.score;
  const [first, second] = [a.evidence, b.evidence];
  if (first.facts.path !== second.facts.path) return first.facts.path < second.facts.path ? -1 : 1;
  return first.candidate.chunk - second.candidate.chunk;
}

/** Boosts below this did not decide anything and are not mentioned. */
const WORTH_SAYING = 0.05;
const MOST_WORDS = 4;

function reasonOf({ evidence, gains }: Scored, { query }: AskedFor, boosts: readonly Boost[]): Phrase {
  const parts: Phrase[] = [];
  boosts.forEach((boost, i) => {
    const reason = gains[i] >= WORTH_SAYING ? boost.reason(evidence) : undefined;
    if (reason) parts.push(reason);
  });
  const { matched, cosine } = evidence.candidate;
  const words = query.terms.filter((_, i) => (matched & termBit(i)) !== 0);
  if (words.length > 0) parts.push(phrase("has {0}", words.slice(0, MOST_WORDS).join(", ")));
  if (cosine >= CLOSE_COSINE) parts.push(phrase("close in meaning"));
  return joined(parts, " · ");
}
