import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { writeFiles } from "../open-core.ts";
import { KEY } from "../provider-key.ts";
import { RETRYING } from "../sample-project.ts";
import { type ChatServer, piece, refuses, says, sends, startChatServer } from "../servers/chat-server.ts";
import { answered, ask, askUntil, chat, newConversation, showChat } from "./chat-page.ts";
import { inWorkbench, type Suite } from "./suite.ts";
import { DARK, HIGH_CONTRAST, LIGHT, type Workbench } from "./workbench.ts";

const ANSWER = [
  "The function `retryRequest` ",
  "tries again, as often as `attempts` says [1].\n\n",
  "Elephants are grey and large.\n\n",
  "```ts\nawait retryRequest(send, 3);\n```\n",
];

/** What a model must not get into the page. */
const HOSTILE =
  '<img src="http://127.0.0.1:1/x.png" onerror="document.body.remove()"> ![pixel](http://127.0.0.1:1/y.png) ' +
  "[run](command:workbench.action.quit) <script>document.body.remove()</script> done.";

let provider: ChatServer;

inWorkbench("the chat in a real workbench", prepare, (suite) => {
  const ends: (() => void)[] = [];
  before(async () => {
    provider = await startChatServer({ after: (end) => void ends.push(end as () => void) });
  });
  after(() => {
    for (const end of ends) end();
  });

  test("without a provider, passages are quoted, and a click on their place opens it", async () => {
    const { workbench } = suite;
    await chat(workbench).locator('.example:has-text("Where are errors handled?")').waitFor();
    await workbench.screenshot("chat-first-use");
    await ask(workbench, "how is a request sent again?");
    await answered(workbench, "Quoted, because no provider is set; nothing was sent anywhere.");
    await workbench.screenshot("chat-quoted");
    await chat(workbench).locator('.passage .place:has-text("src/retry.ts:")').click();
    await workbench.activeFile("retry.ts");
    assert.deepEqual(provider.paths, []);
  });

  test("a missing key is said, with the button that mends it", async () => {
    const { workbench } = suite;
    workbench.configure({ "cairn.answer.provider": "cerebras", "cairn.answer.cerebras.baseUrl": provider.url });
    await askUntil(workbench, "how is a request sent again?", "there is no key");
    await answered(workbench, "Quoted because cerebras did not answer.");
    await chat(workbench).locator('button:text-is("Set API Key")').last().click();
    await workbench.page.locator('.quick-input-widget input[type="password"]').fill(KEY);
    await workbench.page.keyboard.press("Enter");
    await workbench.page.locator('.statusbar-item:has-text("the key for Cerebras is kept")').waitFor();
  });

  test("an answer streams in, with citations that open the file at the line", async () => {
    const { workbench } = suite;
    provider.behave(says(...ANSWER));
    await newConversation(workbench);
    await ask(workbench, "how does retry work?");
    await answered(workbench, "Asked because it is the provider that is set.");
    const page = chat(workbench);
    assert.equal(await page.locator(".citation").count(), 1);
    assert.equal(await page.locator(".citation").getAttribute("aria-label"), "Source 1: src/retry.ts:4");
    assert.match((await page.locator('p:has-text("Elephants")').textContent()) ?? "", /large\.no source$/);
    await page.locator(".code-block .hljs-keyword").first().waitFor();
    assert.match(
      (await page.locator(".footer").first().textContent()) ?? "",
      /^cerebras llama-3\.3-70b · first word after [\d,]+ ms · [\d,]+ ms in all · [\d,]+ ms of them ours · 1,200 \+ 34 tokens/,
    );
    assert.equal(provider.calls.at(-1)?.headers.authorization, `Bearer ${KEY}`);
    assert.equal(
      await page.locator('.exchange:last-child ul[aria-label="Questions to ask next"]').textContent(),
      "Where is retryRequest called?Which tests cover retryRequest?What can go wrong in retryRequest?",
    );
    await workbench.screenshot("chat-answer");
    await page.locator(".citation").click();
    await workbench.activeFile("retry.ts");
    await workbench.cursorLine(4);
    await workbench.screenshot("chat-citation");
  });

  test("an answer that comes can be stopped, and its request ends", async () => {
    const { workbench } = suite;
    provider.behave(sends([piece("It begins with `retryRequest` and goes on. ")], "hang"));
    await ask(workbench, "and what follows?");
    await answered(workbench, "It begins with");
    await workbench.screenshot("chat-streaming");
    await chat(workbench).locator('button:text-is("Stop")').click();
    await answered(workbench, "Stopped.");
    await provider.abandoned;
    const sent = provider.calls.at(-1)?.body.messages.map(({ role }) => role);
    assert.deepEqual(sent, ["system", "user", "assistant", "user"], "the model knows what was said before");
  });

  test("it is regenerated, and asked again in other words", async () => {
    const { workbench } = suite;
    provider.behave(says("Now `retryRequest` is done [1]."));
    const last = chat(workbench).locator(".exchange").last();
    await last.locator('button:text-is("Regenerate")').click();
    await last.locator('.markdown:has-text("is done")').waitFor();
    assert.equal(await chat(workbench).locator(".exchange").count(), 2);

    await chat(workbench).locator(".exchange").first().locator('button:text-is("Edit Question")').click();
    assert.equal(await chat(workbench).locator(".query").inputValue(), "how does retry work?");
    provider.behave(says("In other words, `retryRequest` [1]."));
    await ask(workbench, "how does it wait, in other words?");
    await answered(workbench, "In other words,");
    assert.equal(await chat(workbench).locator(".exchange").count(), 1);
  });

  test("what a model writes is text: no markup, no image, no command", async () => {
    const { workbench } = suite;
    provider.behave(says(HOSTILE));
    await ask(workbench, "what is dangerous?");
    await answered(workbench, "done.");
    const page = chat(workbench);
    assert.equal(await page.locator("img, .markdown script, .markdown a").count(), 0);
    assert.match((await page.locator(".markdown").last().textContent()) ?? "", /<img src=.*pixel run <script>/);
  });

  test("what fails is said in words, with what to do next", async () => {
    const { workbench } = suite;
    provider.behave(refuses(402, {}));
    await ask(workbench, "how does retry work without credit?");
    await answered(workbench, "the account has no credit left (402). Add credit there, or choose another provider.");
    await workbench.screenshot("chat-failed");
  });

  test("the conversation is there when the window is loaded again, and can be found and exported", async () => {
    const { workbench } = suite;
    await workbench.run("Developer: Reload Window");
    await workbench.statusItem().waitFor({ state: "detached" });
    await workbench.statusItem().waitFor({ timeout: 60_000 });
    await showChat(workbench);
    await chat(workbench).locator('.exchange:has-text("In other words,")').waitFor({ timeout: 60_000 });
    assert.equal(await chat(workbench).locator(".exchange").count(), 3);
    await newConversation(workbench);

    await workbench.run("Cairn: Show Conversations");
    const list = workbench.page.locator(".quick-input-widget");
    await list.locator("input.input").fill("dangerous elephants");
    await list.locator(".monaco-list-row").first().waitFor({ state: "detached" });
    await list.locator("input.input").fill("words dangerous");
    await list.locator('.monaco-list-row[aria-label^="how does it wait"]').click();
    await chat(workbench).locator('.exchange:has-text("In other words,")').waitFor({ timeout: 60_000 });
    await workbench.run("Cairn: Export Conversation as Markdown");
    await workbench.page.locator('.view-line:has-text("## how does it wait, in other words?")').waitFor();
    await workbench.page.locator('.view-line:has-text("src/retry.ts:1")').first().waitFor();
  });

  test("files, folders, symbols and what is selected are attached with @, and commands begin with a slash", async () => {
    const { workbench } = suite;
    const { keyboard } = workbench.page;
    provider.behave(says("It waits [1]."));
    await newConversation(workbench);
    await workbench.openFile("backoff.ts");
    await keyboard.press("Control+A");
    await keyboard.press("Control+Shift+Alt+A");
    const page = chat(workbench);
    await page.locator('.chip:has-text("backoff.ts:1-4")').waitFor();
    await page.locator(".query:focus").waitFor();
    await keyboard.type("/exp");
    await page.locator('.completion[aria-selected="true"]:has-text("/explain")').waitFor();
    await keyboard.press("Enter");
    await keyboard.type("@sel");
    await page.locator('.completion:has-text("backoff.ts:1-4")').waitFor();
    await workbench.screenshot("chat-completion");
    await keyboard.press("Tab");
    assert.equal(await page.locator(".chip").count(), 1, "it is attached once");
    await keyboard.type("@retryReq");
    await page.locator('.completion:has-text("retryRequest")').click();
    assert.equal(await page.locator(".chip").count(), 2);
    await keyboard.type("why so long?");
    await keyboard.press("Enter");
    await page.locator('.attached:has-text("backoff.ts:1-4")').waitFor();
    await answered(workbench, "It waits");
    const asked = provider.calls.at(-1)?.body.messages.at(-1)?.content ?? "";
    assert.match(asked, /source \[1\] src\/backoff\.ts:1-\d[\s\S]*source \[2\] src\/retry\.ts/);
    assert.match(asked, /Explain what the code of source \[1\] does[\s\S]*Question: why so long\?/);
  });

  test("a correction is asked for where the code is, looked at as a change, rejected and accepted", async () => {
    const { workbench } = suite;
    const { page } = workbench;
    await workbench.openFile("backoff.ts");
    await page.keyboard.press("Control+Home");
    await page.keyboard.press("ArrowDown");
    provider.behave(says("It waited too long.\n\n```ts\nexport const patience = 1;\n```\n"));
    await chooseRefactoring(workbench, "Cairn: Document");
    await answered(workbench, "It waited too long.");
    const change = chat(workbench).locator('.exchange:last-child button:text-is("Show as Change")');
    await change.click();
    await page.locator('.tab.active[aria-label*="proposed change"]').waitFor();
    await page.locator('.modified-in-monaco-diff-editor .view-line:has-text("patience")').waitFor();
    await workbench.screenshot("chat-change");
    await workbench.run("Cairn: Reject Proposed Change");
    await page.locator('.tab[aria-label*="proposed change"]').waitFor({ state: "detached" });
    await change.click();
    await page.locator('.modified-in-monaco-diff-editor .view-line:has-text("patience")').waitFor();
    await workbench.run("Cairn: Accept Proposed Change");
    await workbench.activeFile("backoff.ts");
    await page.locator('.tab.active.dirty[data-resource-name="backoff.ts"]').waitFor();
    await page.locator('.view-line:has-text("export const patience = 1;")').waitFor();
    await workbench.run("File: Revert File");
    await page.locator('.tab.active:not(.dirty)[data-resource-name="backoff.ts"]').waitFor();
  });

  test("nothing goes to another machine before the user agrees to what is sent, and to where", async () => {
    const { workbench } = suite;
    // This machine as well, but not by one of the names that say so.
    const elsewhere = provider.url.replace("127.0.0.1", "0.0.0.0");
    workbench.configure({ "cairn.answer.provider": "cerebras", "cairn.answer.cerebras.baseUrl": elsewhere });
    provider.behave(says("It tries again with `retryRequest` [1]."));
    await newConversation(workbench);
    let before = 0;
    await askUntil(workbench, "how does retry work?", `cerebras: ${elsewhere}`, () => {
      before = provider.paths.length;
    });
    assert.equal(provider.paths.length, before);
    await workbench.screenshot("chat-consent");
    await chat(workbench).locator('button:text-is("Quote Passages Instead")').click();
    await answered(workbench, "Quoted, as you asked; nothing was sent anywhere.");
    assert.equal(provider.paths.length, before);
    await ask(workbench, "and how does it wait?");
    await chat(workbench).locator('button:text-is("Send It, Now and in Future")').click();
    await answered(workbench, "It tries again with");
  });

  test("it can be read in every theme, and in 300 pixels", async () => {
    const { workbench } = suite;
    await workbench.sideBarWidth(300);
    for (const theme of [LIGHT, HIGH_CONTRAST, DARK]) {
      await workbench.useTheme(theme);
      await answered(workbench, "It tries again with");
      await workbench.screenshot(`chat-${theme.kind}`);
    }
    const scrolls = await chat(workbench)
      .locator("body")
      .evaluate((body) => body.scrollWidth > body.clientWidth);
    assert.equal(scrolls, false);
  });
});

async function prepare({ workbench, code }: Suite): Promise<void> {
  writeFiles(code, RETRYING);
  await workbench.open(code);
  await workbench.statusItem().waitFor({ timeout: 60_000 });
  await showChat(workbench);
}

/** The list of refactorings goes away when something else takes the focus: then it is opened again. */
async function chooseRefactoring(workbench: Workbench, title: string): Promise<void> {
  const row = workbench.page.locator(`.action-widget .monaco-list-row:has-text("${title}")`);
  for (let attempts = 1; ; attempts++) {
    await workbench.run("Refactor...");
    try {
      return await row.click({ timeout: 10_000 });
    } catch (error) {
      if (attempts === 4) throw error;
    }
  }
}
