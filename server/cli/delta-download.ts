import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { CachedRepository, hubCacheFolder, namedRepository } from "../hub/cache-layout.ts";
import { hubAccess } from "../hub/hub-access.ts";
import { pullRepository } from "../hub/pull-repository.ts";
import { nodeHost } from "../node-host.ts";
import type { CommandContext } from "./command.ts";
import { bytes, counted, percent } from "./session.ts";

/**
 * Brings a repository into the Hub's cache, unless the name is of a file here or all of it is there already.
 *
 * @throws {CairnError} as `pullRepository` does
 */
export async function download(
  { cwd, env, terminal }: CommandContext,
  named: string,
  signal: AbortSignal,
): Promise<void> {
  const repository = namedRepository(named);
  if (!repository || existsSync(resolve(cwd, named))) return;
  const cached = new CachedRepository(hubCacheFolder(env), repository.name, repository.kind);
  if (cached.isComplete(repository.revision)) return;
  const parts = { host: nodeHost({ env }), access: hubAccess(env) };
  try {
    await pullRepository(parts, repository, {
      signal,
      onPlan: ({ endpoint, commit, files, bytes: size }) =>
        terminal.note(`${counted(files, "file")} of ${named} (${commit.slice(0, 7)}) from ${endpoint}, ${bytes(size)}`),
      onProgress: ({ done, total }) =>
        terminal.progress(`Downloading ${named}  ${percent(total === 0 ? 1 : done / total)}`),
    });
  } finally {
    terminal.progress("");
  }
}
