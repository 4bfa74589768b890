import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { writeFiles } from "../open-core.ts";
import type { Locator } from "./browser.ts";
import { inWorkbench, type Suite } from "./suite.ts";
import { DARK, HIGH_CONTRAST, LIGHT, LIGHT_HIGH_CONTRAST, type Workbench } from "./workbench.ts";

const SHAPES = {
  "shapes/area.py": `def circle_area(radius):
    """Computes the area of a circle."""
    return 3.14159 * radius * radius
`,
  "shapes/disc.py": `def disc_surface(radius):
    """Computes the surface of a disc."""
    return 3.14159 * radius * radius
`,
  "shapes/plums.ts": `/** Strolls through the orchard and counts every ripe plum on the way. */
export function strollAndCount(plums: readonly boolean[]): number {
  let ripe = 0;
  for (const plum of plums) if (plum) ripe++;
  return ripe;
}

export const counted = strollAndCount([true, false]);
`,
  "shapes/pears.ts": `/** Counts the ripe pears. */
export function ripePears(pears: readonly boolean[]): number {
  let ripe = 0;
  for (const pear of pears) if (pear) ripe++;
  return ripe;
}
`,
};

inWorkbench("the ways to search in a real workbench", prepare, (suite) => {
  test("the quick pick finds while one types, previews the active hit, and Escape brings the place before back", async () => {
    const { workbench } = suite;
    const { keyboard } = workbench.page;
    await workbench.openFile("plums.ts");
    await goToLine(workbench, 4);
    await quickSearch(workbench, "computes the area of a circle");
    await row(workbench, "circle_area").waitFor();
    await workbench.activeFile("area.py");
    await workbench.screenshot("quick pick");
    await keyboard.press("Escape");
    await workbench.activeFile("plums.ts");
    await workbench.cursorLine(4);
    await workbench.page.locator('.tab[data-resource-name="area.py"]').waitFor({ state: "detached" });
  });

  test("Enter in the quick pick opens the hit, with the cursor in the editor", async () => {
    const { workbench } = suite;
    await quickSearch(workbench, "computes the area of a circle");
    await row(workbench, "circle_area").waitFor();
    await workbench.page.keyboard.press("Enter");
    await workbench.activeFile("area.py");
    await workbench.page.locator(".editor-instance .monaco-editor.focused").waitFor();
  });

  test("Control and Enter in the quick pick open to the side", async () => {
    const { workbench } = suite;
    await quickSearch(workbench, "counts the ripe pears");
    await row(workbench, "ripePears").waitFor();
    await workbench.page.keyboard.press("Control+Enter");
    const groups = workbench.page.locator(".editor-group-container");
    await groups.nth(1).locator('.tab.active[data-resource-name="pears.ts"]').waitFor();
    await groups.nth(0).locator('.tab.active[data-resource-name="area.py"]').waitFor();
    await workbench.run("View: Close Editor");
    await groups.nth(1).waitFor({ state: "detached" });
  });

  test("the quick pick hands its query to the view", async () => {
    const { workbench, view } = suite;
    await quickSearch(workbench, "counts the ripe pears");
    await row(workbench, "ripePears").waitFor();
    await workbench.page.locator('.quick-input-widget .action-label[aria-label="Show All in the View"]').click();
    await view.locator('.file-name:text-is("pears.ts")').first().waitFor();
    assert.equal(await view.input.inputValue(), "counts the ripe pears");
  });

  test("code that is like the function at the cursor is found, without the function itself", async () => {
    const { workbench, view } = suite;
    await workbench.openFile("plums.ts");
    await goToLine(workbench, 4);
    await workbench.run("Cairn: Find Similar Code");
    await view.locator('.subject:text-is("Similar to strollAndCount (plums.ts:2)")').waitFor();
    await view.locator('.symbol:text-is("ripePears")').first().waitFor();
    assert.equal(await view.locator('.symbol:text-is("strollAndCount")').count(), 0);
    await workbench.screenshot("similar");
  });

  test("code that is like what is selected is found from the editor's context menu", async () => {
    const { workbench, view } = suite;
    const { page } = workbench;
    await workbench.openFile("area.py");
    await goToLine(workbench, 1);
    await page.keyboard.press("Shift+ArrowDown");
    await page.keyboard.press("Shift+ArrowDown");
    await page.keyboard.press("Shift+ArrowDown");
    await page.keyboard.press("Shift+F10");
    const entries = page.locator(".monaco-menu .action-label");
    await page.locator('.monaco-menu .action-label[aria-label^="Search From Cursor"]').waitFor();
    assert.ok((await entries.allInnerTexts()).includes("Find Similar Code"));
    // A click on a menu that has only just opened is taken for the end of the one that opened it.
    await page.locator('.monaco-menu .action-label[aria-label^="Find Similar Code"]').hover();
    await page.locator(".monaco-menu .action-item.focused:has-text('Find Similar Code')").waitFor();
    await page.keyboard.press("Enter");
    await view.locator('.subject:text-is("Similar to lines 1–3 (area.py:1)")').waitFor();
    await view.locator('.symbol:text-is("disc_surface")').first().waitFor();
    await view.input.fill("orchard");
    await view.locator(".subject:empty").waitFor({ state: "attached" });
  });

  test("the symbol under the cursor and its doc comment are a query", async () => {
    const { workbench, view } = suite;
    await workbench.openFile("plums.ts");
    await goToLine(workbench, 8);
    for (let column = 0; column < 24; column++) await workbench.page.keyboard.press("ArrowRight");
    await workbench.run("Cairn: Search From Cursor");
    await view.locator('.reason:has-text("defines strollAndCount")').first().waitFor();
    const query = await view.input.inputValue();
    assert.match(query, /^strollAndCount .*counts every ripe plum/);
  });

  test("filters are written or chosen, shown as chips, and removed from the keyboard", async () => {
    const { workbench, view } = suite;
    const { keyboard } = workbench.page;
    await view.search("counts what is ripe", "pears.ts");
    await keyboard.press("Home");
    await keyboard.type("lang:python ");
    await view.locator('.chip-label:text-is("lang: python")').waitFor();
    assert.equal(await view.input.inputValue(), "counts what is ripe");
    await view.locator('.file-name:text-is("pears.ts")').waitFor({ state: "detached" });

    await view.locator('button:text-is("Add filter")').click();
    await workbench.page.locator('.quick-input-list .monaco-list-row[aria-label^="function"]').click();
    await view.locator('.chip-label:text-is("kind: function")').waitFor();
    await workbench.screenshot("filters");
    await view.locator('[aria-label="Remove filter lang: python"]').focus();
    await keyboard.press("Delete");
    await view.locator('.file-name:text-is("pears.ts")').waitFor();
    await view.input.focus();
    await keyboard.press("Home");
    await keyboard.press("Backspace");
    await view.locator(".chip").waitFor({ state: "detached" });
  });

  test("a filter that leaves nothing says so, and one that cannot be says what could", async () => {
    const { view } = suite;
    await view.search("counts what is ripe", "pears.ts");
    await view.input.fill("path:nowhere/** counts what is ripe");
    await view.shows("with these filters.");
    await view.locator('[aria-label="Remove filter path: nowhere/**"]').click();
    await view.input.fill("lang:klingon counts what is ripe");
    await view.shows("klingon");
    await view.locator(".chip").click();
    await view.locator('.file-name:text-is("pears.ts")').waitFor();
  });

  test("earlier queries come back with the arrow keys, until they are cleared", async () => {
    const { workbench, view } = suite;
    const { keyboard } = workbench.page;
    for (const [query, file] of [
      ["surface of a disc", "disc.py"],
      ["orchard stroll", "plums.ts"],
    ]) {
      await view.search(query, file);
      await keyboard.press("Escape");
    }
    await keyboard.press("ArrowUp");
    assert.equal(await view.input.inputValue(), "orchard stroll");
    await keyboard.press("ArrowUp");
    assert.equal(await view.input.inputValue(), "surface of a disc");
    await keyboard.press("ArrowDown");
    await keyboard.press("ArrowDown");
    assert.equal(await view.input.inputValue(), "");
    await workbench.run("Cairn: Clear Search History");
    await workbench.page.locator('.statusbar-item:has-text("the search history is cleared")').waitFor();
    await view.input.focus();
    await keyboard.press("ArrowUp");
    assert.equal(await view.input.inputValue(), "");
  });

  test("results are kept as a document whose places are links", async () => {
    const { workbench, view } = suite;
    const { page } = workbench;
    await view.search("computes the area of a circle", "area.py");
    await workbench.run("Cairn: Keep Results in an Editor");
    await page.locator('.tab.active[aria-label^="Search: computes the area of a circle"]').waitFor();
    await page.locator('.view-line:has-text("shapes/area.py:")').first().waitFor();
    await workbench.screenshot("kept results");
    // The place of the best hit stands on the fourth line.
    await goToLine(workbench, 4);
    await page.locator(".view-line .detected-link").first().waitFor();
    await workbench.run("Open Link");
    await workbench.activeFile("area.py");
  });

  test("query, filters and results survive a reload of the window", async () => {
    const { workbench } = suite;
    let { view } = suite;
    await view.search("counts what is ripe", "pears.ts");
    await workbench.page.keyboard.press("Home");
    await workbench.page.keyboard.type("lang:ts ");
    await view.locator('.chip-label:text-is("lang: ts")').waitFor();
    await workbench.run("Developer: Reload Window");
    await workbench.statusItem().waitFor({ state: "detached" });
    view = await workbench.searchView();
    suite.view = view;
    await view.locator('.file-name:text-is("pears.ts")').first().waitFor();
    assert.equal(await view.input.inputValue(), "counts what is ripe");
    assert.deepEqual(await view.locator(".chip-label").allInnerTexts(), ["lang: ts"]);
  });

  for (const theme of [DARK, LIGHT, HIGH_CONTRAST, LIGHT_HIGH_CONTRAST]) {
    test(`the view with filters and the quick pick can be read at 300 pixels in ${theme.name}`, async () => {
      const { workbench, view } = suite;
      await workbench.useTheme(theme);
      await workbench.sideBarWidth(300);
      await view.search("counts what is ripe", "pears.ts");
      await workbench.page.keyboard.press("Tab");
      await workbench.page.keyboard.press("Tab");
      await view.locator(".chip:focus-visible").waitFor();
      assert.ok(!(await view.scrollsSideways()), "the view scrolls sideways");
      const contrast = await view.contrastOf(".chip-label", theme);
      assert.ok(contrast >= 4.5, `the filter is hard to read: its contrast is ${contrast}`);
      await workbench.screenshot(`filters ${theme.name}`);
      await quickSearch(workbench, "counts the ripe pears");
      await row(workbench, "ripePears").waitFor();
      await workbench.activeFile("pears.ts");
      await workbench.screenshot(`quick pick ${theme.name}`);
      await workbench.page.keyboard.press("Escape");
      await workbench.page.locator(".quick-input-widget").waitFor({ state: "hidden" });
      // When the place before comes back it takes the focus, and closes what was opened meanwhile.
      await workbench.activeFile("area.py");
    });
  }
});

async function prepare(suite: Suite): Promise<void> {
  for (const name of ["extension", "media", "shared"]) {
    cpSync(join(import.meta.dirname, "../..", name), join(suite.code, name), { recursive: true });
  }
  writeFiles(suite.code, SHAPES);
  await suite.workbench.open(suite.code);
  suite.view = await suite.workbench.searchView();
  await suite.view.indexed();
}

async function goToLine(workbench: Workbench, line: number): Promise<void> {
  await workbench.run("View: Focus Active Editor Group");
  await workbench.page.keyboard.press("Control+G");
  const box = workbench.page.locator(".quick-input-widget input").first();
  await box.waitFor();
  await box.fill(`:${line}`);
  await workbench.page.keyboard.press("Enter");
  await workbench.cursorLine(line);
}

async function quickSearch(workbench: Workbench, query: string): Promise<void> {
  await workbench.page.keyboard.press("Control+Alt+M");
  await workbench.page.locator('.quick-input-widget input[placeholder^="Say what the code does"]').fill(query);
}

/** The active row of the quick pick, once it is the one with this symbol: results come while one types. */
function row(workbench: Workbench, name: string): Locator {
  return workbench.page.locator(`.quick-input-list .monaco-list-row.focused[aria-label*="${name}"]`);
}
