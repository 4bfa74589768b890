import * as vscode from "vscode";
import type { RequestOf } from "../shared/protocol.ts";
import type { ServerClient } from "./client.ts";
import { summarise } from "./index-summary.ts";
import { questionFrom } from "./question.ts";

/** Asked where the folder's own names make no question. */
const ANY_QUESTION = "where are errors turned into messages?";

const symbols: RequestOf<{ query: string }, readonly vscode.SymbolInformation[]> = { method: "workspace/symbol" };

/** What the walkthrough needs: to be opened, to know when the index is there, and a first question to ask. */
export function registerWalkthrough(context: vscode.ExtensionContext, server: ServerClient): vscode.Disposable {
  const setIndexed = (indexed: boolean) => vscode.commands.executeCommand("setContext", "cairn.indexed", indexed);
  const follow = (): void => {
    const { phase, files } = summarise(server.statuses.values());
    void setIndexed(server.state.kind === "running" && phase === "ready" && files > 0);
  };
  return vscode.Disposable.from(
    server.onDidChange(follow),
    vscode.commands.registerCommand("cairn.openWalkthrough", async () => {
      // The editor ticks a step off when its condition comes true, not when it is true already.
      await setIndexed(false);
      const walkthrough = `${context.extension.id}#cairn.start`;
      await vscode.commands.executeCommand("workbench.action.openWalkthrough", walkthrough, false);
      follow();
    }),
    vscode.commands.registerCommand("cairn.askExample", async () =>
      vscode.commands.executeCommand("cairn.search", await firstQuestion(server)),
    ),
  );
}

async function firstQuestion(server: ServerClient): Promise<string> {
  try {
    // Names of definitions that hold a verb or a preposition read like questions.
    for (const query of ["With", "From", "read", "open", "e"]) {
      const question = questionFrom((await server.request(symbols, { query })).map(({ name }) => name));
      if (question) return question;
    }
  } catch {
    // Without a server the view says what is the matter.
  }
  return ANY_QUESTION;
}
