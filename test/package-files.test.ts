import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { packageFile } from "../server/package-files.ts";
import { temporaryFolder, writeFiles } from "./open-core.ts";

const CODE = "server/package-files.ts";

test("a file of the package is found from wherever the code lies in it", (test) => {
  const root = temporaryFolder(test);
  writeFiles(root, { "package.json": "{}" });
  const { stdout } = askFor("dist/kernels.wasm", root);
  assert.equal(stdout, join(root, "dist/kernels.wasm"));
  assert.equal(packageFile("test", "package-files.test.ts"), import.meta.filename);
});

test("a package that was removed while it runs is an error that says so", (test) => {
  const { stderr, signal } = askFor("dist/kernels.wasm", temporaryFolder(test));
  assert.equal(signal, null);
  assert.match(stderr, /Cairn's own files are no longer in /);
});

/** What the code says when it lies in this folder, from a process of its own. */
function askFor(file: string, root: string) {
  for (const source of [CODE, "shared"]) {
    cpSync(join(import.meta.dirname, "..", source), join(root, source), { recursive: true });
  }
  const code = pathToFileURL(join(root, CODE));
  const script = `import { packageFile } from "${code}"; process.stdout.write(packageFile(..."${file}".split("/")));`;
  return spawnSync(process.execPath, ["--input-type=module", "--eval", script], { encoding: "utf8", timeout: 60_000 });
}
