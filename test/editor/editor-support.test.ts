import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { writeFiles } from "../open-core.ts";
import type { Locator } from "./browser.ts";
import { inWorkbench, type Suite } from "./suite.ts";
import { DARK, HIGH_CONTRAST, LIGHT } from "./workbench.ts";

inWorkbench("what surrounds the search in a real workbench", prepare, (suite) => {
  test("the walkthrough has four steps, and one of them is a real search", async () => {
    const { workbench, view } = suite;
    const steps = workbench.page.locator(".getting-started-step");
    const picture = workbench.page.frameLocator(".getting-started-media iframe").frameLocator("iframe#active-frame");
    await workbench.run("Cairn: Get Started");
    await steps.nth(3).waitFor();
    // The pictures need room.
    await workbench.run("View: Toggle Primary Side Bar Visibility");
    assert.equal(await steps.count(), 4);
    await workbench.page.locator('.getting-started-step[data-step-id$="#index"][aria-checked="true"]').waitFor();
    for (const theme of [LIGHT, HIGH_CONTRAST, DARK]) {
      await workbench.useTheme(theme);
      for (const [index, step] of ["machine", "index", "ask", "privacy"].entries()) {
        await expand(steps.nth(index));
        await picture.locator("svg").first().waitFor();
        await workbench.screenshot(`walkthrough ${step} ${theme.name}`);
      }
    }
    await expand(steps.nth(2));
    await workbench.page.locator('.getting-started-step .monaco-button:has-text("Ask an Example Question")').click();
    await view.hits.first().waitFor();
    assert.match(await view.input.inputValue(), /^[a-z]+( [a-z]+){2,}/);
    await workbench.screenshot("walkthrough asked");
    await workbench.run("View: Close All Editors");
  });

  test("the active file says how it is indexed, or why it is not", async () => {
    const { workbench } = suite;
    const { page } = workbench;
    for (const [name, text, detail] of [
      ["errors.ts", "Indexed along its syntax", "TypeScript, "],
      ["guide.md", "Left out of the index", "docs/**"],
      ["notes.txt", "Indexed in windows of lines", "Plain text, 1 piece"],
    ]) {
      await workbench.openFile(name);
      await page.locator('.statusbar-item[id^="status.languageStatus"]').hover();
      const status = page.locator(
        '.hover-language-status:has-text("Indexed"), .hover-language-status:has-text("index")',
      );
      const said = page.locator(`.hover-language-status:has-text(${JSON.stringify(text)})`);
      await said.first().waitFor();
      assert.match((await said.first().textContent()) ?? "", new RegExp(detail.replace(/[*.]/g, "\\$&")), name);
      assert.equal(await status.count(), 1);
      await workbench.screenshot(`language status ${name}`);
      await page.mouse.move(640, 300);
    }
  });

  test("what is indexed and what is not is a tree, and a click opens the file", async () => {
    const { workbench } = suite;
    await workbench.run("Cairn: What Is Indexed and What Is Not");
    await workbench.page.locator('.pane-header[aria-label^="Search by Meaning"]').click();
    const row = (label: string) =>
      workbench.page.locator(
        `.pane:has(.title:text-is("What Is Indexed and What Is Not")) .monaco-list-row[aria-label^="${label}"]`,
      );
    await row("Indexed, ").click();
    await row("shared, ").click();
    await row("errors.ts, TypeScript").waitFor();
    assert.match((await row("errors.ts").getAttribute("aria-label")) ?? "", /along its syntax/);
    await row("shared, ").click();
    await row("Not text, 1").click();
    await row("picture.png, an image").waitFor();
    await row("Excluded by settings").click();
    await row("docs, ").waitFor();
    for (const theme of [LIGHT, HIGH_CONTRAST, DARK]) {
      await workbench.useTheme(theme);
      await workbench.screenshot(`contents ${theme.name}`);
    }
    await row("picture.png").click();
    await workbench.activeFile("picture.png");
    await workbench.run("View: Close All Editors");
  });

  test("a file that is saved moves in the tree without being asked for", async () => {
    const { workbench } = suite;
    writeFiles(suite.code, { "kettle.ts": "export function boilKettle(): void {}\n" });
    await workbench.page.locator('.monaco-list-row[aria-label^="kettle.ts, TypeScript"]').waitFor();
  });

  test("the diagnostic report holds what matters, and neither names nor secrets", async () => {
    const { workbench } = suite;
    await workbench.run("Cairn: Copy Diagnostic Report");
    await workbench.page.locator('.statusbar-item:has-text("the diagnostic report is on the clipboard")').waitFor();
    await workbench.screenshot("diagnostic report");
    const report = await workbench.clipboard();
    for (const part of [
      /^# Cairn: diagnostic report\n\n- Cairn \d+\.\d+\.\d+\n/,
      /\n- Node \d+\.\d+\.\d+, linux /,
      /\n- Server: running\n/,
      /\n- cairn\.index\.exclude: \["docs\/\*\*"\]\n/,
      /"phase": "ready"/,
      /## Health\n\n```\n.*"name": "index",\n +"state": "ready"/s,
      /\n- ok: Model: /,
      /## Log\n\n```\n.*walked \(opened\)/s,
    ]) {
      assert.match(report, part);
    }
    assert.ok(!report.includes(`${homedir()}/`), "the home folder is named");
  });

  test("all data is deleted after one question, and the folder is indexed again", async () => {
    const { workbench } = suite;
    const { page } = workbench;
    await workbench.run("Cairn: Delete All Data");
    const dialog = page.locator(".monaco-dialog-box");
    await dialog.locator(':text("Delete all data that Cairn keeps on this machine?")').first().waitFor();
    await workbench.screenshot("delete all data");
    await dialog.locator('.monaco-button:has-text("Cancel")').click();
    await dialog.waitFor({ state: "detached" });
    assert.deepEqual(await workbench.toasts(), [], "nothing is deleted unless it is confirmed");

    await workbench.run("Cairn: Delete All Data");
    await dialog.locator('.monaco-button:has-text("Delete")').first().click();
    await page.locator(".notification-toast").first().waitFor();
    await workbench.screenshot("deleted all data");
    assert.match(
      [...new Set(await workbench.toasts())].join(),
      /^All of Cairn's data was deleted: \d+\.\d MB are free again\.$/,
    );
    const view = await workbench.searchView();
    await view.indexed();
    await view.search("the few kinds of error that cross a process", "errors.ts");
  });

  test("nothing is read in a workspace that is not trusted, whatever its own settings say", async () => {
    const { workbench, code } = suite;
    writeFiles(code, { ".vscode/settings.json": '{ "cairn.index.enabled": true, "cairn.index.exclude": [] }' });
    workbench.configure({
      "security.workspace.trust.enabled": true,
      "security.workspace.trust.startupPrompt": "never",
      "security.workspace.trust.banner": "never",
    });
    await workbench.open(code);
    const view = await workbench.searchView();
    await view.shows("This workspace is not trusted yet");
    await workbench.run("Cairn: What Is Indexed and What Is Not");
    await workbench.page.locator('.message:has-text("Nothing is indexed until you trust this workspace.")').waitFor();
    await workbench.openFile("errors.ts");
    await workbench.page.locator('.statusbar-item[id^="status.languageStatus"]').hover();
    await workbench.page.locator('.hover-language-status:has-text("until you trust this workspace")').waitFor();
    await workbench.screenshot("untrusted support");
    assert.deepEqual(workbench.serverProcesses(), []);
  });
});

async function prepare(suite: Suite): Promise<void> {
  copyRealCode(suite.code);
  suite.workbench.configure({ "cairn.index.exclude": ["docs/**"] });
  await suite.workbench.open(suite.code);
  suite.view = await suite.workbench.searchView();
  await suite.view.indexed();
}

/** Opens a step of the walkthrough; the one that is open cannot be clicked. */
async function expand(step: Locator): Promise<void> {
  if ((await step.getAttribute("aria-expanded")) !== "true") await step.click();
}

/** Cairn's own sources, and a file for each fate. */
function copyRealCode(folder: string): void {
  const root = join(import.meta.dirname, "../..");
  for (const name of ["extension", "shared", "server/store"]) {
    cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  cpSync(join(root, "media/icon.png"), join(folder, "picture.png"));
  writeFiles(folder, { "docs/guide.md": "# Guide\n", "notes.txt": "what to buy\n" });
}
