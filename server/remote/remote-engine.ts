import { setTimeout as delay } from "node:timers/promises";
import type { Failure } from "../../shared/answer-types.ts";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { explainFailure } from "../answer/explain-failure.ts";
import { openAiClient } from "../answer/openai-client.ts";
import { ProviderError } from "../answer/provider-error.ts";
import { RateLimits } from "../answer/rate-limits.ts";
import { Watchdog } from "../answer/watchdog.ts";
import type { Host } from "../host.ts";
import type { EmbeddingEngine } from "../native/embedding-engine.ts";
import type { EmbeddedTexts, TextKind } from "../native/engine-model.ts";
import { EngineAway } from "../native/kept-engine.ts";
import type { Used } from "../usage/usage-recorder.ts";
import { type EmbeddingResponse, tokensIn, unitVectors } from "./embedding-response.ts";
import type { EmbeddingServer } from "./embedding-server.ts";
import type { Prefixes } from "./model-prefixes.ts";

/** How long a server may take, and how it is asked again; milliseconds. */
export interface Patience {
  /** Until the vectors of a batch are there, and until that of a question is. */
  readonly passagesMs: number;
  readonly questionMs: number;
  /** Before the first new try of a batch; doubled before each further one, and by chance up to half less. */
  readonly pauseMs: number;
  /** A server that wants to be left alone for longer is left alone altogether until then. */
  readonly longestWaitMs: number;
}

/** A server on this machine may have to load the model first, and computes what another one only looks up. */
const PATIENCE: Readonly<Record<"remote" | "local", Patience>> = {
  remote: { passagesMs: 60_000, questionMs: 10_000, pauseMs: 500, longestWaitMs: 60_000 },
  local: { passagesMs: 300_000, questionMs: 120_000, pauseMs: 500, longestWaitMs: 60_000 },
};

/** Of one request: to another machine the round trip costs more than the vectors; one here has this processor. */
const BATCH_TOKENS = { remote: 16_384, local: 2_048 };

/** So often a batch is sent before the server counts as out of order. */
const MOST_TRIES = 4;
/** Code has about so many characters a token at the least. */
const CHARACTERS_PER_TOKEN = 3;
/** Says nothing about anybody's code. */
const PROBE = "function";

/** What is learnt of a server, and holds when it is asked anew. */
export class ServerManner {
  readonly limits = new RateLimits();
  /** Texts of one request; fewer once the server has refused so many. */
  mostTexts = Number.POSITIVE_INFINITY;
}

export interface RemoteParts {
  readonly host: Pick<Host, "fetch" | "env">;
  readonly server: EmbeddingServer;
  readonly manner: ServerManner;
  readonly prefixes: Prefixes;
  /** Told of each request, for the record of usage. */
  readonly onUsed?: (used: Used) => void;
  readonly patience?: Partial<Patience>;
}

/** What asks the server for the vectors of texts, in one of the two forms that it may give them in. */
type Ask = (texts: readonly string[], form: "base64" | "float", signal: AbortSignal) => Promise<Answered>;

interface Answered {
  readonly data: EmbeddingResponse;
  readonly response: Response;
}

/**
 * A model on a server that speaks OpenAI's protocol. A batch is tried again where the server or the way to it was at
 * fault, for a vector that is made twice is the same; a question is not, for someone waits and another model can answer.
 * When the server cannot be asked any more the engine ends and says why.
 */
export class RemoteEngine implements EmbeddingEngine {
  readonly pid = undefined;
  readonly ended: Promise<CairnError | undefined>;
  readonly loaded: EmbeddingEngine["loaded"];
  readonly dims: number;
  readonly #parts: RemoteParts;
  readonly #patience: Patience;
  readonly #ask: Ask;
  readonly #form: "base64" | "float";
  readonly #closing = new AbortController();
  readonly #end: (why: CairnError | undefined) => void;
  #over: CairnError | undefined;

  private constructor(parts: RemoteParts, ask: Ask, probed: { dims: number; form: "base64" | "float"; ms: number }) {
    const { promise, resolve } = Promise.withResolvers<CairnError | undefined>();
    this.ended = promise;
    this.#end = resolve;
    const batchTokens = BATCH_TOKENS[parts.server.remote ? "remote" : "local"];
    this.loaded = { device: "server", threads: 0, batchTokens, loadMs: probed.ms };
    this.dims = probed.dims;
    this.#parts = parts;
    this.#patience = patienceOf(parts);
    this.#ask = ask;
    this.#form = probed.form;
  }

  /**
   * Asks the server for the vector of one word: whether it answers, in which form, and with how many numbers.
   * @throws {CairnError} `input` for what the user has to mend (the key, the model, the address), `unavailable` for what
   * may be over at the next try; the signal's reason
   */
  static async start(parts: RemoteParts, signal?: AbortSignal): Promise<RemoteEngine> {
    const { server, manner } = parts;
    const started = performance.now();
    const stop = signal ?? new AbortController().signal;
    try {
      const waitMs = manner.limits.waitMs(1);
      if (waitMs > 0) throw rateLimited(server, waitMs);
      const ask = await requestTo(parts);
      // A server that stays away would fill the record with the times that it was looked for.
      const onUsed = (used: Used) => used.outcome === "complete" && parts.onUsed?.(used);
      const probe = async (form: "base64" | "float") => {
        const [vector] = await asked({ ...parts, onUsed }, ask, [PROBE], {
          form,
          dims: undefined,
          kind: "passage",
          signal: stop,
        });
        const ms = performance.now() - started;
        return new RemoteEngine(parts, ask, { dims: vector.length, form, ms });
      };
      return await probe("base64").catch((error: unknown) => {
        if (error instanceof ProviderError && error.failure === "rejected") return probe("float");
        throw error;
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw verdictOn(error);
    }
  }

  async embed(texts: readonly string[], kind: TextKind): Promise<EmbeddedTexts> {
    if (this.#over) throw new EngineAway(this.#over);
    const { manner, prefixes } = this.#parts;
    const vectors = new Float32Array(texts.length * this.dims);
    let [done, tokens, batches] = [0, 0, 0];
    try {
      while (done < texts.length) {
        const piece = texts.slice(done, done + manner.mostTexts).map((text) => prefixes[kind] + text);
        try {
          for (const vector of await this.#patiently(piece, kind)) vectors.set(vector, this.dims * done++);
        } catch (error) {
          if (!isTooMuch(error)) throw error;
          if (piece.length === 1) {
            // Not the number of texts was too much, but this one.
            manner.mostTexts = Number.POSITIVE_INFINITY;
            throw error;
          }
          manner.mostTexts = Math.ceil(piece.length / 2);
          continue;
        }
        tokens += tokensOf(piece);
        batches++;
      }
      return { vectors, tokens, batches };
    } catch (error) {
      const verdict = this.#over ?? verdictOn(error);
      if (verdict.kind === "output") throw verdict;
      this.#endWith(verdict);
      throw new EngineAway(verdict);
    }
  }

  async memory(): Promise<number> {
    return 0;
  }

  async close(): Promise<void> {
    const hint = phrase("Try again in a moment.");
    this.#endWith(new CairnError("unavailable", phrase("The server is no longer asked."), hint));
    this.#closing.abort(this.#over);
  }

  /** Waits for its turn, and tries a batch again. */
  async #patiently(texts: readonly string[], kind: TextKind): Promise<Float32Array[]> {
    const { server, manner } = this.#parts;
    const { signal } = this.#closing;
    for (let tries = 1; ; tries++) {
      const waitMs = manner.limits.waitMs(tokensOf(texts));
      if (waitMs > (kind === "query" ? 0 : this.#patience.longestWaitMs)) throw rateLimited(server, waitMs);
      if (waitMs > 0) await delay(waitMs, undefined, { signal });
      try {
        return await asked(this.#parts, this.#ask, texts, { form: this.#form, dims: this.dims, kind, signal });
      } catch (error) {
        if (!(error instanceof ProviderError) || !PASSES.has(error.failure)) throw error;
        if (kind === "query" || tries === MOST_TRIES) throw error;
        if (error.failure === "rate-limit" && error.waitMs !== undefined) continue;
        const pause = this.#patience.pauseMs * 2 ** (tries - 1);
        await delay(pause * (0.5 + Math.random() / 2), undefined, { signal });
      }
    }
  }

  #endWith(why: CairnError): void {
    if (this.#over) return;
    this.#over = why;
    this.#end(why);
  }
}

/** One request, with what the server says of its limits. */
async function asked(
  { server, manner, patience, onUsed, host }: RemoteParts,
  ask: Ask,
  texts: readonly string[],
  how: { form: "base64" | "float"; dims: number | undefined; kind: TextKind; signal: AbortSignal },
): Promise<Float32Array[]> {
  const { provider, model, destination, keyName, remote } = server;
  const { passagesMs, questionMs } = patienceOf({ server, patience });
  const watchdog = new Watchdog(provider, how.signal);
  const started = performance.now();
  const record = (outcome: Used["outcome"], inputTokens?: number) => {
    const seconds = (performance.now() - started) / 1000;
    const counted = inputTokens === undefined ? {} : { inputTokens, outputTokens: 0 };
    onUsed?.({ kind: "embedding", provider, model, remote, seconds, outcome, ...counted });
  };
  try {
    watchdog.expect("vectors", how.kind === "query" ? questionMs : passagesMs);
    const { data, response } = await watchdog.race(ask(texts, how.form, watchdog.signal));
    manner.limits.observe(response.headers);
    record("complete", tokensIn(data));
    return unitVectors(data, { provider, texts: texts.length, dims: how.dims });
  } catch (error) {
    how.signal.throwIfAborted();
    if (error instanceof CairnError && error.kind === "output") throw error;
    const key = keyOf(host, server);
    const failure = explainFailure(error, { provider, destination, model, keyName, key });
    record(failure.failure);
    if (failure.waitMs !== undefined) manner.limits.block(failure.waitMs);
    throw failure;
  } finally {
    watchdog.stop();
  }
}

/** The client is loaded with the first request. */
async function requestTo({ host, server }: RemoteParts): Promise<Ask> {
  const { provider, model, dimensions, baseUrl, keyName } = server;
  const key = keyOf(host, server);
  if (keyName && !key) {
    const hint = phrase("Run Cairn: Set API Key, or put it into the environment as {0}.", keyName);
    throw new ProviderError(provider, "no-key", phrase("there is no key."), hint);
  }
  const client = await openAiClient(host, { provider, baseURL: baseUrl, key });
  return async (texts, form, signal) => {
    const body = { model, input: [...texts], encoding_format: form, ...(dimensions && { dimensions }) };
    return client.embeddings.create(body, { signal }).withResponse() as Promise<Answered>;
  };
}

function keyOf({ env }: Pick<Host, "env">, { keyName }: EmbeddingServer): string {
  return keyName ? (env[keyName] ?? "") : "";
}

function patienceOf({ server, patience }: Pick<RemoteParts, "server" | "patience">): Patience {
  return { ...PATIENCE[server.remote ? "remote" : "local"], ...patience };
}

/** What may be over when the same batch is sent once more. */
const PASSES: ReadonlySet<Failure> = new Set(["rate-limit", "server", "network"]);
/** What a server says when it was given too many texts, or a text that is too long. */
const TOO_MUCH: ReadonlySet<Failure> = new Set(["context-too-long", "rejected", "refused"]);
/** What stays so until the user has done something about it. */
const LASTING: ReadonlySet<Failure> = new Set(["no-key", "bad-key", "model-gone", "output", ...TOO_MUCH]);

function isTooMuch(error: unknown): boolean {
  return error instanceof ProviderError && TOO_MUCH.has(error.failure);
}

/** `output`: the text is at fault; `input`: it is so at the next try too; `unavailable`: it may be over by then. */
function verdictOn(error: unknown): CairnError {
  if (!(error instanceof ProviderError)) {
    if (error instanceof CairnError) return error;
    return new CairnError("unavailable", phrase("The server is no longer asked."), phrase("Try again in a moment."), {
      cause: error,
    });
  }
  const { failure, said, advice } = error;
  const kind = TOO_MUCH.has(failure) ? "output" : LASTING.has(failure) ? "input" : "unavailable";
  return new CairnError(kind, said, advice, { cause: error });
}

function rateLimited({ provider }: EmbeddingServer, waitMs: number): ProviderError {
  const hint = phrase("It is asked again in {0} s.", Math.ceil(waitMs / 1000));
  return new ProviderError(provider, "rate-limit", phrase("too many requests or tokens for now."), hint, { waitMs });
}

/** An estimate, rather too many: the server's own count comes when it has been sent. */
function tokensOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Math.ceil(text.length / CHARACTERS_PER_TOKEN), 0);
}
