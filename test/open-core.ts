import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { createCore } from "../server/core.ts";
import type { Core, Role, Workspace } from "../server/core-api.ts";
import type { Host } from "../server/host.ts";
import { nodeHost } from "../server/node-host.ts";
import { readSettings } from "../shared/read-settings.ts";

/** A folder of its own for a test, removed when the test ends. */
export function temporaryFolder(test: TestContext, name = "cairn-test-"): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), name)));
  test.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** Writes files given by relative path. */
export function writeFiles(folder: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

export interface OpenedCore {
  core: Core;
  workspace: Workspace;
  /** Paths of the hits of a query, best first. */
  found(query: string): Promise<string[]>;
}

/** A core on real files and a real store, closed when the test ends. */
export async function openCore(
  test: TestContext,
  root: string,
  cacheDirectory: string,
  options: { role?: Role; host?: Host; settings?: Record<string, unknown> } = {},
): Promise<OpenedCore> {
  const { settings } = readSettings({ cacheDirectory, ...options.settings });
  const core = createCore(options.host ?? nodeHost({ level: "silent" }), settings, {
    role: options.role ?? "terminal",
  });
  test.after(() => core.close());
  const workspace = await core.open(root);
  return {
    core,
    workspace,
    found: async (query) => [...new Set((await workspace.search({ query })).hits.map((hit) => hit.path))],
  };
}
