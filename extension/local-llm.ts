import { basename } from "node:path";
import * as vscode from "vscode";
import type { Fit, LocalLlmChoices, OfferedLlm } from "../shared/local-llm-types.ts";
import { ToServer } from "../shared/protocol.ts";
import type { ServerClient } from "./client.ts";
import { inBytes } from "./file-shape.ts";
import { setInstead, showDownload, showFailure, warnOverruled } from "./model-download.ts";

/** Providers that answer with the model file that was chosen. */
const RUN_BY_CAIRN: readonly unknown[] = ["llama", "local"];

type Picked = { readonly kind: "model"; readonly model: OfferedLlm } | { readonly kind: "file" };

/** The command that chooses the language model that Cairn runs itself, and downloads it when need be. */
export function registerLocalLlm(server: ServerClient): vscode.Disposable {
  async function choose(): Promise<void> {
    await server.startWithoutFolder();
    const choices = await server.request(ToServer.localLlms, {});
    const picked = await pick(choices);
    if (!picked) return;
    const named = picked.kind === "file" ? await file() : await here(picked.model);
    if (named === undefined) return;
    const { path, overruledBy } = await server.request(ToServer.localLlmUse, { model: named });
    if (overruledBy !== "" && !(await setInstead("answer.local.modelPath", path))) warnOverruled(overruledBy);
    await offerToAnswer(picked.kind === "file" ? basename(path) : picked.model.id);
  }

  /** A model of the list, once it is on this machine; undefined when the user leaves. */
  async function here({ id, path, repository, bytes, licence, fit, why }: OfferedLlm): Promise<string | undefined> {
    if (path !== undefined) return id;
    const title = vscode.l10n.t("Download {0} ({1}) from the Hugging Face Hub?", id, inBytes(bytes));
    const detail = [
      vscode.l10n.t("From {0}, licence {1}.", repository, licence),
      `${fitInWords(fit)}: ${why}.`,
      vscode.l10n.t(
        "Cairn knows no SHA-256 of it: what the Hub says at the first download is recorded, and holds from then on.",
      ),
    ].join("\n");
    const yes = vscode.l10n.t("Download");
    if ((await vscode.window.showInformationMessage(title, { modal: true, detail }, yes)) !== yes) return undefined;
    const downloading = vscode.l10n.t("Cairn: downloading {0}", id);
    await showDownload(server, downloading, (task, token) =>
      server.request(ToServer.localLlmPull, { model: id, task }, token),
    );
    return id;
  }

  return vscode.commands.registerCommand("cairn.chooseLocalLlm", () => choose().catch(showFailure));
}

async function pick({ chosen, models }: LocalLlmChoices): Promise<Picked | undefined> {
  const separator = (label: string) => ({ label, kind: vscode.QuickPickItemKind.Separator, choice: undefined });
  const isChosen = ({ path }: OfferedLlm): boolean => path !== undefined && path === chosen;
  const modelItem = (model: OfferedLlm) => ({
    label: `${isChosen(model) ? "$(check) " : ""}${model.id}`,
    description: [
      inBytes(model.bytes),
      vscode.l10n.t("{0} billion parameters", (model.parameters / 1e9).toFixed(1)),
      model.licence,
      model.path === undefined ? vscode.l10n.t("to be downloaded") : "",
    ]
      .filter(Boolean)
      .join(" · "),
    detail: `${FIT_ICONS[model.fit]} ${fitInWords(model.fit)}: ${model.why}. ${model.about}.`,
    choice: { kind: "model", model } as const,
  });
  const isOwn = chosen !== "" && !models.some(isChosen);
  const items = [
    separator(vscode.l10n.t("on this machine")),
    ...models.filter(({ path }) => path !== undefined).map(modelItem),
    {
      label: `${isOwn ? "$(check) " : ""}${vscode.l10n.t("A GGUF File...")}`,
      description: isOwn ? chosen : vscode.l10n.t("any chat or instruct model that llama.cpp runs"),
      choice: { kind: "file" } as const,
    },
    separator(vscode.l10n.t("from the Hugging Face Hub")),
    ...models.filter(({ path }) => path === undefined).map(modelItem),
  ];
  const placeHolder = vscode.l10n.t("Which model answers on this machine?");
  const title = vscode.l10n.t("Choose Local LLM");
  const options = { title, placeHolder, matchOnDescription: true, matchOnDetail: true };
  return (await vscode.window.showQuickPick(items, options))?.choice;
}

const FIT_ICONS: Readonly<Record<Fit, string>> = { yes: "$(pass)", tight: "$(warning)", no: "$(error)" };

function fitInWords(fit: Fit): string {
  if (fit === "yes") return vscode.l10n.t("Fits this machine");
  return fit === "tight" ? vscode.l10n.t("Tight on this machine") : vscode.l10n.t("Does not fit this machine");
}

async function file(): Promise<string | undefined> {
  const [chosen] =
    (await vscode.window.showOpenDialog({
      canSelectFiles: true,
      filters: { GGUF: ["gguf"] },
      openLabel: vscode.l10n.t("Choose"),
      title: vscode.l10n.t("Choose Local LLM"),
    })) ?? [];
  return chosen?.fsPath;
}

/** A model that is chosen answers nothing while another provider, or none, is set. */
async function offerToAnswer(name: string): Promise<void> {
  const settings = vscode.workspace.getConfiguration("cairn");
  if (RUN_BY_CAIRN.includes(settings.get("answer.provider"))) {
    return void vscode.window.showInformationMessage(vscode.l10n.t("{0} answers from the next question on.", name));
  }
  const yes = vscode.l10n.t("Let It Answer");
  const question = vscode.l10n.t("{0} is the local model now. Is it to answer all questions?", name);
  if ((await vscode.window.showInformationMessage(question, yes)) !== yes) return;
  await settings.update("answer.provider", "llama", vscode.ConfigurationTarget.Global);
}
