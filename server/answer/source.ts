import { createHash } from "node:crypto";
import { CairnError } from "../../shared/errors.ts";
import type { CodeExcerpt, ReadRequest, SearchAnswer, SearchHit, SearchRequest } from "../../shared/search-types.ts";
import type { SearchedCode } from "../core-api.ts";

/** A piece of a file that an answer may quote or cite. */
export interface Source {
  /** Relative to the root, forward slashes; {@link PIPED} for what came with the question. */
  readonly path: string;
  /** 1-based, inclusive. */
  readonly startLine: number;
  readonly endLine: number;
  /** The line that matched the question best. */
  readonly focusLine: number;
  readonly text: string;
  /** SHA-256 of the text: how a citation tells that the file still says it. */
  readonly hash: string;
  readonly language: string;
  /** Symbol or heading; empty when there is none. */
  readonly name: string;
  readonly parents: readonly string[];
  /** True for code that the question is about: it is cut rather than left out. */
  readonly isGiven?: true;
}

export interface FoundSources {
  /** Best first, no two of the same text, none that overlaps another. */
  readonly sources: readonly Source[];
  readonly complete: boolean;
  readonly note: string;
}

/** The name of the source that holds what was given along with the question. */
export const PIPED = "(standard input)";

/** Hits asked for: a few more than the usual window holds, so that what is too long can be passed over. */
const HITS = 20;
/** Neighbouring pieces of a file become one source up to this length. */
const LONGEST_JOINED = 160;

type Narrowing = Pick<SearchRequest, "paths" | "languages" | "kinds">;

/**
 * Searches for what the question is about, and reads it as it is now.
 * @param given code that the question is about: it comes first, and is not found again
 */
export async function findSources(
  workspace: SearchedCode,
  query: string,
  narrowing: Narrowing,
  given: readonly Source[],
  signal: AbortSignal,
): Promise<FoundSources> {
  const { paths: only, languages, kinds } = narrowing;
  const request = { query, limit: HITS, paths: only, languages, kinds, diverse: false };
  const answer: SearchAnswer = await workspace.search(request, signal);
  const isGiven = (span: Span) => given.some((source) => source.path === span.path && overlap(source, span));
  const spans = joined(answer.hits).filter((span) => !isGiven(span));
  const paths = [...new Set(spans.map(({ path }) => path))];
  // Each file is read once, whatever the number of its spans.
  const read = await Promise.all(paths.map((path) => readLines(workspace, { path }, signal)));
  const lines = new Map(paths.map((path, i) => [path, read[i]?.text.split("\n") ?? []]));
  const sources = distinct([...given, ...spans.flatMap((span) => sourceOf(span, lines.get(span.path) ?? []))]);
  return { sources, complete: answer.complete, note: answer.note };
}

/** The code that a question is about, as it is now; what is gone or may not be read is left out. */
export async function givenSources(
  workspace: SearchedCode,
  places: readonly ReadRequest[],
  signal: AbortSignal,
): Promise<Source[]> {
  const read = await Promise.all(places.map((place) => readLines(workspace, place, signal)));
  return read.flatMap((code) => {
    const { path, startLine, name, parents } = code ?? { path: "", startLine: 1, name: "", parents: [] };
    const text = code?.text.trimEnd() ?? "";
    if (text === "") return [];
    const endLine = startLine + text.split("\n").length - 1;
    const place = { path, startLine, endLine, focusLine: startLine, language: "", name, parents };
    return [{ ...place, text, hash: hashOf(text), isGiven: true as const }];
  });
}

/** What was piped into the command, as a source; undefined when there is nothing in it. */
export function pipedSource(text: string): Source | undefined {
  if (text.trim() === "") return undefined;
  const lines = text.trimEnd().split(/\r?\n/).map(shortLine);
  // When it is too long, what is left is where it says what went wrong.
  const focusLine =
    Math.max(
      lines.findLastIndex((line) => TROUBLE.test(line)),
      0,
    ) + 1;
  const place = { path: PIPED, startLine: 1, endLine: lines.length, focusLine, language: "", name: "", parents: [] };
  const whole = lines.join("\n");
  return { ...place, text: whole, hash: hashOf(whole) };
}

const TROUBLE = /\b(?:error|fail(?:s|ed|ure)?|exception|panic(?:ked)?|traceback|fatal)\b/i;
const LONGEST_LINE = 2_000;

/** One line must not fill the window. */
function shortLine(line: string): string {
  return line.length <= LONGEST_LINE ? line : `${line.slice(0, LONGEST_LINE).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** True while the file still says what the source says, at the same lines. */
export async function isUnchanged(workspace: SearchedCode, source: Source, signal: AbortSignal): Promise<boolean> {
  if (source.path === PIPED) return true;
  const { path, startLine, endLine } = source;
  const now = await readLines(workspace, { path, startLine, endLine }, signal);
  return now !== undefined && hashOf(now.text.trimEnd()) === source.hash;
}

/** "src/net.ts:12-30", or one line. */
export function placeOf({ path, startLine, endLine }: Pick<Source, "path" | "startLine" | "endLine">): string {
  return startLine === endLine ? `${path}:${startLine}` : `${path}:${startLine}-${endLine}`;
}

export function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

type Span = Omit<Source, "text" | "hash">;

/** Hits that overlap or touch within their file become one, at the place of the better. */
function joined(hits: readonly SearchHit[]): Span[] {
  const spans: Span[] = [];
  for (const { path, startLine, endLine, focusLine, language, name, parents } of hits) {
    const span = { path, startLine, endLine, focusLine, language, name, parents };
    const at = spans.findIndex((other) => other.path === path && overlap(other, span));
    if (at < 0) {
      spans.push(span);
      continue;
    }
    const start = Math.min(spans[at].startLine, startLine);
    const end = Math.max(spans[at].endLine, endLine);
    if (end - start < LONGEST_JOINED) spans[at] = { ...spans[at], startLine: start, endLine: end };
  }
  // Two that grew may have met.
  return spans.filter(
    (span, i) => !spans.some((other, j) => j < i && other.path === span.path && overlap(other, span)),
  );
}

function overlap(a: Span, b: Span): boolean {
  return a.startLine <= b.endLine && b.startLine <= a.endLine;
}

/** The span as the file has it now; none when the file is gone or ends before it. */
function sourceOf(span: Span, lines: readonly string[]): Source[] {
  const text = lines
    .slice(span.startLine - 1, span.endLine)
    .join("\n")
    .trimEnd();
  return text === "" ? [] : [{ ...span, text, hash: hashOf(text) }];
}

/** Undefined when the file is gone, shorter now, or no longer one that may be read. */
async function readLines(
  workspace: SearchedCode,
  place: ReadRequest,
  signal: AbortSignal,
): Promise<CodeExcerpt | undefined> {
  try {
    return await workspace.read(place, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof CairnError) return undefined;
    throw error;
  }
}

/** Copies of a piece of code say nothing more. */
function distinct(sources: readonly Source[]): Source[] {
  const seen = new Set<string>();
  return sources.filter(({ hash }) => !seen.has(hash) && seen.add(hash));
}
