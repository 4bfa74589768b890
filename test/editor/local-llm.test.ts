import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readLlmCatalog } from "../../server/hub/llm-catalog.ts";
import { writeFiles } from "../open-core.ts";
import { RETRYING } from "../sample-project.ts";
import { commit, startHubServer } from "../servers/hub-server.ts";
import { writeTinyLlama } from "../tiny-llama.ts";
import type { FrameLocator, Locator } from "./browser.ts";
import { inWorkbench, type Suite } from "./suite.ts";
import { DARK, LIGHT, type Workbench } from "./workbench.ts";

const [LLM] = readLlmCatalog();
const [{ path: FILE }] = Object.values(LLM.weights);

// The editor takes its environment over when it starts: the Hub has to be there before.
const ends: (() => void)[] = [];
const hub = await startHubServer({ after: (end) => void ends.push(end as () => void) });
process.env.HF_ENDPOINT = hub.url;
hub.repositories[LLM.repository] = { main: commit("f"), content: { [commit("f")]: { [FILE]: tinyWeights() } } };

inWorkbench("choosing a local language model in a real workbench", prepare, (suite) => {
  after(() => {
    for (const end of ends) end();
  });

  test("the chat says that none was chosen, and leads to the list, which says what fits", async () => {
    const { workbench } = suite;
    workbench.configure({
      "cairn.answer.provider": "llama",
      "cairn.answer.local.gpu": "off",
      "cairn.answer.local.threads": 1,
      "cairn.answer.maxOutputTokens": 32,
    });
    await workbench.open(suite.code);
    await workbench.statusItem().waitFor({ timeout: 60_000 });
    await workbench.press("Control+Shift+Alt+A", chat(workbench).locator(".query:focus"));
    await askUntil(workbench, "no model file was chosen");
    for (const theme of [LIGHT, DARK]) {
      await workbench.useTheme(theme);
      await chat(workbench).locator('button:text-is("Choose Local LLM")').last().click();
      await row(workbench, LLM.id).waitFor({ timeout: 60_000 });
      assert.match(
        (await row(workbench, LLM.id).getAttribute("aria-label")) ?? "",
        /676 MB · 0\.5 billion parameters · Apache-2\.0 · to be downloaded/,
      );
      await row(workbench, "A GGUF File...").waitFor();
      await workbench.screenshot(`local-llms ${theme.kind}`);
      await workbench.page.keyboard.press("Escape");
    }
    assert.deepEqual(hub.calls, []);
  });

  test("one of the list is downloaded when the user agrees, and answers the next question", async () => {
    const { workbench } = suite;
    const { page } = workbench;
    await workbench.run("Cairn: Choose Local LLM");
    await row(workbench, LLM.id).click({ timeout: 60_000 });
    const dialog = page.locator(".monaco-dialog-box");
    await dialog.locator(`:text("From ${LLM.repository}, licence Apache-2.0.")`).first().waitFor();
    await workbench.screenshot("local-llm-download");
    await dialog.locator('.monaco-button:has-text("Download")').click();
    await page
      .locator(`.notification-toast:has-text("${LLM.id} answers from the next question on.")`)
      .waitFor({ timeout: 60_000 });
    await workbench.toasts();
    await askUntil(workbench, FILE);
    await workbench.run("Cairn: Choose Local LLM");
    await row(workbench, LLM.id).waitFor({ timeout: 60_000 });
    assert.doesNotMatch((await row(workbench, LLM.id).getAttribute("aria-label")) ?? "", /to be downloaded/);
    await workbench.screenshot("local-llm-chosen");
    await page.keyboard.press("Escape");
  });
});

/** Asks until the last answer holds a text: the extension may still have the settings of the time before. */
async function askUntil(workbench: Workbench, text: string): Promise<void> {
  const last = chat(workbench).locator(".exchange:last-child");
  do {
    await chat(workbench).locator(".query:enabled").fill("how is a request sent again?");
    await chat(workbench).locator(".query").press("Enter");
    await last.locator(".footer").first().waitFor({ timeout: 120_000 });
  } while (!(await last.textContent())?.includes(text));
}

/** The page of the chat; no other view of Cairn is on screen in these tests. */
function chat(workbench: Workbench): FrameLocator {
  return workbench.page
    .frameLocator('iframe.webview.ready[src*="extensionId=cairn.cairn"]')
    .frameLocator("iframe#active-frame");
}

function row(workbench: Workbench, label: string): Locator {
  return workbench.page.locator(`.quick-input-widget .monaco-list-row[aria-label*="${label}"]`).first();
}

/** A model that answers in nonsense. */
function tinyWeights(): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "cairn-llm-"));
  const path = join(folder, "tiny.gguf");
  writeTinyLlama(path);
  const weights = readFileSync(path);
  rmSync(folder, { recursive: true });
  return weights;
}

async function prepare({ code }: Suite): Promise<void> {
  writeFiles(code, RETRYING);
}
