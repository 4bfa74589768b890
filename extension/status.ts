import * as vscode from "vscode";
import type { IndexStatus } from "../shared/search-types.ts";
import type { PanelIndex } from "../shared/webview-messages.ts";
import type { ServerClient } from "./client.ts";
import { files, pieces } from "./file-shape.ts";
import { summarise } from "./index-summary.ts";

/** One status bar item that says what the index does; a click lists what can be done about it. */
export function registerStatusItem(server: ServerClient): vscode.Disposable {
  const item = vscode.window.createStatusBarItem("cairn.status", vscode.StatusBarAlignment.Right, 90);
  item.name = "Cairn";
  item.command = "cairn.showMenu";
  const show = (): void => {
    const { text, lines } = describe(server);
    item.text = text;
    item.tooltip = new vscode.MarkdownString(["**Cairn**", ...lines].join("\n\n"));
    item.accessibilityInformation = { label: `Cairn: ${lines.join(" ")}`, role: "button" };
    item.show();
  };
  show();
  return vscode.Disposable.from(
    item,
    server.onDidChange(show),
    vscode.commands.registerCommand("cairn.showMenu", () => showMenu(server)),
  );
}

interface Description {
  /** What the item shows. */
  text: string;
  /** What there is to say about it, in sentences. */
  lines: string[];
}

function describe({ state, statuses }: ServerClient): Description {
  const say = (text: string, ...lines: string[]): Description => ({ text, lines: lines.filter(Boolean) });
  switch (state.kind) {
    case "no-folder":
      return say("$(search-sparkle) Cairn", vscode.l10n.t("Open a folder to search it by meaning."));
    case "untrusted":
      return say("$(shield) Cairn", vscode.l10n.t("Nothing is indexed until you trust this workspace."));
    case "starting":
      return say("$(sync~spin) Cairn", vscode.l10n.t("The server is starting."));
    case "unsupported":
    case "crashed":
      return say("$(error) Cairn", state.message);
    case "running": {
      const index = summarise(statuses.values());
      const lines = [index.message, countsOf(index), embeddingOf(statuses.values()), skippedOf(statuses.values())];
      return say(textOf(index), ...lines);
    }
  }
}

function textOf({ phase, done, total }: PanelIndex): string {
  switch (phase) {
    case "ready":
      return "$(search-sparkle) Cairn";
    case "paused":
      return `$(debug-pause) ${vscode.l10n.t("Cairn: paused")}`;
    case "failed":
      return `$(error) ${vscode.l10n.t("Cairn: failed")}`;
    case "closed":
      return `$(circle-slash) ${vscode.l10n.t("Cairn: off")}`;
    case "indexing":
      return `$(sync~spin) ${vscode.l10n.t("Cairn: {0}%", percentage(done, total))}`;
    default:
      return "$(sync~spin) Cairn";
  }
}

function countsOf({ files: found, chunks, done, total, phase }: PanelIndex): string {
  const searchable = vscode.l10n.t("Searchable: {0}, {1} of code.", files(found), pieces(chunks));
  if (phase !== "indexing") return searchable;
  return `${searchable} ${vscode.l10n.t("{0} of {1} files were looked at.", number(done), number(total))}`;
}

/** What the model that was chosen does, folder by folder. */
function embeddingOf(statuses: Iterable<IndexStatus>): string {
  const lines = [...statuses].flatMap(({ embedding }) => {
    if (!embedding) return [];
    const { model, inUse, done, total } = embedding;
    if (inUse) return [vscode.l10n.t("Searched by {0}.", model)];
    return [
      vscode.l10n.t(
        "{0} has embedded {1} of {2}; until then the model in the package searches.",
        model,
        number(done),
        pieces(total),
      ),
    ];
  });
  return [...new Set(lines)].join(" ");
}

function skippedOf(statuses: Iterable<IndexStatus>): string {
  const counts = new Map<string, number>();
  for (const { skipped } of statuses) {
    for (const [code, count] of Object.entries(skipped)) counts.set(code, (counts.get(code) ?? 0) + count);
  }
  if (counts.size === 0) return "";
  return vscode.l10n.t("Left out: {0}.", [...counts].map(([code, count]) => `${number(count)} ${code}`).join(", "));
}

async function showMenu(server: ServerClient): Promise<void> {
  const { phase } = summarise(server.statuses.values());
  const runs = server.state.kind === "running" && phase !== "closed";
  const entries = [
    { when: runs, label: `$(search) ${vscode.l10n.t("Search by Meaning")}`, command: "cairn.search" },
    {
      when: runs && phase !== "paused",
      label: `$(debug-pause) ${vscode.l10n.t("Pause Indexing")}`,
      command: "cairn.pauseIndexing",
    },
    {
      when: runs && phase === "paused",
      label: `$(play) ${vscode.l10n.t("Resume Indexing")}`,
      command: "cairn.resumeIndexing",
    },
    { when: runs, label: `$(refresh) ${vscode.l10n.t("Rebuild Index")}`, command: "cairn.rebuildIndex" },
    {
      when: runs,
      label: `$(list-unordered) ${vscode.l10n.t("What Is Indexed and What Is Not")}`,
      command: "cairn.showContents",
    },
    {
      when: runs,
      label: `$(symbol-numeric) ${vscode.l10n.t("Choose Embedding Model")}`,
      command: "cairn.chooseEmbeddingModel",
    },
    {
      when: true,
      label: `$(comment-discussion) ${vscode.l10n.t("Choose Local LLM")}`,
      command: "cairn.chooseLocalLlm",
    },
    {
      when: server.state.kind === "untrusted",
      label: `$(shield) ${vscode.l10n.t("Manage Workspace Trust")}`,
      command: "workbench.trust.manage",
    },
    {
      when: server.state.kind === "crashed",
      label: `$(debug-restart) ${vscode.l10n.t("Restart Server")}`,
      command: "cairn.restartServer",
    },
    { when: true, label: `$(output) ${vscode.l10n.t("Show Log")}`, command: "cairn.showLog" },
    {
      when: true,
      label: `$(clippy) ${vscode.l10n.t("Copy Diagnostic Report")}`,
      command: "cairn.copyDiagnosticReport",
    },
  ];
  const placeHolder = describe(server).lines.join(" ");
  const chosen = await vscode.window.showQuickPick(
    entries.filter(({ when }) => when),
    { title: "Cairn", placeHolder },
  );
  if (chosen) await vscode.commands.executeCommand(chosen.command);
}

function percentage(done: number, total: number): number {
  return total > 0 ? Math.min(99, Math.floor((100 * done) / total)) : 0;
}

function number(count: number): string {
  return count.toLocaleString(vscode.env.language);
}
