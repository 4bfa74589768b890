import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { packageFile } from "../package-files.ts";

/**
 * The code bases that are measured, each part of the next: `small` has about 10,000 chunks, `standard` over 10,000
 * files and 50,000 chunks, `large` over 100,000 chunks.
 */
export type CorpusName = "small" | "standard" | "large";

export interface Corpus {
  name: CorpusName;
  /** The folder that is indexed. */
  root: string;
  /** Files and bytes below it. */
  files: number;
  bytes: number;
}

/** Where benchmarks keep what they need again: never in the repository, and safe to delete. */
export function benchFolder(...parts: string[]): string {
  return packageFile(".cache", "bench", ...parts);
}

/**
 * Brings a corpus onto this machine: sources of published npm packages, in exact versions, without their dependencies.
 * They are fetched once, only read, and never run.
 * @throws CairnError("unavailable") when npm cannot bring a package.
 */
export function bringCorpus(name: CorpusName): Corpus {
  const sources = sourcesOf(name);
  const digest = createHash("sha256").update(JSON.stringify(sources)).digest("hex").slice(0, 8);
  const root = benchFolder("corpus", `${name}-${digest}`);
  if (!existsSync(root)) {
    mkdirSync(benchFolder("corpus"), { recursive: true });
    const incomplete = mkdtempSync(benchFolder("corpus", "incomplete-"));
    // A repository of its own: otherwise the ignore rules of the folders above would apply.
    mkdirSync(join(incomplete, ".git"));
    for (const source of sources) copySources(source, incomplete);
    renameSync(incomplete, root);
  }
  return { name, root, ...measured(root) };
}

interface Source {
  /** npm package with its exact version. */
  spec: string;
  /** The folders that hold its sources; what was built from them, or repeats them, stays out. */
  folders: readonly string[];
}

/** JavaScript and TypeScript of many hands, and a little Python. */
const SMALL: readonly Source[] = [
  { spec: "three@0.187.0", folders: ["src"] },
  { spec: "rxjs@7.8.2", folders: ["src"] },
  { spec: "eslint@10.15.0", folders: ["lib"] },
  { spec: "mongoose@9.12.1", folders: ["lib"] },
  { spec: "node-gyp@13.1.0", folders: ["lib", "gyp"] },
];

/** Adds C++, Java, Kotlin, Objective-C and TypeScript with JSX. */
const STANDARD: readonly Source[] = [
  {
    spec: "react-native@0.81.4",
    folders: ["Libraries", "React", "ReactAndroid", "ReactApple", "ReactCommon", "jest", "src"],
  },
  { spec: "phaser@4.2.1", folders: ["src"] },
  { spec: "@wordpress/components@41.0.0", folders: ["src"] },
  { spec: "@wordpress/block-editor@15.0.0", folders: ["src"] },
  { spec: "@wordpress/editor@14.30.0", folders: ["src"] },
];

/** Adds C, GLSL and long files. */
const LARGE: readonly Source[] = [
  { spec: "re2@1.27.1", folders: ["vendor"] },
  { spec: "@cesium/engine@26.3.0", folders: ["Source"] },
  { spec: "effect@4.1.0", folders: ["src"] },
  { spec: "webpack@5.112.2", folders: ["lib"] },
  { spec: "grpc@1.24.11", folders: ["deps", "ext"] },
  { spec: "google-closure-library@20230802.0.0", folders: ["closure"] },
];

/** Declarations that repeat sources beside them, and what a build made. */
const NOT_SOURCE = /\.d\.[mc]?ts$|\.map$|\.min\.js$/;

function sourcesOf(name: CorpusName): readonly Source[] {
  if (name === "small") return SMALL;
  return name === "standard" ? [...SMALL, ...STANDARD] : [...SMALL, ...STANDARD, ...LARGE];
}

function copySources({ spec, folders }: Source, to: string): void {
  const from = unpacked(spec);
  const target = join(to, folderOf(spec.slice(0, spec.lastIndexOf("@"))));
  for (const folder of folders) {
    cpSync(join(from, folder), join(target, folder), {
      recursive: true,
      filter: (path) => !NOT_SOURCE.test(path) && !path.endsWith("node_modules"),
    });
  }
}

/** The contents of a published package, fetched by npm, which checks them against the registry's hash. */
function unpacked(spec: string): string {
  const folder = benchFolder("packages", folderOf(spec));
  if (existsSync(folder)) return folder;
  mkdirSync(benchFolder("packages"), { recursive: true });
  const incomplete = mkdtempSync(benchFolder("packages", "incomplete-"));
  process.stderr.write(`Fetching ${spec} ...\n`);
  must("npm", ["pack", "--silent", "--ignore-scripts", spec], incomplete, spec);
  const [archive] = readdirSync(incomplete);
  must("tar", ["-xzf", archive, "--strip-components=1"], incomplete, spec);
  rmSync(join(incomplete, archive));
  renameSync(incomplete, folder);
  return folder;
}

function must(program: string, args: readonly string[], cwd: string, spec: string): void {
  const shell = process.platform === "win32" && program === "npm";
  const { status, error, stderr } = spawnSync(program, args, { cwd, encoding: "utf8", shell });
  if (status === 0) return;
  rmSync(cwd, { recursive: true, force: true });
  const why = (error?.message ?? stderr).trim().split("\n").slice(-3).join("\n");
  throw new CairnError(
    "unavailable",
    `${program} could not bring ${spec}, which the benchmarks measure with:\n${why}`,
    "The first run needs the npm registry; later ones do not. Check the network and run the command again.",
  );
}

/** A package's name as that of one folder. */
function folderOf(name: string): string {
  return name.replace("@", "").replace("/", "-");
}

/** Files and bytes below a folder. */
export function measured(root: string): { files: number; bytes: number } {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const bytes = entries.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
  return { files: entries.length, bytes };
}
