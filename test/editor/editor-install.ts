import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { CairnError } from "../../shared/errors.ts";

const CODE_SERVER = "4.139.1";
const PLAYWRIGHT = "1.65.1";
const CACHE = join(import.meta.dirname, "../../.cache");

/** A real VS Code workbench served from this machine, and the browser that shows it. */
export interface EditorInstall {
  /** code-server's entry script, to be run by the Node that runs the tests. */
  codeServer: string;
  /** playwright-core's entry script, to be imported. */
  playwright: string;
  /** The Chromium program. */
  chromium: string;
}

/**
 * Finds the workbench and the browser, installing what is missing once: code-server and playwright-core from npm into
 * the ignored folder `.cache/editor` (280 MB), Chromium from Debian when allowed (root, and `CI=true` or
 * `CAIRN_INSTALL_CHROMIUM=1`).
 *
 * Returns a sentence instead when the end-to-end tests cannot run here. With `CI=true` that is an error, so that a
 * build server never passes by skipping.
 */
export function installEditor(): EditorInstall | string {
  const problem = unsupportedPlatform();
  const chromium = problem ? undefined : (findChromium() ?? installChromium());
  if (!chromium) {
    const reason =
      problem ??
      "Chromium is missing: install it (Debian: apt-get install chromium), name it in CHROMIUM, or set CAIRN_INSTALL_CHROMIUM=1 as root.";
    if (process.env.CI === "true") throw new CairnError("unavailable", `The editor tests cannot run: ${reason}`);
    return reason;
  }
  const folder = installWorkbench();
  return {
    codeServer: join(folder, "node_modules/code-server/out/node/entry.js"),
    playwright: join(folder, "node_modules/playwright-core/index.mjs"),
    chromium,
  };
}

function unsupportedPlatform(): string | undefined {
  if (process.platform === "linux") return undefined;
  return `the workbench used here runs on Linux, this is ${process.platform}. Use "node test/editor/desktop.ts" instead.`;
}

function findChromium(): string | undefined {
  const named = process.env.CHROMIUM;
  if (named) return existsSync(named) ? named : undefined;
  const folders = (process.env.PATH ?? "").split(delimiter);
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
    if (found) return found;
  }
  return undefined;
}

function installChromium(): string | undefined {
  const allowed = process.env.CI === "true" || process.env.CAIRN_INSTALL_CHROMIUM === "1";
  if (!allowed || process.getuid?.() !== 0 || process.env.CHROMIUM) return undefined;
  process.stderr.write("Installing Chromium for the editor tests (113 MB)\n");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  spawnSync("apt-get", ["update", "-qq"], { stdio: "ignore", env });
  spawnSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "chromium"], { stdio: "ignore", env });
  return findChromium();
}

/**
 * Installs beside the final place and renames, so that an interrupted install is never taken for a whole one. Of test
 * files that install at the same time the first one's install stays: the others' tests may run from it already.
 */
function installWorkbench(): string {
  const folder = join(CACHE, "editor");
  const stamp = JSON.stringify({ "code-server": CODE_SERVER, "playwright-core": PLAYWRIGHT });
  const isInstalled = () => {
    const path = join(folder, "stamp.json");
    return existsSync(path) && readFileSync(path, "utf8") === stamp;
  };
  if (isInstalled()) return folder;

  process.stderr.write("Installing the workbench for the editor tests (once, about half a minute)\n");
  const fresh = join(CACHE, `editor-${process.pid}.incomplete`);
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  writeFileSync(join(fresh, "package.json"), '{ "private": true }\n');
  npm(fresh, "install", `code-server@${CODE_SERVER}`, `playwright-core@${PLAYWRIGHT}`);
  const vscode = join(fresh, "node_modules/code-server/lib/vscode");
  npm(vscode, "install", "--omit=dev");
  npm(join(vscode, "extensions"), "install", "--omit=dev");
  linkLaunchers(vscode);
  trim(vscode);
  writeFileSync(join(fresh, "stamp.json"), stamp);
  if (isInstalled()) {
    rmSync(fresh, { recursive: true });
    return folder;
  }
  rmSync(folder, { recursive: true, force: true });
  renameSync(fresh, folder);
  return folder;
}

function npm(folder: string, ...args: string[]): void {
  // The tests may run under `npm test`, whose own configuration (a lockfile policy, a prefix) must not leak in.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith("npm_") || name === "npm_config_registry"),
  );
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const { status, stderr } = spawnSync("npm", [...args, ...options], { cwd: folder, env, encoding: "utf8" });
  if (status === 0) return;
  throw new CairnError(
    "unavailable",
    `npm could not install the workbench for the editor tests:\n${stderr}`,
    "Check the connection to the npm registry and the free space, then run the tests again.",
  );
}

/** code-server's own install script makes these links; it also compiles, which the tests do not need. */
function linkLaunchers(vscode: string): void {
  for (const [link, target] of [
    ["bin/remote-cli/code-server", "code-linux.sh"],
    ["bin/helpers/browser.sh", "browser-linux.sh"],
  ]) {
    rmSync(join(vscode, link), { force: true });
    symlinkSync(target, join(vscode, link));
  }
}

/** Takes 330 MB away that no test of ours touches. */
function trim(vscode: string): void {
  for (const path of [
    "node_modules/@github/copilot-sdk-linux-x64",
    "node_modules/@microsoft/mxc-sdk",
    "extensions/copilot",
    "extensions/mermaid-markdown-features",
  ]) {
    rmSync(join(vscode, path), { recursive: true, force: true });
  }
  const platform = `${process.platform}-${process.arch}`;
  for (const binaries of ["node_modules/@vscode/ripgrep-universal/bin", "node_modules/node-pty/prebuilds"]) {
    const folder = join(vscode, binaries);
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder)) {
      if (name !== platform) rmSync(join(folder, name), { recursive: true });
    }
  }
}

if (import.meta.main) {
  const found = installEditor();
  process.stdout.write(
    typeof found === "string" ? `Editor tests will be skipped: ${found}\n` : "The editor is installed.\n",
  );
}
