import type { Health } from "../../shared/health-types.ts";
import type { EmbeddingStatus, IndexStatus, SkippedFile } from "../../shared/search-types.ts";
import type { Workspace } from "../core-api.ts";
import { healthOf } from "../health.ts";
import { cacheDirectoryOf } from "../opening.ts";
import { readUsage } from "../usage/usage-record.ts";
import { vectorsText } from "../vectors-text.ts";
import { noMoreThan } from "./arguments.ts";
import { type Command, type CommandContext, ExitCode } from "./command.ts";
import { skippedSummary } from "./index-command.ts";
import { bytes, count, counted, folderToUse, terminalSettings, untilEmbedded, withWorkspace } from "./session.ts";
import { renderLine, type Terminal } from "./terminal.ts";

const HELP = `Says what is indexed of a folder, and what is not and why.

Usage: cairn status [folder] [options]

Options:
  --skipped      List every file and folder that is left out, with the reason
  --health       Ask the index and say how long that took, how the engine of a chosen model does, and how the providers
                 of answers did in the last seven days
  --json         Answer with one JSON object
  --color WHEN   auto (default), always or never

Examples:
  cairn status
  cairn status ~/projects/app --skipped | grep large
`;

/** Nobody asked. */
const NOTHING_USED = { entries: [] };

export const statusCommand: Command = {
  help: HELP,
  options: { skipped: { type: "boolean" }, health: { type: "boolean" } },
  async run(context, given) {
    noMoreThan(given, 1, "status");
    const folder = folderToUse(context, given.positionals[0]);
    const wantsSkipped = given.flag("skipped");
    const wantsHealth = given.flag("health");
    const found = await withWorkspace(context, folder, async (workspace) => {
      const scanned = await untilScanned(workspace, context.signal);
      // A process of its own has to look first which vectors are stored.
      const status = scanned.holder ? await untilEmbedded(workspace, context.signal, ["loading"]) : scanned;
      const { entries } = wantsHealth
        ? readUsage(cacheDirectoryOf(terminalSettings(context), context.env))
        : NOTHING_USED;
      return {
        status,
        ...(wantsSkipped && { skippedFiles: await workspace.skipped() }),
        ...(wantsHealth && { health: await healthOf([workspace], entries) }),
      };
    });
    const { status, skippedFiles, health } = found;
    if (given.flag("json")) {
      context.terminal.print(`${JSON.stringify({ ...status, skippedFiles, health })}\n`);
    } else if (skippedFiles) printSkipped(context.terminal, skippedFiles);
    else printStatus(context, status);
    if (health && !given.flag("json")) printHealth(context.terminal, health);
    return status.phase === "failed" ? ExitCode.unavailable : ExitCode.ok;
  },
};

/** Waits until the tree has been compared with the index, but not for what has to be indexed. */
function untilScanned(workspace: Workspace, signal: AbortSignal): Promise<IndexStatus> {
  return new Promise((resolve, reject) => {
    const settle = (status: IndexStatus) => {
      const { phase, walking } = status;
      // Indexing begins while the walk goes on.
      if (phase === "opening" || phase === "scanning" || (phase === "indexing" && walking)) return;
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
  line("vectors", status.embedding?.vectors ? vectorsText(status.embedding.vectors) : "");
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

function printHealth({ print, style }: Terminal, { models }: Health): void {
  print("\n");
  const width = Math.max(...models.map(({ name }) => name.length));
  for (const { name, state, medianMs, p95Ms, errorRate, calls, memoryBytes, restarts } of models) {
    const told =
      state === "ready" ? style.ok(state) : state === "failing" ? style.failure(state) : style.warning(state);
    const facts = [
      medianMs === undefined || p95Ms === undefined ? "" : `${ms(medianMs)}, 95% within ${ms(p95Ms)}`,
      calls > 0 ? `${percent(errorRate)} of ${counted(calls, "call")} failed` : "not asked yet",
      memoryBytes === undefined ? "" : `${bytes(memoryBytes)} of memory`,
      restarts ? `started again ${counted(restarts, "time")}` : "",
    ];
    print(`  ${name.padEnd(width)}  ${told}  ${facts.filter(Boolean).join(", ")}\n`);
  }
}

function ms(value: number): string {
  return value < 1000 ? `${value < 10 ? value.toFixed(1) : Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0 && share < 0.01 ? 1 : 0)}%`;
}

function printSkipped(terminal: Terminal, skipped: readonly SkippedFile[]): void {
  const { print, note, style } = terminal;
  if (skipped.length === 0) note("Nothing is left out.\n");
  for (const { path, code, reason } of skipped) {
    print(
      `${style.path(renderLine(path, [], style))}  ${style.warning(code)}  ${style.dim(renderLine(reason, [], style))}\n`,
    );
  }
}
