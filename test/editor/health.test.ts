import assert from "node:assert/strict";
import { test } from "node:test";
import { writeFiles } from "../open-core.ts";
import { PROJECT } from "../sample-project.ts";
import { panel, shows } from "./delta-page.ts";
import { inWorkbench, type Suite } from "./suite.ts";
import { DARK, LIGHT } from "./workbench.ts";

inWorkbench("Cairn's health in a real workbench", prepare, (suite) => {
  test("the panel says how the index does, and looks again when it is asked to", async () => {
    const { workbench } = suite;
    await workbench.run("Cairn: Show Health");
    const page = panel(workbench);
    await shows(page, "Looked at ");
    assert.match(await page.locator("tbody tr").first().textContent(), /The index(?:✓ works|… at work)\d.* ms/);
    for (const theme of [LIGHT, DARK]) {
      await workbench.useTheme(theme);
      await workbench.screenshot(`health-${theme.kind}`);
    }
    await page.locator('button:has-text("Look Again")').focus();
    await workbench.page.keyboard.press("Enter");
    await page.locator('button:has-text("Look Again"):focus').waitFor();
    await shows(page, "Looked at ");
  });

  // For other platforms there are none.
  const hasLibraries = process.arch === "x64" && process.platform !== "darwin";
  if (!hasLibraries) return;
  test("the libraries for a graphics processor are listed with their size, and what was found", async () => {
    const { workbench } = suite;
    for (const theme of [LIGHT, DARK]) {
      await workbench.useTheme(theme);
      await workbench.run("Cairn: Get GPU Libraries");
      const listed = '.monaco-list-row[aria-label^="vulkan"][aria-label*="MB to download, "]';
      await workbench.page.locator(`.quick-input-widget ${listed}`).waitFor({ timeout: 60_000 });
      await workbench.screenshot(`gpu-libraries-${theme.kind}`);
      await workbench.page.keyboard.press("Escape");
    }
  });
});

async function prepare({ workbench, code }: Suite): Promise<void> {
  writeFiles(code, PROJECT);
  await workbench.open(code);
  await workbench.statusItem().waitFor({ timeout: 60_000 });
}
