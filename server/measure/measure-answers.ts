import type { AnswerRecord, Failure } from "../../shared/answer-types.ts";
import type { BenchArea } from "../../shared/bench-types.ts";
import { joined, type Phrase, phrase } from "../../shared/phrase.ts";
import type { Settings } from "../../shared/settings.ts";
import { answer } from "../answer/answer.ts";
import type { Provider } from "../answer/llm.ts";
import { ProviderError } from "../answer/provider-error.ts";
import type { Workspace } from "../core-api.ts";
import type { Used } from "../usage/usage-recorder.ts";
import { type Ask, measureAnswerGains, runsHere } from "./measure-answer-gains.ts";
import type { Limits } from "./rounds.ts";
import type { SampleQueries } from "./sample-queries.ts";
import { type Candidate, type MeasureOptions, type Section, skippedSection, takeInTurns, together } from "./section.ts";

const AREA: BenchArea = "answer";
const OWN: Limits = { warmUp: 3, least: 20, most: 120, ms: 10_000, precision: 0.03 };
const OWN_QUICK: Limits = { ...OWN, least: 8, most: 30, ms: 3_000 };
/** Each round is one answer that may cost money. */
const MODEL: Limits = { warmUp: 0, least: 5, most: 10, ms: 120_000, precision: 0.1 };
const MODEL_QUICK: Limits = { ...MODEL, least: 2, most: 2, ms: 20_000 };

/** Tokens of question, sources and answer together. */
const WINDOWS = { small: 2_048, medium: 4_096, large: 8_192 } as const;
const PROMPTS = {
  small: phrase("small prompt"),
  medium: phrase("medium prompt"),
  large: phrase("large prompt"),
} as const satisfies Record<keyof typeof WINDOWS, Phrase>;
const ANSWER_TOKENS = 256;

export interface AnswerParts {
  /** Is told of each answer of a provider: it has cost what any other costs. */
  readonly onUsed?: (used: Used) => void;
  /** Those of the providers that run here, without the penalty for repetition. */
  readonly unpenalised?: readonly Provider[];
}

/**
 * What Cairn adds to an answer, and how long each provider takes, by the length of what it is sent.
 */
export async function measureAnswers(
  settings: Settings,
  workspace: Workspace,
  sample: SampleQueries,
  providers: readonly Provider[],
  options: MeasureOptions,
  { onUsed, unpenalised = [] }: AnswerParts = {},
): Promise<Section> {
  if (sample.descriptions.length === 0) {
    return skippedSection(AREA, phrase("all"), phrase("The index has no names of several words to ask about."));
  }
  options.note(phrase("answering without a model"));
  const question = (round: number) =>
    `how does it ${sample.descriptions[Math.max(0, round) % sample.descriptions.length]}?`;
  const ask = (round: number, provider?: Provider) =>
    recordOf({ settings, workspace, question: question(round), provider, onUsed, signal: options.signal });
  const quoted: Candidate = {
    id: "answer/quoted",
    name: phrase("Passages quoted, without a model"),
    unit: "ms",
    better: "less",
    run: async (round) => (await ask(round)).totalMs,
  };
  const sections = [await takeInTurns(AREA, [quoted], options.quick ? OWN_QUICK : OWN, options)];
  if (providers.length === 0) {
    const reason = phrase("No provider was chosen: --provider NAME measures one (it may cost money).");
    sections.push(skippedSection(AREA, phrase("providers"), reason));
  }
  for (const provider of providers) {
    const tries = { asked: 0, failed: 0 };
    const counted: Ask = (round, one) => countedIn(tries, () => ask(round, one));
    for (const [size, contextTokens] of Object.entries(WINDOWS) as [keyof typeof WINDOWS, number][]) {
      if (options.signal.aborted) break;
      options.note(phrase("asking {0}, {1}", provider.name, PROMPTS[size]));
      const narrow = narrowed(provider, contextTokens);
      sections.push(await ofProvider(provider.name, size, (round) => counted(round, narrow), options));
    }
    if (runsHere(provider) && !options.signal.aborted) {
      const plain = unpenalised.find(({ name }) => name === provider.name);
      const small = (one: Provider) => narrowed(one, WINDOWS.small);
      const asked: Ask = (round, one) => counted(round, small(one));
      sections.push(await measureAnswerGains(provider, plain, asked, options));
    }
    if (tries.asked > 0) sections.push(errorRate(provider.name, tries));
  }
  return together(sections);
}

/** First word, speed and whole time are of the same answers: the first of them asks, the others look at what came. */
async function ofProvider(
  provider: string,
  size: keyof typeof WINDOWS,
  ask: (round: number) => Promise<AnswerRecord>,
  options: MeasureOptions,
): Promise<Section> {
  const answers = new Map<number, Promise<AnswerRecord>>();
  const answered = (round: number) => {
    const known = answers.get(round) ?? ask(round);
    answers.set(round, known);
    return known;
  };
  const of = (
    id: string,
    name: Phrase,
    unit: string,
    better: "less" | "more",
    value: (one: AnswerRecord) => number,
  ) => ({
    id: `answer/${provider}-${size}-${id}`,
    name: phrase("{0}, {1}: {2}", provider, PROMPTS[size], name),
    unit,
    better,
    run: async (round: number) => value(await answered(round)),
  });
  try {
    return await takeInTurns(
      AREA,
      [
        of("first", phrase("first word"), "ms", "less", ({ firstTokenMs = 0 }) => firstTokenMs),
        of("total", phrase("whole answer"), "ms", "less", ({ totalMs }) => totalMs),
        of("speed", phrase("tokens a second after it"), "tokens/s", "more", tokensPerSecond),
      ],
      options.quick ? MODEL_QUICK : MODEL,
      options,
    );
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    const reason = joined([error.said, error.advice], " ");
    return skippedSection(AREA, phrase("{0}, {1}", provider, PROMPTS[size]), reason);
  }
}

/** Failures that say nothing of the next answer. */
const PASSING: ReadonlySet<Failure> = new Set(["network", "rate-limit", "timeout", "server", "output"]);

/** Asks once more after a failure that may pass; both count. */
async function countedIn(
  tries: { asked: number; failed: number },
  ask: () => Promise<AnswerRecord>,
  isLast = false,
): Promise<AnswerRecord> {
  tries.asked++;
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    tries.failed++;
    if (isLast || !PASSING.has(error.failure)) throw error;
    return countedIn(tries, ask, true);
  }
}

function errorRate(provider: string, { asked, failed }: { asked: number; failed: number }): Section {
  const measure = {
    id: `answer/${provider}-errors`,
    area: AREA,
    name: phrase("{0}, answers that failed, of {1}", provider, asked),
    unit: "%",
    better: "less",
    values: [(100 * failed) / asked],
  } as const;
  return { measures: [measure], skipped: [], warnings: [] };
}

/** As the provider counts them; zero when it does not, or when nothing came after the first word. */
function tokensPerSecond({ usage, totalMs, ownMs, firstTokenMs = 0 }: AnswerRecord): number {
  const seconds = (totalMs - ownMs - firstTokenMs) / 1000;
  return usage && seconds > 0 ? usage.outputTokens / seconds : 0;
}

function narrowed(provider: Provider, contextTokens: number): Provider {
  return {
    name: provider.name,
    destination: provider.destination,
    remote: provider.remote,
    identity: provider.identity,
    hasKey: provider.hasKey,
    async open(signal) {
      const model = await provider.open(signal);
      const stream = model.stream.bind(model);
      return { ...model, contextTokens: Math.min(contextTokens, model.contextTokens), stream };
    },
  };
}

interface Asked {
  readonly settings: Settings;
  readonly workspace: Workspace;
  readonly question: string;
  readonly provider: Provider | undefined;
  readonly onUsed: ((used: Used) => void) | undefined;
  readonly signal: AbortSignal;
}

/** Throws what went wrong: an answer that another provider gave would be counted for this one. */
async function recordOf({ settings, workspace, question, provider, onUsed, signal }: Asked): Promise<AnswerRecord> {
  const parts = {
    workspace,
    providers: provider ? [provider] : [],
    fallback: false,
    maxOutputTokens: ANSWER_TOKENS,
    neverSend: settings.neverSend,
    ...(provider && { onUsed }),
  };
  for await (const event of answer({ text: question }, parts, signal)) if (event.type === "done") return event.record;
  throw new Error("An answer ended without its record.");
}
