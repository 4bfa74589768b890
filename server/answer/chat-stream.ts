import { setTimeout as wait } from "node:timers/promises";
import { createParser } from "eventsource-parser";
import type { ProviderTiming, Usage } from "../../shared/answer-types.ts";
import { type Phrase, phrase, SILENCE } from "../../shared/phrase.ts";
import { explainFailure, type FailedRequest } from "./explain-failure.ts";
import type { ChatRequest, ModelEvent } from "./llm.ts";
import { ProviderError } from "./provider-error.ts";
import type { RateLimits } from "./rate-limits.ts";
import { type Deadlines, Watchdog } from "./watchdog.ts";

/** How a streamed chat completion is asked of one provider. */
export interface ChatEndpoint extends FailedRequest {
  readonly deadlines: Deadlines;
  readonly limits: RateLimits;
  readonly outputLimit: OutputLimit;
  /** Sends the body through the provider's client and gives the response as soon as its headers are there. */
  post(body: object, signal: AbortSignal): Promise<Response>;
}

/** What the limit of output is called: OpenAI's newer models refuse the old name, most servers know no other. */
export type OutputLimit = "max_tokens" | "max_completion_tokens";

/** A limit that is over sooner than this is waited for; otherwise the next provider is faster. */
const PATIENCE_MS = 5_000;

/**
 * Streams one chat completion. The provider's client sends the request; its stream is read here: the clients' readers
 * have no time-outs, and one of them prints what it cannot parse.
 */
export async function* streamChat(
  endpoint: ChatEndpoint,
  { messages, inputTokens, maxOutputTokens }: ChatRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent, void, undefined> {
  await untilAllowed(endpoint, inputTokens + maxOutputTokens, signal);
  const { provider, model, outputLimit, deadlines } = endpoint;
  const body = {
    model,
    messages,
    stream: true,
    stream_options: { include_usage: true },
    [outputLimit]: maxOutputTokens,
  };
  const watchdog = new Watchdog(provider, signal);
  const reading = new Completion(provider);
  let begun = false;
  let anyEvent = false;
  try {
    watchdog.expect("connection", deadlines.connectMs);
    const response = await watchdog.race(endpoint.post(body, watchdog.signal));
    begun = true;
    endpoint.limits.observe(response.headers);
    watchdog.expect("first-word", deadlines.firstTokenMs);
    for await (const data of eventsOf(response, watchdog)) {
      anyEvent = true;
      watchdog.expect("next-word", deadlines.nextTokenMs);
      const text = reading.take(data, endpoint);
      if (text !== "") yield { type: "text", text };
      if (reading.isOver) break;
    }
    if (!anyEvent) throw noStream(provider, response);
    yield reading.end();
  } catch (error) {
    signal.throwIfAborted();
    const failure = explainFailure(error, endpoint, begun);
    if (failure.failure === "rate-limit") endpoint.limits.block(failure.waitMs ?? 0);
    throw failure;
  } finally {
    watchdog.stop();
  }
}

/** Waits for a limit that will be over soon; a request that would be refused is not sent. */
async function untilAllowed({ provider, limits }: ChatEndpoint, tokens: number, signal: AbortSignal): Promise<void> {
  const waitMs = limits.waitMs(tokens);
  if (waitMs > PATIENCE_MS) {
    const message = phrase("its limit of requests or tokens is used up for now; nothing was sent.");
    const hint = phrase("Try again in {0} s.", Math.ceil(waitMs / 1000));
    throw new ProviderError(provider, "rate-limit", message, hint, { waitMs });
  }
  if (waitMs > 0) await wait(waitMs, undefined, { signal });
}

/** No event of a completion is larger. */
const LARGEST_EVENT = 1_000_000;

/** The data of each server-sent event. Whoever stops listening closes the connection. */
async function* eventsOf(response: Response, watchdog: Watchdog): AsyncGenerator<string, void, undefined> {
  if (!response.body) return;
  const decoder = new TextDecoder();
  const events: string[] = [];
  const parser = createParser({ onEvent: ({ data }) => events.push(data), maxBufferSize: LARGEST_EVENT });
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await watchdog.race(reader.read());
      // A character may be cut in two: the decoder keeps its first half.
      if (value) parser.feed(decoder.decode(value, { stream: true }));
      yield* events.splice(0);
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

const SPEAKS_IT = phrase("Is this the address of a server that speaks OpenAI's protocol?");

/** An answer in which not one event came: the page of a portal where one logs in, or a whole text at once. */
function noStream(provider: string, { headers }: Response): ProviderError {
  const type = headers.get("content-type")?.split(";")[0].trim() ?? "";
  if (type === "text/event-stream")
    return new ProviderError(provider, "network", phrase("it broke the answer off."), phrase("Try again."));
  const message = phrase("it sent no stream of events but {0}.", type || phrase("something without a type"));
  return new ProviderError(provider, "output", message, SPEAKS_IT);
}

/** What has come of one completion. */
class Completion {
  readonly #provider: string;
  #finish = "";
  #done = false;
  #anyText = false;
  #usage: Usage | undefined;
  #timing: ProviderTiming | undefined;

  constructor(provider: string) {
    this.#provider = provider;
  }

  get isOver(): boolean {
    return this.#done;
  }

  /** The text of one event. @throws ProviderError, or what {@link explainFailure} explains */
  take(data: string, request: FailedRequest): string {
    if (data === "[DONE]") {
      this.#done = true;
      return "";
    }
    const chunk = this.#parse(data);
    if (chunk.error) throw explainFailure({ status: statusOf(chunk), error: chunk.error }, request);
    if (!Array.isArray(chunk.choices))
      throw this.#malformed(phrase("it sent an event that is no part of a chat completion."));
    if (chunk.usage) this.#usage = usageOf(chunk.usage);
    if (chunk.time_info) this.#timing = timingOf(chunk.time_info);
    const choice = chunk.choices[0];
    if (choice?.finish_reason) this.#finish = choice.finish_reason;
    if (this.#finish === "content_filter") throw this.#refused();
    const text = choice?.delta?.content ?? "";
    if (typeof text !== "string") throw this.#malformed(phrase("it sent an event whose text is no text."));
    if (text !== "") this.#anyText = true;
    return text;
  }

  /** What closes the answer. @throws ProviderError for one that was cut off or is empty */
  end(): ModelEvent {
    if (this.#finish === "") {
      const message = this.#done
        ? phrase("it ended the answer without saying why.")
        : phrase("it broke the answer off.");
      throw new ProviderError(this.#provider, "network", message, phrase("Try again."));
    }
    if (!this.#anyText) {
      const hint =
        this.#finish === "length" ? phrase("Raise cairn.answer.maxOutputTokens: the model may think first.") : SILENCE;
      throw new ProviderError(this.#provider, "output", phrase("its answer was empty."), hint);
    }
    const finish = this.#finish === "length" ? "length" : "stop";
    return { type: "end", finish, usage: this.#usage, timing: this.#timing };
  }

  #parse(data: string): Chunk {
    let chunk: unknown;
    try {
      chunk = JSON.parse(data);
    } catch {
      throw this.#malformed(phrase("it sent an event that is not JSON."));
    }
    if (typeof chunk === "object" && chunk !== null) return chunk;
    throw this.#malformed(phrase("it sent an event that is no object."));
  }

  #malformed(message: Phrase): ProviderError {
    return new ProviderError(this.#provider, "output", message, SPEAKS_IT);
  }

  #refused(): ProviderError {
    const hint = phrase("Ask in other words, or choose another provider.");
    return new ProviderError(this.#provider, "refused", phrase("the content was refused."), hint);
  }
}

/** An event as far as it is read; nothing of it is certain. */
interface Chunk {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null } | null;
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: Readonly<Record<string, unknown>> | null;
  /** Cerebras: seconds. */
  readonly time_info?: Readonly<Record<string, unknown>> | null;
  readonly error?: unknown;
  readonly status_code?: unknown;
}

/** An error that comes in the middle of a stream has no status of its own. */
function statusOf({ error, status_code }: Chunk): number {
  const code = Number(status_code ?? (error as { code?: unknown }).code);
  return Number.isInteger(code) && code >= 400 ? code : 500;
}

function usageOf(usage: Readonly<Record<string, unknown>>): Usage {
  const details = usage.prompt_tokens_details as Readonly<Record<string, unknown>> | null | undefined;
  return {
    inputTokens: numberOf(usage.prompt_tokens),
    outputTokens: numberOf(usage.completion_tokens),
    cachedTokens: numberOf(details?.cached_tokens),
  };
}

function timingOf(info: Readonly<Record<string, unknown>>): ProviderTiming {
  const ms = (seconds: unknown) => Math.round(numberOf(seconds) * 1e6) / 1000;
  return {
    queueMs: ms(info.queue_time),
    promptMs: ms(info.prompt_time),
    completionMs: ms(info.completion_time),
    totalMs: ms(info.total_time),
  };
}

function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}
