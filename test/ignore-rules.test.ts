import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { nodeHost } from "../server/node-host.ts";
import { openRules } from "../server/workspace/ignore-rules.ts";
import { walk } from "../server/workspace/walk.ts";
import { inWords, SILENCE } from "../shared/phrase.ts";
import { memoryHost } from "./memory-host.ts";

/**
 * Rule files by path below /w (or absolute), then one path a line: `+ path` is kept, `- path  reason` is left out, with
 * the start of its reason. A path that ends in a slash is a folder.
 */
function check(
  files: Record<string, string>,
  expected: string,
  options: { exclude?: string[]; home?: string } = {},
): void {
  const entries = Object.entries(files).map(([path, text]) => [path.startsWith("/") ? path : `/w/${path}`, text]);
  const host = memoryHost({ "/w/": "", ...Object.fromEntries(entries) }, { HOME: options.home ?? "/home/me" });
  const rules = openRules(host, "/w", options.exclude ?? []);
  const lines = expected
    .trim()
    .split("\n")
    .map((line) => line.trim());
  const actual = lines.map((line) => {
    const path = line.slice(2).split("  ")[0];
    const skipped = rules.leavesOut(path.replace(/\/$/, ""), path.endsWith("/"));
    if (!skipped) return `+ ${path}`;
    return line.includes("  ") ? `- ${path}  ${inWords(skipped.reason)}` : `- ${path}`;
  });
  assert.deepEqual(actual, lines);
}

test("a .gitignore line names files and folders at any depth, and the reason names the line", () => {
  check(
    { ".gitignore": "# output\n*.log\ndist/\n/top\nsrc/gen\n" },
    `
    - a.log  matched by .gitignore line 2: *.log
    - deep/er/a.log  matched by .gitignore line 2: *.log
    - dist/  matched by .gitignore line 3: dist/
    - dist/x.ts  matched by .gitignore line 3: dist/
    - a/dist/  matched by .gitignore line 3: dist/
    + dist.ts
    - top
    + a/top
    - src/gen/
    + a/src/gen/
    + src/general.ts`,
  );
});

test("the deeper folder wins, and the last line within a file", () => {
  check(
    { ".gitignore": "*.txt\n!keep.txt\n", "docs/.gitignore": "!*.txt\nsecret.txt\n" },
    `
    - a.txt
    + keep.txt
    + docs/a.txt
    - docs/secret.txt  matched by docs/.gitignore line 2: secret.txt`,
  );
});

test("nothing comes back from inside a folder that is left out", () => {
  check(
    { ".gitignore": "out/\n!out/keep.ts\n", "out/.gitignore": "!keep.ts\n", "gen/.gitignore": "*\n!.gitignore\n" },
    `
    - out/keep.ts  matched by .gitignore line 1: out/
    + gen/
    - gen/a.ts
    + gen/.gitignore`,
  );
});

test(".cairnignore is stronger than .ignore, and .ignore than .gitignore, at whatever depth they lie", () => {
  check(
    {
      ".gitignore": "*.gen.ts\n*.snap\n",
      ".ignore": "!*.snap\n*.sql\n",
      ".cairnignore": "!*.gen.ts\n!a.sql\n",
      "deep/.gitignore": "a.snap\na.gen.ts\n",
    },
    `
    + a.gen.ts
    + deep/a.gen.ts
    + deep/a.snap
    + a.sql
    - b.sql  matched by .ignore line 2: *.sql`,
  );
});

test("dependencies are left out by default, and a .cairnignore takes them in", () => {
  check({}, "- node_modules/  left out by default: node_modules/\n- a/__pycache__/x.pyc\n+ lib/node_modules.ts");
  check(
    { ".cairnignore": "!node_modules/\n!/py/.venv/" },
    `
    + node_modules/
    + node_modules/a/index.js
    + node_modules/a/node_modules/b/index.js
    - .venv/
    + py/.venv/
    + py/.venv/x.py
    - py/.venv/lib/.venv/`,
  );
});

test("a folder that .cairnignore takes in is still subject to the other rules", () => {
  check(
    { ".gitignore": "build\n*.log\nbuild/tmp/\n", ".cairnignore": "!/build/\n" },
    `
    + build/a.ts
    - build/a.log
    - build/tmp/
    - build/x/build`,
  );
});

test("version control data is left out whatever a rule says", () => {
  check(
    { ".cairnignore": "!.git/\n" },
    "- .git/  data of a version control system\n- a/.hg/\n- worktree/.git\n+ .github/",
  );
});

test("the editor's exclude globs are relative to the root and count as settings", () => {
  check(
    { ".cairnignore": "!vendor/\n" },
    `
    - a/b.spec.ts  matched by the editor's exclude setting: **/*.spec.ts
    - old/  matched by the editor's exclude setting: old
    + a/old/
    - a/tmp/x.ts
    + vendor/x.ts
    - gen/a.pb.go
    - gen/b.gen.go
    + gen/go.go`,
    { exclude: ["**/*.spec.ts", "old/", "**/tmp/**", "**/vendor", "gen/*.{pb,gen}.go"] },
  );
});

test("the repository's info/exclude and the user's global excludes are the weakest files", () => {
  const config = '[user]\n  name = x\n[Core]\n  excludesFile = "~/my ignores" # mine\n';
  check(
    {
      ".git/info/exclude": "local.ts\n",
      "/home/me/.gitconfig": config,
      "/home/me/my ignores": "*.swp\n*.orig\n",
      ".gitignore": "!keep.orig\n",
    },
    `
    - local.ts  matched by .git/info/exclude line 1: local.ts
    - a/x.swp  matched by the global git excludes file line 1: *.swp
    - a.orig
    + keep.orig`,
  );
  check({ "/home/me/.config/git/ignore": "*.swp\n" }, "- x.swp\n+ x.ts");
});

test("patterns ignore case where the repository is set to", () => {
  check({ ".git/config": "[core]\n\tignorecase = true\n", ".gitignore": "Build/\n*.LOG\n" }, "- build/\n- a.log");
  check({ ".gitignore": "Build/\n*.LOG\n" }, "+ build/\n+ a.log\n- Build/");
});

test("a repository inside the tree follows its own rules", () => {
  check(
    {
      ".gitignore": "*.log\n",
      "sub/.git/info/exclude": "mine\n",
      "tree/.git": "gitdir: ../.git/worktrees/tree\n",
      ".git/worktrees/tree/commondir": "../..\n",
      ".git/info/exclude": "shared\n",
    },
    `
    - a.log
    + sub/a.log
    - sub/mine
    + sub/shared
    - tree/shared`,
  );
});

test("a folder inside a repository follows the rules above it, unless they leave the folder itself out", () => {
  const files = {
    "/repo/.git/HEAD": "",
    "/repo/.gitignore": "*.log\n/app/web/dist\n/scratch/\n",
    "/repo/app/.gitignore": "!b.log\n",
    "/repo/app/web/a.ts": "",
    "/repo/scratch/a.log": "",
  };
  const web = openRules(memoryHost(files), "/repo/app/web", []);
  assert.equal(inWords(web.leavesOut("a.log", false)?.reason ?? SILENCE), "matched by ../../.gitignore line 1: *.log");
  assert.equal(web.leavesOut("b.log", false), undefined);
  assert.equal(
    inWords(web.leavesOut("dist", true)?.reason ?? SILENCE),
    "matched by ../../.gitignore line 2: /app/web/dist",
  );
  assert.equal(openRules(memoryHost(files), "/repo/scratch", []).leavesOut("a.log", false), undefined);
});

test("many folders of tricky patterns get the same verdicts as from git", (t) => {
  if (spawnSync("git", ["--version"]).status !== 0) return t.skip("git is not installed");
  const root = mkdtempSync(join(tmpdir(), "cairn-ignore-"));
  t.after(() => rmSync(root, { recursive: true }));
  const taken = new Map<string, "file" | "folder">();
  const write = (path: string, text: string) => {
    const folders = [...path.matchAll(/\//g)].map((slash) => path.slice(0, slash.index));
    // A name that is a folder already cannot be a file too, nor the other way round.
    if (taken.get(path) === "folder" || folders.some((folder) => taken.get(folder) === "file")) return;
    taken.set(path, "file");
    for (const folder of folders) taken.set(folder, "folder");
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const random = seeded(7);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)];
  const lines = (count: number) => Array.from({ length: count }, () => pick(PATTERNS)).join("\n");
  for (let folder = 0; folder < 60; folder++) {
    const names = process.platform === "win32" ? NAMES.filter((name) => /^[^*?\\\n]*[^ ]$/.test(name)) : NAMES;
    for (let file = 0; file < 8; file++) write(`f${folder}/${pick(FOLDERS)}${pick(FOLDERS)}${pick(names)}`, "");
    write(`f${folder}/.gitignore`, lines(4));
    write(`f${folder}/${pick(FOLDERS)}.gitignore`, lines(2));
  }
  write("home/excludes", "*.global\n");
  write("home/config", `[core]\n\texcludesFile = ${join(root, "home/excludes").replaceAll("\\", "/")}\n`);
  const env = { ...process.env, GIT_CONFIG_GLOBAL: join(root, "home/config"), GIT_CONFIG_NOSYSTEM: "1" };
  const git = (...args: string[]) => spawnSync("git", args, { cwd: root, env, encoding: "utf8", maxBuffer: 1 << 26 });
  assert.equal(git("init", "--quiet").status, 0);
  write(".git/info/exclude", "/f1/b\n");

  const expected = git("ls-files", "-z", "--others", "--exclude-standard").stdout.split("\0").filter(Boolean);
  const found: string[] = [];
  const options = { exclude: [], maxFileBytes: 1 << 20 };
  for (const batch of walk(nodeHost({ env }), root, options)) found.push(...batch.files.map((file) => file.path));
  assert.ok(expected.length > 150);
  assert.deepEqual(found.sort(), expected.sort());
});

const NAMES = [
  "a",
  "b",
  "ab",
  "a.b",
  "x.log",
  "x.global",
  "a b",
  "b ",
  "#x",
  "!y",
  "été",
  "[z]",
  "a*",
  "a\\b",
  "x\ny",
  ".h",
  "B",
];
const FOLDERS = ["", "", "a/", "b/", "ab/", "a.b/", "build/", ".h/", "été/"];
const PATTERNS = [
  ..."a|b|a/|/a|/a/|a/b|/a/b|a/*|a/**|**/a|**/a/|a/**/b|**/b/**|*|!a|!b/|!*/|!a/b|!/ab|*.log|!*.log|a?|?b|[ab]|[!a]".split(
    "|",
  ),
  ..."\\#x|\\!y|#x|!\\!y|été|\\[z\\]|[[]z]|a\\*|a\\\\b|x?y|a b|b\\ |b |.h|.*|!.h|[a-c]|[[:upper:]]|a.b|*.b|a*b|/*|!/a|/*/b".split(
    "|",
  ),
  ..."build|build/|!build|build/*|!build/a|**|a/**/|***/b|/**/ab|[|a[|[]|\\|a\\|!|/|//|a//b|./a|../a| a|a\t|B".split(
    "|",
  ),
];

/** The same numbers in [0, 1) for the same seed (xorshift). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
