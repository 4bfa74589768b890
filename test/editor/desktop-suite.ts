import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import * as vscode from "vscode";
import type { CairnApi } from "../../extension/api.ts";

/** Runs inside the extension host, with Cairn's folder `shared` open: activates, waits for the index, searches. */
export async function run(): Promise<void> {
  const extension = vscode.extensions.getExtension<CairnApi>("cairn.cairn");
  assert.ok(extension, "Cairn is installed");
  const cairn = await extension.activate();
  await cairn.whenIndexed();

  const [{ answer }] = await cairn.search({ query: "the few kinds of error that cross a process" });
  assert.equal(answer.hits[0].path, "errors.ts");

  const symbols = await vscode.commands.executeCommand<vscode.SymbolInformation[]>(
    "vscode.executeWorkspaceSymbolProvider",
    "CairnError",
  );
  assert.ok(symbols.some(({ name }) => name === "CairnError"));

  const tools = vscode.lm.tools.map(({ name }) => name).filter((name) => name.startsWith("cairn_"));
  assert.deepEqual(tools.sort(), ["cairn_findSimilar", "cairn_search"]);
  const { content } = await vscode.lm.invokeTool("cairn_search", {
    input: { query: "CairnError", limit: 1 },
    toolInvocationToken: undefined,
  });
  assert.match((content[0] as vscode.LanguageModelTextPart).value, /^errors\.ts:/);

  const commands = await vscode.commands.getCommands(true);
  assert.ok(commands.includes("cairn.search"));
  writeFileSync(process.env.CAIRN_RESULT ?? "", JSON.stringify({ hits: answer.hits.length, symbols: symbols.length }));
}
