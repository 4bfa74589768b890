// Set-up on a bare machine, then one job: `node setup.mjs [start|test|bench|train:routing|build|check|package] [arguments]`.
// Plain JavaScript without dependencies that Node 20 accepts. Does nothing, and says nothing, when all is in place.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { installedNode, NODE_VERSION, nodePackage, run, runningNodeIsAtLeast } from "./bin/node-runtime.mjs";

const root = dirname(fileURLToPath(import.meta.url));

const jobs = { start, test, bench, "train:routing": trainRouting, build, check, package: packageExtension };

/** A failure that the user can do something about. */
class SetupError extends Error {}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`\n${error.message}\n`);
  process.exitCode = 1;
}

async function main([name, ...args]) {
  if (name !== undefined && !Object.hasOwn(jobs, name)) {
    throw new SetupError(`There is no job "${name}". The jobs: ${Object.keys(jobs).join(", ")}.`);
  }
  const node = findOrInstallNode();
  process.env.PATH = `${dirname(node)}${delimiter}${process.env.PATH ?? ""}`;
  installPackages();
  if (name !== "build" && name !== "package") await buildIfChanged(node);
  return name === undefined ? 0 : jobs[name](node, args);
}

// ---- Jobs: each resolves to an exit code.

/** The main job: indexes a folder (Cairn's own sources by default) and answers a question about it. */
async function start(node, [folder, question]) {
  // npm runs scripts in the package's folder; the user's own is in INIT_CWD.
  const target = folder === undefined ? root : resolve(process.env.INIT_CWD ?? process.cwd(), folder);
  const asked =
    question ?? (folder === undefined ? "how are ignore files applied?" : "where is the configuration read?");
  const cairn = (...args) => {
    process.stdout.write(`\n> cairn ${args.map((arg) => (/^[\w./-]+$/.test(arg) ? arg : `"${arg}"`)).join(" ")}\n`);
    return run(node, [join(root, "bin", "cairn.mjs"), ...args]);
  };

  const indexed = await cairn("index", target);
  if (indexed !== 0) return indexed;
  const searched = await cairn("search", asked, target, "--limit", "5");
  if (searched > 1) return searched;

  const where = folder === undefined ? "" : ` ${target}`;
  process.stdout.write(`
Try next:
  npx cairn search "a question of yours"${where}
  npx cairn status --skipped${where}    what is indexed, and what is not and why
  npm start -- ../another/folder "a question about it"
  npm run package                the editor extension: a .vsix file to install in VS Code
`);
  return 0;
}

/** All checks and all tests, or only the test files that are named. */
async function test(node, args) {
  // The longest first, those in an editor, so that at the end no core waits for the other.
  const files = args.length > 0 ? args : [...testFiles("test", "editor"), ...testFiles("test")];
  const ready = await Promise.all([args.length > 0 ? 0 : check(node), prepareEditor(node, files)]);
  const failed = ready.find((code) => code !== 0);
  if (failed !== undefined) return failed;
  const concurrency = Math.max(1, Math.min(4, availableParallelism()));
  // Hundreds of processes load the same sources: each would take the types out of them and compile them again.
  const compiled = join(root, ".cache", "compiled-tests");
  // What tests put into folders of their own is never asked for again, and would pile up.
  if (args.length === 0) rmSync(compiled, { recursive: true, force: true });
  process.env.NODE_COMPILE_CACHE ??= compiled;
  return run(node, ["--test", `--test-concurrency=${concurrency}`, ...files], { cwd: root });
}

/** The editor and the packaged extension, before the tests that run side by side and all need them. */
async function prepareEditor(node, files) {
  const editor = join("test", "editor");
  if (!files.some((file) => file.includes(editor))) return 0;
  const installed = await run(node, [join(editor, "editor-install.ts")], { cwd: root });
  if (installed !== 0 || process.env.CAIRN_VSIX) return installed;
  const vsix = join(root, ".cache", "editor", "cairn.vsix");
  const made = await run(node, ["build.ts", "--package-only", "--out", vsix], { cwd: root });
  if (made !== 0) return made;
  process.env.CAIRN_VSIX = vsix;
  const extensions = join(root, ".cache", "editor", "extensions");
  const unpacked = await run(node, [join(editor, "install-package.ts"), vsix, extensions], { cwd: root });
  if (existsSync(extensions)) process.env.CAIRN_EXTENSIONS = extensions;
  return unpacked;
}

function bench(node, args) {
  return run(node, [join("server", "bench", "main.ts"), ...args], { cwd: root });
}

function trainRouting(node, args) {
  return run(node, [join("server", "bench", "train-routing.ts"), ...args], { cwd: root });
}

function build(node) {
  return fillDist(node, []);
}

/** Formatting and lints, types and dead code, side by side: the types take longest and use one core. */
async function check(node) {
  // What was found last time is kept, and only what a change concerns is checked again.
  const types = ["--noEmit", "--incremental", "--tsBuildInfoFile", join(".cache", "types.tsbuildinfo")];
  const codes = await Promise.all([
    checkWith("Types", "typescript/bin/tsc", ...types),
    checkWith("Formatting and lints", "@biomejs/biome/bin/biome", "check", "--error-on-warnings"),
    checkWith("Dead code", "knip/bin/knip.js", "--no-progress"),
  ]);
  return codes.some((code) => code !== 0) ? 1 : 0;

  async function checkWith(name, script, ...args) {
    const code = await run(node, [join("node_modules", script), ...args], { cwd: root });
    process.stdout.write(`${code === 0 ? "ok     " : "FAILED "} ${name}\n`);
    return code;
  }
}

/** Makes `cairn-<version>.vsix`; `--target linux-arm64` makes it for another platform than this one. */
function packageExtension(node, args) {
  return fillDist(node, ["--package", ...args]);
}

// ---- Set-up steps: each does nothing when there is nothing to do.

/** Path of a Node that runs TypeScript: the running one if it is new enough, else the one under `.node`. */
function findOrInstallNode() {
  if (runningNodeIsAtLeast(24, 0)) return process.execPath;
  const installed = installedNode(root);
  if (installed) return installed;

  say(`Installing Node ${NODE_VERSION} into .node`);
  const folder = join(root, ".node");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  // The package of one platform is the bare binary; `node` chooses its binary in an install script.
  const [wanted, scripts] = nodePackage() ? [nodePackage(), "true"] : ["node", "false"];
  npm(
    folder,
    ["install", `--ignore-scripts=${scripts}`, "--no-save", `${wanted}@${NODE_VERSION}`],
    `Cairn is developed with Node 24 and this is ${process.version}. Installing it from npm failed.`,
    "Or install Node 24 or newer yourself, put it first on your PATH and run the command again.",
  );
  const node = installedNode(root);
  if (node) return node;
  throw new SetupError(`npm brought no Node for ${process.platform}-${process.arch}. Install Node 24 yourself.`);
}

function installPackages() {
  if (packagesAreInstalled()) return;
  say("Installing packages with npm");
  npm(root, ["ci"], "Installing Cairn's packages failed.", "");
}

/** npm writes the lock file of what it installed as its last step; that must hold all that ours asks for. */
function packagesAreInstalled() {
  try {
    const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
    const present = JSON.parse(readFileSync(join(root, "node_modules", ".package-lock.json"), "utf8")).packages;
    return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
      const found = present[path];
      if (path === "" || (optional && !found)) return true;
      return found !== undefined && found.version === version && found.integrity === integrity;
    });
  } catch {
    return false;
  }
}

async function buildIfChanged(node) {
  const built = existsSync(stampFile()) ? readFileSync(stampFile(), "utf8") : "";
  if (built === hashOfSources()) return;
  say("Building");
  if ((await build(node)) !== 0) throw new SetupError("The build failed; the reason is above.");
}

async function fillDist(node, args) {
  const sources = hashOfSources();
  const code = await run(node, ["build.ts", ...args], { cwd: root });
  // What was built for another platform is not for use here.
  if (code === 0 && !args.some((arg) => arg.startsWith("--target"))) writeFileSync(stampFile(), sources);
  return code;
}

/** Written into dist after a build that succeeded: what it was built from. */
function stampFile() {
  return join(root, "dist", ".built-from");
}

function hashOfSources() {
  const hash = createHash("sha256");
  // The build writes the settings into package.json; they come from shared/.
  const { contributes: _generated, ...manifest } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  hash.update(JSON.stringify(manifest));
  for (const file of ["build.ts", "package-lock.json"]) add(file);
  for (const folder of ["shared", "extension", "server", "media"]) {
    const names = readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1));
    for (const file of names.sort()) add(file);
  }
  return hash.digest("hex");

  function add(file) {
    const content = readFileSync(join(root, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
}

function testFiles(...folder) {
  if (!existsSync(join(root, ...folder))) return [];
  return readdirSync(join(root, ...folder))
    .filter((name) => name.endsWith(".test.ts"))
    .sort()
    .map((name) => join(...folder, name));
}

function npm(folder, args, failure, alternative) {
  const result = spawnSync("npm", [...args, "--loglevel=error", "--no-audit", "--no-fund"], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 64 * 1024 * 1024,
    shell: process.platform === "win32",
  });
  if (result.status === 0) return;
  const said = result.error ? result.error.message : `${result.stdout}${result.stderr}`.trim();
  const start = said.split("\n").slice(0, 20).join("\n");
  throw new SetupError([start, failure, adviceFor(said), alternative].filter(Boolean).join("\n"));
}

function adviceFor(said) {
  if (/ENOSPC/.test(said)) return "The disk is full: free about 1 GB, then run the command again.";
  if (/EACCES|EROFS|EPERM/.test(said)) return `Make ${root} writable for this user, then run the command again.`;
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|network/i.test(said)) {
    return "The npm registry was not reached: check the network (or `npm config get registry`), then run the command again.";
  }
  if (/npm ENOENT/.test(said)) return "npm was not found: install it beside Node, then run the command again.";
  return "npm's own words are above; run the command again once that is mended.";
}

function say(step) {
  process.stderr.write(`${step} ...\n`);
}
