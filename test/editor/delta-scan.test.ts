import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, utimesSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { put, randomNumbers } from "../delta-fixture.ts";
import { answerFolderDialog, answerQuestion, modelMaker, panel, scrollsSideways, shows } from "./delta-page.ts";
import { inWorkbench, type Suite } from "./suite.ts";
import { DARK, HIGH_CONTRAST, LIGHT } from "./workbench.ts";

inWorkbench("a folder of models in the delta workbench", prepare, (suite) => {
  test("the other tab is reached by the arrows, and begins with the Hub's cache", async () => {
    const { workbench } = suite;
    await workbench.run("Cairn: Open Delta Workbench");
    const page = panel(workbench);
    await page.locator("#tab-pair").focus();
    await workbench.page.keyboard.press("ArrowRight");
    await page.locator('#tab-scan:focus[aria-selected="true"]').waitFor();
    assert.equal(await page.locator("#panel-pair").isVisible(), false);
    await page.locator("#scan").click();
    await shows(page, "The Hub's cache is not there");
    await shows(page, "Choose a folder with models.");
    await workbench.screenshot("delta-scan-empty");
  });

  test("a scan says what was made from what, and chooses what is worth it", async () => {
    const { workbench, code } = suite;
    const page = panel(workbench);
    await page.locator('[aria-label="Folder with models or datasets: Folder"]').click();
    await answerFolderDialog(workbench, code);
    await page.locator(`#folder[title=${JSON.stringify(code)}]`).waitFor();
    assert.equal(await page.locator("#deltas").inputValue(), `${code}-deltas`);
    await page.locator("#folder").press("Enter");
    await shows(page, `5 models in ${code}, 2 made from another.`);
    await shows(page, "2 chosen: ");
    const about = await page.locator(".record:has-text('code/near') .record-about").textContent();
    assert.match(
      about ?? "",
      /^from code\/base: named as the base by the model itself, the same architecture, all tensors/,
    );
    await page.locator("#threshold").fill("80");
    await shows(page, "1 chosen: ");
    await page.locator("#threshold").fill("60");
    await page.locator("#proposal-1").focus();
    await workbench.page.keyboard.press("Space");
    await page.locator("#proposal-1:focus:not(:checked)").waitFor();
    await shows(page, "1 chosen: ");
    await workbench.page.keyboard.press("Space");
    await shows(page, "2 chosen: ");
    await workbench.screenshot("delta-scan");
  });

  test("it can be read in every theme, also when it is narrow", async () => {
    const { workbench } = suite;
    const page = panel(workbench);
    for (const theme of [LIGHT, HIGH_CONTRAST, DARK]) {
      await workbench.useTheme(theme);
      await workbench.screenshot(`delta-scan-${theme.kind}`);
    }
    await workbench.run("View: Close Primary Side Bar");
    await workbench.page.setViewportSize({ width: 348, height: 900 });
    assert.equal(await scrollsSideways(page), false);
    await workbench.screenshot("delta-scan-narrow");
    await page.locator("#tab-pair").click();
    assert.equal(await scrollsSideways(page), false);
    await workbench.screenshot("delta-pair-narrow");
    await page.locator("#tab-scan").click();
    await workbench.page.setViewportSize({ width: 1280, height: 800 });
  });

  test("one that cannot be compressed does not keep the others from it", async () => {
    const { workbench, code } = suite;
    const page = panel(workbench);
    const whole = readFileSync(join(code, "far/model.safetensors"));
    put(join(code, "far"), { "model.safetensors": whole.subarray(0, 1000) });
    await page.locator("#collect").click();
    await shows(page, "1 delta made, checked and listed in");
    await shows(page, "1 could not be made: the list says why.");
    await shows(page, "far/model.safetensors is not a valid safetensors file");
    await workbench.screenshot("delta-scan-problem");
    put(join(code, "far"), { "model.safetensors": whole });
    assert.deepEqual(readdirSync(`${code}-deltas`).toSorted(), ["cairn-deltas.json", "near.delta"]);
    await page.locator(".history .record").waitFor();
  });

  test("all is undone, and removed only after a question", async () => {
    const { workbench, code } = suite;
    const page = panel(workbench);
    await page.locator("#undo").click();
    await answerQuestion(workbench, "Undo");
    await shows(page, "1 delta in ");
    assert.equal(await page.locator(".history .record").count(), 0);
    assert.deepEqual(readdirSync(`${code}-deltas`), []);

    const before = readFileSync(join(code, "near/model.safetensors"));
    await page.locator("#proposal-1").click();
    await page.locator("#replace").click();
    await page.locator("#collect").click();
    await answerQuestion(workbench, "Cancel");
    assert.deepEqual(readdirSync(`${code}-deltas`), []);
    await page.locator("#collect").click();
    await answerQuestion(workbench, "Compress and Remove");
    await shows(page, "the original is removed");
    assert.equal(existsSync(join(code, "near")), false);
    await page.locator("#replace:not(:checked)").waitFor();
    await workbench.screenshot("delta-scan-removed");
    await page.locator("#undo").click();
    await answerQuestion(workbench, "Undo");
    await shows(page, "The originals are there as they were.");
    assert.deepEqual(readFileSync(join(code, "near/model.safetensors")), before);
  });

  test("a scan that is cancelled keeps what it has found", async () => {
    const { workbench } = suite;
    const page = panel(workbench);
    await page.locator("#scan").click();
    await page.locator(".cancel").waitFor();
    const servers = workbench.serverProcesses();
    for (const pid of servers) process.kill(pid, "SIGSTOP");
    await page.locator(".cancel").click();
    await page.locator('.running:has-text("Cancelling")').waitFor();
    for (const pid of servers) process.kill(pid, "SIGCONT");
    await shows(page, "Cancelled.");
    await page.locator("#scan:focus").waitFor();
  });
});

/** A base, a near and a far fine-tune of it, a stranger, and what cannot be read. */
async function prepare({ workbench, code }: Suite): Promise<void> {
  const maker = modelMaker(randomNumbers(91));
  const config = JSON.stringify({ model_type: "llama", hidden_size: 320 });
  const models = { base: maker.base(), near: maker.fine(0.005), far: maker.fine(0.02), stranger: maker.stranger() };
  for (const [at, [name, bytes]] of Object.entries(models).entries()) {
    const file = put(join(code, name), { "model.safetensors": bytes, "config.json": config });
    utimesSync(file, 1e9 + at, 1e9 + at);
  }
  put(join(code, "near"), { "README.md": "---\nbase_model: someone/base\n---\n" });
  put(join(code, "single"), { "other.safetensors": maker.stranger() });
  put(join(code, "broken"), { "model.safetensors": "nonsense" });
  await workbench.open(dirname(code));
  await workbench.statusItem().waitFor({ timeout: 60_000 });
}
