import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { createCore } from "../server/core.ts";
import { nodeHost } from "../server/node-host.ts";
import { readSettings } from "../shared/read-settings.ts";
import { InspectedProcess } from "./inspected-process.ts";
import { LspClient, uriOf } from "./lsp-client.ts";
import { openCore, temporaryFolder, writeFiles } from "./open-core.ts";

/** How many saves are replayed; `CAIRN_SAVES=24000 node --test test/long-use.test.ts` replays a working month. */
const SAVES = Number(process.env.CAIRN_SAVES ?? 2_000);
/** Saves that come at once, as when a formatter or a branch switch writes many files. */
const AT_ONCE = 20;
const FILES = 12;
const VERSIONS = 7;

const MEGABYTE = 2 ** 20;

describe("opened and closed again and again", () => {
  it("a root leaves no thread, handle or file descriptor behind", async (test) => {
    const [root, cacheDirectory] = [temporaryFolder(test), temporaryFolder(test)];
    writeFiles(root, Object.fromEntries(Array.from({ length: FILES }, (_, i) => [pathOf(i), version(i, 0)])));
    const { settings } = readSettings({ cacheDirectory });
    const core = createCore(nodeHost({ level: "silent" }), settings, { role: "editor" });
    test.after(() => core.close());
    const openAndClose = async () => {
      const workspace = await core.open(root);
      assert.equal((await workspace.idle()).files, FILES);
      workspace.edited(join(root, pathOf(0)), "export function neverSaved() {}\n");
      await workspace.idle();
      assert.equal((await workspace.search({ query: "neverSaved" })).hits[0].path, pathOf(0));
      await workspace.close();
    };
    // What is loaded once stays: the model, the grammars, the standard streams.
    await openAndClose();
    const before = open();
    for (let i = 0; i < 100; i++) await openAndClose();
    assert.deepEqual(open(), before);
  });
});

describe("many saves", () => {
  it(`${SAVES} leave memory, the database and the vectors as large as the content is`, async (test) => {
    const folder = temporaryFolder(test);
    const root = join(folder, "project");
    const cacheDirectory = join(folder, "cache");
    writeFiles(root, Object.fromEntries(Array.from({ length: FILES }, (_, i) => [pathOf(i), version(i, 0)])));
    const client = await LspClient.start(test, { folders: [root], cacheDirectory, nodeOptions: ["--inspect=0"] });
    const server = await InspectedProcess.attach(test, client.standardError);
    await client.ready();
    const replay = new Replay(client, root);

    await replay.upTo(SAVES / 2);
    const half = await measure(client, server);
    await replay.upTo(SAVES);
    const all = await measure(client, server);
    test.diagnostic(`after ${SAVES / 2} saves ${describeUse(half)}`);
    test.diagnostic(`after ${SAVES} saves ${describeUse(all)}`);

    assert.ok(all.heldBytes < 1.2 * half.heldBytes + 10 * MEGABYTE, "memory grows");
    // Every version was there in the first half: none is embedded twice.
    assert.equal(all.embedded, half.embedded);
    assert.ok(all.vectorBytes <= half.vectorBytes + MEGABYTE, "the vectors grow");
    assert.ok(all.indexBytes < 1.2 * half.indexBytes + 4 * MEGABYTE, "the database grows");
    assert.deepEqual(await foundBy(client), await foundFresh(test, root));
    assert.deepEqual(client.surprises, []);
  });
});

/** Saves, renames and deletes the same files over and over and tells the server as an editor does. */
class Replay {
  readonly #client: LspClient;
  readonly #root: string;
  #saves = 0;
  #opened = false;

  constructor(client: LspClient, root: string) {
    this.#client = client;
    this.#root = root;
  }

  async upTo(count: number): Promise<void> {
    while (this.#saves < count) {
      for (let i = 0; i < AT_ONCE; i++) await this.#next(this.#saves++);
      await this.#client.ready();
    }
    // What was told last is known by its content, not only by the phase.
    await this.#client.until(async () => (await foundBy(this.#client)).join() === namesOnDisk(this.#root).join());
    await this.#client.ready();
  }

  async #next(save: number): Promise<void> {
    const file = save % FILES;
    const path = pathOf(file);
    const text = version(file, Math.floor(save / FILES) % VERSIONS);
    if (save % 37 === 0) return this.#renamed(path);
    if (save % 53 === 0) return this.#deleted(path);
    if (file === 1) await this.#typed(path, text, save);
    this.#write(path, text);
    await this.#client.tell("textDocument/didSave", { textDocument: { uri: uriOf(join(this.#root, path)) } });
    await this.#told(path);
  }

  /** At one stroke, as careful editors do: half a version would be a text of its own, and counted. */
  #write(path: string, text: string): void {
    const beside = `${this.#root}.saving`;
    writeFileSync(beside, text);
    renameSync(beside, join(this.#root, path));
  }

  async #typed(path: string, text: string, save: number): Promise<void> {
    const uri = uriOf(join(this.#root, path));
    const textDocument = { uri, languageId: "typescript", version: save };
    if (this.#opened) {
      await this.#client.tell("textDocument/didChange", { textDocument, contentChanges: [{ text }] });
    } else await this.#client.tell("textDocument/didOpen", { textDocument: { ...textDocument, text } });
    this.#opened = true;
  }

  /** The next save of the file brings it back under its own name. */
  async #renamed(path: string): Promise<void> {
    const [from, to] = [join(this.#root, path), join(this.#root, "renamed.ts")];
    if (!existsSync(from)) return;
    renameSync(from, to);
    await this.#told(path, "renamed.ts");
  }

  async #deleted(path: string): Promise<void> {
    rmSync(join(this.#root, path), { force: true });
    rmSync(join(this.#root, "renamed.ts"), { force: true });
    await this.#told(path, "renamed.ts");
  }

  #told(...paths: string[]): Promise<void> {
    const changes = paths.map((path) => ({ uri: uriOf(join(this.#root, path)), type: 2 }));
    return this.#client.tell("workspace/didChangeWatchedFiles", { changes });
  }
}

interface Use {
  heldBytes: number;
  indexBytes: number;
  vectorBytes: number;
  embedded: number;
}

async function measure(client: LspClient, server: InspectedProcess): Promise<Use> {
  const [{ status }] = await client.statuses();
  const { indexBytes, vectorBytes, embedded } = status;
  return { heldBytes: await server.heldBytes(), indexBytes, vectorBytes, embedded };
}

function describeUse({ heldBytes, indexBytes, vectorBytes, embedded }: Use): string {
  const [memory, index, vectors] = [heldBytes, indexBytes, vectorBytes].map((bytes) => (bytes / MEGABYTE).toFixed(1));
  return `${memory} MB held, ${index} MB of index, ${vectors} MB of vectors, ${embedded} texts embedded`;
}

/** Threads count as handles of their own: a worker is a message port. */
function open(): { resources: Record<string, number>; descriptors: number } {
  const resources: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo().sort()) resources[name] = (resources[name] ?? 0) + 1;
  const descriptors = process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0;
  return { resources, descriptors };
}

/** Every function that can be found: `path name`. */
async function foundBy(client: LspClient): Promise<string[]> {
  const symbols = await client.ask<{ name: string; location: { uri: string } }[]>("workspace/symbol", {
    query: "made",
  });
  return symbols.map(({ name, location }) => `${location.uri.split("/").at(-1)} ${name}`).sort();
}

async function foundFresh(test: TestContext, root: string): Promise<string[]> {
  const { workspace } = await openCore(test, root, temporaryFolder(test));
  await workspace.idle();
  const symbols = await workspace.symbols("made", 10_000);
  return symbols.map(({ path, name }) => `${path.split("/").at(-1)} ${name}`).sort();
}

function namesOnDisk(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .flatMap((path) =>
      [...readFileSync(join(root, path), "utf8").matchAll(/function (made\w+)/g)].map(
        ([, name]) => `${path.split("/").at(-1)} ${name}`,
      ),
    )
    .sort();
}

function pathOf(file: number): string {
  return `src/part${file % 3}/file${file}.ts`;
}

/** A file of a few functions that is another one in each version. */
function version(file: number, number: number): string {
  return Array.from({ length: 4 }, (_, i) => {
    const lines = Array.from({ length: 12 }, (_, line) => `  total += value * ${file + number + i + line};`);
    return `/** Step ${i} of case ${file} in version ${number}. */
export function made${file}v${number}s${i}(value: number): number {
  let total = 0;
${lines.join("\n")}
  return total;
}
`;
  }).join("\n");
}
