import * as vscode from "vscode";
import type { GpuLibrary, GpuOffers } from "../shared/gpu-types.ts";
import { inWords } from "../shared/phrase.ts";
import { ToServer } from "../shared/protocol.ts";
import type { ServerClient } from "./client.ts";
import { inBytes } from "./file-shape.ts";
import { showDownload, showFailure } from "./model-download.ts";

/** The command that gets libraries for the graphics processor, once the user has seen what they are and has agreed. */
export function registerGpuLibraries(server: ServerClient): vscode.Disposable {
  return vscode.commands.registerCommand("cairn.getGpuLibraries", async () => {
    try {
      await server.startWithoutFolder();
      const offers = await server.request(ToServer.gpuLibraries, {});
      const library = await pick(offers);
      if (library) await get(server, offers, library);
    } catch (error) {
      showFailure(error);
    }
  });
}

/** A model file was chosen, and a graphics processor is there that it cannot use yet: says so, and what would help. */
export async function offerGpuLibraries(server: ServerClient): Promise<void> {
  const offers = await server.request(ToServer.gpuLibraries, {});
  const library = offers.libraries.find(({ name }) => name === offers.best);
  if (!library || offers.libraries.some(({ onDisk }) => onDisk)) return;
  const told = vscode.l10n.t(
    "Model files run on the processor here: libraries for the graphics processor are missing.",
  );
  const show = vscode.l10n.t("Get GPU Libraries ({0})", inBytes(sizeOf(library).bytes));
  if ((await vscode.window.showInformationMessage(told, show)) === show) await get(server, offers, library);
}

async function pick({ libraries, best, graphics, own }: GpuOffers): Promise<GpuLibrary | undefined> {
  if (libraries.length === 0) {
    const comes =
      own === "metal"
        ? vscode.l10n.t("Model files run on Metal with what comes with Cairn: there is nothing to get.")
        : vscode.l10n.t("There are no libraries for the graphics processors of this platform.");
    void vscode.window.showInformationMessage(comes);
    return undefined;
  }
  const items = libraries.map((library) => {
    const { name, about, obstacle, onDisk } = library;
    const size = sizeOf(library);
    const state = onDisk
      ? vscode.l10n.t("on this machine, {0}", inBytes(size.unpackedBytes))
      : vscode.l10n.t("{0} to download, {1} on disk", inBytes(size.bytes), inBytes(size.unpackedBytes));
    const suits = name === best ? vscode.l10n.t("suits this machine best") : "";
    return {
      label: `${onDisk ? "$(check) " : ""}${name}`,
      description: [state, suits].filter(Boolean).join(" · "),
      detail: [obstacle, about].flatMap((said) => (said ? [inWords(said, vscode.l10n.bundle)] : [])).join(" · "),
      library,
    };
  });
  const found = graphics.join(", ") || vscode.l10n.t("no graphics processor that an engine could use");
  const title = vscode.l10n.t("Get GPU Libraries");
  const placeHolder = vscode.l10n.t("Found here: {0}", found);
  const picked = await vscode.window.showQuickPick(items, { title, placeHolder });
  return picked && !picked.library.onDisk ? picked.library : undefined;
}

/** Downloads them once the user has agreed; the engines start anew with them. */
async function get(server: ServerClient, { registry }: GpuOffers, library: GpuLibrary): Promise<void> {
  const { name, packages, obstacle } = library;
  const { bytes, unpackedBytes } = sizeOf(library);
  const lines = packages.map((one) => `${one.name}@${one.version}, ${inBytes(one.bytes)}\n${one.integrity}`);
  const from = vscode.l10n.t("From {0}, checked before anything is unpacked:", registry || "npm");
  const warning = obstacle ? vscode.l10n.t("They may not work here: {0}.", inWords(obstacle, vscode.l10n.bundle)) : "";
  const detail = [from, ...lines, warning].filter(Boolean).join("\n");
  const title = vscode.l10n.t(
    "Download the libraries for {0}? {1}, {2} on disk.",
    name,
    inBytes(bytes),
    inBytes(unpackedBytes),
  );
  const yes = vscode.l10n.t("Download");
  if ((await vscode.window.showInformationMessage(title, { modal: true, detail }, yes)) !== yes) return;
  const progressTitle = vscode.l10n.t("Cairn: downloading the libraries for {0}", name);
  await showDownload(server, progressTitle, (task, token) => server.request(ToServer.gpuGet, { name, task }, token));
  const done = vscode.l10n.t("Cairn: model files run on the graphics processor from now on, where it works");
  vscode.window.setStatusBarMessage(`$(check) ${done}`, 8000);
}

function sizeOf({ packages }: GpuLibrary): { bytes: number; unpackedBytes: number } {
  const sum = (of: "bytes" | "unpackedBytes") => packages.reduce((all, one) => all + one[of], 0);
  return { bytes: sum("bytes"), unpackedBytes: sum("unpackedBytes") };
}
