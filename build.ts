/**
 * The build: `node build.ts` fills `dist/` and the generated parts of package.json and SETTINGS.md;
 * `node build.ts --package [--target linux-arm64] [--out FILE]` builds for that platform and makes
 * `cairn-<version>.vsix`; `--package-only` makes it of what is built.
 *
 * Everything goes into a fresh folder that replaces `dist/` at the end, so that a failed build changes nothing.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type BuildOptions, build, buildSync, type Metafile } from "esbuild";
import { packedVocabularyFile, packVocabulary } from "./server/embed/vocabulary.ts";
import { compileKernels, KERNEL_SOURCES } from "./server/vectors/compile-kernels.ts";
import { GRAMMAR_PACKAGES, grammarFile } from "./server/workspace/grammar-packages.ts";
import { LANGUAGES } from "./server/workspace/languages.ts";
import { languagesPage } from "./server/workspace/languages-page.ts";
import { languageModelTools } from "./shared/assistant-tools.ts";
import { configurationSection, restrictedSettings, settingsPage } from "./shared/settings-pages.ts";
import { translationTemplate } from "./shared/translatable-strings.ts";

const root = import.meta.dirname;
const out = join(root, ".cache", "dist-new");
const dist = join(root, "dist");

const { values: options } = parseArgs({
  options: {
    package: { type: "boolean", default: false },
    "package-only": { type: "boolean", default: false },
    target: { type: "string" },
    out: { type: "string" },
  },
});
const target = options.target ?? `${process.platform}-${process.arch}`;

async function main(): Promise<void> {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(join(out, "grammars"), { recursive: true });
  mkdirSync(join(out, "bin"));
  writeGeneratedFiles();
  const metafiles = await Promise.all(bundles().map(bundle));
  for (const name of Object.keys(KERNEL_SOURCES) as (keyof typeof KERNEL_SOURCES)[]) {
    writeFileSync(join(out, `${name}.wasm`), await compileKernels(name));
  }
  packModelVocabulary();
  copyGrammars();
  copyRipgrep();
  writeFileSync(join(out, "THIRD-PARTY-LICENSES.txt"), thirdPartyLicences(metafiles));
  replaceDist();
  if (options.package) makePackage();
}

/** One bundle per process, worker and page. */
function bundles(): BuildOptions[] {
  const node: BuildOptions = { platform: "node", target: "node22", format: "esm", outExtension: { ".js": ".mjs" } };
  return [
    {
      entryPoints: { extension: "extension/main.ts" },
      platform: "node",
      target: "node22",
      format: "cjs",
      outExtension: { ".js": ".cjs" },
      external: ["vscode"],
      minify: true,
    },
    // The shells share their code in chunks and import what is rarely used when it is used: a search starts fast.
    {
      ...node,
      entryPoints: { cli: "server/cli/cli.ts", "lsp-server": "server/lsp/lsp-server.ts" },
      splitting: true,
      chunkNames: "chunks/[name]-[hash]",
      banner: { js: REQUIRE_FOR_COMMONJS },
      // The client of Cerebras would bring node-fetch and its old companions; the host's fetch is all it is given to use.
      alias: {
        "@cerebras/cerebras_cloud_sdk/_shims/auto/runtime": installed(
          "@cerebras",
          "cerebras_cloud_sdk",
          "_shims",
          "web-runtime.mjs",
        ),
      },
    },
    {
      ...node,
      entryPoints: ["server/native/engine-process.ts", "server/native/passage-worker.ts"],
      banner: { js: REQUIRE_FOR_COMMONJS },
      external: ["onnxruntime-node", "node-llama-cpp"],
    },
    ...[
      "server/workspace/root-worker.ts",
      "server/workspace/index-worker.ts",
      "server/delta/block-worker.ts",
      "server/lsp/delta-worker.ts",
      "server/maintenance-worker.ts",
      "server/native/llama-process.ts",
    ].map((entry) => ({
      ...node,
      entryPoints: [entry],
      // It finds its native part, and starts a process of its own, by where its files lie.
      external: ["node-llama-cpp"],
      banner: { js: REQUIRE_FOR_COMMONJS },
    })),
    {
      entryPoints: ["search-view", "chat", "delta-workbench", "benchmark", "health"].flatMap((page) => [
        `media/${page}.ts`,
        `media/${page}.css`,
      ]),
      outdir: join(out, "media"),
      platform: "browser",
      target: "es2022",
      format: "iife",
      minify: true,
    },
  ];
}

/** CommonJS packages inside an ES module bundle call `require` for Node's own modules. */
const REQUIRE_FOR_COMMONJS =
  'import { createRequire as createRequireHere } from "node:module"; const require = createRequireHere(import.meta.url);';

async function bundle(options: BuildOptions): Promise<Metafile> {
  const result = await build({
    absWorkingDir: root,
    bundle: true,
    outdir: out,
    legalComments: "none",
    logLevel: "warning",
    ...options,
    metafile: true,
  });
  return result.metafile;
}

/** The files, and parts of files, that the tables of settings, of languages and of assistants' tools give. */
function writeGeneratedFiles(): void {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  manifest.contributes = {
    ...manifest.contributes,
    configuration: configurationSection(),
    languageModelTools: languageModelTools(),
  };
  manifest.capabilities.untrustedWorkspaces.restrictedConfigurations = restrictedSettings();
  writeIfChanged("package.json", `${JSON.stringify(manifest, null, 2)}\n`);
  writeIfChanged("SETTINGS.md", settingsPage());
  writeIfChanged("docs/languages.md", languagesPage());
  const sources = ["extension", "media", "server", "shared"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => readFileSync(join(root, folder, name), "utf8")),
  );
  writeIfChanged("l10n/bundle.l10n.json", `${JSON.stringify(translationTemplate(sources), null, 2)}\n`);
}

function writeIfChanged(name: string, content: string): void {
  const path = join(root, name);
  if (!existsSync(path) || readFileSync(path, "utf8") !== content) writeFileSync(path, content);
}

/** The word list of the bundled model as the hash table that a start would otherwise have to make of it. */
function packModelVocabulary(): void {
  const list = readFileSync(join(root, "models", "static", "vocab.txt"));
  const packed = packVocabulary(list);
  if (!packed) throw new Error("models/static/vocab.txt is not a list of distinct words.");
  const sha256 = createHash("sha256").update(list).digest("hex");
  writeFileSync(join(out, "vocabulary.bin"), packedVocabularyFile(packed, sha256));
}

function copyGrammars(): void {
  for (const name of ["web-tree-sitter.cjs", "web-tree-sitter.wasm"]) {
    copyFileSync(installed("web-tree-sitter", name), join(out, "grammars", name));
  }
  for (const name of new Set(LANGUAGES.flatMap(({ grammar }) => grammar ?? []))) {
    copyFileSync(installed(grammarFile(name)), join(out, "grammars", name));
  }
}

function copyRipgrep(): void {
  const name = target.startsWith("win32") ? "rg.exe" : "rg";
  const source = installed("@vscode", "ripgrep-universal", "bin", target, name);
  if (!existsSync(source))
    throw new Error(`There is no ripgrep for ${target}; targets look like linux-x64, win32-x64.`);
  copyFileSync(source, join(out, "bin", name));
  chmodSync(join(out, "bin", name), 0o755);
}

/** The licences of every package whose code or files are in `dist`. */
function thirdPartyLicences(metafiles: readonly Metafile[]): string {
  const packages = new Set([
    "web-tree-sitter",
    ...GRAMMAR_PACKAGES.map(({ name }) => name),
    "@vscode/ripgrep-universal",
  ]);
  for (const { inputs } of metafiles) {
    for (const path of Object.keys(inputs)) {
      const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
      if (name) packages.add(name);
    }
  }
  const sections = [...packages].sort().map((name) => {
    const folder = installed(name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? readFileSync(join(folder, file), "utf8").trim() : `Published under ${license}, without a text.`;
    return `${name} ${version} (${license})\n\n${text}`;
  });
  sections.push(...grammarLicences(), RIPGREP_LICENCE, ONNX_RUNTIME_LICENCE);
  return `Cairn contains these works of others.\n\n${sections.join(`\n\n${"-".repeat(80)}\n\n`)}\n`;
}

/** Of the grammars that come prebuilt in a package of someone else. */
function grammarLicences(): string[] {
  return GRAMMAR_PACKAGES.flatMap(({ authors }) => Object.entries(authors ?? {})).map(
    ([grammar, author]) => `tree-sitter-${grammar} (MIT)\n\n${author}\n\n${MIT_TERMS}`,
  );
}

const MIT_TERMS = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

const RIPGREP_LICENCE = `ripgrep (MIT or Unlicense), the program in bin/

The MIT License (MIT)

Copyright (c) 2015 Andrew Gallant

${MIT_TERMS}`;

const ONNX_RUNTIME_LICENCE = `ONNX Runtime (MIT), the programs in node_modules/

Copyright (c) Microsoft Corporation

${MIT_TERMS}`;

function replaceDist(): void {
  const old = join(root, ".cache", "dist-old");
  rmSync(old, { recursive: true, force: true });
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(out, dist);
  rmSync(old, { recursive: true, force: true });
}

/** Makes the .vsix of what lies in `dist/`. */
function makePackage(): void {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const vsix = resolve(root, options.out ?? `cairn-${version}.vsix`);
  const staged = stage();
  const vsce = [
    installed("@vscode", "vsce", "vsce"),
    "package",
    "--no-dependencies",
    "--allow-missing-repository",
    "--no-rewrite-relative-links",
  ];
  const made = spawnSync(process.execPath, [...vsce, "--target", target, "--out", vsix], {
    cwd: staged,
    stdio: "inherit",
  });
  rmSync(staged, { recursive: true });
  process.exitCode = made.status ?? 1;
}

/**
 * Copies what `.vscodeignore` lets through into a folder of its own: vsce looks at every file below its folder, and
 * the caches of a working copy hold many.
 */
function stage(): string {
  const staged = mkdtempSync(join(tmpdir(), "cairn-package-"));
  const rules = readFileSync(join(root, ".vscodeignore"), "utf8").split("\n");
  const shipped = rules.filter((rule) => rule.startsWith("!")).map((rule) => rule.slice(1).replace("/**", ""));
  for (const name of [".vscodeignore", ...shipped]) {
    cpSync(join(root, name), join(staged, name), { recursive: true });
  }
  copyOnnxRuntime(join(staged, "dist", "node_modules"));
  addLlamaEngine(join(staged, "dist", "node_modules"));
  return staged;
}

/**
 * Puts the ONNX runtime where the engine's process finds it: its code and, out of the libraries for all platforms, those
 * of this one. For some platforms (macOS on Intel) there are none.
 */
function copyOnnxRuntime(folder: string): void {
  const libraries = join("bin", "napi-v6", ...target.split("-"));
  if (!existsSync(installed("onnxruntime-node", libraries))) return;
  const parts = [
    ["onnxruntime-node", "package.json"],
    ["onnxruntime-node", "dist"],
    ["onnxruntime-node", libraries],
    ["onnxruntime-common", "package.json"],
    ["onnxruntime-common", "dist", "cjs"],
  ];
  const runs = (path: string) => !/\.(?:map|ts)$/.test(path);
  for (const part of parts) cpSync(installed(...part), join(folder, ...part), { recursive: true, filter: runs });
}

/** The folder of llama.cpp built for the processor, or on a Mac for Metal. */
const LLAMA_BUILDS: Readonly<Record<string, string>> = {
  "linux-x64": "linux-x64",
  "linux-arm64": "linux-arm64",
  "win32-x64": "win-x64",
  "win32-arm64": "win-arm64",
  "darwin-x64": "mac-x64",
  "darwin-arm64": "mac-arm64-metal",
};

/**
 * Adds node-llama-cpp, which cannot be bundled, to a folder of packages: the files that it loads, as they are, and
 * llama.cpp for the target. npm installs that for the machine it runs on; for another target the package goes without,
 * and says to its user how to get it.
 */
function addLlamaEngine(folder: string): void {
  const native = join("@node-llama-cpp", LLAMA_BUILDS[target] ?? "none");
  if (!existsSync(installed(native))) return;
  const { metafile } = buildSync({
    absWorkingDir: root,
    entryPoints: [installed("node-llama-cpp", "dist", "index.js")],
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    format: "esm",
    external: ["@node-llama-cpp/*", "@reflink/*"],
    logLevel: "error",
  });
  const files = Object.keys(metafile.inputs).map((path) => path.slice("node_modules/".length));
  // What kind of modules a file holds says the package.json above it, which need not be its package's own.
  const folders = new Set(files.flatMap((path) => parents(path)));
  for (const name of folders) {
    const papers = readdirSync(installed(name)).filter((entry) => /^(?:package\.json|licen[cs]e.*)$/i.test(entry));
    files.push(...papers.map((entry) => join(name, entry)));
  }
  // Which llama.cpp it belongs to.
  files.push(join("node-llama-cpp", "llama", "binariesGithubRelease.json"));
  for (const name of [...files, native]) cpSync(installed(name), join(folder, name), { recursive: true });
}

/** The folders above a path, without the topmost. */
function parents(path: string): string[] {
  const folder = dirname(path);
  return folder === "." ? [] : [folder, ...parents(folder)];
}

function installed(...parts: string[]): string {
  return join(root, "node_modules", ...parts);
}

if (options["package-only"]) makePackage();
else await main();
