import type { AnswerRecord } from "../../shared/answer-types.ts";
import { joined, type Phrase, phrase } from "../../shared/phrase.ts";
import type { Provider } from "../answer/llm.ts";
import { ProviderError } from "../answer/provider-error.ts";
import type { Limits } from "./rounds.ts";
import { type Candidate, type MeasureOptions, type Section, skippedSection, takeInTurns } from "./section.ts";

/** Each round is six answers of a model on this machine. */
const LIMITS: Limits = { warmUp: 0, least: 5, most: 10, ms: 180_000, precision: 0.1 };
const QUICK: Limits = { ...LIMITS, least: 1, most: 2, ms: 8_000 };

/** One question to a provider. */
export type Ask = (round: number, provider: Provider) => Promise<AnswerRecord>;

/** True of a model file that Cairn runs itself. */
export function runsHere({ destination }: Provider): boolean {
  return destination === "file://";
}

/**
 * What each thing that was done for a model on this machine gains: keeping its process, what it has read of the prompt, and
 * what the penalty for repetition, which looks back at the last tokens, costs. An answer with it and one without are asked in
 * turns, and the figures of a round are of the same answers.
 * @param unpenalised the same model without the penalty; undefined where it has none
 * @param ask asks another question each round, and the same one within a round
 */
export async function measureAnswerGains(
  provider: Provider,
  unpenalised: Provider | undefined,
  ask: Ask,
  options: MeasureOptions,
): Promise<Section> {
  const { name } = provider;
  options.note(phrase("asking {0} with and without what makes it faster", name));
  const rounds = new Map<number, Promise<Gains>>();
  const ofRound = (round: number) => {
    const known = rounds.get(round) ?? gainsOf(round, provider, unpenalised, ask);
    rounds.set(round, known);
    return known;
  };
  const candidate = (
    id: string,
    title: Phrase,
    unit: string,
    better: "less" | "more",
    value: (gains: Gains) => number,
    against?: string,
  ): Candidate => ({
    id: `answer/${name}-${id}`,
    name: phrase("{0}: {1}", name, title),
    unit,
    better,
    ...(against && { against: `answer/${name}-${against}` }),
    run: async (round) => value(await ofRound(round)),
  });
  const candidates = [
    candidate("started", phrase("question to first word, its process started for it"), "ms", "less", ({ started }) =>
      wait(started),
    ),
    candidate(
      "kept",
      phrase("question to first word, its process kept"),
      "ms",
      "less",
      ({ cold }) => wait(cold),
      "started",
    ),
    candidate("cold", phrase("first word of a prompt that is new"), "ms", "less", ({ cold }) => first(cold)),
    candidate(
      "warm",
      phrase("first word of a prompt that it has read"),
      "ms",
      "less",
      ({ warm }) => first(warm),
      "cold",
    ),
    candidate("read", phrase("of such a prompt, not read again"), "%", "more", ({ warm }) => cachedShare(warm)),
    ...(unpenalised
      ? [
          candidate(
            "penalised",
            phrase("writing with the penalty for repetition"),
            "tokens/s",
            "more",
            ({ penalised }) => speed(penalised),
            "unpenalised",
          ),
          candidate("unpenalised", phrase("writing without it"), "tokens/s", "more", ({ plain }) => speed(plain)),
        ]
      : []),
  ];
  try {
    return await takeInTurns("answer", candidates, options.quick ? QUICK : LIMITS, options);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    const reason = joined([error.said, error.advice], " ");
    return skippedSection("answer", phrase("{0}, with and without what makes it faster", name), reason);
  }
}

interface Gains {
  readonly started: AnswerRecord;
  readonly cold: AnswerRecord;
  readonly warm: AnswerRecord;
  readonly penalised: AnswerRecord;
  readonly plain: AnswerRecord | undefined;
}

async function gainsOf(round: number, provider: Provider, unpenalised: Provider | undefined, ask: Ask): Promise<Gains> {
  await provider.close?.();
  const started = await ask(3 * round, provider);
  const cold = await ask(3 * round + 1, provider);
  const warm = await ask(3 * round + 1, provider);
  if (!unpenalised) return { started, cold, warm, penalised: warm, plain: undefined };
  // Both have read the prompt before: what is left is writing.
  await ask(3 * round + 1, unpenalised);
  return { started, cold, warm, penalised: warm, plain: await ask(3 * round + 1, unpenalised) };
}

/** Loading the model is part of what someone waits. */
function wait({ ownMs, firstTokenMs = 0 }: AnswerRecord): number {
  return ownMs + firstTokenMs;
}

function first({ firstTokenMs = 0 }: AnswerRecord): number {
  return firstTokenMs;
}

function cachedShare({ usage }: AnswerRecord): number {
  return usage && usage.inputTokens > 0 ? (100 * usage.cachedTokens) / usage.inputTokens : 0;
}

/** As the engine counts its own time. */
function speed(record: AnswerRecord | undefined): number {
  const { usage, timing } = record ?? {};
  return usage && timing && timing.completionMs > 0 ? (1000 * usage.outputTokens) / timing.completionMs : 0;
}
