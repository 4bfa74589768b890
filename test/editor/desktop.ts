/**
 * Runs Cairn in a desktop VS Code: `npm run build`, then `node test/editor/desktop.ts`. It downloads VS Code into
 * `.vscode-test` (once, 150 MB), so it is for machines that can; `npm test` uses a workbench from npm instead.
 */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runTests } from "@vscode/test-electron";
import { build } from "esbuild";

const root = join(import.meta.dirname, "../..");
const suite = join(root, ".cache/desktop-suite.cjs");
const result = join(root, ".cache/desktop-suite.json");

// The extension host loads the suite itself, and knows no TypeScript.
await build({
  entryPoints: [join(import.meta.dirname, "desktop-suite.ts")],
  outfile: suite,
  bundle: true,
  platform: "node",
  format: "cjs",
  external: ["vscode"],
});
rmSync(result, { force: true });
await runTests({
  extensionDevelopmentPath: root,
  extensionTestsPath: suite,
  extensionTestsEnv: { CAIRN_RESULT: result, CAIRN_CACHE_DIR: join(root, ".cache/desktop-index") },
  launchArgs: [join(root, "shared"), "--disable-extensions", "--disable-workspace-trust"],
});
// An extension host that ends early also ends with 0; only the suite's own file says that it ran.
if (!existsSync(result)) throw new Error("The suite did not come to its end.");
process.stdout.write("Cairn works in the desktop editor.\n");
