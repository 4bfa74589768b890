import type { EmbeddingStatus, IndexStatus, SkippedFile } from "../../shared/search-types.ts";
import type { Workspace } from "../core-api.ts";
import { noMoreThan } from "./arguments.ts";
import { type Command, type CommandContext, ExitCode } from "./command.ts";
import { skippedSummary } from "./index-command.ts";
import { bytes, count, counted, folderToUse, withWorkspace } from "./session.ts";
import { renderLine, type Terminal } from "./terminal.ts";

const HELP = `Says what is indexed of a folder, and what is not and why.

Usage: cairn status [folder] [options]

Options:
  --skipped      List every file and folder that is left out, with the reason
  --json         Answer with one JSON object
  --color WHEN   auto (default), always or never

Examples:
  cairn status
  cairn status ~/projects/app --skipped | grep large
`;

export const statusCommand: Command = {
  help: HELP,
  options: { skipped: { type: "boolean" } },
  async run(context, given) {
    noMoreThan(given, 1, "status");
    const folder = folderToUse(context, given.positionals[0]);
    const wantsSkipped = given.flag("skipped");
    const { status, skipped } = await withWorkspace(context, folder, async (workspace) => {
      const status = await untilScanned(workspace, context.signal);
      return { status, skipped: wantsSkipped ? await workspace.skipped() : [] };
    });
    if (given.flag("json")) {
      context.terminal.print(`${JSON.stringify(wantsSkipped ? { ...status, skippedFiles: skipped } : status)}\n`);
    } else if (wantsSkipped) printSkipped(context.terminal, skipped);
    else printStatus(context, status);
    return status.phase === "failed" ? ExitCode.unavailable : ExitCode.ok;
  },
};

/** Waits until the tree has been compared with the index, but not for what has to be indexed. */
function untilScanned(workspace: Workspace, signal: AbortSignal): Promise<IndexStatus> {
  return new Promise((resolve, reject) => {
    const settle = (status: IndexStatus) => {
      if (status.phase === "opening" || status.phase === "scanning") return;
      subscription.dispose();
      resolve(status);
    };
    const subscription = workspace.onStatus(settle);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    workspace.status().then(settle, reject);
  });
}

function printStatus({ terminal }: CommandContext, status: IndexStatus): void {
  const { print, style } = terminal;
  const line = (name: string, value: string) => value && print(`  ${style.dim(name.padEnd(10))}${value}\n`);
  print(`${style.bold(status.root)}\n`);
  line("state", stateOf(status, style));
  line("indexed", `${counted(status.files, "file")}, ${counted(status.chunks, "chunk")}`);
  line("left out", skippedSummary(status));
  line(
    "on disk",
    `${bytes(status.indexBytes)} for this folder, ${bytes(status.vectorBytes)} of embeddings for all folders`,
  );
  line("model", status.embedding ? embeddingOf(status.embedding) : "");
  line("held by", status.holder ? "" : `process ${status.holderPid}, which keeps it up to date`);
}

function embeddingOf({ model, phase, inUse, done, total, withheld, engine }: EmbeddingStatus): string {
  const searched = inUse ? "searches" : "the one in the package searches";
  const speed = engine.tokensPerSecond > 0 ? `, ${count(Math.round(engine.tokensPerSecond))} tokens/s` : "";
  const kept = withheld ? `, ${count(withheld)} more not sent (cairn.neverSend)` : "";
  return `${model} (${phase}): ${count(done)} of ${counted(total, "chunk")} embedded${kept}${speed}; ${searched}`;
}

function stateOf(status: IndexStatus, style: Terminal["style"]): string {
  const message = status.message ? `: ${status.message}` : "";
  switch (status.phase) {
    case "ready":
      return style.ok("up to date") + message;
    case "indexing":
      return (
        style.warning(`${count(status.total - status.done)} of ${counted(status.total, "file")} to index`) + message
      );
    case "failed":
      return style.failure("failed") + message;
    default:
      return `${status.phase}${message}`;
  }
}

function printSkipped(terminal: Terminal, skipped: readonly SkippedFile[]): void {
  const { print, style } = terminal;
  for (const { path, code, reason } of skipped) {
    print(
      `${style.path(renderLine(path, [], style))}  ${style.warning(code)}  ${style.dim(renderLine(reason, [], style))}\n`,
    );
  }
}
