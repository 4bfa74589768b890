import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { TinyBert } from "../../server/bench/tiny-bert.ts";
import { readLlmCatalog } from "../../server/hub/llm-catalog.ts";
import { writeFiles } from "../open-core.ts";
import { type EmbeddingServer, elsewhere, startEmbeddingServer } from "../servers/embedding-server.ts";
import { commit, startHubServer } from "../servers/hub-server.ts";
import { writeTinyLlama } from "../tiny-llama.ts";
import type { Locator } from "./browser.ts";
import { askUntil, chat, showChat } from "./chat-page.ts";
import { inWorkbench, type Suite } from "./suite.ts";
import { DARK, LIGHT, type Workbench } from "./workbench.ts";

const MODEL = "ollama:nomic-embed-text";
const PROJECT = {
  "src/cache.ts": "/** Reads the cache. */\nexport function lookUp() {\n  return cache.read();\n}\n",
  "src/retry.ts": "/** Tries again in a loop after an error. */\nexport function again() {\n  return loop();\n}\n",
  "src/secrets.ts": 'export const password = "hunter2";\n',
};

/** A model of the catalogue, here a tiny one, whose repository has a precision that the catalogue does not name. */
const LISTED = "bge-base-en-v1.5";
const bert = new TinyBert({ hidden: 768, layers: 1, heads: 12, inner: 64, positions: 512 });

const [LLM] = readLlmCatalog();
const [{ path: FILE }] = Object.values(LLM.weights);

let server: EmbeddingServer;

// The editor takes its environment over when it starts: the Hub has to be there before.
const ends: (() => void)[] = [];
const hub = await startHubServer({ after: (end) => void ends.push(end as () => void) });
process.env.HF_ENDPOINT = hub.url;
hub.repositories[`Xenova/${LISTED}`] = {
  main: commit("e"),
  content: { [commit("e")]: { ...bert.files(), "onnx/model_q4.onnx": bert.onnx({ precision: "q4" }) } },
};
hub.repositories[LLM.repository] = { main: commit("f"), content: { [commit("f")]: { [FILE]: tinyWeights() } } };

inWorkbench("choosing models in a real workbench", prepare, (suite) => {
  before(async () => {
    server = await startEmbeddingServer({ after: (end) => void ends.push(end as () => void) });
  });
  after(() => {
    for (const end of ends) end();
  });

  test("the list of embedding models has them with their size and licence, and who runs others", async () => {
    const { workbench } = suite;
    workbench.configure({ "cairn.embedding.endpoint": elsewhere(server) });
    await workbench.open(suite.code);
    await workbench.statusItem().waitFor({ timeout: 60_000 });
    for (const theme of [LIGHT, DARK]) {
      await workbench.useTheme(theme);
      await workbench.run("Cairn: Choose Embedding Model");
      await row(workbench, "The model in the package").waitFor({ timeout: 60_000 });
      await row(workbench, "all-MiniLM-L6-v2").waitFor();
      assert.match(
        (await row(workbench, "all-MiniLM-L6-v2").getAttribute("aria-label")) ?? "",
        /MB · 384 .*Apache-2\.0/,
      );
      await row(workbench, "A GGUF File...").waitFor();
      await workbench.screenshot(`embedding-models ${theme.kind}`);
      await list(workbench).locator("input.input").fill("ollama");
      await row(workbench, "ollama").waitFor();
      await workbench.screenshot(`embedding-servers ${theme.kind}`);
      await workbench.page.keyboard.press("Escape");
    }
  });

  test("nothing is sent before the user agrees to what goes where; then the server's model searches", async () => {
    const { workbench } = suite;
    const { page } = workbench;
    const dialog = page.locator(".monaco-dialog-box");
    for (const theme of [LIGHT, DARK]) {
      await workbench.useTheme(theme);
      await chooseServer(workbench);
      await dialog
        .locator(`:text("The code of these folders goes to ${new URL(elsewhere(server)).origin},")`)
        .first()
        .waitFor({ timeout: 60_000 });
      assert.match(
        (await dialog.textContent()) ?? "",
        /2 files, 2 pieces, 0\.\d kB, at a price that is not known here\..*here that is 1 file\./,
      );
      await workbench.screenshot(`embedding-consent ${theme.kind}`);
      await dialog.locator('.monaco-button:has-text("Cancel")').click();
      await dialog.waitFor({ state: "detached" });
    }
    assert.equal(server.calls.length, 0);

    await chooseServer(workbench);
    await dialog.locator('.monaco-button:has-text("Send It and Search by It")').click({ timeout: 60_000 });
    await page.locator(`.statusbar-item[aria-label*="Searched by ${MODEL}."]`).waitFor({ timeout: 60_000 });
    assert.ok(server.texts.some((text) => text.includes("lookUp")));
    assert.equal(
      server.texts.some((text) => text.includes("hunter2")),
      false,
    );
    await workbench.statusItem().hover();
    await page.locator('.monaco-hover:has-text("Searched by")').waitFor();
    await workbench.screenshot("embedding-status");
    // The notification of the counting, which can be cancelled.
    await workbench.toasts();
  });

  test("the model in the package is taken back at once", async () => {
    const { workbench } = suite;
    await workbench.run("Cairn: Choose Embedding Model");
    await row(workbench, "The model in the package").click({ timeout: 60_000 });
    await workbench.page
      .locator(`.statusbar-item[id="cairn.cairn.cairn.status"]:not([aria-label*="Searched by"])`)
      .waitFor({ timeout: 60_000 });
  });

  test("the chat says that none was chosen, and leads to the list, which says what fits", async () => {
    const { workbench } = suite;
    workbench.configure({
      "cairn.answer.provider": "llama",
      "cairn.answer.local.gpu": "off",
      "cairn.answer.local.threads": 1,
      "cairn.answer.maxOutputTokens": 32,
    });
    await showChat(workbench);
    await askUntil(workbench, "how is it tried again?", "no model file was chosen");
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
    await askUntil(workbench, "how is it tried again?", FILE);
    await workbench.run("Cairn: Choose Local LLM");
    await row(workbench, LLM.id).waitFor({ timeout: 60_000 });
    assert.doesNotMatch((await row(workbench, LLM.id).getAttribute("aria-label")) ?? "", /to be downloaded/);
    await workbench.screenshot("local-llm-chosen");
    await page.keyboard.press("Escape");
  });

  test("after the model its precision is chosen, also one that only its repository has, and Esc goes back", async () => {
    const { workbench } = suite;
    const { page } = workbench;
    workbench.configure({});
    await workbench.open(suite.code);
    await workbench.statusItem().waitFor({ timeout: 60_000 });
    for (const theme of [LIGHT, DARK]) {
      await workbench.useTheme(theme);
      await choose(workbench, LISTED);
      await row(workbench, "Look for Others...").waitFor();
      assert.match(
        await label(workbench, "int8"),
        /111 MB · to be downloaded, its SHA-256 as the Hub says then · recommended/,
      );
      assert.match(await label(workbench, "fp32"), /437 MB.*As it was trained/);
      await workbench.screenshot(`embedding-precision ${theme.kind}`);
      await page.keyboard.press("Escape");
      await row(workbench, "The model in the package").waitFor();
      await page.keyboard.press("Escape");
    }
    await choose(workbench, LISTED);
    await row(workbench, "Look for Others...").click();
    await row(workbench, "q4").waitFor({ timeout: 60_000 });
    assert.equal(await row(workbench, "fp32").count(), 0);
    // The notification of asking the Hub, which can be cancelled.
    await workbench.toasts();
    await workbench.screenshot("embedding-precision-of-repository");
  });

  test("then how its vectors are kept: what is refused says why before anything is written", async () => {
    const { workbench } = suite;
    const { page } = workbench;
    await row(workbench, "q4").click();
    await row(workbench, "binary, 768 dimensions").waitFor({ timeout: 60_000 });
    assert.match(await label(workbench, "int8, 768 dimensions"), /772 bytes a vector.*recommended.*A byte a number/);
    assert.match(await label(workbench, "binary, 768 dimensions"), /116 bytes a vector, 772 on disk/);
    await row(workbench, "Another Number of Dimensions...").click();
    // The list has a line to type in as well, until the box takes its place.
    await list(workbench).locator(':text("Esc goes back.")').first().waitFor();
    await list(workbench).locator("input.input").fill("256");
    await list(workbench).locator(':text("was not trained so that its first dimensions")').first().waitFor();
    await workbench.screenshot("embedding-dimensions-refused");
    await list(workbench).locator("input.input").fill("256!");
    await list(workbench).locator(':text("256 of 768 dimensions, 260 bytes a vector in int8.")').first().waitFor();
    await page.keyboard.press("Escape");
    await row(workbench, "int8, 768 dimensions").click();
    const dialog = page.locator(".monaco-dialog-box");
    await dialog.locator('.monaco-button:has-text("Search by It")').click({ timeout: 60_000 });
    await page.locator(`.statusbar-item[aria-label*="Searched by ${LISTED}:q4."]`).waitFor({ timeout: 60_000 });
    await workbench.toasts();
  });

  test("the vectors of the model in use are kept otherwise, and nothing is embedded again for it", async () => {
    const { workbench } = suite;
    const { page } = workbench;
    for (const theme of [LIGHT, DARK]) {
      await workbench.useTheme(theme);
      await choose(workbench, "Change How Its Vectors Are Kept...");
      await row(workbench, "int4, 768 dimensions").waitFor({ timeout: 60_000 });
      assert.match(await label(workbench, "int8, 768 dimensions"), /Stored already/);
      assert.match(await label(workbench, "int4, 768 dimensions"), /388 bytes a vector.*nothing is embedded/);
      await workbench.screenshot(`embedding-form ${theme.kind}`);
      await page.keyboard.press("Escape");
      await row(workbench, "The model in the package").waitFor();
      await page.keyboard.press("Escape");
    }
    await choose(workbench, "Change How Its Vectors Are Kept...");
    await row(workbench, "int4, 768 dimensions").click({ timeout: 60_000 });
    await list(workbench).waitFor({ state: "hidden" });
    await page.locator(`.statusbar-item[aria-label*="Searched by ${LISTED}:q4."]`).waitFor({ timeout: 60_000 });
    await workbench.run("Cairn: Choose Embedding Model");
    await row(workbench, "Change How Its Vectors Are Kept...").waitFor({ timeout: 60_000 });
    assert.match(await label(workbench, "Change How Its Vectors Are Kept..."), new RegExp(`${LISTED}:q4 · int4`));
    await workbench.screenshot("embedding-form-changed");
    await page.keyboard.press("Escape");
  });
});

/** Opens the list of embedding models and takes one of its rows. */
async function choose(workbench: Workbench, of: string): Promise<void> {
  await workbench.run("Cairn: Choose Embedding Model");
  await row(workbench, "The model in the package").waitFor({ timeout: 60_000 });
  await list(workbench).locator("input.input").fill(of);
  await row(workbench, of).click();
}

/** All that a row says. */
async function label(workbench: Workbench, begins: string): Promise<string> {
  return (await row(workbench, begins).getAttribute("aria-label")) ?? "";
}

/** Chooses Ollama's usual model, up to the question that follows. */
async function chooseServer(workbench: Workbench): Promise<void> {
  await workbench.run("Cairn: Choose Embedding Model");
  await row(workbench, "The model in the package").waitFor({ timeout: 60_000 });
  await list(workbench).locator("input.input").fill("ollama");
  await row(workbench, "ollama").click();
  await list(workbench).locator('.quick-input-title:has-text("Embedding model of ollama")').waitFor();
  assert.equal(await list(workbench).locator("input.input").inputValue(), "nomic-embed-text");
  await workbench.page.keyboard.press("Enter");
}

function list(workbench: Workbench): Locator {
  return workbench.page.locator(".quick-input-widget");
}

function row(workbench: Workbench, label: string): Locator {
  return list(workbench).locator(`.monaco-list-row[aria-label*="${label}"]`).first();
}

async function prepare({ code }: Suite): Promise<void> {
  writeFiles(code, PROJECT);
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
