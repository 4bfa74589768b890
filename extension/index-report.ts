import * as vscode from "vscode";
import { type SkippedOfRoot, type StatusOfRoot, ToServer } from "../shared/protocol.ts";
import type { ServerClient } from "./client.ts";

const SCHEME = "cairn-report";
const REPORT = vscode.Uri.from({ scheme: SCHEME, path: "/What Is Indexed and What Is Not.md" });

/** The command that opens a read-only list of what is in the index and what is not, with the reason for each. */
export function registerIndexReport(server: ServerClient): vscode.Disposable {
  const refresh = new vscode.EventEmitter<vscode.Uri>();
  return vscode.Disposable.from(
    refresh,
    vscode.workspace.registerTextDocumentContentProvider(SCHEME, {
      onDidChange: refresh.event,
      provideTextDocumentContent: () => readReport(server),
    }),
    vscode.commands.registerCommand("cairn.showContents", async () => {
      refresh.fire(REPORT);
      await vscode.window.showTextDocument(REPORT, { preview: true });
    }),
  );
}

async function readReport(server: ServerClient): Promise<string> {
  try {
    const [statuses, skipped] = await Promise.all([
      server.request(ToServer.status, {}),
      server.request(ToServer.skipped, {}),
    ]);
    return statuses.map((status) => reportOf(status, skipped)).join("\n");
  } catch (error) {
    return `# What is indexed and what is not\n\n${error instanceof Error ? error.message : String(error)}\n`;
  }
}

function reportOf({ rootUri, status }: StatusOfRoot, all: readonly SkippedOfRoot[]): string {
  const skipped = all.find((root) => root.rootUri === rootUri)?.skipped ?? [];
  const codes = [...new Set(skipped.map(({ code }) => code))].sort();
  const sections = codes.map((code) => {
    const files = skipped.filter((file) => file.code === code);
    return `\n## Left out: ${code} (${files.length})\n\n${files.map(lineOf).join("\n")}\n`;
  });
  const counts = `${status.files} files and ${status.chunks} pieces of code can be found. The index is ${status.phase}.`;
  const size = `It takes ${megabytes(status.indexBytes)} MB on disk; the vectors of all your folders take ${megabytes(status.vectorBytes)} MB.`;
  return `# ${status.root}\n\n${counts} ${status.message}\n${size}\n${sections.join("")}`;
}

function lineOf({ path, reason }: { path: string; reason: string }): string {
  return `- ${path}: ${reason}`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
