import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { writeFiles } from "../open-core.ts";
import { installEditor } from "./editor-install.ts";
import { packagedExtension, type SearchViewPage, Workbench } from "./workbench.ts";

const install = installEditor();
const skip = typeof install === "string" ? install : false;

const THEMES = [
  ["dark", "Dark Modern", "vs-dark"],
  ["light", "Light Modern", "vs"],
  ["high contrast", "Dark High Contrast", "hc-black"],
] as const;

const SETTINGS = { "cairn.index.exclude": ["docs/**"] };

describe("what surrounds the search in a real workbench", { skip, timeout: 600_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "cairn-support-"));
  const code = join(folder, "code");
  let workbench: Workbench;
  let view: SearchViewPage;

  before(async () => {
    if (typeof install === "string") return;
    copyRealCode(code);
    workbench = await Workbench.start(install, packagedExtension());
    workbench.configure(SETTINGS);
    await workbench.open(code);
    view = await workbench.searchView();
    await view.indexed();
  });

  after(async () => {
    await workbench?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  afterEach(async (context) => {
    if (!("passed" in context) || !context.passed) await workbench.screenshot(`failed ${context.name}`);
    assert.deepEqual(await workbench.toasts(), [], "a notification popped up that nobody asked for");
  });

  test("the active file says how it is indexed, or why it is not", async () => {
    const { page } = workbench;
    for (const [name, text, detail] of [
      ["errors.ts", "Indexed along its syntax", "TypeScript, "],
      ["guide.md", "Left out of the index", "docs/**"],
      ["notes.txt", "Indexed in windows of lines", "Plain text, 1 piece"],
    ]) {
      await openFile(workbench, name);
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
    for (const [name, theme, kind] of THEMES) {
      await workbench.useTheme(theme);
      await workbench.page.locator(`.monaco-workbench.${kind}`).waitFor();
      await workbench.screenshot(`contents ${name}`);
    }
    await row("picture.png").click();
    await workbench.activeFile("picture.png");
    await workbench.run("View: Close All Editors");
  });

  test("a file that is saved moves in the tree without being asked for", async () => {
    writeFiles(code, { "kettle.ts": "export function boilKettle(): void {}\n" });
    await workbench.page.locator('.monaco-list-row[aria-label^="kettle.ts, TypeScript"]').waitFor();
  });

  test("the diagnostic report holds what matters, and neither names nor secrets", async () => {
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
      /\n- ok: Model: /,
      /## Log\n\n```\n.*walked \(opened\)/s,
    ]) {
      assert.match(report, part);
    }
    assert.ok(!report.includes(homedir() === "/root" ? " /root/" : homedir()), "the home folder is named");
  });

  test("all data is deleted after one question, and the folder is indexed again", async () => {
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
    view = await workbench.searchView();
    await view.indexed();
    await view.search("the few kinds of error that cross a process", "errors.ts");
  });
});

/** Cairn's own sources, and a file for each fate. */
function copyRealCode(folder: string): void {
  const root = join(import.meta.dirname, "../..");
  for (const name of ["extension", "shared", "server/store"]) {
    cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  cpSync(join(root, "media/icon.png"), join(folder, "picture.png"));
  writeFiles(folder, { "docs/guide.md": "# Guide\n", "notes.txt": "what to buy\n" });
}

/** Opens a file by its name in the list of files. */
async function openFile(workbench: Workbench, name: string): Promise<void> {
  const { page } = workbench;
  await page.keyboard.press("Control+P");
  await page.locator(".quick-input-widget input").first().fill(name);
  await page.locator(`.quick-input-list .monaco-list-row[aria-label^="${name}"]`).first().click();
  await workbench.activeFile(name);
}
