import { asCairnError, CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { median, percentile } from "../measure/statistics.ts";
import type { EmbeddedTexts, TextKind } from "./engine-model.ts";
import { EngineAway } from "./kept-engine.ts";

/** Code has about so many characters a token; only for putting texts of like length together. */
const CHARACTERS_PER_TOKEN = 3;
/** Who brings more passages than this waits until there is room. */
const MOST_PASSAGES = 256;
/** So often the engine may fail at one text alone before that is taken for the cause. */
const MOST_FAILURES = 2;

export interface QueueOptions {
  readonly signal?: AbortSignal;
  /** Before other passages: someone may ask for it soon. */
  readonly ahead?: boolean;
  /** Milliseconds after which nobody needs the answer any more. */
  readonly withinMs?: number;
}

/** Older ones say nothing of how it is now. */
const QUESTIONS_REMEMBERED = 200;

/** What a queue did since it was made. */
export interface QueueMetrics {
  readonly depth: number;
  readonly texts: number;
  readonly batches: number;
  readonly fill: number;
  readonly tokensPerSecond: number;
  readonly rejected: number;
  /** Milliseconds that the last questions took, waiting included: their median, and what 95 of 100 stayed below; 0 before any. */
  readonly questionMs: number;
  readonly questionP95Ms: number;
  /** Calls of the engine that failed, of all, 0 to 1. */
  readonly errorRate: number;
  /** Bytes of memory that its process had at the last call; 0 where it has none here. */
  readonly memoryBytes: number;
}

interface Item {
  readonly text: string;
  readonly kind: TextKind;
  /** An estimate. */
  readonly tokens: number;
  failures: number;
  resolve(vector: Float32Array): void;
  reject(error: unknown): void;
  /** Nobody waits for it any more. */
  gone: boolean;
}

/** What the queue needs of an engine. */
export interface QueuedEngine {
  /** False while it is started; passages wait for it, questions do not. */
  readonly isRunning: boolean;
  /** Tokens of one call: what it computes at once. A question waits for one such call at the most, where it waits. */
  readonly batchTokens: number;
  embed(texts: readonly string[], kind: TextKind): Promise<EmbeddedTexts>;
}

/**
 * The texts that wait for one engine. Questions go to it at once, whatever it is at; passages one call at a time: those that go ahead
 * first, then others of like length up to a budget of tokens. A text at which the engine fails, or its process ends, is found by halving the batch that it was in.
 */
export class EngineQueue {
  readonly #engine: QueuedEngine;
  readonly #dims: number;
  readonly #mostTexts: number;
  readonly #questions: Item[] = [];
  /** Passages that go before the others. */
  readonly #ahead: Item[] = [];
  /** The shortest first. */
  readonly #passages: Item[] = [];
  /** What is left of batches at which the engine failed; nothing else is put into them. */
  readonly #suspects: Item[][] = [];
  readonly #hasRoom: (() => void)[] = [];
  /** Why nothing is embedded any more. */
  #end: CairnError | undefined;
  /** What the engine has at the moment: passages of one call, and questions of any. */
  #underWay = 0;
  #asked = 0;
  #texts = 0;
  #batches = 0;
  #filled = 0;
  #tokens = 0;
  #workMs = 0;
  #rejected = 0;
  #failedCalls = 0;
  #memoryBytes = 0;
  /** Of the last questions, the oldest first. */
  readonly #questionTimes: number[] = [];

  /** @param mostTexts of one call, whatever their tokens */
  constructor(engine: QueuedEngine, dims: number, mostTexts = Number.POSITIVE_INFINITY) {
    this.#engine = engine;
    this.#dims = dims;
    this.#mostTexts = mostTexts;
  }

  get metrics(): QueueMetrics {
    const suspects = this.#suspects.reduce((sum, items) => sum + items.length, 0);
    return {
      depth:
        this.#underWay + this.#asked + this.#questions.length + this.#ahead.length + this.#passages.length + suspects,
      texts: this.#texts,
      batches: this.#batches,
      fill: this.#batches === 0 ? 0 : this.#filled / this.#batches,
      tokensPerSecond: this.#workMs === 0 ? 0 : (1000 * this.#tokens) / this.#workMs,
      rejected: this.#rejected,
      questionMs: this.#questionTimes.length === 0 ? 0 : median(this.#questionTimes),
      questionP95Ms: this.#questionTimes.length === 0 ? 0 : percentile(this.#questionTimes, 0.95),
      errorRate: this.#failedCalls === 0 ? 0 : this.#failedCalls / (this.#failedCalls + this.#batches),
      memoryBytes: this.#memoryBytes,
    };
  }

  /**
   * The unit vector of a text. Passages wait until there is room for them and until the engine runs; a question fails at
   * once when it does not, or when it fails.
   * @throws {CairnError} `output` for a passage at which the engine fails, what the engine throws for a question; the
   * signal's reason
   */
  async embed(text: string, kind: TextKind, { signal, ahead, withinMs }: QueueOptions = {}): Promise<Float32Array> {
    while (kind === "passage" && !ahead && this.#passages.length >= MOST_PASSAGES) {
      await new Promise<void>((resolve) => this.#hasRoom.push(resolve));
    }
    signal?.throwIfAborted();
    if (this.#end) throw this.#end;
    const asked = performance.now();
    return new Promise<Float32Array>((resolve, reject) => {
      const item: Item = {
        text,
        kind,
        tokens: 2 + Math.ceil(text.length / CHARACTERS_PER_TOKEN),
        failures: 0,
        gone: false,
        resolve: (vector) => {
          if (kind === "query") this.#answeredAfter(performance.now() - asked);
          settle(() => resolve(vector));
        },
        reject: (error) => settle(() => reject(error)),
      };
      const aborted = () => item.reject(signal?.reason);
      const timer = withinMs === undefined ? undefined : setTimeout(() => item.reject(tooLate()), withinMs);
      const settle = (how: () => void) => {
        item.gone = true;
        clearTimeout(timer);
        signal?.removeEventListener("abort", aborted);
        how();
      };
      signal?.addEventListener("abort", aborted, { once: true });
      if (kind === "query") this.#questions.push(item);
      else if (ahead) this.#ahead.push(item);
      else this.#passages.splice(this.#placeOf(item), 0, item);
      // After this turn: who brings many texts brings them one after the other, and they go together.
      queueMicrotask(() => this.advance());
    });
  }

  /** Goes on; to be called when the engine runs, or no longer does. */
  advance(): void {
    const questions = this.#taken(this.#questions);
    if (questions.length > 0) void this.#ask(questions);
    if (this.#underWay > 0) return;
    const batch = this.#next();
    if (batch.length === 0) return;
    this.#underWay = batch.length;
    void this.#run(batch).finally(() => {
      this.#underWay = 0;
      this.advance();
    });
  }

  /** The engine will not come back: fails whatever waits, and whatever comes. */
  end(error: CairnError): void {
    this.#end = error;
    const all = [
      ...this.#questions.splice(0),
      ...this.#ahead.splice(0),
      ...this.#passages.splice(0),
      ...this.#suspects.splice(0).flat(),
    ];
    for (const item of all) item.reject(error);
    this.#letIn();
  }

  /** The engine is tried once more, after all. */
  reopen(): void {
    this.#end = undefined;
  }

  #taken(items: Item[]): Item[] {
    return taken(items, { tokens: this.#engine.batchTokens, texts: this.#mostTexts });
  }

  #next(): Item[] {
    if (!this.#engine.isRunning) return [];
    const first = this.#taken(this.#ahead);
    if (first.length > 0) return first;
    for (let half = this.#suspects.shift(); half; half = this.#suspects.shift()) {
      const waiting = half.filter(({ gone }) => !gone);
      if (waiting.length > 0) return waiting;
    }
    const batch = this.#taken(this.#passages);
    this.#letIn();
    return batch;
  }

  async #ask(questions: readonly Item[]): Promise<void> {
    this.#asked += questions.length;
    await this.#run(questions);
    this.#asked -= questions.length;
  }

  async #run(batch: readonly Item[]): Promise<void> {
    const { kind } = batch[0];
    const started = performance.now();
    try {
      const texts = batch.map(({ text }) => text);
      const { vectors, tokens, memoryBytes = 0 } = await this.#engine.embed(texts, kind);
      this.#memoryBytes = memoryBytes;
      batch.forEach((item, i) => {
        item.resolve(vectors.slice(i * this.#dims, (i + 1) * this.#dims));
      });
      this.#texts += batch.length;
      this.#tokens += tokens;
      this.#batches++;
      this.#filled += Math.min(1, batch.reduce((sum, item) => sum + item.tokens, 0) / this.#engine.batchTokens);
      this.#workMs += performance.now() - started;
    } catch (error) {
      this.#failed(batch, error);
    }
  }

  #answeredAfter(ms: number): void {
    this.#questionTimes.push(ms);
    if (this.#questionTimes.length > QUESTIONS_REMEMBERED) this.#questionTimes.shift();
  }

  #failed(batch: readonly Item[], error: unknown): void {
    if (!(error instanceof EngineAway)) this.#failedCalls++;
    // A question has another model to turn to; it does not wait for this one to come back.
    if (batch[0].kind === "query" || this.#end) {
      for (const item of batch) item.reject(error);
      return;
    }
    if (error instanceof EngineAway) {
      this.#suspects.unshift([...batch]);
      return;
    }
    if (batch.length > 1) {
      const middle = batch.length >> 1;
      this.#suspects.unshift(batch.slice(0, middle), batch.slice(middle));
      return;
    }
    const [item] = batch;
    if (++item.failures < MOST_FAILURES) this.#suspects.unshift([item]);
    else {
      this.#rejected++;
      item.reject(cannotEmbed(asCairnError(error)));
    }
  }

  #placeOf({ tokens }: Item): number {
    const at = this.#passages.findIndex((item) => item.tokens > tokens);
    return at < 0 ? this.#passages.length : at;
  }

  #letIn(): void {
    for (const resolve of this.#hasRoom.splice(0, MOST_PASSAGES - this.#passages.length)) resolve();
  }
}

/** Takes the first of a list that still wait, as many as one call takes when all are as long as the longest. */
function taken(items: Item[], most: { readonly tokens: number; readonly texts: number }): Item[] {
  const batch: Item[] = [];
  let longest = 0;
  while (items.length > 0) {
    if (items[0].gone) {
      items.shift();
      continue;
    }
    longest = Math.max(longest, items[0].tokens);
    if (batch.length === most.texts || (batch.length > 0 && longest * (batch.length + 1) > most.tokens)) break;
    batch.push(items.shift() as Item);
  }
  return batch;
}

function tooLate(): CairnError {
  return new CairnError("unavailable", phrase("It did not answer in time."), phrase("Try again in a moment."));
}

function cannotEmbed(cause: CairnError): CairnError {
  return new CairnError("output", phrase("The engine fails at this text."), phrase("It is found by its words."), {
    cause,
  });
}
