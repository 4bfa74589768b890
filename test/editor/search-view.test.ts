import assert from "node:assert/strict";
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { writeFiles } from "../open-core.ts";
import { inWorkbench, type Suite } from "./suite.ts";
import { DARK, HIGH_CONTRAST, LIGHT, type SearchViewPage, type Workbench } from "./workbench.ts";

inWorkbench("the packaged extension in a real workbench", prepare, (suite) => {
  test("the first use offers examples, and one of them is a search", async () => {
    const { workbench, view } = suite;
    await view.shows("Say what the code does, in your own words");
    await workbench.screenshot("first-use");
    await view.indexed();
    await view.locator(".example").first().click();
    await view.hits.first().waitFor();
    assert.equal(await view.input.inputValue(), "where are errors turned into messages?");
  });

  test("results come as the user types, grouped by file, with the match highlighted", async () => {
    const { workbench, view } = suite;
    await view.input.fill("");
    await workbench.page.keyboard.type("groupByFile");
    await view.locator('.file-name:text-is("group-hits.ts")').first().waitFor();
    assert.match((await view.summary.textContent()) ?? "", /^\d+ results? in \d+ files?$/);

    const group = view.locator('[role=group]:has(.file-name:text-is("group-hits.ts"))').first();
    assert.equal(await group.locator(".folder").textContent(), "media");
    assert.equal(await group.locator(".count").textContent(), String(await group.locator("[role=option]").count()));
    const marked = await group.locator("mark").allInnerTexts();
    assert.ok(
      marked.some((text) => /group|file/i.test(text)),
      `highlighted: ${marked}`,
    );
    assert.notEqual(await group.locator(".reason").first().textContent(), "");
  });

  test("Enter opens the hit at its line, by keyboard alone", async () => {
    const { workbench, view } = suite;
    const { keyboard } = workbench.page;
    await keyboard.press("Control+Shift+Alt+F");
    await view.search("the few kinds of error that cross a process", "errors.ts");
    await keyboard.press("ArrowDown");
    await keyboard.press("ArrowDown");
    await keyboard.press("ArrowUp");
    const opened = await placeOfActiveHit(view);
    await keyboard.press("Enter");
    await workbench.activeFile(opened.file);
    await workbench.cursorLine(opened.line);
    await workbench.screenshot("opened");
    await workbench.page.locator(".editor-instance .monaco-editor.focused").waitFor();
  });

  test("a click previews and leaves the cursor in the view; the list has keys of its own", async () => {
    const { workbench, view } = suite;
    await view.search("groupByFile", "group-hits.ts");
    await view.hits.first().click();
    const previewed = await placeOfActiveHit(view);
    await workbench.activeFile(previewed.file);
    await view.locator("#results:focus").waitFor();

    await workbench.page.keyboard.press("End");
    const count = await view.hits.count();
    assert.equal(await view.activeHit.getAttribute("id"), `hit-${count - 1}`);
    await workbench.page.keyboard.press("Home");
    assert.equal(await view.activeHit.getAttribute("id"), "hit-0");
    await workbench.page.keyboard.press("Escape");
    await view.shows("Say what the code does");
    assert.equal(await view.input.inputValue(), "");
  });

  test("Control and Enter open to the side", async () => {
    const { workbench, view } = suite;
    const groups = workbench.page.locator(".editor-group-container");
    await view.search("groupByFile", "group-hits.ts");
    await workbench.page.keyboard.press("Control+Enter");
    await groups.nth(1).locator('.tab.active[data-resource-name="group-hits.ts"]').waitFor();
    assert.equal(await groups.count(), 2);
    await workbench.run("View: Close Editor");
    await groups.nth(1).waitFor({ state: "detached" });
  });

  test("a saved edit can be found", async () => {
    const { workbench, view } = suite;
    await view.search("groupByFile", "group-hits.ts");
    await workbench.page.keyboard.press("Enter");
    await workbench.activeFile("group-hits.ts");
    await workbench.page.locator(".editor-instance .monaco-editor.focused").waitFor();
    await workbench.page.keyboard.press("Control+End");
    await workbench.page.keyboard.type("\n// A marmalade lighthouse warns the quokkas.\n");
    await workbench.page.keyboard.press("Control+S");
    await workbench.page.locator(".tab.active:not(.dirty)").waitFor();
    await view.search("marmalade lighthouse quokkas", "group-hits.ts");
    await view.locator('.code-line:has-text("warns the quokkas") mark').first().waitFor();
  });

  test("an edit that is not saved is found as it is on screen, and is gone when it is undone", async () => {
    const { workbench, view } = suite;
    await workbench.openFile("group-hits.ts");
    await workbench.page.keyboard.press("Control+Home");
    await workbench.page.keyboard.type("// A velvet trombone tunes the wombats.\n");
    await workbench.page.locator(".tab.active.dirty").waitFor();
    await view.search("velvet trombone wombats", "group-hits.ts");
    await view.locator('.code-line:has-text("tunes the wombats") mark').first().waitFor();
    await view.locator(".line:text-is(':1')").first().waitFor();
    await workbench.run("File: Revert File");
    await workbench.page.locator(".tab.active:not(.dirty)").waitFor();
    await view.input.fill("velvet trombone");
    await view.locator('.code-line:has-text("velvet trombone")').first().waitFor({ state: "detached" });
  });

  test("the view keeps its query while it is hidden", async () => {
    const { workbench, view } = suite;
    await view.search("groupByFile", "group-hits.ts");
    await workbench.page.keyboard.press("Control+Shift+E");
    await view.input.waitFor({ state: "detached" });
    await workbench.page.locator(".explorer-folders-view").waitFor();
    await workbench.page.locator('.activitybar .action-label[aria-label^="Cairn"]').first().click();
    await view.locator('.file-name:text-is("group-hits.ts")').first().waitFor();
    assert.equal(await view.input.inputValue(), "groupByFile");
  });

  test("indexing can be paused, resumed and started over", async () => {
    const { workbench, view } = suite;
    await workbench.run("Cairn: Pause Indexing");
    await view.shows("Indexing is paused.");
    await workbench.page.locator('.statusbar-item:has-text("Cairn: paused")').waitFor();
    await workbench.screenshot("paused");
    await view.locator('button:text-is("Resume")').click();
    await view.indexed();

    await workbench.run("Cairn: Rebuild Index");
    await view.search("countLabel", "in-words.ts");
    await view.indexed();
  });

  test("what is left out is listed with reasons", async () => {
    const { workbench } = suite;
    await workbench.run("Cairn: What Is Indexed and What Is Not");
    await workbench.page.locator('.monaco-list-row[aria-label^="Not text, 2"]').click();
    await workbench.page.locator('.monaco-list-row[aria-label^="picture.png, an image"]').waitFor();
    await workbench.screenshot("contents");
  });

  test("the status item offers what can be done", async () => {
    const { workbench } = suite;
    await workbench.statusItem().click();
    await workbench.page.locator('.quick-input-list .monaco-list-row:has-text("Pause Indexing")').waitFor();
    await workbench.screenshot("menu");
    await workbench.page.keyboard.press("Escape");
  });

  for (const theme of [DARK, LIGHT, HIGH_CONTRAST]) {
    test(`it can be read in ${theme.name}, also in a narrow side bar`, async () => {
      const { workbench, view } = suite;
      await workbench.useTheme(theme);
      await workbench.sideBarWidth(320);
      await view.search("the few kinds of error that cross a process", "errors.ts");
      await workbench.page.keyboard.press("ArrowDown");
      await workbench.screenshot(theme.name);
      await workbench.sideBarWidth(250);
      assert.ok(!(await view.scrollsSideways()), "the view scrolls sideways");
      await workbench.screenshot(`${theme.name} narrow`);
      for (const isSelected of [true, false]) {
        const contrast = await view.contrastOf(`[aria-selected="${isSelected}"] .reason`, theme);
        assert.ok(contrast >= 4.5, `the reason is hard to read: its contrast is ${contrast}`);
      }
    });
  }

  test("a server that dies is started again, and search goes on", async () => {
    const { workbench, view } = suite;
    for (const [query, file] of [
      ["HitOpener", "open-hit.ts"],
      ["registerStatusItem", "status.ts"],
      ["CairnApi", "api.ts"],
    ]) {
      killServers(workbench);
      await view.search(query, file);
    }
  });

  test("a server that keeps dying stays down until it is asked for", async () => {
    const { workbench, view } = suite;
    killServers(workbench);
    await view.shows("Cairn's server stopped 4 times within 3 minutes.");
    await workbench.screenshot("crashed");
    await view.locator('button:text-is("Restart")').click();
    await view.search("groupByFile", "group-hits.ts");
  });

  test("several folders are searched as one, each by its own settings", async () => {
    const { workbench } = suite;
    const tea = join(suite.code, "../tea");
    writeFiles(tea, {
      "kettle.ts": "/** Boils water in a samovar. */\nexport function boil(): void {}\n",
      "old/samovar.ts": "/** Polishes the samovar. */\nexport function polish(): void {}\n",
      ".vscode/settings.json": JSON.stringify({ "cairn.index.exclude": ["old/**"] }),
      "../both.code-workspace": JSON.stringify({ folders: [{ path: "code" }, { path: "tea" }] }),
    });
    await workbench.open(join(tea, "../both.code-workspace"));
    const view = await workbench.searchView();
    await view.indexed();
    await view.search("boils water in a samovar", "kettle.ts");
    assert.equal(await view.locator('[role=group]:has(.file-name:text-is("kettle.ts")) .folder').textContent(), "tea");
    assert.equal(await view.locator('.file-name:text-is("samovar.ts")').count(), 0);
    await view.search("groupByFile", "group-hits.ts");
    await view.locator('.folder:has-text("code • media")').first().waitFor();
    await workbench.screenshot("several folders");
  });

  test("an empty folder and no folder each say so", async () => {
    const { workbench } = suite;
    const empty = join(suite.code, "../empty");
    mkdirSync(empty);
    workbench.configure({});
    await workbench.open(empty);
    let view = await workbench.searchView();
    await view.shows("There is nothing to search in this folder yet.");
    await workbench.screenshot("empty");

    await workbench.open(undefined);
    view = await workbench.searchView();
    await view.shows("Open a folder to search its code by meaning.");
  });
});

async function prepare(suite: Suite): Promise<void> {
  copyRealCode(suite.code);
  await suite.workbench.open(suite.code);
  suite.view = await suite.workbench.searchView();
}

/** Cairn's own sources and a package of a hundred files, with a picture that cannot be searched. */
function copyRealCode(folder: string): void {
  const root = join(import.meta.dirname, "../..");
  for (const name of ["extension", "media", "server", "shared"]) {
    cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  cpSync(join(root, "node_modules/vscode-languageclient/lib"), join(folder, "packages/languageclient"), {
    recursive: true,
  });
  cpSync(join(root, "media/icon.png"), join(folder, "picture.png"));
}

/** The server and nothing else: its process is found by the folder that only this workbench uses. */
function killServers(workbench: Workbench): void {
  const processes = workbench.serverProcesses();
  assert.equal(processes.length, 1, "one server serves one window");
  for (const pid of processes) process.kill(pid, "SIGKILL");
}

async function placeOfActiveHit(view: SearchViewPage): Promise<{ file: string; line: number }> {
  const line = Number((await view.activeHit.locator(".line").textContent())?.slice(1));
  const file = (await view.locator("[role=group]:has([aria-selected=true]) .file-name").textContent()) ?? "";
  return { file, line };
}
