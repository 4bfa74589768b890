import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { devNull } from "node:os";
import { dirname, join } from "node:path";
import { it } from "node:test";
import { agreesWithFresh } from "./fresh-index.ts";
import { type OpenedCore, openCore, temporaryFolder, writeFiles } from "./open-core.ts";

/**
 * A repository of your own and how many of its last commits to replay, instead of the history written here:
 * `CAIRN_REPLAY=/path/to/repository CAIRN_REPLAY_COMMITS=200 node --test test/replay.test.ts`.
 */
const REPOSITORY = process.env.CAIRN_REPLAY;
const COMMITS = Number(process.env.CAIRN_REPLAY_COMMITS ?? 100);

const MEANINGS = ["where are errors turned into messages", "read the configuration from a file"];

it(`after each commit of ${REPOSITORY ?? "a history"} the index is what a fresh one is`, async (test) => {
  const source = REPOSITORY ?? writtenHistory(temporaryFolder(test));
  const [root, cache] = [join(temporaryFolder(test), "work"), temporaryFolder(test)];
  git(dirname(root), "clone", "--quiet", "--no-checkout", source, root);
  const commits = git(root, "rev-list", "--first-parent", "HEAD").split("\n").slice(0, COMMITS).reverse();
  assert.ok(commits.length >= Math.min(20, COMMITS), `${commits.length} commits`);
  // Far back, to the end and to the middle: what a switch of branches does.
  const stops = [...commits, commits[0], commits[commits.length - 1], commits[commits.length >> 1]];

  let opened = await openCore(test, root, cache);
  let before = entriesOf(root);
  let changes = 0;
  for (const [step, commit] of stops.entries()) {
    git(root, "checkout", "--quiet", "--force", "--detach", commit);
    const now = entriesOf(root);
    const told = toldByWatcher(before, now);
    changes += told.length;
    opened = await HOW_TOLD[step % HOW_TOLD.length](
      opened,
      told.map((path) => join(root, path)),
      () => openCore(test, root, cache),
    );
    const when = `stop ${step}, commit ${commit}: ${git(root, "log", "-1", "--format=%s")}`;
    await agreesWithFresh(test, root, opened.workspace, when, [
      ...MEANINGS,
      ...wordsOf(
        root,
        told.filter((path) => now.has(path)),
      ),
    ]);
    before = now;
  }
  const { files, embedded } = await opened.workspace.status();
  test.diagnostic(`${stops.length} checkouts, ${changes} changes told, ${files} files, ${embedded} texts embedded`);
});

type Tell = (opened: OpenedCore, changed: string[], openAgain: () => Promise<OpenedCore>) => Promise<OpenedCore>;

/** The ways in which an index hears of what git did. */
const HOW_TOLD: readonly Tell[] = [
  // An editor's watcher: all at once,
  async (opened, changed) => {
    opened.workspace.changed(changed);
    return opened;
  },
  // or one by one, while those before are being read.
  async (opened, changed) => {
    for (const path of changed) opened.workspace.changed([path]);
    return opened;
  },
  // A terminal, which looks at the whole tree.
  async (opened) => {
    opened.workspace.rescan();
    return opened;
  },
  // Nobody: it was closed meanwhile.
  async (opened, _, openAgain) => {
    await opened.core.close();
    return openAgain();
  },
];

/** Every file, folder and link below a folder, with what tells one state of it from another. */
function entriesOf(root: string): Map<string, string> {
  const entries = new Map<string, string>();
  const add = (folder: string): void => {
    for (const name of readdirSync(join(root, folder))) {
      if (name === ".git") continue;
      const path = folder === "" ? name : `${folder}/${name}`;
      const stat = lstatSync(join(root, path));
      if (stat.isDirectory()) {
        entries.set(path, "folder");
        add(path);
      } else entries.set(path, `${stat.ino} ${stat.size} ${stat.mode} ${stat.mtimeMs}`);
    }
  };
  add("");
  return entries;
}

/** What an editor's watcher tells: of a folder that was removed, not what lay in it. */
function toldByWatcher(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): string[] {
  const removed = [...before.keys()].filter((path) => !now.has(path));
  const gone = new Set(removed);
  const told = removed.filter((path) => !gone.has(dirname(path)));
  for (const [path, state] of now) if (before.get(path) !== state) told.push(path);
  return told;
}

/** Some words of some files, and their names. */
function wordsOf(root: string, paths: readonly string[]): string[] {
  const files = paths.filter((path) => lstatSync(join(root, path)).isFile());
  return [0, Math.floor(files.length / 2)].flatMap((at) => {
    if (files[at] === undefined) return [];
    const words = [...new Set(readFileSync(join(root, files[at]), "utf8").match(/[A-Za-z_]{6,30}/g))];
    return [words[words.length >> 1], words.slice(0, 3).join(" "), files[at]].filter(Boolean);
  });
}

function git(directory: string, ...args: string[]): string {
  const settings = ["user.name=A", "user.email=a@example.org", "init.defaultBranch=main", "core.autocrlf=false"];
  return execFileSync("git", [...settings.flatMap((one) => ["-c", one]), ...args], {
    cwd: directory,
    encoding: "utf8",
    env: { ...process.env, GIT_CONFIG_GLOBAL: devNull, GIT_CONFIG_NOSYSTEM: "1" },
    maxBuffer: 2 ** 28,
  }).trim();
}

/** A history in which happens what happens to folders in years; returns where it lies. */
function writtenHistory(root: string): string {
  git(root, "init", "--quiet");
  for (const [message, change] of Object.entries(HISTORY)) {
    change(root);
    git(root, "add", "--all");
    git(root, "commit", "--quiet", "--allow-empty", "--message", message);
  }
  return root;
}

function handler(name: string, says: string): string {
  return `/** ${says} */\nexport function ${name}(request) {\n  return answer(request, "${name}");\n}\n`;
}

function handlers(folder: string, from: number, count: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [
      `${folder}/step${from + i}.js`,
      handler(`handleStep${from + i}`, `Does step ${from + i} of the import.`),
    ]),
  );
}

const CONFIGURATION = `${handler("readConfiguration", "Reads the configuration from a file.")}
${handler("explainFailure", "Turns an error into a message for people.")}`;

/** Each commit by its message, in order. */
const HISTORY: Readonly<Record<string, (root: string) => void>> = {
  "First files": (root) =>
    writeFiles(root, { "README.md": "# Importer\n\nReads tables.\n", "src/configuration.js": CONFIGURATION }),
  "Many files at once": (root) => writeFiles(root, handlers("src/steps", 0, 30)),
  "Edit one": (root) => writeFiles(root, { "src/steps/step7.js": handler("handleSeven", "Counts the rows.") }),
  "Rename a file": (root) => renameSync(join(root, "src/steps/step3.js"), join(root, "src/steps/third.js")),
  "Move a folder": (root) => renameSync(join(root, "src/steps"), join(root, "src/stages")),
  "A folder in the place of the one that moved": (root) => writeFiles(root, handlers("src/steps", 100, 5)),
  "Two files swap their names": (root) => {
    renameSync(join(root, "src/stages/step1.js"), join(root, "src/stages/swap.js"));
    renameSync(join(root, "src/stages/step2.js"), join(root, "src/stages/step1.js"));
    renameSync(join(root, "src/stages/swap.js"), join(root, "src/stages/step2.js"));
  },
  "A rename that only changes case": (root) =>
    git(root, "mv", "--force", "src/configuration.js", "src/Configuration.js"),
  "Make a file executable": (root) => {
    git(root, "update-index", "--chmod=+x", "src/Configuration.js");
    git(root, "checkout-index", "--force", "src/Configuration.js");
  },
  "A file becomes a folder": (root) => {
    rmSync(join(root, "src/Configuration.js"));
    writeFiles(root, { "src/Configuration.js/index.js": CONFIGURATION, "src/Configuration.js/more.js": "more();\n" });
  },
  "The folder becomes a file again": (root) => {
    rmSync(join(root, "src/Configuration.js"), { recursive: true });
    writeFiles(root, { "src/Configuration.js": CONFIGURATION });
  },
  "Links to a file, to a folder, to nothing": (root) => {
    symlinkSync("Configuration.js", join(root, "src/linked.js"));
    symlinkSync("stages", join(root, "src/linked-folder"));
    symlinkSync("nowhere.js", join(root, "src/dangling.js"));
  },
  "A link becomes a file": (root) => {
    rmSync(join(root, "src/linked.js"));
    writeFiles(root, { "src/linked.js": handler("onceLinked", "Was a link.") });
  },
  "A file becomes a link": (root) => {
    rmSync(join(root, "src/stages/step9.js"));
    symlinkSync("step10.js", join(root, "src/stages/step9.js"));
  },
  "Ignore a folder that is there": (root) => writeFiles(root, { ".cairnignore": "src/steps/\n" }),
  "Ignore files by their ending": (root) =>
    writeFiles(root, { ".gitignore": "*.log\n!kept.log\n", "src/stages/.cairnignore": "step1*.js\n" }),
  "Ignore nothing any more": (root) => {
    for (const path of [".cairnignore", ".gitignore", "src/stages/.cairnignore"]) rmSync(join(root, path));
  },
  "A submodule that is not checked out": (root) => {
    writeFiles(root, { ".gitmodules": '[submodule "lib"]\n\tpath = vendored/lib\n\turl = ../lib\n' });
    git(root, "update-index", "--add", "--cacheinfo", `160000,${"1".repeat(40)},vendored/lib`);
    // The pointer of a folder that is missing would count as deleted.
    mkdirSync(join(root, "vendored/lib"), { recursive: true });
  },
  "Line ends of Windows": (root) =>
    writeFiles(root, { "src/linked.js": handler("onceLinked", "Was a link.").replaceAll("\n", "\r\n") }),
  "Line ends by attribute": (root) => writeFiles(root, { ".gitattributes": "src/stages/*.js text eol=crlf\n" }),
  "A copy of a folder": (root) => writeFiles(root, handlers("copied/steps", 100, 5)),
  "Delete a folder and most of another": (root) => {
    rmSync(join(root, "src/steps"), { recursive: true });
    for (let i = 10; i < 28; i++) rmSync(join(root, `src/stages/step${i}.js`));
  },
  Nothing: () => {},
  "An empty file, a large one, one that is not text": (root) =>
    writeFiles(root, {
      "src/empty.js": "",
      "src/table.json": JSON.stringify(
        Array.from({ length: 400 }, (_, i) => ({ row: i, name: `row ${i}` })),
        null,
        1,
      ),
      "src/image.js": new Uint8Array(2_000),
    }),
  "What was not text is text": (root) => writeFiles(root, { "src/image.js": handler("drawImage", "Draws an image.") }),
  "Everything in one folder": (root) => {
    renameSync(join(root, "src"), join(root, "moving"));
    writeFiles(root, { "packages/importer/package.json": '{ "name": "importer" }\n' });
    renameSync(join(root, "moving"), join(root, "packages/importer/src"));
  },
};
