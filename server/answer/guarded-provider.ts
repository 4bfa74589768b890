import { setTimeout as wait } from "node:timers/promises";
import type { Failure } from "../../shared/answer-types.ts";
import { phrase } from "../../shared/phrase.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";
import type { ChatRequest, LanguageModel, ModelEvent, Provider } from "./llm.ts";
import { ProviderError } from "./provider-error.ts";

export interface Retries {
  /** After the first attempt. */
  readonly count: number;
  /** Milliseconds before the first retry; doubled each time, and between half and all of it by chance. */
  readonly baseMs: number;
  /** A longer wait is not waited for: the next provider is faster. */
  readonly longestMs: number;
}

const RETRIES: Retries = { count: 2, baseMs: 250, longestMs: 5_000 };

/** Failures that may be over a moment later, and that nobody is charged for twice: nothing was answered yet. */
const PASSING: ReadonlySet<Failure> = new Set(["network", "server", "rate-limit"]);
/** Failures that say that the provider does not work, whatever it is asked. */
const BROKEN: ReadonlySet<Failure> = new Set(["network", "server", "timeout", "certificate"]);

/** The same provider, asked again after failures that pass, and left alone after too many. */
export function guarded(
  provider: Provider,
  breaker: CircuitBreaker = new CircuitBreaker(),
  retries: Retries = RETRIES,
): Provider {
  const { name, destination, remote, identity, hasKey, tier } = provider;
  return {
    name,
    destination,
    remote,
    identity,
    hasKey,
    tier,
    close: () => provider.close?.() ?? Promise.resolve(),
    async open(signal) {
      for (let attempt = 0; ; attempt++) {
        enter(name, breaker);
        try {
          const model = await provider.open(signal);
          // Whether the provider works is seen when it answers: a model that was named is not asked for.
          breaker.undecided();
          return guardedModel(name, model, breaker, retries);
        } catch (error) {
          record(error, breaker, signal);
          await beforeRetry(error, attempt, retries, signal);
        }
      }
    },
  };
}

function guardedModel(
  provider: string,
  model: LanguageModel,
  breaker: CircuitBreaker,
  retries: Retries,
): LanguageModel {
  const { name, contextTokens, price } = model;
  return {
    name,
    contextTokens,
    price,
    async *stream(request: ChatRequest, signal: AbortSignal): AsyncGenerator<ModelEvent, void, undefined> {
      for (let attempt = 0; ; attempt++) {
        enter(provider, breaker);
        let begun = false;
        try {
          for await (const event of model.stream(request, signal)) {
            // It answers: that is what the breaker wants to know, even if the reader leaves now.
            if (!begun) breaker.succeeded();
            begun = true;
            yield event;
          }
          return;
        } catch (error) {
          record(error, breaker, signal);
          if (begun) throw error;
          await beforeRetry(error, attempt, retries, signal);
        }
      }
    },
  };
}

function enter(provider: string, breaker: CircuitBreaker): void {
  const waitMs = breaker.enter();
  if (waitMs === 0) return;
  const message = phrase("it failed several times in a row and is left alone for {0} s.", Math.ceil(waitMs / 1000));
  throw new ProviderError(provider, "server", message, phrase("Try again later."), { waitMs });
}

function record(error: unknown, breaker: CircuitBreaker, signal: AbortSignal): void {
  const broken = !signal.aborted && error instanceof ProviderError && BROKEN.has(error.failure);
  if (broken) breaker.failed();
  else breaker.undecided();
}

/** Waits until a retry makes sense, or throws the error that does not call for one. */
async function beforeRetry(error: unknown, attempt: number, retries: Retries, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (!(error instanceof ProviderError) || !PASSING.has(error.failure) || attempt >= retries.count) throw error;
  const pause = retries.baseMs * 2 ** attempt * (0.5 + Math.random() / 2);
  const waitMs = Math.max(pause, error.waitMs ?? 0);
  if (waitMs > retries.longestMs) throw error;
  await wait(waitMs, undefined, { signal });
}
