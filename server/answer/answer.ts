import {
  type AnswerRecord,
  type AnswerTask,
  type Attempt,
  EXTRACTIVE,
  type Failure,
  type Routing,
  type Turn,
} from "../../shared/answer-types.ts";
import { type Phrase, phrase, verbatim } from "../../shared/phrase.ts";
import type { ReadRequest, SearchRequest } from "../../shared/search-types.ts";
import type { UsageOutcome } from "../../shared/usage-types.ts";
import type { SearchedCode } from "../core-api.ts";
import type { Router } from "../route/router.ts";
import { parseQuery } from "../search/query.ts";
import type { Used } from "../usage/usage-recorder.ts";
import type { AnswerCache } from "./answer-cache.ts";
import { type CacheLookup, lookUp, NOT_LOOKED_UP } from "./cache-lookup.ts";
import { type CheckedPart, CitationCheck } from "./citations.ts";
import { extract, type Passage } from "./extractive.ts";
import type { KeptAnswer } from "./kept-answer-format.ts";
import { costOf, type LanguageModel, type ModelEvent, type Provider } from "./llm.ts";
import { sendable } from "./never-send.ts";
import { promptFor, searchQuery } from "./prompt.ts";
import { ProviderError } from "./provider-error.ts";
import { findSources, givenSources, isUnchanged, PIPED, pipedSource, type Source } from "./source.ts";

export interface Question extends Pick<SearchRequest, "paths" | "languages" | "kinds"> {
  readonly text: string;
  /** Earlier turns, oldest first. */
  readonly history?: readonly Turn[];
  /** Text that was given along with the question: a log, a diff. */
  readonly piped?: string;
  /** Code that it is about. */
  readonly about?: readonly ReadRequest[];
  /** What the answer is to be, when it is more than an answer. */
  readonly wants?: AnswerTask;
  /** Asks a model although its answer to this may be kept. */
  readonly anew?: boolean;
}

/** Who answers, and within which limits. */
export interface AnswerParts {
  readonly workspace: SearchedCode;
  /** In the order in which they are asked; none means that passages are quoted. */
  readonly providers: readonly Provider[];
  /** Decides which of two of the providers is asked first, where the user has named a strong and a weak one. */
  readonly router?: Router;
  /** Whether the next is asked, and at the end passages are quoted, when a provider fails. */
  readonly fallback: boolean;
  readonly maxOutputTokens: number;
  /** Globs of files of which nothing goes to another machine. */
  readonly neverSend: readonly string[];
  /** Where answers are kept for the next time; undefined when none are. */
  readonly cache?: AnswerCache;
  /** Told of everyone who was asked, when that has ended. */
  readonly onUsed?: (used: Used) => void;
}

export type AnswerEvent =
  /** What the answer is made from, by number; comes before its first word. */
  | { readonly type: "sources"; readonly provider: string; readonly model: string; readonly sources: readonly Source[] }
  | CheckedPart
  | { readonly type: "passage"; readonly passage: Passage }
  /** A provider failed; the next one follows, or the end of an answer that broke off. */
  | { readonly type: "failed"; readonly attempt: Attempt<Phrase> }
  /** Something the user should know about the search. */
  | { readonly type: "note"; readonly said: Phrase }
  | { readonly type: "done"; readonly record: AnswerRecord };

/** Shares of the window to try when a provider finds the context too long after all. */
const SHARES_OF_WINDOW = [1, 0.5];

/**
 * The whole way from a question to an answer: search, pack what was found into the provider's window, stream, check the
 * citations, and say at the end how it came about. A provider that fails before anything was shown is followed by the
 * next, and at the end by an answer of quoted passages.
 * @throws ProviderError when a provider fails and there is no fallback; the signal's reason when aborted.
 */
export async function* answer(
  question: Question,
  parts: AnswerParts,
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent, void, undefined> {
  const { workspace } = parts;
  const clock = new Clock();
  const attempts: Attempt[] = [];
  const { terms } = parseQuery(question.text);
  const given = await givenSources(workspace, question.about ?? [], signal);
  const query = [searchQuery(question.text, terms, question.history ?? []), ...given.map(({ name }) => name)];
  const found = await findSources(workspace, query.join("\n").trim(), question, given, signal);
  if (found.note) yield { type: "note", said: verbatim(found.note) };
  if (!found.complete) yield { type: "note", said: INCOMPLETE };
  const piped = pipedSource(question.piped ?? "");
  if ((question.about?.length ?? 0) > given.length) yield { type: "note", said: NOT_READ };
  const isGiven = (source: Source) => given.includes(source);
  const sources = [
    ...found.sources.filter(isGiven),
    ...(piped ? [piped] : []),
    ...found.sources.filter((source) => !isGiven(source)),
  ];
  if (sources.length === 0) {
    yield { type: "done", record: { ...NOTHING, finish: "nothing", ...clock.read(), attempts } };
    return;
  }

  const { providers, routing } = route(question, parts);
  const done = (ended: AnswerRecord): AnswerEvent => {
    const record = { ...ended, attempts, ...(routing && { routing }) };
    if (!record.keptFrom) parts.router?.remember(question, record);
    return { type: "done", record };
  };
  for (const provider of providers) {
    const tally = new Tally();
    const asked = performance.now();
    let outcome: UsageOutcome | undefined = "stopped";
    let made: Partial<AnswerRecord> = {};
    let model: Pick<LanguageModel, "name"> | undefined;
    const usable = provider.remote ? sendable(sources, parts.neverSend) : sources;
    const isWithheld =
      usable.length === 0 || given.some((source) => !usable.includes(source) && sources.includes(source));
    const cached = isWithheld ? NOT_LOOKED_UP : await lookUp(question, usable, provider, parts);
    const { kept } = cached;
    const notice = parts.cache?.takeNotice();
    if (notice) yield { type: "note", said: notice };
    try {
      let events: AsyncGenerator<AnswerEvent, void, undefined>;
      if (kept) {
        model = { name: kept.model };
        events = replay(kept, cached.sources, provider, parts.workspace, clock, signal);
      } else {
        const opened = await provider.open(signal);
        model = opened;
        if (isWithheld) throw withheld(provider);
        events = stream(question, usable, provider, opened, parts, clock, signal, cached.keep);
      }
      for await (const event of events) {
        if (event.type === "done") {
          made = event.record;
          outcome = event.record.finish === "length" ? "length" : "complete";
          yield done({ ...event.record, ...tally.counts });
          return;
        }
        tally.count(event);
        yield event;
      }
    } catch (error) {
      signal.throwIfAborted();
      outcome = undefined;
      if (!(error instanceof ProviderError)) throw error;
      const { failure, message, hint, said, advice } = error;
      if (!NOTHING_SENT.has(failure)) outcome = failure;
      if (!parts.fallback && !tally.anyShown) throw error;
      attempts.push({ provider: provider.name, failure, message, hint });
      yield { type: "failed", attempt: { provider: provider.name, failure, message: said, hint: advice } };
      if (!tally.anyShown) continue;
      // What a reader has begun to read is not replaced under their eyes.
      const record = { ...NOTHING, provider: provider.name, model: tally.model, ...tally.counts };
      yield done({ ...record, finish: "interrupted", ...clock.read() });
      return;
    } finally {
      // Also when whoever reads the answer has had enough of it.
      if (outcome) parts.onUsed?.({ ...usedOf(provider, model, outcome, made, asked), ...cached.used });
    }
  }

  const passages = extract(sources, terms);
  yield { type: "sources", provider: EXTRACTIVE, model: "", sources: passages.map(({ source }) => source) };
  clock.sent();
  for (const passage of passages) {
    clock.word();
    yield { type: "passage", passage };
  }
  const counts = { sources: passages.length, citations: passages.length, removed: 0, unsupported: 0 };
  const record = { ...NOTHING, provider: EXTRACTIVE, ...counts, ...clock.read() };
  const own = { provider: EXTRACTIVE, model: "", remote: false, seconds: inSeconds(record.totalMs) } as const;
  parts.onUsed?.({ kind: "answer", ...own, outcome: "complete" });
  yield done({ ...record, finish: "complete" });
}

/** The providers in the order in which they are asked: of the two that questions are routed between, the right one first. */
function route(
  question: Question,
  { providers, router }: AnswerParts,
): Pick<AnswerParts, "providers"> & { routing?: Routing } {
  const routed = providers.filter(({ tier }) => tier !== undefined);
  // Where the user has not agreed to one of them there is nothing to choose.
  if (!router || routed.length < 2) return { providers };
  const routing = router.decide(question);
  const first = routed.filter(({ tier }) => tier === routing.tier);
  return { providers: [...first, ...providers.filter((provider) => !first.includes(provider))], routing };
}

/** One provider's answer, checked while it streams; a context that turns out too long is halved once. */
async function* stream(
  question: Question,
  sources: readonly Source[],
  provider: Provider,
  model: LanguageModel,
  parts: AnswerParts,
  clock: Clock,
  signal: AbortSignal,
  keep: CacheLookup["keep"],
): AsyncGenerator<AnswerEvent, void, undefined> {
  for (const share of SHARES_OF_WINDOW) {
    const room = { contextTokens: Math.floor(model.contextTokens * share), maxOutputTokens: parts.maxOutputTokens };
    const prompt = promptFor(question, sources, room);
    if (!prompt || prompt.context.sources.length === 0) throw tooLong(provider, model);
    const packed = prompt.context.sources;
    const cut = cutNote(sources, packed);
    if (cut) yield { type: "note", said: cut };
    const { leftOutTurns } = prompt;
    if (leftOutTurns > 0) {
      yield {
        type: "note",
        said: phrase("The conversation is long: its {0} oldest questions were left out.", leftOutTurns),
      };
    }
    const check = new CitationCheck(
      packed,
      oncePer(MOMENT_MS, (source) => isUnchanged(parts.workspace, source, signal)),
    );
    let announced = false;
    let text = "";
    let end: Extract<ModelEvent, { type: "end" }> | undefined;
    clock.sent();
    try {
      for await (const event of model.stream(prompt.request, signal)) {
        if (event.type === "end") {
          end = event;
          continue;
        }
        clock.word();
        if (!announced) yield { type: "sources", provider: provider.name, model: model.name, sources: packed };
        announced = true;
        text += event.text;
        yield* await check.push(event.text);
      }
    } catch (error) {
      const again = error instanceof ProviderError && error.failure === "context-too-long" && !announced;
      if (again && share !== SHARES_OF_WINDOW.at(-1)) continue;
      // What came is told before what went wrong; only then is it known what of it had a source.
      if (announced) yield* await check.end();
      throw error;
    }
    yield* await check.end();
    const { finish = "stop", usage, timing, device } = end ?? {};
    if (end?.finish === "stop") await keep?.({ model: model.name, text, usage }, packed);
    const cost = costOf(model.price, usage);
    const ran = {
      ...(device !== undefined && { device }),
      ...(cost !== undefined && model.price?.asOf && { priceAsOf: model.price.asOf }),
    };
    const record = { ...NOTHING, provider: provider.name, model: model.name, ...clock.read(), usage, timing, cost };
    yield { type: "done", record: { ...record, ...ran, finish: finish === "length" ? "length" : "complete" } };
    return;
  }
}

/** An answer that was kept, with its citations checked against the code as it is now. */
async function* replay(
  { model, text, madeAt }: KeptAnswer,
  sources: readonly Source[],
  provider: Provider,
  workspace: SearchedCode,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent, void, undefined> {
  clock.sent();
  clock.word();
  yield { type: "sources", provider: provider.name, model, sources };
  const check = new CitationCheck(
    sources,
    oncePer(MOMENT_MS, (source) => isUnchanged(workspace, source, signal)),
  );
  yield* await check.push(text);
  yield* await check.end();
  const record = { ...NOTHING, provider: provider.name, model, ...clock.read(), cost: 0 };
  yield { type: "done", record: { ...record, finish: "complete", keptFrom: new Date(madeAt).toISOString() } };
}

/** What to say when what was piped in did not go in whole; undefined when it did. */
function cutNote(all: readonly Source[], packed: readonly Source[]): Phrase | undefined {
  const [given, first] = [all, packed].map((sources) => sources.find(({ path }) => path === PIPED));
  if (!given || first?.hash === given.hash) return undefined;
  if (!first) return phrase("What was piped in is too long and was left out.");
  return phrase("What was piped in is too long: its lines {0} to {1} were used.", first.startLine, first.endLine);
}

const NOT_READ = phrase("Some of the attached code is left out of the index, so it was not read.");
const INCOMPLETE = phrase("Not everything is indexed yet: other files were searched by their words.");

const NOTHING = {
  provider: "",
  model: "",
  ownMs: 0,
  totalMs: 0,
  sources: 0,
  citations: 0,
  removed: 0,
  unsupported: 0,
  attempts: [],
} as const;

/** A source that is cited again within this time is not read again. */
const MOMENT_MS = 500;

/** Remembers what was found of a source for so many milliseconds. */
function oncePer(ms: number, find: (source: Source) => Promise<boolean>): (source: Source) => Promise<boolean> {
  const known = new Map<Source, { found: Promise<boolean>; until: number }>();
  return (source) => {
    const now = performance.now();
    const kept = known.get(source);
    if (kept && kept.until > now) return kept.found;
    const found = find(source);
    known.set(source, { found, until: now + ms });
    return found;
  };
}

/** Failures before anything went to the provider: it was not asked. */
const NOTHING_SENT: ReadonlySet<Failure> = new Set(["no-key", "withheld"]);

function usedOf(
  { name, remote }: Provider,
  model: Pick<LanguageModel, "name"> | undefined,
  outcome: UsageOutcome,
  { usage, firstTokenMs }: Partial<AnswerRecord>,
  asked: number,
): Used {
  return {
    kind: "answer",
    provider: name,
    model: model?.name ?? "",
    remote,
    ...usage,
    ...(firstTokenMs !== undefined && { firstSeconds: inSeconds(firstTokenMs) }),
    seconds: inSeconds(performance.now() - asked),
    outcome,
  };
}

function inSeconds(ms: number): number {
  return Math.round(ms) / 1000;
}

/** What of an answer has been shown. */
class Tally {
  anyShown = false;
  model = "";
  readonly counts = { sources: 0, citations: 0, removed: 0, unsupported: 0 };

  count(event: AnswerEvent): void {
    if (event.type === "sources") {
      this.model = event.model;
      this.counts.sources = event.sources.length;
    }
    if (event.type === "text") this.anyShown = true;
    if (event.type === "citation") this.counts.citations++;
    if (event.type === "removed") this.counts.removed++;
    if (event.type === "unsupported") this.counts.unsupported++;
  }
}

/** Times of one answer, in milliseconds. */
class Clock {
  readonly #start = performance.now();
  #sent: number | undefined;
  #word: number | undefined;

  sent(): void {
    this.#sent = performance.now();
    this.#word = undefined;
  }

  word(): void {
    this.#word ??= performance.now();
  }

  read(): Pick<AnswerRecord, "ownMs" | "firstTokenMs" | "totalMs"> {
    const now = performance.now();
    const first = this.#word !== undefined && this.#sent !== undefined ? this.#word - this.#sent : undefined;
    return {
      ownMs: rounded((this.#sent ?? now) - this.#start),
      ...(first !== undefined && { firstTokenMs: rounded(first) }),
      totalMs: rounded(now - this.#start),
    };
  }
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}

function withheld({ name }: Provider): ProviderError {
  const message = phrase("what it is about matches cairn.neverSend, so nothing was sent.");
  const hint = phrase("Ask without a model (--no-llm), or change cairn.neverSend.");
  return new ProviderError(name, "withheld", message, hint);
}

function tooLong({ name }: Provider, { name: model, contextTokens }: LanguageModel): ProviderError {
  const window = contextTokens.toLocaleString("en");
  const message = phrase("the question does not fit into {0} tokens ({1}).", window, model);
  const hint = phrase("Ask a shorter one, or raise cairn.answer.contextTokens.");
  return new ProviderError(name, "context-too-long", message, hint);
}
