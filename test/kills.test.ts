import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { rootDirectoryOf } from "../server/opening.ts";
import { peerAddress } from "../server/peer/address.ts";
import type { IndexStatus } from "../shared/search-types.ts";
import { LspClient, uriOf } from "./lsp-client.ts";
import { openCore, temporaryFolder, writeFiles } from "./open-core.ts";
import { OtherProcess } from "./other-process.ts";
import { seeded } from "./seeded.ts";

/** How many processes are killed; `CAIRN_KILLS=200 node --test test/kills.test.ts` takes some minutes. */
const KILLS = Number(process.env.CAIRN_KILLS ?? 20);
const FILES = 60;

/** A process that has the folder open. */
interface Opener {
  found(query: string): Promise<readonly string[]>;
  /** Once it has nothing left to do. */
  settled(): Promise<IndexStatus>;
  told(paths: readonly string[]): Promise<void>;
  kill(): Promise<unknown>;
  /** Lets it end by itself. */
  end(): Promise<void>;
}

async function editor(test: TestContext, root: string, cacheDirectory: string): Promise<Opener> {
  const client = await LspClient.start(test, { folders: [root], cacheDirectory });
  return {
    found: async (query) => [...new Set((await client.hits(query)).map(({ path }) => path))].slice(0, 10),
    async settled() {
      await client.ready();
      return (await client.statuses())[0].status;
    },
    told: (paths) => client.tell("workspace/didChangeWatchedFiles", { changes: changesOf(root, paths) }),
    kill() {
      client.kill();
      return client.exitCode();
    },
    async end() {
      await client.ask("shutdown");
      await client.tell("exit");
      assert.equal(await client.exitCode(), 0, client.standardError);
      assert.deepEqual(client.surprises, []);
    },
  };
}

async function terminal(test: TestContext, root: string, cache: string): Promise<Opener> {
  const child = new OtherProcess(test, root, cache, "terminal");
  return {
    found: (query) => child.ask<string[]>({ find: query }),
    settled: () => child.ask<IndexStatus>("idle"),
    told: async () => {},
    kill: () => child.kill(),
    end: () => child.kill(),
  };
}

const OPENERS = [editor, editor, terminal, terminal];

it(`two editors and two terminals on one folder, killed ${KILLS} times at random moments`, async (test) => {
  const [root, cache] = [temporaryFolder(test), temporaryFolder(test)];
  const random = seeded(11);
  const tree = new Tree(root, random);
  for (let i = 0; i < FILES; i++) tree.write(i);
  const openers = await Promise.all(OPENERS.map((open) => open(test, root, cache)));

  for (let kill = 0; kill < KILLS; kill++) {
    const changed = tree.change();
    for (const opener of openers) await opener.told(changed);
    // The moment is random in the work done: after so many answers, while the other questions are under way.
    const victim = random(openers.length);
    const patience = random(openers.length);
    let answered = 0;
    const enough = Promise.withResolvers<void>();
    const questions = openers.map(async (opener, i) => {
      if (i === victim) return;
      await opener.found(`handle${random(FILES)}`);
      if (++answered >= patience) enough.resolve();
    });
    if (patience > 0) await enough.promise;
    await openers[victim].kill();
    openers[victim] = await OPENERS[victim](test, root, cache);
    await Promise.all(questions);
  }

  const settled = () => Promise.all(openers.map((opener) => opener.settled()));
  let statuses = await settled();
  // A terminal may be about to give the index to an editor: who holds it is asked of one after the other.
  for (let round = 0; round < 20 && !isHeldByEditor(statuses); round++) statuses = await settled();
  assert.ok(isHeldByEditor(statuses), JSON.stringify(statuses));

  const fresh = await openCore(test, root, temporaryFolder(test));
  const { phase, files, chunks, embedded } = await fresh.workspace.idle();
  for (const status of statuses) {
    assert.deepEqual([status.phase, status.files, status.chunks], [phase, files, chunks]);
    assert.ok(status.embedded >= embedded && status.embedded <= tree.texts, "each text is embedded once at the most");
  }
  for (let i = 0; i < FILES; i += 7) {
    const expected = await fresh.found(`handle${i}`);
    for (const opener of openers) assert.deepEqual(await opener.found(`handle${i}`), expected);
  }

  for (const opener of openers.reverse()) await opener.end();
  const directory = rootDirectoryOf(cache, root);
  assert.equal(process.platform !== "win32" && existsSync(peerAddress(directory, process.env)), false);
  assert.deepEqual(readdirSync(directory).sort(), ["index.db", "lease.db", "root.json", "snapshot.bin"]);
  assert.deepEqual(processesOn(cache), []);
});

/** One process holds the index, it is an editor, and the others ask it. */
function isHeldByEditor(statuses: readonly IndexStatus[]): boolean {
  const holders = statuses.filter(({ holder }) => holder);
  const [pid, ...others] = new Set(statuses.map(({ holderPid }) => holderPid));
  return holders.length === 1 && statuses.indexOf(holders[0]) < 2 && pid !== undefined && others.length === 0;
}

/** Files that are written, removed and written anew; no text is ever written twice. */
class Tree {
  readonly #root: string;
  readonly #random: (below: number) => number;
  /** How many texts were written. */
  texts = 0;

  constructor(root: string, random: (below: number) => number) {
    this.#root = root;
    this.#random = random;
  }

  write(file: number): string {
    const path = `part${file % 7}/file${file}.ts`;
    const text = `/** Version ${this.texts++}. */\nexport function handle${file}() {\n  return ${this.texts};\n}\n`;
    writeFiles(this.#root, { [path]: text });
    return path;
  }

  /** Writes some files and removes some; returns their paths. */
  change(): string[] {
    const written = Array.from({ length: this.#random(8) }, () => this.write(this.#random(FILES)));
    const removed = Array.from({ length: this.#random(4) }, () => this.#random(FILES)).map(
      (file) => `part${file % 7}/file${file}.ts`,
    );
    for (const path of removed) rmSync(join(this.#root, path), { force: true });
    return [...written, ...removed];
  }
}

function changesOf(root: string, paths: readonly string[]): { uri: string; type: number }[] {
  return paths.map((path) => ({ uri: uriOf(join(root, path)), type: existsSync(join(root, path)) ? 2 : 3 }));
}

/** Processes that were given the cache folder, where the system says so. */
function processesOn(cache: string): string[] {
  if (process.platform !== "linux") return [];
  const said = (pid: string, file: string): string => {
    try {
      return readFileSync(join("/proc", pid, file), "utf8");
    } catch {
      return "";
    }
  };
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => said(pid, "cmdline").includes(cache) || said(pid, "environ").includes(cache));
}
