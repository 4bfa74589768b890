import type { Phrase } from "../../shared/phrase.ts";

/**
 * A cache that several machines share. It may be away at any moment: then it holds nothing, keeps nothing, and lets nobody
 * wait. What it gives back was written by anyone who can reach it, so it is checked like everything from outside.
 */
export interface SharedCache {
  /** The values under the keys, in their order; undefined for each that is not there. */
  get(keys: readonly string[]): Promise<(Uint8Array | undefined)[]>;
  /** Keeps the values for so many seconds. */
  set(entries: readonly SharedEntry[], seconds: number): Promise<void>;
  /** What the user should know since this was last called; said once for each time that it goes away. */
  takeNotice(): Phrase | undefined;
  /** Leaves it; used again, it is connected to again. */
  close(): void;
}

export interface SharedEntry {
  readonly key: string;
  readonly value: Uint8Array;
}
