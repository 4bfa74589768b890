import assert from "node:assert/strict";
import { test } from "node:test";
import { writeFiles } from "../open-core.ts";
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

/** Another extension, which asks as an assistant does: each tool by its name in the editor. It copies the answers. */
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

// The editor's chat wants a model before it lets anyone answer; nobody asks this one.
const model = { id: "m", name: "Model", family: "m", version: "1", maxInputTokens: 1000, maxOutputTokens: 1000, capabilities: { toolCalling: true } };
const provider = {
  provideLanguageModelChatInformation: async () => [model],
  provideLanguageModelChatResponse: async () => {},
  provideTokenCount: async () => 1,
};

exports.activate = (context) => {
  context.subscriptions.push(
    vscode.commands.registerCommand("asker.ask", ask),
    vscode.commands.registerCommand("asker.chat", async () => {
      await vscode.lm.selectChatModels({ vendor: "asker" });
      await vscode.commands.executeCommand("workbench.action.chat.open", { query: "@cairn what computes the area of a circle?" });
    }),
    vscode.lm.registerLanguageModelChatProvider("asker", provider),
  );
};
`,
};

inWorkbench(
  "the editor's own assistants",
  prepare,
  (suite) => {
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
  },
  ASKER,
);

async function prepare({ workbench, code }: Suite): Promise<void> {
  writeFiles(code, CODE);
  workbench.configure({ "chat.disableAIFeatures": false });
  await workbench.open(code);
  await (await workbench.searchView()).indexed();
}
