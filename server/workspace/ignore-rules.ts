import { type Phrase, phrase } from "../../shared/phrase.ts";
import type { SkippedFile } from "../../shared/search-types.ts";
import type { Host } from "../host.ts";
import { type GitConfig, readGitConfig, readSmallText } from "./git-config.ts";
import { ExcludeGlobs, type Place, RuleFile, type Rules } from "./rule-file.ts";

/**
 * Folders and files that no one wants to find code in, left out where no rule file says anything. They are in gitignore
 * syntax, and a `.cairnignore` takes them in again with a negation (`!node_modules/`).
 */
const DEFAULT_IGNORES: readonly string[] = [
  "node_modules/",
  "bower_components/",
  "jspm_packages/",
  ".pnpm-store/",
  ".venv/",
  "site-packages/",
  "__pycache__/",
  "__pypackages__/",
  ".tox/",
  ".nox/",
  ".eggs/",
  ".mypy_cache/",
  ".pytest_cache/",
  ".ruff_cache/",
  ".ipynb_checkpoints/",
  ".gradle/",
  ".terraform/",
  ".next/",
  ".nuxt/",
  ".svelte-kit/",
  ".angular/",
  ".turbo/",
  ".parcel-cache/",
  ".cache/",
  ".nyc_output/",
  ".vscode-test/",
  ".dart_tool/",
  ".stack-work/",
  "dist-newstyle/",
  "elm-stuff/",
  ".DS_Store",
  "Thumbs.db",
];

/** Folders of version control systems (`.git` is a file in a worktree): never looked into, whatever a rule says. */
const VERSION_CONTROL: readonly string[] = [".git", ".hg", ".svn", ".jj", ".bzr", "CVS"];

/**
 * The rules that lie in no rule file, as gitignore lines relative to the root: for a tool that reads the rule files
 * itself. `exclude` holds the editor's globs.
 */
export function fixedRules(exclude: readonly string[]): string[] {
  const lines = exclude.map((glob) => (glob.startsWith("**/") || glob.startsWith("/") ? glob : `/${glob}`));
  return [...VERSION_CONTROL, ...DEFAULT_IGNORES, ...lines];
}

const RULE_FILES = [".cairnignore", ".ignore", ".gitignore"] as const;

/**
 * The rules of a whole tree, read folder by folder as they are asked for and kept for the lifetime of this object: make
 * one for a walk or for a batch of changed paths, and a new one for the next.
 *
 * Strongest first: `.cairnignore`, the editor's exclude settings, `.ignore`, `.gitignore`, the repository's
 * `info/exclude`, the user's global git excludes, {@link DEFAULT_IGNORES}. Within one kind the deeper folder wins, and
 * within one file the last line.
 */
export interface IgnoreRules {
  /** Rules for the entries of a folder that is itself kept; the path is relative to the root, empty for the root. */
  readonly top: FolderRules;
  /** Why this path, or the first of the folders it lies in, is left out; undefined when it is kept. */
  leavesOut(path: string, isDirectory: boolean): SkippedFile<Phrase> | undefined;
  /** Rules inside a folder, wherever it lies, as if it and all its parents were kept. */
  inside(folder: string): FolderRules;
}

/** The rules as they stand in one folder. */
export interface FolderRules {
  /** Why the entry of this name is left out; undefined when it is kept. */
  leavesOut(name: string, isDirectory: boolean): SkippedFile<Phrase> | undefined;
  /** Rules inside a folder of this folder. `has` tells which names lie in it when they are known already. */
  enter(name: string, has?: (name: string) => boolean): FolderRules;
}

/** `root` is absolute; `exclude` holds the editor's globs, relative to the root. Unreadable rule files count as empty. */
export function openRules(host: Host, root: string, exclude: readonly string[]): IgnoreRules {
  const top = rootFolder(host, root, exclude);
  const known = new Map<string, FolderRules>([["", top]]);

  function inside(folder: string): FolderRules {
    const found = known.get(folder);
    if (found) return found;
    const cut = folder.lastIndexOf("/");
    const rules = inside(folder.slice(0, Math.max(cut, 0))).enter(folder.slice(cut + 1));
    known.set(folder, rules);
    return rules;
  }

  function leavesOut(path: string, isDirectory: boolean): SkippedFile<Phrase> | undefined {
    let from = 0;
    for (let cut = path.indexOf("/"); cut !== -1; cut = path.indexOf("/", from)) {
      const skipped = inside(path.slice(0, Math.max(from - 1, 0))).leavesOut(path.slice(from, cut), true);
      if (skipped) return skipped;
      from = cut + 1;
    }
    return inside(path.slice(0, Math.max(from - 1, 0))).leavesOut(path.slice(from), isDirectory);
  }

  return { top, leavesOut, inside };
}

/** Rules by kind, each list deepest folder first. */
interface Layers {
  cairn: readonly Rules[];
  settings: readonly Rules[];
  plain: readonly Rules[];
  git: readonly Rules[];
  repository: readonly Rules[];
  defaults: readonly Rules[];
}

class Folder implements FolderRules {
  readonly #host: Host;
  readonly #root: string;
  /** Path below the root with a slash at the end; empty for the root. */
  readonly #prefix: string;
  readonly #layers: Layers;
  readonly #strongestFirst: readonly Rules[];
  readonly #ignoreCase: boolean;

  constructor(host: Host, root: string, prefix: string, layers: Layers, ignoreCase: boolean) {
    this.#host = host;
    this.#root = root;
    this.#prefix = prefix;
    this.#layers = layers;
    this.#ignoreCase = ignoreCase;
    const { cairn, settings, plain, git, repository, defaults } = layers;
    this.#strongestFirst = [cairn, settings, plain, git, repository, defaults].flat();
  }

  leavesOut(name: string, isDirectory: boolean): SkippedFile<Phrase> | undefined {
    const path = this.#prefix + name;
    if (VERSION_CONTROL.includes(name))
      return { path, code: "ignored", reason: phrase("data of a version control system") };
    for (const rules of this.#strongestFirst) {
      const match = rules.match(path, name, isDirectory);
      if (match?.leftOut) return { path, code: match.code, reason: match.reason };
      if (match) return undefined;
    }
    return undefined;
  }

  enter(name: string, has?: (name: string) => boolean): Folder {
    const path = this.#prefix + name;
    const layers = this.#lifted(path, name);
    return openFolder(this.#host, this.#root, `${path}/`, layers, this.#ignoreCase, has);
  }

  /** A folder that a stronger rule kept is not left out for its children by the weaker rule that named it. */
  #lifted(path: string, name: string): Layers {
    if (!this.#strongestFirst.some((rules) => rules.match(path, name, true)?.leftOut)) return this.#layers;
    const lift = (list: readonly Rules[]) =>
      list.flatMap((rules) => (rules.match(path, name, true)?.leftOut ? rules.without(path) : [rules]));
    const { cairn, settings, plain, git, repository, defaults } = this.#layers;
    return {
      cairn: lift(cairn),
      settings: lift(settings),
      plain: lift(plain),
      git: lift(git),
      repository: lift(repository),
      defaults: lift(defaults),
    };
  }
}

/** Adds what lies in the folder itself to the rules that reach it from above. */
function openFolder(
  host: Host,
  root: string,
  prefix: string,
  above: Layers,
  ignoreCase: boolean,
  has: (name: string) => boolean = () => true,
): Folder {
  let layers = above;
  let caseless = ignoreCase;
  if (prefix !== "" && has(".git") && exists(host, `${root}/${prefix}.git`)) {
    // A repository of its own: the rules of the outer one end here, as they do for git.
    const { config, gitFolder } = openRepository(host, `${root}/${prefix.slice(0, -1)}`);
    const repository = repositoryRules(host, gitFolder, config, { below: prefix, above: "" });
    layers = { ...layers, git: [], repository };
    caseless = config.ignoreCase;
  }
  const [cairn, plain, git] = RULE_FILES.map((name) => {
    const text = has(name) ? readSmallText(host, `${root}/${prefix}${name}`) : undefined;
    return text ? RuleFile.parse(prefix + name, text, { below: prefix, above: "" }, caseless) : undefined;
  });
  if (cairn) layers = { ...layers, cairn: [cairn, ...layers.cairn] };
  if (plain) layers = { ...layers, plain: [plain, ...layers.plain] };
  if (git) layers = { ...layers, git: [git, ...layers.git] };
  return new Folder(host, root, prefix, layers, caseless);
}

function rootFolder(host: Host, root: string, exclude: readonly string[]): Folder {
  const repositoryRoot = enclosingRepository(host, root);
  const { config, gitFolder } = openRepository(host, repositoryRoot);
  const steps = repositoryRoot === undefined ? [] : root.slice(repositoryRoot.length).split(/[\\/]/).filter(Boolean);

  const repository = repositoryRules(host, gitFolder, config, { below: "", above: joined(steps) });
  const git: RuleFile[] = [];
  for (let depth = 0; depth < steps.length; depth++) {
    const label = `${"../".repeat(steps.length - depth)}.gitignore`;
    const file = [repositoryRoot, ...steps.slice(0, depth), ".gitignore"].join("/");
    const place = { below: "", above: joined(steps.slice(depth)) };
    const rules = RuleFile.parse(label, readSmallText(host, file) ?? "", place, config.ignoreCase);
    if (rules) git.unshift(rules);
  }
  // Someone who opens a folder that the repository around it leaves out wants to see what is in it.
  const aboutRoot = [...git, ...repository].map((rules) => rules.matchRoot()).find((match) => match !== undefined);
  const silent = aboutRoot?.leftOut ?? false;
  const layers: Layers = {
    cairn: [],
    settings: exclude.length > 0 ? [new ExcludeGlobs(exclude, config.ignoreCase)] : [],
    plain: [],
    git: silent ? [] : git,
    repository: silent ? [] : repository,
    defaults: [RuleFile.builtIn(DEFAULT_IGNORES, (pattern) => phrase("left out by default: {0}", pattern))],
  };
  return openFolder(host, root, "", layers, config.ignoreCase);
}

function repositoryRules(host: Host, gitFolder: string | undefined, config: GitConfig, place: Place): RuleFile[] {
  const files: [label: string, path: string | undefined][] = [
    [".git/info/exclude", gitFolder && `${gitFolder}/info/exclude`],
    ["the global git excludes file", config.excludesFile],
  ];
  return files.flatMap(([label, path]) => {
    const text = path && readSmallText(host, path);
    return (text && RuleFile.parse(label, text, place, config.ignoreCase)) || [];
  });
}

/** The nearest folder, from the root upwards, that is a working tree of git. */
function enclosingRepository(host: Host, root: string): string | undefined {
  for (let folder = root; ; ) {
    if (exists(host, `${folder}/.git`)) return folder;
    const cut = Math.max(folder.lastIndexOf("/"), folder.lastIndexOf("\\"));
    if (cut <= 0) return undefined;
    folder = folder.slice(0, cut);
  }
}

/** In a worktree or a submodule `.git` is a file that names the real folder, whose `commondir` names the shared one. */
function openRepository(host: Host, folder: string | undefined): { config: GitConfig; gitFolder: string | undefined } {
  if (folder === undefined) return { config: readGitConfig(host, undefined), gitFolder: undefined };
  let gitFolder = `${folder}/.git`;
  const pointer = readSmallText(host, gitFolder)?.match(/^gitdir:\s*(.+?)\s*$/m)?.[1];
  if (pointer) gitFolder = isAbsolute(pointer) ? pointer : `${folder}/${pointer}`;
  const common = readSmallText(host, `${gitFolder}/commondir`)?.trim();
  if (common) gitFolder = isAbsolute(common) ? common : `${gitFolder}/${common}`;
  return { config: readGitConfig(host, gitFolder), gitFolder };
}

function isAbsolute(path: string): boolean {
  return /^([\\/]|[A-Za-z]:)/.test(path);
}

function exists(host: Host, path: string): boolean {
  try {
    host.files.stat(path);
    return true;
  } catch {
    return false;
  }
}

function joined(steps: readonly string[]): string {
  return steps.map((step) => `${step}/`).join("");
}
