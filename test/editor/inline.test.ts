import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { writeFiles } from "../open-core.ts";
import { RETRYING } from "../sample-project.ts";
import { type ChatServer, piece, says, sends, startChatServer } from "../servers/chat-server.ts";
import type { Locator } from "./browser.ts";
import { chat } from "./chat-page.ts";
import { inWorkbench, type Suite } from "./suite.ts";
import { DARK, LIGHT, type Workbench } from "./workbench.ts";

/** What a model must not get into the editor. */
const HOSTILE =
  "![pixel](http://127.0.0.1:1/y.png) [run](command:workbench.action.toggleSidebarVisibility) <b>bold</b> done.";

let provider: ChatServer;

inWorkbench("questions in the editor", prepare, (suite) => {
  const ends: (() => void)[] = [];
  before(async () => {
    provider = await startChatServer({ after: (end) => void ends.push(end as () => void) });
  });
  after(() => {
    for (const end of ends) end();
  });

  test("without a provider, what is selected is asked about in place, and passages are quoted", async () => {
    const { workbench } = suite;
    await askHere(workbench, "backoff.ts", "how long does it wait?");
    await answered(workbench, "Quoted, because no provider is set; nothing was sent anywhere.");
    await workbench.screenshot("inline-quoted");
    assert.equal(await workbench.page.locator(".part.panel:visible").count(), 0, "no list of comments opens");
    assert.deepEqual(provider.paths, []);
    await workbench.run("Cairn: Close the Answer in the Editor");
    await thread(workbench).waitFor({ state: "detached" });
  });

  test("above functions stand what can be asked of them, for who wants it", async () => {
    const { workbench } = suite;
    workbench.configure({
      "cairn.codeLens.enabled": true,
      "cairn.answer.provider": "llama-server",
      "cairn.answer.openai.baseUrl": `${provider.url}/v1`,
    });
    await workbench.openFile("retry.ts");
    await lenses(workbench).waitFor({ timeout: 120_000 });
    assert.equal(await lenses(workbench).count(), 1);
    await workbench.screenshot("inline-lenses");
    provider.behave(says("`retryRequest` tries again [1]."));
    await lenses(workbench).locator('a:text-is("Explain")').click();
    await chat(workbench).locator('.exchange .attached:has-text("retry.ts:4-11")').waitFor({ timeout: 60_000 });
    await chat(workbench).locator('.exchange .footer:has-text("llama-server")').waitFor({ timeout: 60_000 });
  });

  test("an answer streams into the thread, can be stopped, and be asked further", async () => {
    const { workbench } = suite;
    provider.behave(sends([piece("It begins with `backoffDelay` and goes on. ")], "hang"));
    await askHere(workbench, "backoff.ts", "how long does it wait?");
    await answered(workbench, "It begins with backoffDelay");
    await workbench.screenshot("inline-streaming");
    await thread(workbench).locator(".review-actions .codicon-debug-stop").click();
    await answered(workbench, "Stopped.");
    await provider.abandoned;

    provider.behave(says("Then `backoffDelay` waits twice as long [1].\n\n```ts\nexport const patience = 1;\n```\n"));
    await thread(workbench).locator(".review-thread-reply-button").first().click();
    await thread(workbench).locator(".comment-form .monaco-editor.focused").waitFor();
    await send(workbench, "and then?");
    await answered(workbench, "Asked because it is the provider that is set.");
    const sent = provider.calls.at(-1)?.body.messages ?? [];
    assert.deepEqual(
      sent.map(({ role }) => role),
      ["system", "user", "assistant", "user"],
      "the model knows what was said before",
    );
    assert.match(sent.at(-1)?.content ?? "", /source \[1\] src\/backoff\.ts:1-\d[\s\S]*and then\?/);
    for (const theme of [LIGHT, DARK]) {
      await workbench.useTheme(theme);
      await workbench.screenshot(`inline-${theme.kind}`);
    }
  });

  test("a citation opens the file at its line, and code is looked at as a change", async () => {
    const { workbench } = suite;
    const { page } = workbench;
    await thread(workbench).locator('.comment-body a:text("backoff.ts:")').last().click();
    await workbench.cursorLine(2);
    await thread(workbench).locator('a:text-is("Show as Change")').click();
    await page.locator('.modified-in-monaco-diff-editor .view-line:has-text("patience")').waitFor();
    await workbench.screenshot("inline-change");
    await workbench.run("Cairn: Accept Proposed Change");
    await workbench.activeFile("backoff.ts");
    await page.locator('.view-line:has-text("export const patience = 1;")').first().waitFor();
  });

  test("what is not saved is asked about as it is on screen, and no link of a model's is one", async () => {
    const { workbench } = suite;
    provider.behave(says(HOSTILE));
    await workbench.run("Cairn: Close the Answer in the Editor");
    await askHere(workbench, "backoff.ts", "/explain what is this?");
    await answered(workbench, "done.");
    const asked = provider.calls.at(-1)?.body.messages.at(-1)?.content ?? "";
    assert.match(asked, /source \[1\] src\/backoff\.ts[\s\S]*export const patience = 1;/);
    const body = thread(workbench).locator(".comment-body").last();
    assert.equal(await body.locator("img, b, a:text('run')").count(), 0);
    await workbench.run("Cairn: Close the Answer in the Editor");
    await thread(workbench).waitFor({ state: "detached" });
    await workbench.run("File: Revert File");
  });

  test("nothing goes to another machine before the user agrees", async () => {
    const { workbench } = suite;
    const { page } = workbench;
    // This machine as well, but not by one of the names that say so.
    const elsewhere = provider.url.replace("127.0.0.1", "0.0.0.0");
    workbench.configure({
      "cairn.codeLens.enabled": false,
      "cairn.answer.provider": "llama-server",
      "cairn.answer.openai.baseUrl": `${elsewhere}/v1`,
    });
    // Without the row above the function, the extension has these settings.
    await workbench.openFile("retry.ts");
    await lenses(workbench).waitFor({ state: "detached", timeout: 120_000 });
    const before = provider.paths.length;
    await askHere(workbench, "retry.ts", "how does retry work?");
    await page.locator(`.monaco-dialog-box:has-text("llama-server: ${elsewhere}")`).waitFor({ timeout: 60_000 });
    await page.locator('.monaco-dialog-box .monaco-button:has-text("Cancel")').click();
    await answered(workbench, "Quoted, as you asked; nothing was sent anywhere.");
    assert.equal(provider.paths.length, before);
  });
});

async function prepare({ workbench, code }: Suite): Promise<void> {
  writeFiles(code, RETRYING);
  await workbench.open(code);
  await workbench.statusItem().waitFor({ timeout: 120_000 });
}

function lenses(workbench: Workbench): Locator {
  const row = "Explain | Find Similar | Write Tests | Document";
  return workbench.page.locator(`.codelens-decoration:has-text("${row}")`);
}

function thread(workbench: Workbench): Locator {
  return workbench.page.locator(".review-widget");
}

/** Selects all of a file and asks about it, with the keys alone. */
async function askHere(workbench: Workbench, file: string, question: string): Promise<void> {
  const { keyboard } = workbench.page;
  await workbench.openFile(file);
  await keyboard.press("Control+A");
  await keyboard.press("Control+Shift+Alt+H");
  await thread(workbench).locator(".edit-container .monaco-editor.focused").waitFor({ timeout: 60_000 });
  await workbench.screenshot("inline-ask");
  await send(workbench, question);
}

/** Types into the thread and sends it by its keys, which do nothing before the button for it can be pressed. */
async function send(workbench: Workbench, question: string): Promise<void> {
  const { keyboard } = workbench.page;
  await keyboard.type(question);
  await thread(workbench).locator('.monaco-button:not(.disabled):text-is("Ask")').waitFor();
  await keyboard.press("Control+Enter");
}

/** Waits for a text in the last answer. */
async function answered(workbench: Workbench, text: string): Promise<void> {
  await thread(workbench)
    .locator(`.comment-body:has-text(${JSON.stringify(text)})`)
    .last()
    .waitFor({ timeout: 60_000 });
}
