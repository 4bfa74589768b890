import { existsSync, rmSync } from "node:fs";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { Lease } from "../store/lease.ts";
import type { CachedRepository } from "./cache-layout.ts";

/**
 * Works on a repository of the cache while no other Cairn does. The operating system takes the lock from a process that
 * dies, so none is ever left behind.
 *
 * @throws {CairnError} `unavailable` while another process is at it
 */
export async function withRepository<T>(
  cached: CachedRepository,
  model: { readonly id: string },
  work: () => Promise<T>,
): Promise<T> {
  const lease = lockOf(cached);
  if (!lease) {
    throw new CairnError(
      "unavailable",
      phrase("Another process downloads or removes {0} at this moment.", model.id),
      phrase("Wait for it, or end it; what it has downloaded is kept."),
    );
  }
  try {
    return await work();
  } finally {
    // With nothing of the repository left, the lock need not stay: who comes now finds the file gone and makes a new one.
    if (!existsSync(cached.folder)) rmSync(cached.lockFolder, { recursive: true, force: true, maxRetries: 3 });
    lease.release();
  }
}

/** The Hub's cache is not Cairn's: another variable says where it lies. */
function lockOf({ lockFolder }: CachedRepository): Lease | undefined {
  try {
    return Lease.acquire(lockFolder);
  } catch (error) {
    if (!(error instanceof CairnError)) throw error;
    const hint = phrase(
      "Check that there is room and that it can be written, or choose another folder with HF_HUB_CACHE.",
    );
    throw new CairnError(error.kind, error.said, hint, { cause: error });
  }
}
