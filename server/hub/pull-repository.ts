import type { Host } from "../host.ts";
import { type Brought, bringFiles, type PullOptions } from "./bring-files.ts";
import { CachedRepository, type NamedRepository } from "./cache-layout.ts";
import type { HubAccess } from "./hub-access.ts";
import { hubFetch } from "./hub-fetch.ts";
import { HubFiles } from "./hub-files.ts";
import { withRepository } from "./repository-lock.ts";

export interface PulledRepository extends Brought {
  /** Absolute path of the snapshot, in which the files have their names. */
  readonly folder: string;
}

/**
 * Brings all files of a repository into the Hub's cache, each checked by what the Hub calls its content.
 *
 * @throws {CairnError} `unavailable` without connection, room or while another process is at it; `provider` when the Hub
 * refuses; `output` for content that is not what was promised. What is downloaded so far stays for the next run.
 */
export async function pullRepository(
  { host, access }: { readonly host: Pick<Host, "fetch">; readonly access: HubAccess },
  { kind, name, revision }: NamedRepository,
  options: PullOptions = {},
): Promise<PulledRepository> {
  const { endpoint, cacheFolder } = access;
  const cached = new CachedRepository(cacheFolder, name, kind);
  return withRepository(cached, { id: name }, async () => {
    const fetch = (signal?: AbortSignal) => hubFetch(host, access, name, signal);
    const hub = new HubFiles(access, name, fetch(options.signal), kind);
    const commit = await hub.commitOf(revision);
    const wanted = (await hub.list(commit)).map((file) => ({ ...file, sha256: undefined }));
    const brought = await bringFiles({ endpoint, cacheFolder, cached, hub, commit, fetch }, wanted, options);
    cached.setReference(revision, commit);
    return { ...brought, folder: cached.snapshot(commit) };
  });
}
