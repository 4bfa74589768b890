/// <reference lib="dom" />
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { DOCUMENTED } from "../documented-files.ts";
import { MANY_FUNCTIONS } from "../many-functions.ts";
import { writeFiles } from "../open-core.ts";
import { PROJECT } from "../sample-project.ts";
import { answerDialog, panel, shows } from "./delta-page.ts";
import { inWorkbench, type Suite } from "./suite.ts";
import { DARK, HIGH_CONTRAST, LIGHT, LIGHT_HIGH_CONTRAST } from "./workbench.ts";

inWorkbench("the benchmark panel in a real workbench", prepare, (suite) => {
  test("it opens from the palette, and says what it does and how long it takes", async () => {
    const { workbench } = suite;
    await workbench.run("Cairn: Open Benchmark");
    const page = panel(workbench);
    await shows(page, "Measures Cairn on this machine and on your own code");
    await shows(page, "There is no run yet");
    await page.locator("#run:enabled").waitFor();
    await workbench.screenshot("bench-empty");
  });

  test("a quick run becomes a sentence, charts, and the same as tables", async () => {
    const { workbench, code } = suite;
    const page = panel(workbench);
    for (const area of ["embed", "answer", "delta", "quality"]) await page.locator(`#area-${area}`).uncheck();
    await page.locator("#run").focus();
    await workbench.page.keyboard.press("Enter");
    await page.locator(".cancel:focus").waitFor();
    await shows(page, "Measured. The run is in the list below.");
    await page.locator("#run:focus").waitFor();
    assert.match(await page.locator(".report .total").textContent(), /^A name is found in /);
    const names = await page.locator(".measure-figure").first().locator("tbody th").allInnerTexts();
    assert.deepEqual(names.slice(0, 2), ["A name", "A description in words"]);
    // A dot for each row of the table.
    const searches = page.locator('.measure-figure:has-text("Search in ms")');
    assert.equal(await searches.locator('svg g[aria-label="dot"] circle').count(), names.length);
    await shows(page, "Search, indexing from nothing: Not in a quick run.");
    await workbench.screenshot("bench-run");
    assert.equal(kept(code).length, 1);
  });

  test("what vectors in fewer bytes find stands beside their bytes and the time of a scan", async () => {
    const { workbench } = suite;
    const weighed = panel(workbench).locator('.measure-figure:has-text("Vectors in fewer bytes")');
    assert.equal(await weighed.locator("tbody tr").count(), 10);
    assert.equal(await weighed.locator('svg g[aria-label="dot"] circle').count(), 10);
    const [exact, int8] = await weighed.locator("tbody tr").allInnerTexts();
    assert.match(exact, /float, all 256 dimensions\s+1,024\s+1\.000/);
    assert.match(int8, /int8, a scale for each vector\s+260\s+(?:0\.9|1\.0)/);
    for (const theme of [LIGHT, DARK]) {
      await workbench.useTheme(theme);
      await weighed.evaluate((figure) => figure.scrollIntoView());
      await workbench.screenshot(`bench-vectors-${theme.kind}`);
    }
  });

  test("a run that is ended early keeps what was complete", async () => {
    const { workbench, code } = suite;
    const page = panel(workbench);
    await page.locator("#whole").check();
    await page.locator("#run").click();
    await page.locator('.rounds:has-text("values so far")').waitFor({ timeout: 60_000 });
    await page.locator(".measure-figure svg").first().waitFor();
    await workbench.screenshot("bench-running");
    await page.locator(".cancel").click();
    await shows(page, "Ended early. What was complete by then is here.");
    assert.equal(await page.locator('.record-saved:has-text("ended early")').count(), 1);
    assert.equal(kept(code).length, 2);
  });

  test("two runs are compared, and a run of another machine is not", async () => {
    const { workbench } = suite;
    const page = panel(workbench);
    await page.locator('[data-action="compare"]:enabled').click();
    await page.locator('.measure-figure:has-text("The later run beside the earlier") svg').waitFor();
    assert.match(
      await page.locator(".comparison .total").textContent(),
      /^(?:No difference was found in \d+ measures|Of \d+ measures)/,
    );
    await workbench.screenshot("bench-compared");
    await page.locator('button:text-is("Stop Comparing")').click();
    await page.locator(".comparison .total").waitFor({ state: "detached" });
  });

  test("a run is exported, removed, and imported again", async () => {
    const { workbench, code } = suite;
    const page = panel(workbench);
    const [newest] = kept(code).toReversed();
    for (const [format, beginning] of [
      ["json", "{"],
      ["csv", "run,measure,name"],
      ["md", "# Cairn "],
    ]) {
      const file = join(code, `run.${format}`);
      await page.locator(`[data-format="${format}"]`).click();
      await answerDialog(workbench, file);
      await shows(page, `Written to ${file}.`);
      assert.ok(readFileSync(file, "utf8").startsWith(beginning), format);
    }
    await page.locator(".save-chart").first().click();
    await answerDialog(workbench, join(code, "chart.svg"));
    await shows(page, "chart.svg.");
    const svg = readFileSync(join(code, "chart.svg"), "utf8");
    assert.match(svg, /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    assert.match(svg, /A description in words/);
    assert.doesNotMatch(svg, /var\(--|currentColor/, "it looks the same outside the editor");

    await page.locator('[data-action="remove"]').first().click();
    await page.locator(".record").nth(1).waitFor({ state: "detached" });
    assert.ok(!kept(code).includes(newest));
    const exported = readFileSync(join(code, "run.json"), "utf8");
    writeFileSync(join(code, "run.json"), exported.replace(/"processor": "[^"]*"/, '"processor": "Abacus"'));
    await page.locator('button:text-is("Import a Run…")').click();
    await answerDialog(workbench, join(code, "run.json"));
    await shows(page, "run.json is in the list now.");
    assert.ok(kept(code).includes(newest));
    await page.locator('[data-action="compare"]:enabled').click();
    await shows(page, "The two cannot be compared: the processor:");
    await workbench.screenshot("bench-unlike");
  });

  test("what is no run is refused, and a damaged one is named and spoils nothing", async () => {
    const { workbench, code } = suite;
    writeFileSync(join(cacheOf(code), "benchmarks", "2020-cut.json"), '{"record":1');
    await workbench.run("Developer: Reload Window");
    await workbench.statusItem().waitFor({ state: "detached" });
    const page = panel(workbench);
    await page.locator(".record").first().waitFor({ timeout: 60_000 });
    assert.equal(await page.locator(".record").count(), 2);
    assert.match(await page.locator(".unreadable").textContent(), /2020-cut\.json is no run of the benchmark/);
    await page.locator('button:text-is("Import a Run…")').click();
    await answerDialog(workbench, join(code, "broken.json"));
    await shows(page, "broken.json is no run of the benchmark: it is not JSON");
  });

  test("nothing is sent to another machine before the user agrees", async () => {
    const { workbench, code } = suite;
    const page = panel(workbench);
    await page.locator("#area-search").uncheck();
    await page.locator("#area-answer").check();
    await page.locator("#provider-ollama").check();
    await page.locator("#run").click();
    await shows(page, "It goes to ollama (https://models.invalid)");
    await workbench.screenshot("bench-consent");
    await page.locator('button:text-is("Send Nothing")').click();
    await page.locator(".outcome.warns").waitFor({ state: "detached" });
    assert.equal(await page.locator(".progress[hidden]").count(), 1);
    assert.ok(!existsSync(join(cacheOf(code), "agreed-providers.json")));
  });

  test("quality stands beside speed, and its chart becomes an image", async () => {
    const { workbench, code } = suite;
    const page = panel(workbench);
    await page.locator("#area-answer").uncheck();
    await page.locator("#area-quality").check();
    await page.locator("#quick").check();
    await page.locator("#run").click();
    await shows(page, "Measured. The run is in the list below.");
    const weighed = page.locator('.measure-figure:has-text("Quality beside speed")');
    assert.equal(await weighed.locator('svg g[aria-label="dot"] circle').count(), 5);
    assert.equal(await weighed.locator("tbody tr").count(), 5);
    assert.ok((await weighed.locator('td:text-is("yes")').count()) >= 1, "something is on the front");
    await weighed.evaluate((figure) => figure.scrollIntoView());
    await workbench.screenshot("bench-quality");
    const file = join(code, "quality.png");
    await weighed.locator(".save-image").click();
    await answerDialog(workbench, file);
    await shows(page, "quality.png.");
    const image = readFileSync(file);
    assert.equal(image.subarray(1, 4).toString(), "PNG");
    assert.ok(image.readUInt32BE(16) > 500 && image.length > 25_000, "as wide as the chart, and not empty");
  });

  test("costs are counted for a volume and a machine that are typed in", async () => {
    const { workbench } = suite;
    const page = panel(workbench);
    const costs = page.locator(".costs");
    assert.equal(await costs.locator("#tokens").inputValue(), "10000000");
    await costs.locator("#tokens").fill("2000000");
    await costs.locator("#tokens").press("Tab");
    await shows(page, "1,750,000 tokens in and 250,000 out.");
    await costs.locator('td:text-is("$0.04")').waitFor();
    await costs.locator("summary").click();
    for (const [name, value] of Object.entries({
      watts: 100,
      hours: 100,
      pricePerKwh: 0.3,
      purchase: 1200,
      months: 24,
    })) {
      await costs.locator(`#hardware-${name}`).fill(String(value));
    }
    await costs.locator("#hardware-months").press("Tab");
    await shows(page, "Your machine takes $53.00 a month: $3.00 for power, $50.00 for what it cost.");
    await costs.evaluate((section) => section.scrollIntoView());
    await workbench.screenshot("bench-costs");
  });

  test("it can be read in every theme, and in 300 pixels", async () => {
    const { workbench } = suite;
    const page = panel(workbench);
    for (const theme of [LIGHT, HIGH_CONTRAST, LIGHT_HIGH_CONTRAST, DARK]) {
      await workbench.useTheme(theme);
      await page.locator(".measure-figure svg").first().waitFor();
      await page.locator(".report").evaluate((report) => report.scrollIntoView());
      await workbench.screenshot(`bench-${theme.kind}`);
      await page.locator(".costs").evaluate((section) => section.scrollIntoView());
      await workbench.screenshot(`bench-costs-${theme.kind}`);
    }
    const { page: window } = workbench;
    await workbench.run("View: Toggle Primary Side Bar Visibility");
    await window.setViewportSize({ width: 360, height: 900 });
    await page.locator(".measure-figure svg").first().waitFor();
    assert.equal(await page.locator("body").evaluate((body) => body.scrollWidth > body.clientWidth), false);
    await workbench.screenshot("bench-narrow");
    await window.setViewportSize({ width: 1280, height: 800 });
  });

  test("the panel about health says how the index does, and looks again when it is asked to", async () => {
    const { workbench } = suite;
    await workbench.run("View: Close All Editors");
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

  test("one of several folders is chosen, and without any there are deltas", async () => {
    const { workbench, code } = suite;
    writeFiles(dirname(code), {
      "tea/kettle.ts": "export function boilWater(): void {}\n",
      "both.code-workspace": JSON.stringify({ folders: [{ path: "code" }, { path: "tea" }] }),
    });
    const page = panel(workbench);
    await workbench.open(join(dirname(code), "both.code-workspace"));
    await workbench.statusItem().waitFor({ timeout: 60_000 });
    await workbench.run("Cairn: Open Benchmark");
    await page.locator('#folder option:text-is("tea")').waitFor({ state: "attached" });
    assert.equal(await page.locator("#folder").inputValue(), code);

    await workbench.open(undefined);
    await workbench.statusItem().waitFor({ timeout: 60_000 });
    await workbench.run("Cairn: Open Benchmark");
    await shows(page, "Open a folder to measure more than deltas.");
    await page.locator("#area-search:disabled").waitFor();
    await page.locator("#run:enabled").waitFor();
  });
});

async function prepare(suite: Suite): Promise<void> {
  const { workbench, code } = suite;
  writeFiles(code, { ...PROJECT, ...DOCUMENTED, ...MANY_FUNCTIONS, "broken.json": "not a run" });
  workbench.configure({
    "cairn.cacheDirectory": cacheOf(code),
    "cairn.answer.provider": "ollama",
    "cairn.answer.openai.baseUrl": "https://models.invalid/v1",
  });
  await workbench.open(code);
  await workbench.statusItem().waitFor({ timeout: 60_000 });
}

function cacheOf(code: string): string {
  return join(dirname(code), "cache");
}

/** Ids of the runs on disk, oldest first. */
function kept(code: string): string[] {
  return readdirSync(join(cacheOf(code), "benchmarks"))
    .map((name) => name.replace(".json", ""))
    .sort();
}
