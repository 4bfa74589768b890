import { type DerivedDownload, type FoundDescent, LEAST_SAVED } from "../../shared/delta-types.ts";
import type { Log } from "../host.ts";
import { hubCacheFolder } from "../hub/cache-layout.ts";
import { nextDownload } from "../hub/new-downloads.ts";
import { inDeltaThread } from "./delta-thread.ts";

/** Looks at what is downloaded into the Hub's cache while it is told to, and tells what a delta of it would save. */
export class DownloadWatch {
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #tell: (derived: DerivedDownload) => void;
  readonly #log: Log;
  #watching: AbortController | undefined;

  /**
   * @param tell told of each download that was made from another and of which a delta saves enough
   * @param log told what went wrong with one; the next is looked at all the same
   */
  constructor(env: Readonly<Record<string, string | undefined>>, tell: (derived: DerivedDownload) => void, log: Log) {
    this.#env = env;
    this.#tell = tell;
    this.#log = log;
  }

  /** Begins, or ends, which also ends what is under way. */
  set(on: boolean): void {
    if (on === (this.#watching !== undefined)) return;
    this.#watching?.abort();
    this.#watching = undefined;
    if (!on) return;
    this.#watching = new AbortController();
    void this.#watch(this.#watching.signal);
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const folder = hubCacheFolder(this.#env);
    let known = await nextDownload(folder, undefined, signal);
    this.#log.info(`Downloads into ${folder} are looked at.`);
    while (known) {
      const now = await nextDownload(folder, known, signal);
      if (!now) return;
      const changed = [...now.keys()].filter((name) => known?.get(name) !== now.get(name));
      await this.#look(folder, changed, signal).catch((error: unknown) => {
        if (!signal.aborted) this.#log.warn(`A download was not looked at: ${error}`);
      });
      known = now;
    }
  }

  /** What was downloaded may be made from what was there, or the other way round. */
  async #look(folder: string, repositories: readonly string[], signal: AbortSignal): Promise<void> {
    const isNew = ({ fine, base }: FoundDescent) =>
      [fine, base].some((path) => path.split(/[\\/]/).some((part) => repositories.includes(part)));
    const { descents } = await inDeltaThread("scan", { folder }, signal, () => {});
    for (const descent of descents.filter(isNew)) {
      const { base, fine, kind } = descent;
      const { bytes, deltaBytes } = await inDeltaThread("estimate", { base, fine }, signal, () => {});
      if (1 - deltaBytes / bytes >= LEAST_SAVED[kind] / 100) this.#tell({ base, fine, bytes, deltaBytes });
    }
  }
}
