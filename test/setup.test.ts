import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { olderNode } from "./older-node.ts";

const root = dirname(import.meta.dirname);
const older = olderNode();

/** What an npm that works leaves behind, as far as set-up looks at it. */
const WORKING_NPM = `#!/bin/sh
echo "npm $1" >> "$NPM_CALLS"
if [ "$1" = ci ]; then mkdir -p node_modules; cp package-lock.json node_modules/.package-lock.json
fi
`;

/** A checkout in a folder of its own, whose build writes down that it ran, and an npm of our own making. */
function checkout(t: TestContext, npm: string) {
  const folder = mkdtempSync(join(tmpdir(), "cairn-setup-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const calls = join(folder, "npm-calls");
  for (const name of ["setup.mjs", "bin", "package.json"])
    cpSync(join(root, name), join(folder, name), { recursive: true });
  for (const name of ["shared", "extension", "server", "media"]) mkdirSync(join(folder, name));
  const packages = { "": {}, "node_modules/left": { version: "1.0.0", integrity: "sha512-x" } };
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify({ packages }));
  writeFileSync(
    join(folder, "build.ts"),
    'import { appendFileSync, mkdirSync } from "node:fs"; mkdirSync("dist", { recursive: true }); appendFileSync("builds", "x");',
  );
  mkdirSync(join(folder, "path"));
  writeFileSync(join(folder, "path", "npm"), npm);
  chmodSync(join(folder, "path", "npm"), 0o755);
  writeFileSync(calls, "");

  return {
    folder,
    setup(args: readonly string[] = [], node = process.execPath) {
      const PATH = `${join(folder, "path")}${delimiter}${process.env.PATH}`;
      const env = { ...process.env, PATH, NPM_CALLS: calls };
      const { status, stdout, stderr } = spawnSync(node, ["setup.mjs", ...args], {
        cwd: folder,
        env,
        encoding: "utf8",
      });
      return { status, stdout, stderr };
    },
    npmCalls: () => readFileSync(calls, "utf8"),
    builds: () => (existsSync(join(folder, "builds")) ? readFileSync(join(folder, "builds"), "utf8").length : 0),
  };
}

test("set-up installs and builds once, and again only for what changed", (t) => {
  const { folder, setup, npmCalls, builds } = checkout(t, WORKING_NPM);
  const first = setup();
  assert.deepEqual(first, { status: 0, stdout: "", stderr: "Installing packages with npm ...\nBuilding ...\n" });
  assert.deepEqual(setup(), { status: 0, stdout: "", stderr: "" });
  assert.deepEqual([npmCalls(), builds()], ["npm ci\n", 1]);

  writeFileSync(join(folder, "shared", "new.ts"), "");
  assert.deepEqual(setup(), { status: 0, stdout: "", stderr: "Building ...\n" });

  const lock = { packages: { "": {}, "node_modules/left": { version: "2.0.0", integrity: "sha512-y" } } };
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify(lock));
  setup();
  assert.deepEqual([npmCalls(), builds()], ["npm ci\nnpm ci\n", 3]);
});

test("an npm that fails is quoted, and the user is told what to do", (t) => {
  for (const [said, advice] of [
    ["npm error code ENOTFOUND", /registry was not reached: check the network/],
    ["npm error code ENOSPC", /The disk is full: free about 1 GB/],
    ["npm error code EACCES", /Make .* writable/],
    ["npm error strange", /npm's own words are above/],
  ] as const) {
    const { setup, builds } = checkout(t, `#!/bin/sh\necho "${said}" >&2\nexit 1\n`);
    const { status, stdout, stderr } = setup(["start"]);
    assert.deepEqual([status, stdout, builds()], [1, "", 0]);
    assert.match(stderr, new RegExp(`${said}\nInstalling Cairn's packages failed\\.\n`));
    assert.match(stderr, advice);
  }
});

test("a build that fails ends the job, and is tried again", (t) => {
  const { folder, setup } = checkout(t, WORKING_NPM);
  writeFileSync(join(folder, "build.ts"), "process.exitCode = 7;");
  for (let round = 0; round < 2; round++) {
    const { status, stderr } = setup(["start"]);
    assert.equal(status, 1);
    assert.match(stderr, /The build failed; the reason is above/);
  }
});

test("an unknown job is refused with the list of jobs", (t) => {
  const { setup, npmCalls } = checkout(t, WORKING_NPM);
  const { status, stderr } = setup(["tset"]);
  assert.equal(status, 1);
  assert.match(stderr, /no job "tset"\. The jobs: start, test, bench, train:routing, build, check, package\./);
  assert.equal(npmCalls(), "");
});

test("under an older Node, set-up brings a newer one first", {
  skip: !older && "no Node before 22 on the PATH",
}, (t) => {
  const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  const bin = `.node/node_modules/${name}/bin`;
  const npm = WORKING_NPM.replace(
    /fi$/m,
    `else mkdir -p "../${bin}" && ln -s "${process.execPath}" "../${bin}/node"; fi`,
  );
  const { setup, npmCalls } = checkout(t, npm);
  assert.deepEqual(setup([], older), {
    status: 0,
    stdout: "",
    stderr: "Installing Node 24.21.0 into .node ...\nInstalling packages with npm ...\nBuilding ...\n",
  });
  assert.deepEqual(setup([], older), { status: 0, stdout: "", stderr: "" });
  assert.equal(npmCalls(), "npm install\nnpm ci\n");
});
