import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { writeFiles } from "../open-core.ts";
import { type ChatServer, says, startChatServer } from "../servers/chat-server.ts";
import type { FrameLocator } from "./browser.ts";
import { inWorkbench, type Suite } from "./suite.ts";
import type { Workbench } from "./workbench.ts";

const CODE = {
  "area.py": `def circle_area(radius):
    """Computes the area of a circle."""
    return 3.14159 * radius * radius
`,
};

/** Another extension, with a language model of its own, which also asks those that Cairn offers. */
const MODELLER = {
  "package.json": JSON.stringify({
    name: "modeller",
    publisher: "tests",
    version: "1.0.0",
    displayName: "Modeller",
    engines: { vscode: "^1.125.0" },
    main: "./main.js",
    activationEvents: ["onStartupFinished"],
    contributes: {
      commands: [{ command: "modeller.ask", title: "Modeller: Ask Cairn's Model" }],
      languageModelChatProviders: [{ vendor: "modeller", displayName: "Modeller" }],
    },
  }),
  "main.js": `const vscode = require("vscode");

async function ask() {
  const [model] = await vscode.lm.selectChatModels({ vendor: "cairn" });
  const token = new vscode.CancellationTokenSource().token;
  const { text } = await model.sendRequest([vscode.LanguageModelChatMessage.User("say hello")], {}, token);
  let answer = "";
  for await (const piece of text) answer += piece;
  const tokens = await model.countTokens("say hello");
  await vscode.env.clipboard.writeText(JSON.stringify({ name: model.name, family: model.family, answer, tokens }));
  vscode.window.setStatusBarMessage("asked Cairn");
}

const model = { id: "m", name: "Model", family: "tiny", version: "1", maxInputTokens: 6000, maxOutputTokens: 1000, capabilities: {} };
const provider = {
  provideLanguageModelChatInformation: async () => [model],
  provideLanguageModelChatResponse: async (_model, _messages, _options, progress) => {
    for (const piece of ["It is \`circle_area\` ", "that computes it [1", "]."]) progress.report(new vscode.LanguageModelTextPart(piece));
  },
  provideTokenCount: async () => 1,
};

exports.activate = (context) => {
  context.subscriptions.push(
    vscode.commands.registerCommand("modeller.ask", ask),
    vscode.lm.registerLanguageModelChatProvider("modeller", provider),
  );
};
`,
};

let server: ChatServer;

inWorkbench(
  "language models of the editor and of Cairn",
  async ({ code }) => writeFiles(code, CODE),
  (suite) => {
    const ends: (() => void)[] = [];
    before(async () => {
      server = await startChatServer({ after: (end) => void ends.push(end as () => void) });
    });
    after(() => {
      for (const end of ends) end();
    });

    test("the editor's model answers in Cairn's chat, after the user has agreed to what is sent", async () => {
      const { workbench } = suite;
      await openWith(suite, { "cairn.answer.provider": "editor", "cairn.answer.editor.model": "modeller/tiny" });
      await workbench.press("Control+Shift+Alt+A", chat(workbench).locator(".query:focus"));
      await chat(workbench).locator(".query:enabled").fill("what computes the area of a circle?");
      await chat(workbench).locator(".query").press("Enter");
      await chat(workbench).locator('button:text-is("Send It, Now and in Future")').click({ timeout: 60_000 });
      await chat(workbench).locator('.exchange:last-child .footer:has-text("editor modeller/m")').waitFor();
      await workbench.screenshot("chat-editor-model");
      assert.equal(await chat(workbench).locator(".citation").getAttribute("aria-label"), "Source 1: area.py:1");
    });

    test("Cairn's model answers another extension", async () => {
      const { workbench } = suite;
      server.behave(says("Hello ", "there"));
      await openWith(suite, {
        "cairn.answer.provider": "llama-server",
        "cairn.answer.openai.baseUrl": `${server.url}/v1`,
        "cairn.answer.openai.model": "small-model",
      });
      await workbench.run("Modeller: Ask Cairn's Model");
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
  MODELLER,
);

async function openWith({ workbench, code }: Suite, settings: object): Promise<void> {
  workbench.configure({ "chat.disableAIFeatures": false, ...settings });
  await workbench.open(code);
  await (await workbench.searchView()).indexed();
}

function chat({ page }: Workbench): FrameLocator {
  return page.frameLocator('iframe.webview.ready[src*="extensionId=cairn.cairn"]').frameLocator("iframe#active-frame");
}
