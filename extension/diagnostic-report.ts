import { homedir, userInfo } from "node:os";
import * as vscode from "vscode";
import type { Finding } from "../shared/diagnosis.ts";
import { ToServer } from "../shared/protocol.ts";
import { redact } from "../shared/redact.ts";
import { SETTINGS } from "../shared/settings.ts";
import type { ServerClient } from "./client.ts";

/** The command that puts what a maintainer would ask for on the clipboard, without names and secrets. */
export function registerDiagnosticReport(context: vscode.ExtensionContext, server: ServerClient): vscode.Disposable {
  return vscode.commands.registerCommand("cairn.copyDiagnosticReport", async () => {
    const title = vscode.l10n.t("Cairn: collecting the diagnostic report");
    const place = vscode.ProgressLocation.Window;
    const report = await vscode.window.withProgress({ location: place, title }, () => collect(context, server));
    await vscode.env.clipboard.writeText(redact(report, { home: homedir(), user: userName() }));
    const done = vscode.l10n.t("Cairn: the diagnostic report is on the clipboard");
    vscode.window.setStatusBarMessage(`$(check) ${done}`, 5000);
  });
}

/** The report is in English, for whoever reads it is not who copies it. */
async function collect(context: vscode.ExtensionContext, server: ServerClient): Promise<string> {
  const findings = await server.request(ToServer.doctor, {}).catch((error: unknown) => String(error));
  const health = await server.request(ToServer.health, {}).catch((error: unknown) => String(error));
  const { language, remoteName, appName } = vscode.env;
  return [
    "# Cairn: diagnostic report",
    list([
      `Cairn ${context.extension.packageJSON.version}`,
      `${appName} ${vscode.version}, ${remoteName ?? "local"}, language ${language}`,
      `Node ${process.versions.node}, ${process.platform} ${process.arch}`,
      `Server: ${server.state.kind}${"message" in server.state ? `: ${server.state.message}` : ""}`,
    ]),
    "## Settings that differ from their defaults",
    list(changedSettings()),
    "## Folders",
    ...[...server.statuses].map(([uri, status]) => `${uri}\n\n${fenced(JSON.stringify(status, null, 2))}`),
    "## Health",
    fenced(typeof health === "string" ? health : JSON.stringify(health.models, null, 2)),
    "## Checks",
    typeof findings === "string" ? findings : list(findings.map(lineOf)),
    "## Log",
    fenced(server.logLines.join("\n")),
    "",
  ].join("\n\n");
}

function changedSettings(): string[] {
  const configuration = vscode.workspace.getConfiguration("cairn");
  return Object.entries(SETTINGS).flatMap(([key, setting]) => {
    const value = JSON.stringify(configuration.get(key));
    return value === undefined || value === JSON.stringify(setting.default) ? [] : [`cairn.${key}: ${value}`];
  });
}

function lineOf({ name, state, detail, advice }: Finding): string {
  return [`${state}: ${name}: ${detail}.`, advice].filter(Boolean).join(" ");
}

function list(lines: readonly string[]): string {
  return lines.length > 0 ? lines.map((line) => `- ${line}`).join("\n") : "None.";
}

function fenced(text: string): string {
  return `\`\`\`\n${text}\n\`\`\``;
}

/** Some accounts have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "";
  }
}
