import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { getPriority } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { createCore } from "../server/core.ts";
import type { Workspace } from "../server/core-api.ts";
import type { Host } from "../server/host.ts";
import { nodeHost } from "../server/node-host.ts";
import { readSettings } from "../shared/read-settings.ts";
import { SETTINGS, type Setting } from "../shared/settings.ts";
import { LspClient } from "./lsp-client.ts";
import { openCore, temporaryFolder, writeFiles } from "./open-core.ts";

const linuxOnly = { skip: process.platform !== "linux" && "needs Linux" };

function sources(count: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`src/file${i}.ts`, `export function step${i}() {\n  return ${i};\n}\n`]),
  );
}

/** How many threads of this process yield to others: those above the niceness that the process began with. */
function yieldingThreads(): number {
  const usual = getPriority();
  const nicenessOf = (thread: string) => {
    try {
      const fields = readFileSync(`/proc/self/task/${thread}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ");
      return Number(fields[16]);
    } catch {
      // The thread ended while it was looked at.
      return usual;
    }
  };
  return readdirSync("/proc/self/task").filter((thread) => nicenessOf(thread) > usual).length;
}

/** The fewest and the most threads that yield, at each change of status until the index is complete. */
async function yieldingWhileIndexing(test: TestContext, index: object): Promise<{ most: number; files: number }> {
  const [root, cache] = [temporaryFolder(test), temporaryFolder(test)];
  writeFiles(root, sources(600));
  const { core, workspace } = await openCore(test, root, cache, { settings: { index } });
  let most = 0;
  workspace.onStatus(() => {
    most = Math.max(most, yieldingThreads());
  });
  const status = await workspace.idle();
  most = Math.max(most, yieldingThreads());
  await core.close();
  return { most, files: status.files };
}

describe("the priority of index work", linuxOnly, () => {
  it("threads that index yield to others, the thread that answers does not", async (test) => {
    const { most } = await yieldingWhileIndexing(test, { threads: 2 });
    assert.ok(most >= 1 && most <= 2, `${most} threads`);
    assert.equal(yieldingThreads(), 0, "threads that are left");
  });

  it("as usual when that is set", async (test) => {
    assert.equal((await yieldingWhileIndexing(test, { threads: 2, priority: "normal" })).most, 0);
  });
});

describe("a cap on memory", linuxOnly, () => {
  it("above it one thread indexes, and everything is indexed", async (test) => {
    const { most, files } = await yieldingWhileIndexing(test, { threads: 4, maxMemoryMb: 1 });
    assert.deepEqual({ most, files }, { most: 1, files: 600 });
  });
});

/** What a machine says of its power, as Linux puts it into files. */
function supplies(folder: string, values: Readonly<Record<string, string>>): void {
  writeFiles(folder, Object.fromEntries(Object.entries(values).map(([path, value]) => [path, `${value}\n`])));
}

const LAPTOP = { "AC/type": "Mains", "AC/online": "1", "BAT0/type": "Battery", "BAT0/status": "Charging" };
const UNPLUGGED = { ...LAPTOP, "AC/online": "0", "BAT0/status": "Discharging" };

describe("where the power comes from, on Linux", linuxOnly, () => {
  const cases: [string, Record<string, string>, boolean][] = [
    ["a machine that does not say", {}, false],
    ["a laptop that is plugged in", LAPTOP, false],
    ["a laptop that is not", UNPLUGGED, true],
    ["one charged over USB", { ...UNPLUGGED, "ucsi/type": "USB", "ucsi/online": "1" }, false],
    ["a laptop without a plug to ask", { "BAT0/type": "Battery", "BAT0/status": "Discharging" }, true],
    ["a full battery", { "BAT0/type": "Battery", "BAT0/status": "Full" }, false],
    [
      "a desktop with a wireless mouse",
      { "hid/type": "Battery", "hid/scope": "Device", "hid/status": "Discharging" },
      false,
    ],
  ];
  for (const [name, values, expected] of cases) {
    it(name, async (test) => {
      const folder = temporaryFolder(test);
      supplies(folder, values);
      assert.equal(await nodeHost({ powerSupplyDirectory: folder }).onBattery(), expected);
    });
  }

  it("a machine without such a folder", async (test) => {
    const missing = join(temporaryFolder(test), "none");
    assert.equal(await nodeHost({ powerSupplyDirectory: missing }).onBattery(), false);
  });
});

describe("pausing on battery", () => {
  async function open(test: TestContext, host: Host, pauseOnBattery = true, files = 5): Promise<Workspace> {
    const [root, cacheDirectory] = [temporaryFolder(test), temporaryFolder(test)];
    writeFiles(root, sources(files));
    const { settings } = readSettings({ cacheDirectory, index: { pauseOnBattery } });
    const core = createCore(host, settings, { role: "editor" });
    test.after(() => core.close());
    return core.open(root);
  }

  it("nothing is indexed until the plug is in, and search finds by words", linuxOnly, async (test) => {
    const power = temporaryFolder(test);
    supplies(power, UNPLUGGED);
    const workspace = await open(test, nodeHost({ level: "silent", powerSupplyDirectory: power }));
    const { phase, files, message } = await workspace.idle();
    assert.deepEqual({ phase, files, message }, { phase: "paused", files: 0, message: "Paused: on battery." });
    const { hits } = await workspace.search({ query: "step3" });
    assert.deepEqual([hits[0].path, hits[0].indexed], ["src/file3.ts", false]);

    supplies(power, LAPTOP);
    workspace.changed([join(workspace.root, "src/file1.ts")]);
    const after = await workspace.idle();
    assert.deepEqual([after.phase, after.files, after.message], ["ready", 5, ""]);

    supplies(power, UNPLUGGED);
    writeFiles(workspace.root, { "src/late.ts": "export function late() {}\n" });
    workspace.changed([join(workspace.root, "src/late.ts")]);
    assert.deepEqual([(await workspace.idle()).phase, (await workspace.status()).files], ["paused", 5]);
  });

  it("unplugged in the middle of the work, it stops there and goes on later", async (test) => {
    let asked = 0;
    let plugged = false;
    const onBattery = async () => ++asked > 3 && !plugged;
    const workspace = await open(test, { ...nodeHost({ level: "silent" }), onBattery }, true, 2_000);
    const paused = await workspace.idle();
    assert.equal(paused.phase, "paused");
    assert.ok(paused.files < 2_000, `${paused.files} files`);
    plugged = true;
    workspace.rescan();
    const after = await workspace.idle();
    assert.deepEqual([after.phase, after.files, after.embedded], ["ready", 2_000, 2_000]);
  });

  it("an answer that is older than the work does not let it start", async (test) => {
    let battery = false;
    let asked = () => {};
    let answer: (() => void) | undefined;
    const onBattery = async () => {
      const then = battery;
      asked();
      if (answer === undefined) return then;
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return then;
    };
    const workspace = await open(test, { ...nodeHost({ level: "silent" }), onBattery });
    await workspace.idle();

    const question = new Promise<void>((resolve) => {
      asked = resolve;
    });
    answer = () => {};
    workspace.changed([join(workspace.root, "src/file1.ts")]);
    await question;
    const answerLate = answer;
    answer = undefined;
    battery = true;
    writeFiles(workspace.root, { "src/late.ts": "export function late() {}\n" });
    workspace.changed([join(workspace.root, "src/late.ts")]);
    answerLate();
    const { phase, files } = await workspace.idle();
    assert.deepEqual({ phase, files }, { phase: "paused", files: 5 });
  });

  it("whoever resumes wants it done all the same", async (test) => {
    const workspace = await open(test, { ...nodeHost({ level: "silent" }), onBattery: async () => true });
    assert.equal((await workspace.idle()).phase, "paused");
    workspace.resume();
    assert.deepEqual([(await workspace.idle()).phase, (await workspace.status()).files], ["ready", 5]);
  });

  it("only when it is set", async (test) => {
    const asked = async () => assert.fail("the battery does not matter");
    const workspace = await open(test, { ...nodeHost({ level: "silent" }), onBattery: asked }, false);
    assert.deepEqual([(await workspace.idle()).phase, (await workspace.status()).files], ["ready", 5]);
  });
});

describe("settings of the wrong type", () => {
  it("each is named in the server's log, and the defaults hold", async (test) => {
    const [root, cacheDirectory] = [temporaryFolder(test), temporaryFolder(test)];
    writeFiles(root, sources(5));
    const wrong = (setting: Setting) => (setting.type === "string" || setting.type === "choice" ? 7 : "nonsense");
    const settings = Object.fromEntries(Object.entries(SETTINGS).map(([key, setting]) => [key, wrong(setting)]));
    const initializationOptions = { showsStatus: true, settings };
    const client = await LspClient.start(test, { folders: [root], cacheDirectory, initializationOptions });
    await client.ready();
    assert.equal((await client.hits("step3"))[0].path, "src/file3.ts");
    const log = client.log.join("\n");
    for (const key of Object.keys(SETTINGS)) assert.ok(log.includes(`cairn.${key} must be `), `${key}\n${log}`);
    assert.deepEqual(client.surprises, []);
  });

  const program = fileURLToPath(new URL("../bin/cairn.mjs", import.meta.url));
  const index = (root: string, env: Record<string, string>) =>
    spawnSync(process.execPath, [program, "index", root], { env: { ...process.env, ...env }, encoding: "utf8" });

  it("an environment variable that makes no sense is named, and the default holds", (test) => {
    const root = temporaryFolder(test);
    writeFiles(root, sources(5));
    const { status, stdout, stderr } = index(root, { CAIRN_CACHE_DIR: temporaryFolder(test), CAIRN_LOG: "loud" });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /5 files/);
    assert.match(stderr, /^cairn: The environment variable CAIRN_LOG must be one of error, warn, info, not "loud"\./);
  });

  it("a cache folder that cannot be one is refused before anything is written", (test) => {
    const root = temporaryFolder(test);
    writeFiles(root, sources(1));
    const relative = index(root, { CAIRN_CACHE_DIR: "some/cache" });
    assert.equal(relative.status, 2);
    assert.match(relative.stderr, /The cache folder must be an absolute path, not some\/cache\.\n.*CAIRN_CACHE_DIR/);
    const file = index(root, { CAIRN_CACHE_DIR: join(root, "src/file0.ts") });
    assert.equal(file.status, 3);
    assert.match(file.stderr, /file0\.ts.* could not be opened or written .*\n.*CAIRN_CACHE_DIR/);
  });
});
