import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Phrase } from "../../shared/phrase.ts";
import type { Settings } from "../../shared/settings.ts";
import type { Log } from "../host.ts";
import { createSharedCache } from "../shared-cache/redis-cache.ts";
import type { SharedCache } from "../shared-cache/shared-cache.ts";
import type { KeptAnswer } from "./kept-answer-format.ts";

/** Below the cache folder; a file for each answer, called by its key. */
const FOLDER = "answers";
const FILE = /^[0-9a-f]{64}\.json$/;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Clocks of a team differ, and are set. */
const CLOCK_SLACK_MS = 60 * 60 * 1000;

export interface AnswerCacheLimits {
  /** On disk; those that were not shown for longest go first. */
  readonly answers: number;
  readonly bytes: number;
  /** Of one answer; a longer one is not kept. */
  readonly bytesEach: number;
  readonly inMemory: number;
}

interface AnswerCacheOptions {
  readonly limits?: AnswerCacheLimits;
  /** The cache of the user's team. */
  readonly shared?: SharedCache;
}

const LIMITS: AnswerCacheLimits = { answers: 1_000, bytes: 16_000_000, bytesEach: 100_000, inMemory: 100 };

/**
 * Answers that models wrote, for so many days: the most recent in memory, all of them on disk, and where a team has a
 * cache, there too. What cannot be read or
 * written is not kept; no answer fails for it.
 */
export class AnswerCache {
  readonly #folder: string;
  readonly #longestMs: number;
  readonly #limits: AnswerCacheLimits;
  /** In the order in which they were last used; each holds while its file is the one that was read. */
  readonly #recent = new Map<string, { answer: KeptAnswer; file: string }>();

  readonly #shared: SharedCache | undefined;
  #lastUseMs = 0;

  /**
   * @param cacheDirectory absolute
   * @param days that an answer is kept, above 0
   */
  constructor(cacheDirectory: string, days: number, { shared, limits = LIMITS }: AnswerCacheOptions = {}) {
    this.#shared = shared;
    this.#folder = join(cacheDirectory, FOLDER);
    this.#longestMs = days * DAY_MS;
    this.#limits = limits;
  }

  /** The answer that is kept under a key; undefined when there is none or it is too old. */
  async find(key: string): Promise<KeptAnswer | undefined> {
    const answer = await this.#read(key);
    if (answer && this.#isFresh(answer)) return answer;
    if (answer) await this.#remove(key);
    const [value] = (await this.#shared?.get([sharedKey(key)])) ?? [];
    const theirs =
      value && value.length <= this.#limits.bytesEach ? await read(Buffer.from(value).toString()) : undefined;
    if (!theirs || !this.#isFresh(theirs)) return undefined;
    await this.#write(key, JSON.stringify(theirs));
    return theirs;
  }

  /**
   * Keeps an answer in the place of the one that was kept under its key.
   * @param isShared whether the user's team may have it too
   */
  async keep(key: string, answer: KeptAnswer, isShared = false): Promise<void> {
    const text = JSON.stringify(answer);
    if (Buffer.byteLength(text) > this.#limits.bytesEach) return;
    await this.#write(key, text);
    if (!isShared) return;
    await this.#shared?.set([{ key: sharedKey(key), value: Buffer.from(text) }], Math.ceil(this.#longestMs / 1000));
  }

  /** What the user should know of the team's cache since this was last called. */
  takeNotice(): Phrase | undefined {
    return this.#shared?.takeNotice();
  }

  /** Leaves the team's cache. */
  close(): void {
    this.#shared?.close();
  }

  async #write(key: string, text: string): Promise<void> {
    const beside = this.#path(`${key}.${randomBytes(4).toString("hex")}`);
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      // Whoever reads it meanwhile reads the one before.
      await writeFile(beside, text, { mode: 0o600 });
      await this.#stamp(beside);
      await rename(beside, this.#path(key));
      await this.#limit();
    } catch {
      // A full disk or a folder of someone else's.
      await rm(beside, { force: true }).catch(() => {});
    }
    this.#recent.delete(key);
  }

  async #read(key: string): Promise<KeptAnswer | undefined> {
    const path = this.#path(key);
    try {
      const known = this.#recent.get(key);
      // Other processes write these files, and the user deletes them.
      const file = await versionOf(path);
      const answer = known?.file === file ? known.answer : await read(await readFile(path, "utf8"));
      if (!answer) {
        await this.#remove(key);
        return undefined;
      }
      await this.#use(key, answer);
      return answer;
    } catch {
      this.#recent.delete(key);
      return undefined;
    }
  }

  /** Marks it as the last that was used, on disk by the time of its file. */
  async #use(key: string, answer: KeptAnswer): Promise<void> {
    await this.#stamp(this.#path(key));
    const file = await versionOf(this.#path(key));
    this.#recent.delete(key);
    this.#recent.set(key, { answer, file });
    const [oldest] = this.#recent.keys();
    if (this.#recent.size > this.#limits.inMemory) this.#recent.delete(oldest);
  }

  /** Gives a file the time of now. File systems count in steps of milliseconds; here no two uses are at the same time. */
  async #stamp(path: string): Promise<void> {
    this.#lastUseMs = Math.max(Date.now(), this.#lastUseMs + 1);
    const now = new Date(this.#lastUseMs);
    await utimes(path, now, now);
  }

  #isFresh({ madeAt }: KeptAnswer): boolean {
    const age = Date.now() - madeAt;
    return age <= this.#longestMs && age >= -CLOCK_SLACK_MS;
  }

  async #remove(key: string): Promise<void> {
    this.#recent.delete(key);
    await rm(this.#path(key), { force: true }).catch(() => {});
  }

  /** Deletes what was not used for longest, until the rest is few and small enough; and what a crash has left. */
  async #limit(): Promise<void> {
    const names = await readdir(this.#folder);
    const files = await Promise.all(
      names.map(async (name) => {
        const { size, mtimeMs } = await stat(join(this.#folder, name)).catch(() => ({ size: 0, mtimeMs: 0 }));
        return { name, size, mtimeMs };
      }),
    );
    files.sort((a, b) => b.mtimeMs - a.mtimeMs);
    let [answers, bytes] = [0, 0];
    for (const { name, size, mtimeMs } of files) {
      const isOurs = FILE.test(name);
      if (isOurs) [answers, bytes] = [answers + 1, bytes + size];
      const isTooMuch = answers > this.#limits.answers || bytes > this.#limits.bytes;
      const isLeftOver = !isOurs && Date.now() - mtimeMs > CLOCK_SLACK_MS;
      if (isOurs ? isTooMuch : isLeftOver) await rm(join(this.#folder, name), { force: true });
    }
  }

  #path(name: string): string {
    return join(this.#folder, `${name}.json`);
  }
}

function sharedKey(key: string): string {
  return `answer:${key}`;
}

/** Tells a file from the one that took its place, be it within the same millisecond. */
async function versionOf(path: string): Promise<string> {
  const { ino, mtimeMs } = await stat(path);
  return `${ino} ${mtimeMs}`;
}

/** Where answers are kept; undefined when the user wants none kept (`cairn.answer.keepDays`). */
export function createAnswerCache(
  settings: Settings,
  cacheDirectory: string,
  log: Pick<Log, "info" | "warn">,
): AnswerCache | undefined {
  const days = settings["answer.keepDays"];
  return days > 0 ? new AnswerCache(cacheDirectory, days, { shared: createSharedCache(settings, log) }) : undefined;
}

/** What checks it is loaded with the first answer that was kept, not with the server. */
async function read(text: string): Promise<KeptAnswer | undefined> {
  const { keptAnswerIn } = await import("./read-kept-answer.ts");
  return keptAnswerIn(text);
}
