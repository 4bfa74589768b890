import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { writeFiles } from "../open-core.ts";
import { type ChatServer, says, startChatServer } from "../servers/chat-server.ts";
import { askUntil, chat, showChat } from "./chat-page.ts";
import { inWorkbench, type Suite } from "./suite.ts";

const CODE = {
  "area.py": `def circle_area(radius):
    """Computes the area of a circle."""
    return 3.14159 * radius * radius
`,
  "disc.py": `def disc_surface(radius):
    """Computes the surface of a disc."""
    return 3.14159 * radius * radius
`,
};

const INPUTS = {
  cairn_search: { query: "computes the area of a circle" },
  cairn_findSimilar: { path: "area.py", line: 1 },
  cairn_readContext: { path: "disc.py", line: 2 },
  cairn_ask: { question: "what computes the area of a circle?" },
  cairn_indexStatus: {},
};

/**
 * Another extension, which asks as an assistant does: each tool by its name in the editor, and the model that Cairn
 * offers. It copies the answers. It has a language model of its own, too.
 */
const ASKER = {
  "package.json": JSON.stringify({
    name: "asker",
    publisher: "tests",
    version: "1.0.0",
    engines: { vscode: "^1.125.0" },
    main: "./main.js",
    activationEvents: ["onStartupFinished"],
    contributes: {
      commands: [
        { command: "asker.ask", title: "Asker: Ask the Tools" },
        { command: "asker.chat", title: "Asker: Ask in the Chat" },
        { command: "asker.model", title: "Asker: Ask Cairn's Model" },
      ],
      languageModelChatProviders: [{ vendor: "asker", displayName: "Asker" }],
    },
  }),
  "main.js": `const vscode = require("vscode");

async function ask() {
  const answers = {};
  for (const [name, input] of Object.entries(${JSON.stringify(INPUTS)})) {
    const { content } = await vscode.lm.invokeTool(name, { input, toolInvocationToken: undefined });
    answers[name] = content.map(({ value }) => value).join("");
  }
  await vscode.env.clipboard.writeText(JSON.stringify(answers));
  vscode.window.setStatusBarMessage("asked");
}

/** Cairn's model, once it is the one that the settings name. */
async function cairnModel() {
  for (;;) {
    const changed = new Promise((resolve) => {
      const watch = vscode.lm.onDidChangeChatModels(() => resolve(watch.dispose()));
    });
    const [model] = await vscode.lm.selectChatModels({ vendor: "cairn", family: "small-model" });
    if (model) return model;
    await changed;
  }
}

async function askModel() {
  const model = await cairnModel();
  const token = new vscode.CancellationTokenSource().token;
  const { text } = await model.sendRequest([vscode.LanguageModelChatMessage.User("say hello")], {}, token);
  let answer = "";
  for await (const piece of text) answer += piece;
  const tokens = await model.countTokens("say hello");
  await vscode.env.clipboard.writeText(JSON.stringify({ name: model.name, family: model.family, answer, tokens }));
  vscode.window.setStatusBarMessage("asked Cairn");
}

// The editor's chat wants a model before it lets anyone answer.
const model = { id: "m", name: "Model", family: "tiny", version: "1", maxInputTokens: 6000, maxOutputTokens: 1000, capabilities: { toolCalling: true } };
const provider = {
  provideLanguageModelChatInformation: async () => [model],
  provideLanguageModelChatResponse: async (_model, _messages, _options, progress) => {
    for (const piece of ["It is \`circle_area\` ", "that computes it [1", "]."]) progress.report(new vscode.LanguageModelTextPart(piece));
  },
  provideTokenCount: async () => 1,
};

exports.activate = (context) => {
  context.subscriptions.push(
    vscode.commands.registerCommand("asker.ask", ask),
    vscode.commands.registerCommand("asker.model", askModel),
    vscode.commands.registerCommand("asker.chat", async () => {
      await vscode.lm.selectChatModels({ vendor: "asker" });
      await vscode.commands.executeCommand("workbench.action.chat.open", { query: "@cairn what computes the area of a circle?" });
    }),
    vscode.lm.registerLanguageModelChatProvider("asker", provider),
  );
};
`,
};

let server: ChatServer;

inWorkbench(
  "the editor's own assistants",
  prepare,
  (suite) => {
    const ends: (() => void)[] = [];
    before(async () => {
      server = await startChatServer({ after: (end) => void ends.push(end as () => void) });
    });
    after(() => {
      for (const end of ends) end();
    });

    test("have five tools", async () => {
      const { workbench } = suite;
      await workbench.run("Asker: Ask the Tools");
      await workbench.page.locator('.statusbar-item:has-text("asked")').waitFor();
      const answers = JSON.parse(await workbench.clipboard());
      assert.deepEqual(Object.keys(answers), Object.keys(INPUTS));
      assert.match(answers.cairn_search, /^area\.py:1-3 {2}circle_area/);
      assert.match(answers.cairn_findSimilar, /^disc\.py:1-3 {2}disc_surface/);
      assert.match(answers.cairn_readContext, /^disc\.py:1-3 of 3/);
      assert.match(answers.cairn_ask, /^area\.py:1-3 {2}circle_area[\s\S]*Quoted from the code/);
      assert.match(answers.cairn_indexStatus, /\nComplete\n2 files/);
    });

    test("have the same five from the server that they may start", async () => {
      const { page } = suite.workbench;
      await suite.workbench.run("MCP: List Servers");
      await page.locator('.quick-input-list .monaco-list-row[aria-label^="Cairn, Stopped"]').click();
      await page.locator('.quick-input-list .monaco-list-row[aria-label^="Start Server"]').click();
      const said = page.locator('.panel .view-line:has-text("Discovered")');
      await said.waitFor();
      assert.match(await said.textContent(), /Discovered\s5\stools/);
    });

    test("include @cairn in the editor's chat, whose places open the file", async () => {
      const { workbench } = suite;
      await workbench.run("Asker: Ask in the Chat");
      const answer = workbench.page.locator(".interactive-response");
      await answer
        .locator(':text("Quoted from the code, without a language model:")')
        .first()
        .waitFor({ timeout: 60_000 });
      await workbench.screenshot("participant");
      await answer.locator('.chat-inline-anchor-widget:has-text("area.py:1"), a:has-text("area.py:1")').first().click();
      await workbench.activeFile("area.py");
    });

    test("have models, one of which answers in Cairn's chat after the user has agreed to what is sent", async () => {
      const { workbench } = suite;
      await openWith(suite, { "cairn.answer.provider": "editor", "cairn.answer.editor.model": "asker/tiny" });
      await showChat(workbench);
      await askUntil(workbench, "what computes the area of a circle?", "Send It, Now and in Future");
      await chat(workbench).locator('button:text-is("Send It, Now and in Future")').click({ timeout: 60_000 });
      await chat(workbench).locator('.exchange:last-child .footer:has-text("editor asker/m")').waitFor();
      await workbench.screenshot("chat-editor-model");
      assert.equal(await chat(workbench).locator(".citation").getAttribute("aria-label"), "Source 1: area.py:1");
    });

    test("may ask Cairn's model, from another extension", async () => {
      const { workbench } = suite;
      server.behave(says("Hello ", "there"));
      await openWith(suite, {
        "cairn.answer.provider": "llama-server",
        "cairn.answer.openai.baseUrl": `${server.url}/v1`,
        "cairn.answer.openai.model": "small-model",
      });
      await workbench.run("Asker: Ask Cairn's Model");
      await workbench.page.locator('.statusbar-item:has-text("asked Cairn")').waitFor();
      assert.deepEqual(JSON.parse(await workbench.clipboard()), {
        name: "Cairn: llama-server small-model",
        family: "small-model",
        answer: "Hello there",
        tokens: 3,
      });
      assert.deepEqual(server.calls[0].body.messages, [{ role: "user", content: "say hello" }]);
    });
  },
  ASKER,
);

async function prepare(suite: Suite): Promise<void> {
  writeFiles(suite.code, CODE);
  await openWith(suite, {});
  await (await suite.workbench.searchView()).indexed();
}

async function openWith({ workbench, code }: Suite, settings: object): Promise<void> {
  workbench.configure({ "chat.disableAIFeatures": false, ...settings });
  await workbench.open(code);
  await workbench.statusItem().waitFor({ timeout: 60_000 });
}
