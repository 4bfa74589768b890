import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { type Phrase, phrase } from "../../shared/phrase.ts";
import type { Settings } from "../../shared/settings.ts";
import type { Log } from "../host.ts";
import type { SharedCache, SharedEntry } from "./shared-cache.ts";

/** Everything of Cairn's begins with it; raised when values would be read wrongly. */
const PREFIX = "cairn:1:";

export interface Patience {
  /** Milliseconds until a connection must stand. */
  readonly connectMs: number;
  /** Milliseconds until a command must be answered. */
  readonly answerMs: number;
  /** Milliseconds for which it is left alone after it has failed. */
  readonly restMs: number;
}

const PATIENCE: Patience = { connectMs: 1_000, answerMs: 500, restMs: 30_000 };

/** A Redis, or what speaks its protocol. Its client is loaded, and a connection made, with the first question. */
export class RedisCache implements SharedCache {
  readonly #url: string;
  readonly #log: Pick<Log, "info" | "warn">;
  readonly #patience: Patience;
  #client: Promise<Connection> | undefined;
  #restsUntil = 0;
  #isAway = false;
  #notice: Phrase | undefined;

  /** @param url `redis://` or `rediss://`, with user and password where it wants them */
  constructor(url: string, log: Pick<Log, "info" | "warn">, patience: Patience = PATIENCE) {
    this.#url = url;
    this.#log = log;
    this.#patience = patience;
  }

  async get(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    const values = keys.length === 0 ? [] : await this.#ask((client) => client.mGet(keys.map(named)));
    return keys.map((_, i) => values?.[i] ?? undefined);
  }

  async set(entries: readonly SharedEntry[], seconds: number): Promise<void> {
    const expiration = { type: "EX", value: seconds } as const;
    await this.#ask((client) =>
      Promise.all(entries.map(({ key, value }) => client.set(named(key), Buffer.from(value), { expiration }))),
    );
  }

  takeNotice(): Phrase | undefined {
    const notice = this.#notice;
    this.#notice = undefined;
    return notice;
  }

  close(): void {
    const client = this.#client;
    this.#client = undefined;
    void client?.then(leave, () => {});
  }

  /** Undefined while it is away. */
  async #ask<Answer>(command: (client: Client) => Promise<Answer>): Promise<Answer | undefined> {
    if (performance.now() < this.#restsUntil) return undefined;
    const { connectMs, answerMs } = this.#patience;
    try {
      this.#client ??= connect(this.#url, connectMs);
      const { client, ready } = await this.#client;
      await within(connectMs, ready);
      // Whoever has nothing else to do ends, and does not wait for it.
      client.unref();
      const answer = await within(answerMs, command(client));
      if (this.#isAway) this.#log.info(`The shared cache at ${placeOf(this.#url)} is back.`);
      this.#isAway = false;
      return answer;
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  #failed(error: unknown): void {
    this.close();
    this.#restsUntil = performance.now() + this.#patience.restMs;
    if (this.#isAway) return;
    this.#isAway = true;
    const reason = reasonOf(error);
    this.#notice = phrase(
      "The shared cache at {0} cannot be used ({1}); all goes on without it.",
      placeOf(this.#url),
      reason,
    );
    this.#log.warn(`The shared cache at ${placeOf(this.#url)} cannot be used (${reason}).`);
  }
}

/** The cache of the user's team; undefined without one (`cairn.cache.redisUrl`). */
export function createSharedCache(settings: Settings, log: Pick<Log, "info" | "warn">): SharedCache | undefined {
  const url = settings["cache.redisUrl"];
  return url ? new RedisCache(url, log) : undefined;
}

/** How a Redis does: how long it takes to answer, in milliseconds, or why it cannot be used. */
export type RedisHealth = { readonly place: string } & (
  | { readonly connectMs: number; readonly answerMs: number; readonly isTooSlow: boolean }
  | { readonly reason: string }
);

/** Of so many questions the one in the middle counts. */
const PROBES = 5;
/** Whoever asks how it does wants to know how slow it is. */
const PROBE_PATIENCE: Omit<Patience, "restMs"> = { connectMs: 5_000, answerMs: 5_000 };

/** Connects to it, keeps a value there for some seconds and reads it back, as the cache does with others. */
export async function probeRedis(url: string, { connectMs, answerMs } = PROBE_PATIENCE): Promise<RedisHealth> {
  const place = placeOf(url);
  let connection: Connection | undefined;
  try {
    const started = performance.now();
    connection = await connect(url, connectMs);
    const { client, ready } = connection;
    await within(connectMs, ready);
    const toConnect = performance.now() - started;
    const key = named(`probe:${randomUUID()}`);
    await within(answerMs, client.set(key, "1", { expiration: { type: "EX", value: 10 } }));
    const times: number[] = [];
    for (let i = 0; i < PROBES; i++) {
      const asked = performance.now();
      await within(answerMs, client.mGet([key]));
      times.push(performance.now() - asked);
    }
    times.sort((a, b) => a - b);
    const toAnswer = times[Math.floor(PROBES / 2)];
    const isTooSlow = toConnect > PATIENCE.connectMs || toAnswer > PATIENCE.answerMs;
    return { place, connectMs: toConnect, answerMs: toAnswer, isTooSlow };
  } catch (error) {
    return { place, reason: reasonOf(error) };
  } finally {
    if (connection) leave(connection);
  }
}

type Client = Connection["client"];
type Connection = Awaited<ReturnType<typeof connect>>;

/** A client, and the promise that it is connected. */
async function connect(url: string, connectMs: number) {
  // A package in CommonJS: its parts have no names of their own once it is bundled.
  const {
    default: { createClient, RESP_TYPES },
  } = await import("@redis/client");
  const client = createClient({
    url,
    // Whoever asks again connects again; until then nothing is queued and nothing is tried.
    socket: { connectTimeout: connectMs, reconnectStrategy: false },
    disableOfflineQueue: true,
    maintNotifications: "disabled",
  }).withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  // The command that meets the error tells of it; without a listener it would end the process.
  client.on("error", () => {});
  return { client, ready: client.connect() };
}

/** Also one that is not connected yet, or no longer. */
function leave({ client, ready }: Connection): void {
  ready.catch(() => {});
  if (client.isOpen) client.destroy();
}

/** Rejects when it takes longer. */
async function within<Value>(ms: number, value: Promise<Value>): Promise<Value> {
  const over = new AbortController();
  try {
    const late = wait(ms, undefined, { signal: over.signal }).then(() => {
      throw new Error(`no answer within ${ms} ms`);
    });
    return await Promise.race([value, late]);
  } finally {
    over.abort();
  }
}

function named(key: string): string {
  return PREFIX + key;
}

/** Its host and port: the rest of an address may be a password, and all of it where a sign in that was not escaped. */
function placeOf(url: string): string {
  const { host = "", username = "", password = "" } = URL.canParse(url) ? new URL(url) : {};
  const isWhole = host !== "" && (username !== "" || password !== "" || !url.includes("@"));
  return isWhole ? host : "cairn.cache.redisUrl";
}

/** In a few words, without what the server may repeat of a command. */
function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const [, word] = /^(NOAUTH|WRONGPASS|NOPERM|OOM|READONLY|LOADING|MISCONF)\b/.exec(message ?? "") ?? [];
  if (word ?? code) return String(word ?? code);
  return /^no answer within/.test(message) ? message : "no connection";
}
