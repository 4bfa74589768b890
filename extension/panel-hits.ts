import * as vscode from "vscode";
import type { RootedHit } from "../shared/protocol.ts";
import type { PanelHit } from "../shared/webview-messages.ts";

/** The answers of all folders as one list, best first. */
export function mergeAnswers(answers: readonly RootedHit[]): { hits: PanelHit[]; complete: boolean; tookMs: number } {
  const hits = answers.flatMap(({ rootUri, answer }) => {
    const rootName = answers.length > 1 ? folderName(rootUri) : "";
    return answer.hits.map((hit) => ({ ...hit, rootUri, rootName }));
  });
  return {
    hits: hits.sort((left, right) => right.score - left.score),
    complete: answers.every(({ answer }) => answer.complete),
    tookMs: Math.max(0, ...answers.map(({ answer }) => answer.tookMs)),
  };
}

function folderName(rootUri: string): string {
  const folder = vscode.workspace.workspaceFolders?.find(({ uri }) => uri.toString() === rootUri);
  return folder?.name ?? rootUri;
}
