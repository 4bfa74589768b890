import { CairnError } from "../../shared/errors.ts";
import { joined, type Phrase, phrase, SILENCE } from "../../shared/phrase.ts";
import type { SearchAnswer, SimilarRequest } from "../../shared/search-types.ts";
import type { Snapshot } from "../store/segment.ts";
import { tokenize } from "../text/tokens.ts";
import { indexedHits, type SearchSource, scannedHit } from "./answer-search.ts";
import { type Candidate, type Candidates, CLOSE_COSINE, retrieve, termBit } from "./candidates.ts";
import { type FileFacts, fileFacts, isTestPath } from "./file-facts.ts";
import { filterOf } from "./filter.ts";
import { weighTerms } from "./lexical.ts";
import type { ParsedQuery } from "./query.ts";
import { WEIGHTS } from "./rank-terms.ts";
import type { RankedChunk } from "./search.ts";

/** What lies beyond says little that the embedding, which reads a chunk's first 1,500 characters, would still hear. */
const LONGEST_CODE = 8_000;
const DEFAULT_LIMIT = 10;
const LARGEST_LIMIT = 100;

/** The rarest words of the code are its lexical evidence; one bit each has room for so many. */
const MOST_TERMS = 32;
/** Files that are not indexed yet are searched for so many of them. */
const SCANNED_TERMS = 8;

/** How much of the evidence is meaning: the words of code are its names, and a second version has names of its own. */
const SEMANTIC_SHARE = 0.75;
/** A chunk that has so much of the code's weight in words is worth showing however little it is like it in meaning. */
const ENOUGH_WORDS = 0.5;
/** Two texts of the same words are rarely less alike; where a file lies, which a placed vector also says, costs a little. */
const SAME_COSINE = 0.9;
const MOST_WORDS_NAMED = 4;

/**
 * Answers what code of the workspace is like the given code: vectors first, rare names second. The place it comes from
 * is left out.
 * @throws CairnError("input") for code without a word or a filter that is not known; the signal's reason when aborted.
 */
export async function answerSimilar(
  source: SearchSource,
  request: SimilarRequest,
  signal?: AbortSignal,
): Promise<SearchAnswer<Phrase>> {
  const started = performance.now();
  const { snapshot, complete, lacking, languages } = source;
  const filter = filterOf(request, languages);
  const limit = Math.max(0, Math.min(Math.floor(request.limit ?? DEFAULT_LIMIT), LARGEST_LIMIT));
  const query = queryOf(snapshot, request.text);
  const origin = originOf(request);

  const found = retrieve(snapshot, query, await source.meaningOf(query.text, signal), filter);
  const hits = indexedHits(source, query, rank(snapshot, query, found, origin), limit);
  if (lacking && (request.kinds ?? []).length === 0) {
    const known = new Set(hits.map((hit) => hit.path));
    const wanted = { ...query, terms: query.terms.slice(0, SCANNED_TERMS) };
    const best = hits[0]?.score ?? 1;
    for (const hit of await source.scan(wanted.terms, limit, signal)) {
      const allowed = filter?.file(hit.path, source.languageOf(hit.path)) ?? true;
      if (!allowed || known.has(hit.path) || origin?.covers(hit.path, hit.startLine, hit.endLine)) continue;
      hits.push(scannedHit(source, wanted, hit, best));
    }
    hits.sort((a, b) => b.score - a.score);
  }
  signal?.throwIfAborted();
  return { hits: hits.slice(0, limit), complete, note: query.note, tookMs: performance.now() - started };
}

/** The code as a query: no name in it is asked for, so that nothing of it counts as a definition looked for. */
function queryOf(snapshot: Snapshot, code: string): ParsedQuery {
  const text = code.slice(0, LONGEST_CODE);
  const counts = new Map<string, number>();
  for (const term of tokenize(text)) counts.set(term, (counts.get(term) ?? 0) + 1);
  if (counts.size === 0) {
    throw new CairnError(
      "input",
      phrase("There is no code to compare with."),
      phrase("Give some lines that hold at least one word."),
    );
  }
  const query: ParsedQuery = {
    text,
    note:
      code.length > LONGEST_CODE
        ? phrase("Only the first {0} characters were compared.", LONGEST_CODE.toLocaleString("en"))
        : SILENCE,
    kind: "words",
    terms: [...counts.keys()],
    words: [],
    prefix: "",
    required: [],
    symbols: [],
  };
  const weights = weighTerms(snapshot, query);
  const terms = query.terms
    .map((term, i) => ({ term, worth: weights[i].weight * (1 + Math.log(counts.get(term) ?? 1)) }))
    .filter(({ term }) => isIndexed(snapshot, term))
    .sort((a, b) => b.worth - a.worth)
    .slice(0, MOST_TERMS)
    .map(({ term }) => term);
  return { ...query, terms: terms.length > 0 ? terms : query.terms.slice(0, MOST_TERMS) };
}

function isIndexed({ views }: Snapshot, term: string): boolean {
  return views.some(({ segment }) => segment.findTerm(term) >= 0);
}

interface Origin {
  readonly path: string;
  covers(path: string, startLine: number, endLine: number): boolean;
}

/** Where the code comes from; undefined when the request does not tell. */
function originOf({ path, startLine, endLine }: SimilarRequest): Origin | undefined {
  if (!path) return undefined;
  const plain = path.replaceAll("\\", "/").replace(/^(?:\.\/)+/, "");
  const first = startLine ?? 1;
  const last = endLine ?? startLine ?? Number.POSITIVE_INFINITY;
  return { path: plain, covers: (other, start, end) => other === plain && start <= last && end >= first };
}

interface Scored extends RankedChunk {
  readonly facts: FileFacts;
}

/** Best first; each further chunk of a file counts less than the one before. */
function rank(snapshot: Snapshot, query: ParsedQuery, found: Candidates, origin: Origin | undefined): RankedChunk[] {
  const weights = found.terms.map(({ weight }) => weight);
  const total = weights.reduce((sum, weight) => sum + weight, 0) || 1;
  const sharedWeight = ({ matched }: Candidate) =>
    weights.reduce((sum, weight, i) => ((matched & termBit(i)) !== 0 ? sum + weight : sum), 0) / total;

  const fromTest = origin !== undefined && isTestPath(origin.path);
  const scored: Scored[] = [];
  for (const candidate of found.list) {
    const { view, chunk, file, cosine } = candidate;
    const { segment } = snapshot.views[view];
    if (origin?.covers(segment.path(file), segment.startLine[chunk], segment.endLine[chunk])) continue;
    const words = sharedWeight(candidate);
    if (cosine < CLOSE_COSINE && words < ENOUGH_WORDS) continue;
    const facts = fileFacts(segment, file);
    const standsBack = (facts.isTest && !fromTest) || facts.isAside || facts.isDocument;
    const evidence = SEMANTIC_SHARE * Math.max(0, cosine) + (1 - SEMANTIC_SHARE) * words;
    const score = evidence * (standsBack ? WEIGHTS.asides : 1);
    scored.push({ view, chunk, file, score, reason: reasonOf(query, candidate, words), facts });
  }
  scored.sort(byScore);
  const seen = new Map<string, number>();
  const lowered = scored.map((one) => {
    const before = seen.get(one.facts.path) ?? 0;
    seen.set(one.facts.path, before + 1);
    return { ...one, score: one.score * WEIGHTS.repeats ** before };
  });
  return lowered.sort(byScore);
}

function byScore(a: Scored, b: Scored): number {
  if (a.score !== b.score) return b.score - a.score;
  if (a.facts.path !== b.facts.path) return a.facts.path < b.facts.path ? -1 : 1;
  return a.chunk - b.chunk;
}

function reasonOf({ terms }: ParsedQuery, { cosine, matched }: Candidate, words: number): Phrase {
  const parts: Phrase[] = [];
  if (cosine >= SAME_COSINE && words >= ENOUGH_WORDS) parts.push(phrase("nearly the same code"));
  else if (cosine >= CLOSE_COSINE) parts.push(phrase("close in meaning"));
  const shared = terms.filter((_, i) => (matched & termBit(i)) !== 0).slice(0, MOST_WORDS_NAMED);
  if (shared.length > 0) parts.push(phrase("shares {0}", shared.join(", ")));
  return joined(parts, " · ");
}
