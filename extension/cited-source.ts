import * as vscode from "vscode";
import type { AnswerSource } from "../shared/answer-types.ts";
import { lineAsCited, type Reply } from "../shared/conversation.ts";
import { lineNow } from "./anchor-line.ts";
import { fileUriOf, type HitOpener } from "./open-hit.ts";
import type { Proposals } from "./proposals.ts";

/**
 * Opens a source of an answer where the cited line stands now.
 * @param line 1-based, as it was cited
 * @throws when the file cannot be opened, e.g. because it is gone
 */
export async function openCited(opener: HitOpener, reply: Reply, source: AnswerSource, line: number): Promise<void> {
  const lines = await linesOf(source);
  const { number, firstLine } = source;
  const focusLine = lineNow(
    lines,
    line,
    lineAsCited(reply, number, line) || (line === source.startLine ? firstLine : ""),
  );
  const moved = focusLine - line;
  const within = (at: number): number => Math.max(1, Math.min(at + moved, lines.length));
  const [startLine, endLine] = [within(source.startLine), within(source.endLine)];
  await opener.open({ ...source, startLine, endLine, focusLine, match: "" }, "open");
}

/** What was asked about, which is source [1]; undefined when that is no file. */
export function subjectOf(reply: Reply | undefined): AnswerSource | undefined {
  const source = reply?.sources.find(({ number }) => number === 1);
  return source?.rootUri ? source : undefined;
}

/**
 * Shows code of an answer as a change of what was asked about, where that stands now.
 * @throws when the file cannot be opened, e.g. because it is gone
 */
export async function proposeInstead(proposals: Proposals, source: AnswerSource, code: string): Promise<void> {
  const { startLine, endLine, firstLine } = source;
  const start = lineNow(await linesOf(source), startLine, firstLine);
  await proposals.show({ ...source, startLine: start, endLine: endLine + start - startLine }, code);
}

async function linesOf(source: AnswerSource): Promise<string[]> {
  const document = await vscode.workspace.openTextDocument(fileUriOf(source));
  return document.getText().split(/\r?\n/);
}
