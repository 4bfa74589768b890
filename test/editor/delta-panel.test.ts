import assert from "node:assert/strict";
import { closeSync, existsSync, openSync, readdirSync, readFileSync, utimesSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bf16, put, randomNumbers, safetensors, tuned } from "../delta-fixture.ts";
import { answerDialog, modelMaker, panel, shows } from "./delta-page.ts";
import { inWorkbench, type Suite } from "./suite.ts";
import { DARK, HIGH_CONTRAST, LIGHT } from "./workbench.ts";

inWorkbench("the delta workbench in a real workbench", prepare, (suite) => {
  test("it opens from the palette, empty, and says what it is for", async () => {
    const { workbench } = suite;
    await workbench.run("Cairn: Open Delta Workbench");
    const page = panel(workbench);
    await shows(page, "Lossless: what is rebuilt has the SHA-256 of the original");
    await shows(page, "Deltas that you make here are listed");
    await page.locator('button:text-is("Estimate"):disabled').waitFor();
    await workbench.screenshot("delta-empty");
  });

  test("the Explorer's menu brings the fine-tune, and a file dialog the base", async () => {
    const { workbench, code } = suite;
    const page = panel(workbench);
    const file = workbench.page.locator('.explorer-folders-view .monaco-list-row[aria-label^="fine.safetensors"]');
    await file.click({ button: "right" });
    // A menu that has just opened takes no clicks yet, but keys.
    await workbench.page.locator('.monaco-menu .action-label[aria-label^="Compress Against a Base"]').hover();
    await workbench.page.locator('.monaco-menu .action-item.focused:has-text("Compress Against a Base")').waitFor();
    await workbench.page.keyboard.press("Enter");
    await page.locator(`#fine[title=${JSON.stringify(join(code, "fine.safetensors"))}]`).waitFor();
    assert.equal(await page.locator("#out").inputValue(), join(code, "fine.delta"));

    await page.locator('[aria-label="Base: File"]').click();
    await answerDialog(workbench, join(code, "base.safetensors"));
    await page.locator('button:text-is("Estimate"):enabled').waitFor();
    assert.equal(await page.locator("#base").inputValue(), join(code, "base.safetensors"));
  });

  test("an estimate is a sentence and a table, which the keyboard sorts", async () => {
    const { workbench } = suite;
    const page = panel(workbench);
    await page.locator("#base").press("Enter");
    await page.locator("table.tensors").waitFor();
    assert.match((await page.locator(".total").textContent()) ?? "", /^\d\d\.\d% saved: .* would take about /);
    const first = page.locator(".tensors tbody th").first();
    assert.equal(await first.textContent(), "embed.weight");
    await page.locator('[data-column="saved"]').focus();
    await workbench.page.keyboard.press("Enter");
    await page.locator('th[aria-sort="descending"] [data-column="saved"]:focus').waitFor();
    assert.equal(await first.textContent(), "layers.0.frozen");
    await workbench.page.keyboard.press("Enter");
    await page.locator('th[aria-sort="ascending"] [data-column="saved"]:focus').waitFor();
    assert.notEqual(await first.textContent(), "layers.0.frozen");
    await workbench.screenshot("delta-estimate");
  });

  test("compressing writes the delta, checks it, and puts it into the history", async () => {
    const { workbench, code } = suite;
    const page = panel(workbench);
    await page.locator('button:text-is("Compress")').click();
    await shows(page, "It was rebuilt in memory: every SHA-256 is as it was.");
    assert.ok(existsSync(join(code, "fine.delta")));
    assert.match((await page.locator(".total").textContent()) ?? "", /saved: .* in /);
    assert.match((await page.locator(".history-total").textContent()) ?? "", /^1 delta: .* saved/);
    await workbench.screenshot("delta-compressed");
  });

  test("what was made is verified and rebuilt", async () => {
    const { workbench, code } = suite;
    const page = panel(workbench);
    await page.locator('[data-action="verify"]').click();
    await shows(page, "fine.delta is whole: 1 file, 5 tensors");
    await page.locator('[data-action="verify"]:focus').waitFor();
    await page.locator('[data-action="reconstruct"]').click();
    await answerDialog(workbench, join(code, "again.safetensors"));
    await shows(page, "byte for byte as it was");
    assert.deepEqual(readFileSync(join(code, "again.safetensors")), readFileSync(join(code, "fine.safetensors")));
  });

  test("what is already there is replaced only when asked", async () => {
    const { workbench, code } = suite;
    const page = panel(workbench);
    await page.locator('button:text-is("Compress")').click();
    await shows(page, "fine.delta is already there.");
    await workbench.screenshot("delta-exists");
    await page.locator('button:text-is("Replace It")').click();
    await shows(page, "every SHA-256 is as it was");
    assert.equal(await page.locator(".record").count(), 1);
    assert.ok(existsSync(join(code, "fine.delta")));
  });

  test("what cannot be used is said in a sentence, with what to do next", async () => {
    const { workbench, code } = suite;
    const page = panel(workbench);
    await page.locator("#base").fill(join(code, "fine.safetensors"));
    await page.locator("#base").press("Enter");
    await shows(page, "The base and the fine-tune are the same");
    await shows(page, "choose the model that the fine-tune was made from");
    await page.locator("#base").fill(join(code, "cut.safetensors"));
    await page.locator("#base").press("Enter");
    await shows(page, "cut.safetensors is not a valid safetensors file");
    await workbench.screenshot("delta-failed");
    await page.locator("#base").fill(join(code, "stranger.safetensors"));
    await page.locator("#base").press("Enter");
    await shows(page, "Is this the model that it was made from?");
  });

  test("a base that is not known is found, with what speaks for it, and picked", async () => {
    const { workbench, code } = suite;
    const page = panel(workbench);
    await page.locator("#base").fill("");
    await page.locator("#fine").fill(join(code, "fine.safetensors"));
    await page.locator('[aria-label="Base: Find"]').focus();
    await workbench.page.keyboard.press("Enter");
    await shows(page, "Likely the base: all tensors of the same shape, weights that differ by");
    await shows(page, "Other weights, not the base");
    await workbench.screenshot("delta-bases");
    await page.locator(`[aria-label=${JSON.stringify(`Use ${join(code, "base.safetensors")} as the base`)}]`).click();
    assert.equal(await page.locator("#base").inputValue(), join(code, "base.safetensors"));
    assert.equal(await page.locator(".bases > *").count(), 0, "the list has served");
    await page.locator("#estimate:focus").waitFor();
  });

  test("a dataset shows which rows are kept, changed and new", async () => {
    const { workbench, code } = suite;
    const page = panel(workbench);
    await page.locator("#base").fill(join(code, "rows.jsonl"));
    await page.locator("#fine").fill(join(code, "derived.jsonl"));
    await page.locator("#fine").press("Enter");
    await shows(page, "Rows, compared with the base, about:");
    const legend = await page.locator(".legend").textContent();
    assert.equal(legend, "855 kept (88.1%)95 changed (9.7%)20 new (2.0%)");
    await page.locator(".rows").evaluate((rows) => rows.scrollIntoView({ block: "center" }));
    await workbench.screenshot("delta-rows");
  });

  test("work that is cancelled leaves nothing", async () => {
    const { workbench, code } = suite;
    const page = panel(workbench);
    await page.locator("#base").fill(join(code, "large-base.safetensors"));
    await page.locator("#fine").fill(join(code, "large-fine.safetensors"));
    const before = readdirSync(code);
    await page.locator('button:text-is("Compress")').click();
    await page.locator(".cancel").waitFor();
    // However fast the machine, it is not done before it is told to stop.
    const servers = workbench.serverProcesses();
    for (const pid of servers) process.kill(pid, "SIGSTOP");
    await workbench.screenshot("delta-running");
    await page.locator(".cancel").click();
    await page.locator('.running:has-text("Cancelling")').waitFor();
    for (const pid of servers) process.kill(pid, "SIGCONT");
    await shows(page, "Nothing was written.");
    assert.deepEqual(readdirSync(code), before);
    assert.equal(await page.locator(".record").count(), 1);
  });

  test("a window that is loaded again has the fields and the history", async () => {
    const { workbench, code } = suite;
    await workbench.run("Developer: Reload Window");
    await workbench.statusItem().waitFor({ state: "detached" });
    const page = panel(workbench);
    await page.locator(".record").waitFor({ timeout: 60_000 });
    assert.equal(await page.locator("#fine").inputValue(), join(code, "large-fine.safetensors"));
    await page.locator('[data-action="describe"]').click();
    await shows(page, "What lies in");
    await page.locator('.tensors tbody th:text-is("embed.weight")').waitFor();
  });

  test("it can be read in every theme", async () => {
    const { workbench } = suite;
    const page = panel(workbench);
    for (const theme of [LIGHT, HIGH_CONTRAST, DARK]) {
      await workbench.useTheme(theme);
      await page.locator("table.tensors").waitFor();
      await page.locator(".total").evaluate((total) => total.scrollIntoView());
      const [track, filled] = await Promise.all(
        [".size", ".stored"].map((part) =>
          page
            .locator(part)
            .first()
            .evaluate((bar) => getComputedStyle(bar).backgroundColor),
        ),
      );
      assert.notEqual(track, filled, "a bar shows what of it is filled");
      await workbench.screenshot(`delta-${theme.kind}`);
    }
  });

  test("it works without a folder, and forgets what it is told to forget", async () => {
    const { workbench, code } = suite;
    await workbench.open(undefined);
    await workbench.statusItem().waitFor({ timeout: 60_000 });
    await workbench.run("Cairn: Open Delta Workbench");
    const page = panel(workbench);
    await page.locator("#base").fill(join(code, "base.safetensors"));
    await page.locator('[aria-label="Fine-tuned model or derived dataset: Recent"]').click();
    await workbench.page.locator('.quick-input-widget .monaco-list-row[aria-label^="fine.safetensors"]').click();
    await page.locator('button:text-is("Estimate"):enabled').click();
    await page.locator("table.tensors").waitFor();
    await page.locator('[data-action="remove"]').click();
    await shows(page, "Deltas that you make here are listed");
    assert.ok(existsSync(join(code, "fine.delta")), "the file stays");
  });
});

async function prepare(suite: Suite): Promise<void> {
  const { workbench, code } = suite;
  const random = randomNumbers(90);
  const maker = modelMaker(random);
  const fine = maker.fine(0.01);
  put(code, {
    "base.safetensors": maker.base(),
    "fine.safetensors": fine,
    "cut.safetensors": fine.subarray(0, fine.length / 2),
    "stranger.safetensors": maker.stranger(),
    ...dataset(),
  });
  utimesSync(join(code, "base.safetensors"), 1e9, 1e9);
  putLarge(join(code, "large-base.safetensors"), bf16(maker.embedding));
  putLarge(join(code, "large-fine.safetensors"), bf16(tuned(random, maker.embedding, 0.01)));
  await workbench.open(code);
  await workbench.statusItem().waitFor({ timeout: 60_000 });
  await workbench.page.locator(".explorer-folders-view").waitFor();
}

/** A dataset, and one that has most of its rows, some edited and some new. */
function dataset(): Record<string, string> {
  const row = (id: number, more = "") => `{"id": ${id}, "text": "What became of item ${id * 7919}?${more}"}\n`;
  const ids = Array.from({ length: 1000 }, (_, id) => id);
  const derived = ids.slice(50).map((id) => row(id, id % 10 === 0 ? " Edited." : ""));
  const fresh = ids.slice(0, 20).map((id) => `${"[new]".repeat(9)} ${Math.sin(id)}\n`);
  return { "rows.jsonl": ids.map((id) => row(id)).join(""), "derived.jsonl": [...derived, ...fresh].join("") };
}

/** A model that takes long enough to be cancelled: one tensor with the same 600 rows again and again. */
function putLarge(path: string, rows: Uint8Array): void {
  const times = 600;
  const empty = { name: "w", dtype: "BF16", shape: [600 * times, 320], bytes: new Uint8Array() };
  const header = safetensors([empty])
    .subarray(8)
    .toString()
    .replace("[0,0]", `[0,${times * rows.length}]`);
  const file = openSync(path, "w");
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  for (const part of [length, Buffer.from(header), ...Array.from({ length: times }, () => rows)]) writeSync(file, part);
  closeSync(file);
}
