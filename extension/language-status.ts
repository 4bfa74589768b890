import * as vscode from "vscode";
import type { FileStatus } from "../shared/index-contents.ts";
import { ToServer } from "../shared/protocol.ts";
import type { ServerClient } from "./client.ts";
import { pieces, shapeInWords } from "./file-shape.ts";

/** Says beside the language of the active file whether it can be found, and why not. */
export function registerLanguageStatus(server: ServerClient): vscode.Disposable {
  const item = vscode.languages.createLanguageStatusItem("cairn.file", { scheme: "file" });
  item.name = "Cairn";
  item.command = { title: vscode.l10n.t("What Is Indexed"), command: "cairn.showContents" };
  item.text = vscode.l10n.t("Not indexed yet");
  let asking = false;
  let askAgain = false;
  /** One question is under way at a time; whatever happens meanwhile asks once more. */
  const refresh = async (): Promise<void> => {
    askAgain = true;
    if (asking) return;
    asking = true;
    while (askAgain) {
      askAgain = false;
      const uri = vscode.window.activeTextEditor?.document.uri;
      if (uri?.scheme === "file") Object.assign(item, await describe(server, uri));
    }
    asking = false;
  };
  void refresh();
  return vscode.Disposable.from(
    item,
    server.onDidChange(refresh),
    vscode.window.onDidChangeActiveTextEditor(refresh),
    vscode.workspace.onDidSaveTextDocument(refresh),
  );
}

type Description = Pick<vscode.LanguageStatusItem, "text" | "detail" | "severity" | "busy">;

async function describe(server: ServerClient, uri: vscode.Uri): Promise<Description> {
  if (server.state.kind !== "running") return notAsked(server.state.kind);
  try {
    return inWords(await server.request(ToServer.fileStatus, { uri: uri.toString() }));
  } catch (error) {
    return say(error instanceof Error ? error.message : String(error), "", vscode.LanguageStatusSeverity.Warning);
  }
}

function notAsked(state: ServerClient["state"]["kind"]): Description {
  switch (state) {
    case "untrusted":
      return say(vscode.l10n.t("Not indexed"), vscode.l10n.t("until you trust this workspace"));
    case "starting":
      return { ...say(vscode.l10n.t("Cairn is starting")), busy: true };
    case "no-folder":
      return say(vscode.l10n.t("Not indexed"), vscode.l10n.t("no folder is open"));
    default:
      return say(vscode.l10n.t("Cairn is not running"), "", vscode.LanguageStatusSeverity.Warning);
  }
}

function inWords(status: FileStatus | null): Description {
  switch (status?.state) {
    case "indexed": {
      const text = vscode.l10n.t("Indexed {0}", shapeInWords(status.shape));
      const detail = `${status.language}, ${pieces(status.chunks)}`;
      return status.outdated
        ? { ...say(text, vscode.l10n.t("{0}, being brought up to date", detail)), busy: true }
        : say(text, detail);
    }
    case "left-out":
      return say(vscode.l10n.t("Left out of the index"), status.reason, vscode.LanguageStatusSeverity.Warning);
    case "waiting":
      return say(vscode.l10n.t("Not indexed yet"), vscode.l10n.t("searched by its words"));
    default:
      return say(vscode.l10n.t("Not indexed"), vscode.l10n.t("not in an open folder"));
  }
}

function say(text: string, detail = "", severity = vscode.LanguageStatusSeverity.Information): Description {
  return { text, detail, severity, busy: false };
}
