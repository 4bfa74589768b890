import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { MessageChannel } from "node:worker_threads";
import { FileError, type Host } from "../server/host.ts";
import type { StoredFiles } from "../server/store/store.ts";
import { readScan, scanTree } from "../server/workspace/tree-scan.ts";
import { phrase } from "../shared/phrase.ts";
import { memoryHost } from "./memory-host.ts";
import { temporaryFolder, writeFiles } from "./open-core.ts";

const TIDE = "export function highTide() { return 1; }\n";

/** /w with a file that may be read and two that may not be, unless `opened` says so; all three are stored. */
function storedFolder(opened: readonly string[]): { host: Host; stored: StoredFiles } {
  const host = memoryHost({ "/w/a.ts": TIDE, "/w/b.ts": TIDE, "/w/c.ts": TIDE });
  const read: Host["files"]["read"] = (path, maxBytes) => {
    if (path === "/w/a.ts" || opened.includes(path)) return host.files.read(path, maxBytes);
    throw new FileError("EACCES", path, "permission denied");
  };
  const skip = { code: "unreadable", reason: phrase("it cannot be read ({0})", "EACCES") };
  const stored = {
    paths: "a.ts\0b.ts\0c.ts",
    sizes: new Float64Array(3).fill(TIDE.length),
    mtimes: Float64Array.of(1, -1, -1),
    contents: new Uint8Array(3 * 16),
    skips: [
      { at: 1, ...skip },
      { at: 2, ...skip },
    ],
  };
  return { host: { ...host, files: { ...host.files, read } }, stored };
}

/** What a walk through {@link storedFolder} finds to be other than it is stored, and what it finds gone. */
async function differing(opened: readonly string[]): Promise<{ files: string[]; gone: readonly string[] }> {
  const { host, stored } = storedFolder(opened);
  const { port1, port2 } = new MessageChannel();
  const options = { exclude: [], maxFileBytes: 1 << 20 };
  const scan = readScan(
    port1,
    scanTree(host, "/w", options, () => stored, port2),
  );
  const files: string[] = [];
  for await (const batch of scan) files.push(...batch.files.map(({ path }) => path));
  return { files, gone: (await scan.result).gone };
}

test("a walk names a file that could not be read only when it can be", async () => {
  assert.deepEqual(await differing([]), { files: [], gone: [] });
  assert.deepEqual(await differing(["/w/c.ts"]), { files: ["c.ts"], gone: [] });
});

/** What `cairn status` says of a folder. */
interface Status {
  phase: string;
  files: number;
  skipped: Record<string, number>;
  skippedFiles: { path: string; reason: string }[];
}

/** What takes from root the right to read every file; for others there is nothing to take. */
const WITHOUT_RIGHTS =
  process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"] : [];

/** True where this user can be kept from reading a file of their own. */
function canBeClosed(): boolean {
  const [program, ...args] = [...WITHOUT_RIGHTS, process.execPath, "--version"];
  return process.platform !== "win32" && spawnSync(program, args).status === 0;
}

/** Runs the real program on a folder. */
function cairn(root: string, cache: string, ...args: readonly string[]): string {
  const bin = join(dirname(import.meta.dirname), "bin", "cairn.mjs");
  const [program, ...before] = [...WITHOUT_RIGHTS, process.execPath, bin];
  const env = { ...process.env, CAIRN_CACHE_DIR: cache };
  const { status, stdout, stderr } = spawnSync(program, [...before, ...args, root], { env, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stdout;
}

test("a file that may not be read is left out once it was tried, and indexed when it may be read", {
  skip: !canBeClosed() && "this user may read every file",
}, (test: TestContext) => {
  const [root, cache] = [temporaryFolder(test), temporaryFolder(test)];
  writeFiles(root, { "open.ts": TIDE, "closed.ts": TIDE });
  const status = (): Status => JSON.parse(cairn(root, cache, "status", "--skipped", "--json"));

  chmodSync(join(root, "closed.ts"), 0o000);
  assert.match(cairn(root, cache, "index"), /left out: 1 unreadable/);
  for (const { phase, files, skipped, skippedFiles } of [status(), status()]) {
    assert.deepEqual({ phase, files, skipped }, { phase: "ready", files: 1, skipped: { unreadable: 1 } });
    assert.deepEqual(skippedFiles, [{ path: "closed.ts", code: "unreadable", reason: "it cannot be read (EACCES)" }]);
  }
  assert.match(cairn(root, cache, "status"), /up to date/);

  chmodSync(join(root, "closed.ts"), 0o600);
  cairn(root, cache, "index");
  const { phase, files, skipped } = status();
  assert.deepEqual({ phase, files, skipped }, { phase: "ready", files: 2, skipped: {} });
});
