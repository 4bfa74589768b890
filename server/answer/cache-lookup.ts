import type { AnswerTask, Turn, Usage } from "../../shared/answer-types.ts";
import type { UsageEntry } from "../../shared/usage-types.ts";
import type { AnswerCache } from "./answer-cache.ts";
import { answerKey, sourcesOf, toKeptAnswer } from "./kept-answer.ts";
import type { KeptAnswer } from "./kept-answer-format.ts";
import type { Provider } from "./llm.ts";
import { sendable } from "./never-send.ts";
import { PIPED, type Source } from "./source.ts";

/** What the cache has to do with one question to one provider. */
export interface CacheLookup {
  /** Its answer from before. */
  readonly kept?: KeptAnswer;
  /** Of that answer, by their numbers. */
  readonly sources: readonly Source[];
  /** Keeps the whole answer that a model has just written; undefined when it is not to be kept. */
  readonly keep?: (written: Written, packed: readonly Source[]) => Promise<void>;
  /** For the record of usage: whether it was looked for and found, and what that has saved. */
  readonly used: Pick<UsageEntry, "kept" | "savedInputTokens" | "savedOutputTokens">;
}

interface Written {
  readonly model: string;
  readonly text: string;
  readonly usage?: Usage;
}

export const NOT_LOOKED_UP: CacheLookup = { sources: [], used: {} };

interface Asked {
  readonly text: string;
  readonly history?: readonly Turn[];
  readonly wants?: AnswerTask;
  readonly anew?: boolean;
}

interface Caching {
  readonly cache?: AnswerCache;
  readonly maxOutputTokens: number;
  readonly neverSend: readonly string[];
}

/**
 * Looks for what a provider has answered to the same question from the same sources. Only the first question of a
 * conversation is kept: what a later one means depends on all that was said before.
 * @param sources all that may go to the provider
 */
export async function lookUp(
  question: Asked,
  sources: readonly Source[],
  provider: Provider,
  { cache, maxOutputTokens, neverSend }: Caching,
): Promise<CacheLookup> {
  if (!cache || question.history?.length) return NOT_LOOKED_UP;
  const key = answerKey(question, sources, provider, maxOutputTokens);
  const keep = async ({ usage, ...written }: Written, packed: readonly Source[]) => {
    if (written.text.trim() === "") return;
    const tokens = usage && { inputTokens: usage.inputTokens, outputTokens: usage.outputTokens };
    const answer = toKeptAnswer({ ...written, ...tokens, madeAt: Date.now() }, packed, sources);
    // An answer may quote what it was made from.
    const mayLeave = sendable(packed, neverSend).length === packed.length && !packed.some(({ path }) => path === PIPED);
    if (answer) await cache.keep(key, answer, mayLeave);
  };
  if (question.anew) return { sources: [], keep, used: {} };
  const kept = await cache.find(key);
  const packed = kept && sourcesOf(kept, sources);
  if (!kept || !packed) return { sources: [], keep, used: { kept: false } };
  const { inputTokens: savedInputTokens, outputTokens: savedOutputTokens } = kept;
  return { kept, sources: packed, used: { kept: true, savedInputTokens, savedOutputTokens } };
}
