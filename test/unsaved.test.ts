import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { LspClient, type LspClientOptions, uriOf } from "./lsp-client.ts";
import { openCore, temporaryFolder, writeFiles } from "./open-core.ts";

const CART = `/** Adds up the prices of all goods. */
export function totalOf(prices: number[]): number {
  return prices.reduce((sum, price) => sum + price, 0);
}

/** Takes a voucher off a total. */
export function withVoucher(total: number, voucher: number): number {
  return Math.max(0, total - voucher);
}
`;

const VOUCHER_LINE = "export function withVoucher(total: number, voucher: number): number {";

/** A client that edits the files of a folder, as an editor does. */
class EditingClient {
  readonly client: LspClient;
  readonly root: string;
  readonly cacheDirectory: string;
  #version = 0;

  private constructor(client: LspClient, root: string, cacheDirectory: string) {
    this.client = client;
    this.root = root;
    this.cacheDirectory = cacheDirectory;
  }

  static async start(test: TestContext, files: Record<string, string>, options: Partial<LspClientOptions> = {}) {
    const folder = temporaryFolder(test);
    const root = join(folder, "project");
    writeFiles(root, files);
    const cacheDirectory = join(folder, "cache");
    const client = await LspClient.start(test, { folders: [root], cacheDirectory, ...options });
    await client.ready();
    return new EditingClient(client, root, cacheDirectory);
  }

  open(path: string, text = readFileSync(join(this.root, path), "utf8"), uri = this.uri(path)): Promise<void> {
    const textDocument = { uri, languageId: "typescript", version: ++this.#version, text };
    return this.client.tell("textDocument/didOpen", { textDocument });
  }

  change(path: string, ...contentChanges: object[]): Promise<void> {
    const textDocument = { uri: this.uri(path), version: ++this.#version };
    return this.client.tell("textDocument/didChange", { textDocument, contentChanges });
  }

  /** Puts lines in before a line, which counts from 0. */
  insert(path: string, line: number, text: string): Promise<void> {
    const at = { line, character: 0 };
    return this.change(path, { range: { start: at, end: at }, text });
  }

  save(path: string): Promise<void> {
    return this.client.tell("textDocument/didSave", { textDocument: { uri: this.uri(path) } });
  }

  close(path: string): Promise<void> {
    return this.client.tell("textDocument/didClose", { textDocument: { uri: this.uri(path) } });
  }

  /** What is found, as the line to open: `path:line its text`. */
  async found(query: string): Promise<string[]> {
    return (await this.client.hits(query)).map(({ path, focusLine, preview }) => {
      return `${path}:${focusLine} ${preview.find(({ line }) => line === focusLine)?.text}`;
    });
  }

  /** Resolves when a query finds a line that has it, or none. */
  async until(query: string, isFound: boolean): Promise<void> {
    await this.client.until(async () => (await this.found(query)).some((hit) => hit.includes(query)) === isFound);
  }

  uri(path: string): string {
    return uriOf(join(this.root, path));
  }
}

describe("a file with unsaved edits", () => {
  it("is found as it is on screen, with the lines and the text of the screen", async (test) => {
    const editor = await EditingClient.start(test, { "cart.ts": CART, "other.ts": "export const other = 1;\n" });
    await editor.open("cart.ts");
    await editor.insert("cart.ts", 0, "/** Ships a parcel to the moon. */\nexport function shipLunarParcel() {}\n\n");

    await editor.until("shipLunarParcel", true);
    assert.deepEqual(await editor.found("shipLunarParcel"), ["cart.ts:2 export function shipLunarParcel() {}"]);
    assert.equal((await editor.found("withVoucher"))[0], `cart.ts:10 ${VOUCHER_LINE}`);
    assert.equal((await editor.found("a rocket to the moon"))[0], "cart.ts:1 /** Ships a parcel to the moon. */");

    const symbols = await editor.client.ask<{ name: string }[]>("workspace/symbol", { query: "shipLunar" });
    assert.deepEqual(
      symbols.map(({ name }) => name),
      ["shipLunarParcel"],
    );
  });

  it("does not hold what was deleted on screen, and no file is there twice", async (test) => {
    const editor = await EditingClient.start(test, { "cart.ts": CART });
    await editor.open("cart.ts");
    const end = { line: 5, character: 0 };
    await editor.change("cart.ts", { range: { start: { line: 0, character: 0 }, end }, text: "" });
    await editor.until("totalOf", false);
    assert.deepEqual(await editor.found("withVoucher"), [`cart.ts:2 ${VOUCHER_LINE}`]);
    assert.ok(!(await editor.found("totalOf")).some((hit) => hit.includes("totalOf")));
  });

  it("is what is on disk again when it is closed without saving", async (test) => {
    const editor = await EditingClient.start(test, { "cart.ts": CART });
    await editor.open("cart.ts");
    await editor.change("cart.ts", { text: "export function brandNew() {}\n" });
    await editor.until("brandNew", true);
    assert.deepEqual(await editor.found("brandNew"), ["cart.ts:1 export function brandNew() {}"]);
    await editor.close("cart.ts");
    await editor.until("brandNew", false);
    assert.equal((await editor.found("withVoucher"))[0], `cart.ts:7 ${VOUCHER_LINE}`);
  });

  it("is what was saved once it is saved", async (test) => {
    const editor = await EditingClient.start(test, { "cart.ts": CART });
    await editor.open("cart.ts");
    await editor.change("cart.ts", { text: "export function brandNew() {}\n" });
    writeFiles(editor.root, { "cart.ts": "export function brandNew() {}\n" });
    await editor.save("cart.ts");
    await editor.until("brandNew", true);
    assert.deepEqual(await editor.found("brandNew"), ["cart.ts:1 export function brandNew() {}"]);
    await editor.client.ready();
    await editor.close("cart.ts");
    await editor.until("brandNew", true);
    assert.deepEqual(await editor.found("brandNew"), ["cart.ts:1 export function brandNew() {}"]);
  });

  it("is found as an editor restores it when it starts", async (test) => {
    const editor = await EditingClient.start(test, { "cart.ts": CART });
    await editor.open("cart.ts", "export function leftFromYesterday() {}\n");
    await editor.until("leftFromYesterday", true);
    assert.deepEqual(await editor.found("leftFromYesterday"), ["cart.ts:1 export function leftFromYesterday() {}"]);
  });

  it("leaves no trace of unsaved text in the cache folder", async (test) => {
    const editor = await EditingClient.start(test, { "cart.ts": CART });
    await editor.open("cart.ts");
    await editor.insert("cart.ts", 0, "export function mysteriousZyxwvMarker() {}\n");
    assert.equal(
      (await editor.found("mysteriousZyxwvMarker"))[0],
      "cart.ts:1 export function mysteriousZyxwvMarker() {}",
    );
    const [{ status: before }] = await editor.client.statuses();

    // What is indexed meanwhile is merged and written, and the server is closed in order.
    writeFiles(editor.root, { "new.ts": "export function savedForReal() {}\n" });
    await editor.client.tell("workspace/didChangeWatchedFiles", { changes: [{ uri: editor.uri("new.ts"), type: 1 }] });
    await editor.client.until(async () => {
      const [{ status }] = await editor.client.statuses();
      return status.phase === "ready" && status.embedded === before.embedded + 1;
    });
    await editor.client.ask("shutdown");
    await editor.client.tell("exit");
    await editor.client.exitCode();

    const traces = filesBelow(editor.cacheDirectory).filter((path) => /zyxwv/i.test(readFileSync(path, "latin1")));
    assert.deepEqual(traces, []);
    const saved = filesBelow(editor.cacheDirectory).filter((path) => readFileSync(path, "latin1").includes("new.ts"));
    assert.notDeepEqual(saved, []);
  });

  it("is ignored when it is untitled, outside the folder, left out, binary or too large", async (test) => {
    const files = {
      "cart.ts": CART,
      ".gitignore": "secret/\n",
      "secret/a.ts": "export const a = 1;\n",
      "b.dat": "a\0b",
    };
    const editor = await EditingClient.start(test, files, {
      initializationOptions: { showsStatus: true, settings: { index: { maxFileSizeKb: 64 } } },
    });
    const marker = "export function nowhereToBeFound() {}\n";
    await editor.open("", marker, "untitled:Untitled-1");
    await editor.open("", marker, uriOf(join(editor.root, "../outside.ts")));
    await editor.open("secret/a.ts", marker);
    await editor.open("b.dat", marker);
    await editor.open("new-and-never-saved.ts", marker);
    await editor.open("cart.ts", marker + `// ${"words ".repeat(12)}\n`.repeat(1_000));
    assert.ok(!(await editor.found("nowhereToBeFound")).some((hit) => hit.includes("nowhereToBeFound")));
    assert.equal((await editor.found("withVoucher"))[0], `cart.ts:7 ${VOUCHER_LINE}`);
    assert.deepEqual(editor.client.surprises, []);
  });

  it("is found when its folder is opened after it", async (test) => {
    const editor = await EditingClient.start(test, { "cart.ts": CART }, { folders: [] });
    await editor.open("cart.ts", "export function earlyBird() {}\n");
    const added = [{ uri: uriOf(editor.root), name: "project" }];
    await editor.client.tell("workspace/didChangeWorkspaceFolders", { event: { added, removed: [] } });
    await editor.until("earlyBird", true);
  });
});

describe("unsaved edits in several windows", () => {
  it("the last edit wins, and a window that dies takes its edits away", async (test) => {
    const [root, cache] = [temporaryFolder(test), temporaryFolder(test)];
    writeFiles(root, { "cart.ts": CART });
    const here = await openCore(test, root, cache, { role: "editor" });
    await here.workspace.idle();
    const other = fork(fileURLToPath(new URL("servers/opens-root.ts", import.meta.url)), [root, cache, "editor"], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    test.after(() => other.kill("SIGKILL"));
    const edit = async (text: string | undefined) => {
      other.send({ edit: join(root, "cart.ts"), text });
      await once(other, "message");
    };
    const names = async () => {
      await here.workspace.idle();
      return (await here.workspace.search({ query: "walnut hazel" })).hits.map(({ name }) => name);
    };

    here.workspace.edited(join(root, "cart.ts"), "export function walnut() {}\n");
    assert.deepEqual(await names(), ["walnut"]);
    // Only opened, not edited.
    await edit(CART);
    assert.deepEqual(await names(), ["walnut"]);
    await edit("export function hazel() {}\n");
    assert.deepEqual(await names(), ["hazel"]);
    here.workspace.edited(join(root, "cart.ts"), "export function walnutAgain() {}\n");
    assert.deepEqual(await names(), ["walnutAgain"]);
    await edit("export function hazelAgain() {}\n");
    assert.deepEqual(await names(), ["hazelAgain"]);

    const changed = nextStatus(here.workspace, async () => (await names())[0] === "walnutAgain");
    other.kill("SIGKILL");
    await changed;
    here.workspace.edited(join(root, "cart.ts"), undefined);
    assert.deepEqual(await names(), []);
  });

  it("a window that takes the index over finds its own edits in it", async (test) => {
    const [root, cache] = [temporaryFolder(test), temporaryFolder(test)];
    writeFiles(root, { "cart.ts": CART });
    const other = fork(fileURLToPath(new URL("servers/opens-root.ts", import.meta.url)), [root, cache, "editor"], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    test.after(() => other.kill("SIGKILL"));
    other.send("idle");
    await once(other, "message");
    const here = await openCore(test, root, cache, { role: "editor" });
    here.workspace.edited(join(root, "cart.ts"), "export function keptThroughout() {}\n");
    await here.workspace.idle();
    assert.equal((await here.workspace.search({ query: "keptThroughout" })).hits[0].name, "keptThroughout");
    const ended = once(other, "exit");
    other.kill("SIGKILL");
    await ended;
    assert.equal((await here.workspace.idle()).holder, true);
    assert.equal((await here.workspace.search({ query: "keptThroughout" })).hits[0].name, "keptThroughout");
  });
});

/** Resolves when the condition holds, looking again at each change of status. */
function nextStatus(
  workspace: { onStatus(listener: () => void): { dispose(): void } },
  condition: () => Promise<boolean>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const listening = workspace.onStatus(() => {
      condition().then((holds) => {
        if (!holds) return;
        listening.dispose();
        resolve();
      }, reject);
    });
  });
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => join(folder, path))
    .filter((path) => statSync(path).isFile());
}
