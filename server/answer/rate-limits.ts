/** One limit as a provider last told it. */
interface Bucket {
  readonly counts: "requests" | "tokens";
  readonly remaining: number;
  readonly limit: number;
  /** On the clock of {@link RateLimits}. */
  readonly resetsAt: number;
}

/**
 * What a provider's answers say of its limits, so that a request that would be refused is not sent. Reads
 * `x-ratelimit-{limit,remaining,reset}-{requests,tokens}` with or without a period behind (`-minute`, `-day`): resets
 * are seconds at Cerebras and durations (`6m0s`) at OpenAI.
 */
export class RateLimits {
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();
  #blockedUntil = 0;

  /** @param now milliseconds that never go back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  observe(headers: Headers): void {
    headers.forEach((value, name) => {
      const [, bucket, counts] = /^x-ratelimit-remaining-((requests|tokens)(?:-\w+)?)$/.exec(name) ?? [];
      const reset = milliseconds(headers.get(`x-ratelimit-reset-${bucket}`));
      const remaining = Number(value);
      if (bucket === undefined || reset === undefined || Number.isNaN(remaining)) return;
      const limit = Number(headers.get(`x-ratelimit-limit-${bucket}`) ?? Number.POSITIVE_INFINITY);
      this.#buckets.set(bucket, {
        counts: counts as Bucket["counts"],
        remaining,
        limit,
        resetsAt: this.#now() + reset,
      });
    });
  }

  /** After a refusal: nothing is sent for so many milliseconds. */
  block(ms: number): void {
    this.#blockedUntil = Math.max(this.#blockedUntil, this.#now() + ms);
  }

  /** Milliseconds until a request of so many tokens may be sent; 0 when it may now. */
  waitMs(tokens: number): number {
    const now = this.#now();
    let until = this.#blockedUntil;
    for (const { counts, remaining, limit, resetsAt } of this.#buckets.values()) {
      const needed = counts === "tokens" ? tokens : 1;
      // What passes the limit as a whole will not fit later either: the provider shall say so.
      if (remaining < needed && needed <= limit) until = Math.max(until, resetsAt);
    }
    return Math.max(0, until - now);
  }
}

/** How long a refused request is to wait: `retry-after-ms`, `retry-after` in seconds or as a date. */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
  const exact = headers.get("retry-after-ms");
  if (exact !== null && exact.trim() !== "" && !Number.isNaN(Number(exact))) return Math.max(0, Number(exact));
  const after = headers.get("retry-after");
  if (after === null) return undefined;
  const ms = milliseconds(after) ?? Date.parse(after) - now;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Seconds (`59.7`), or a duration (`1h2m3.5s`, `120ms`). */
function milliseconds(text: string | null): number | undefined {
  const trimmed = text?.trim() ?? "";
  if (/^\d+(?:\.\d+)?$/.test(trimmed)) return Number(trimmed) * 1000;
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/.test(trimmed)) return undefined;
  let total = 0;
  for (const [, amount, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)) total += Number(amount) * UNITS[unit];
  return total;
}
