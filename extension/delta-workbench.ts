import { randomUUID } from "node:crypto";
import { extname } from "node:path";
import * as vscode from "vscode";
import type {
  DeltaChoices,
  DeltaInputs,
  DeltaOutcome,
  DeltaPanelState,
  DeltaPicture,
  DeltaRecord,
  DeltaWork,
  FromDeltaPanel,
  RecordAction,
  RunningWork,
  ToDeltaPanel,
} from "../shared/delta-panel-messages.ts";
import type { DeltaContents, DeltaTensor } from "../shared/delta-types.ts";
import { CairnError } from "../shared/errors.ts";
import { ToServer } from "../shared/protocol.ts";
import type { ServerClient } from "./client.ts";
import { DeltaHistory } from "./delta-history.ts";
import { chooseFolder, chooseModel, choosePlace, isThere } from "./delta-pickers.ts";
import { collectDeltas, mayRemove, mayUndo, scanFolder, type Underway, withoutDeltas } from "./delta-scan.ts";
import { tellOfDownloads } from "./derived-downloads.ts";
import { loadPage } from "./webview-page.ts";

const PANEL = "cairn.deltaWorkbench";

/** The panel that stores fine-tuned models as deltas; the server does the work. */
export function registerDeltaWorkbench(context: vscode.ExtensionContext, server: ServerClient): vscode.Disposable {
  const workbench = new DeltaWorkbench(context, server);
  return vscode.Disposable.from(
    workbench,
    tellOfDownloads(server, (pair) => workbench.show(pair)),
    vscode.commands.registerCommand("cairn.openDeltaWorkbench", () => workbench.show({})),
    vscode.commands.registerCommand("cairn.compressAgainstBase", (file?: unknown) =>
      workbench.show(file instanceof vscode.Uri ? { fine: file.fsPath } : {}),
    ),
    vscode.window.registerWebviewPanelSerializer(PANEL, {
      deserializeWebviewPanel: async (panel) => workbench.adopt(panel),
    }),
  );
}

type Shown = Omit<DeltaPanelState, "history">;

class DeltaWorkbench implements vscode.Disposable {
  readonly #extensionUri: vscode.Uri;
  readonly #server: ServerClient;
  readonly #history: DeltaHistory;
  readonly #subscription: vscode.Disposable;
  #panel: vscode.WebviewPanel | undefined;
  /** True once the page is loaded; until then it would miss what it is told. */
  #listening = false;
  /** What the fields are to hold as soon as the page is loaded. */
  #preset: Partial<DeltaInputs> = {};
  #state: Shown = {};
  /** What runs: its number on the way to the server, and how to stop it. */
  #running: { task: number; cancellation: vscode.CancellationTokenSource } | undefined;
  #tasks = 0;
  #pictures = 0;
  /** Does what was not begun because something is there. */
  #replace: (() => Promise<void>) | undefined;

  constructor(context: vscode.ExtensionContext, server: ServerClient) {
    this.#extensionUri = context.extensionUri;
    this.#history = new DeltaHistory(context.globalState);
    this.#server = server;
    this.#subscription = server.onDeltaProgress(({ task, ...progress }) => {
      const { running } = this.#state;
      if (task !== this.#running?.task || !running) return;
      this.#state.running = { ...running, progress };
      this.#post({ type: "progress", running: this.#state.running });
    });
  }

  /** Brings the panel up, with these in its fields. */
  show(preset: Partial<DeltaInputs>): void {
    this.#preset = { ...this.#preset, ...preset };
    if (this.#panel) {
      this.#panel.reveal();
      if (this.#listening) this.#sendPreset();
      return;
    }
    const title = vscode.l10n.t("Delta Workbench");
    this.adopt(vscode.window.createWebviewPanel(PANEL, title, vscode.ViewColumn.Active));
  }

  /** Takes over a panel, new or from before the window was loaded again. */
  adopt(panel: vscode.WebviewPanel): void {
    this.#panel?.dispose();
    this.#panel = panel;
    this.#listening = false;
    panel.iconPath = new vscode.ThemeIcon("file-zip");
    panel.webview.onDidReceiveMessage((message: FromDeltaPanel) => this.#receive(message));
    // A page that is hidden is unloaded; what it shows is kept here.
    panel.onDidChangeViewState(() => {
      if (!panel.visible) this.#listening = false;
    });
    panel.onDidDispose(() => {
      if (this.#panel === panel) this.#panel = undefined;
    });
    loadPage(panel.webview, this.#extensionUri, "delta-workbench");
  }

  dispose(): void {
    this.#running?.cancellation.cancel();
    this.#subscription.dispose();
    this.#panel?.dispose();
  }

  async #receive(message: FromDeltaPanel): Promise<void> {
    switch (message.type) {
      case "ready":
        this.#listening = true;
        this.#sendState();
        return this.#sendPreset();
      case "choose":
        return this.#choose(message);
      case "chooseFolder":
        return this.#chooseFolder(message);
      case "findBases":
        return this.#findBases(message.fine, message.where);
      case "scan":
        return this.#scan(message.folder, message.fast);
      case "collect":
        return this.#collect(message);
      case "undo":
        return this.#undo(message.deltas);
      case "estimate":
        return this.#estimate(message.inputs, message.choices);
      case "compress":
        return this.#compress(message.inputs, message.choices, false);
      case "replace":
        return this.#replace?.();
      case "cancel":
        if (this.#state.running) this.#enter({ running: { ...this.#state.running, cancelling: true } });
        return this.#running?.cancellation.cancel();
      case "record":
        return this.#act(message.id, message.action);
    }
  }

  async #choose({ field, how, inputs }: FromDeltaPanel & { type: "choose" }): Promise<void> {
    const chosen =
      field === "out"
        ? await choosePlace(vscode.l10n.t("Where the delta goes"), inputs.out)
        : await chooseModel(field, how, inputs[field] || inputs.fine || inputs.base, this.#history.recent);
    if (chosen !== undefined) this.#post({ type: "inputs", inputs: { [field]: chosen } });
  }

  async #chooseFolder({ field, inputs }: FromDeltaPanel & { type: "chooseFolder" }): Promise<void> {
    const title =
      field === "folder" ? vscode.l10n.t("A folder with models") : vscode.l10n.t("The folder that deltas go to");
    const chosen = await chooseFolder(title, inputs[field] || inputs.folder);
    if (chosen !== undefined) this.#post({ type: "scanInputs", inputs: { [field]: chosen } });
  }

  async #findBases(fine: string, where: "near" | "folder"): Promise<void> {
    const folder = where === "folder" ? await chooseFolder(vscode.l10n.t("Where the base may be"), fine) : undefined;
    if (where === "folder" && folder === undefined) return;
    await this.#run("findBases", fine, async ({ ask }) => {
      const found = await ask(ToServer.deltaFindBases, folder === undefined ? { fine } : { fine, folder });
      return { bases: { fine, ...found } };
    });
  }

  async #scan(folder: string, fast: boolean): Promise<void> {
    await this.#run("scan", folder, async (underway) => {
      await scanFolder(folder, fast, underway);
      return {};
    });
  }

  async #collect({ type: _, ...given }: FromDeltaPanel & { type: "collect" }): Promise<void> {
    const { scan } = this.#state;
    if (!scan || (given.replace && !(await mayRemove(given.fines.length)))) return;
    await this.#run("collect", given.deltas, async (underway) => ({
      outcome: await collectDeltas(scan, given, underway, (record) => this.#history.add(record)),
    }));
  }

  async #undo(folder: string): Promise<void> {
    if (!(await mayUndo(folder))) return;
    await this.#run("undo", folder, async ({ ask }) => {
      const undone = new Set((await ask(ToServer.deltaUndo, { folder })).map(({ delta }) => delta));
      await this.#history.removeDeltas(undone);
      const { scan } = this.#state;
      return {
        scan: scan && withoutDeltas(scan, undone),
        outcome: { kind: "undone", folder, deltas: undone.size },
      };
    });
  }

  async #estimate({ base, fine }: DeltaInputs, { fast }: DeltaChoices): Promise<void> {
    await this.#run("estimate", fine, async ({ ask }) => {
      const estimate = await ask(ToServer.deltaEstimate, { base, fine, fast });
      await this.#history.use([base, fine]);
      return { picture: this.#pictureOf({ base, subject: fine, measured: false, ...estimate }) };
    });
  }

  async #compress(inputs: DeltaInputs, choices: DeltaChoices, force: boolean): Promise<void> {
    const { base, fine, out } = inputs;
    const { check } = choices;
    if (!force && (await this.#isTaken(out, () => this.#compress(inputs, choices, true)))) return;
    const known = this.#state.picture;
    const changes = known?.base === base && known.subject === fine ? known.tensors : [];
    await this.#run("compress", fine, async ({ ask }) => {
      const made = await ask(ToServer.deltaCompress, { ...inputs, ...choices, force });
      const madeAt = new Date().toISOString();
      const { path: delta, bytes, deltaBytes, resumedBlocks } = made;
      const record = { id: randomUUID(), base, fine, delta, bytes, deltaBytes, madeAt };
      await this.#history.add(check ? { ...record, verifiedAt: madeAt } : record);
      await this.#history.use([base, fine]);
      return {
        picture: this.#measured(base, made, changes),
        outcome: { kind: "compressed", path: delta, checked: check, resumed: resumedBlocks > 0 },
      };
    });
  }

  async #act(id: string, action: RecordAction): Promise<void> {
    const record = this.#history.record(id);
    if (!record) return;
    const { delta, base } = record;
    switch (action) {
      case "remove":
        await this.#history.remove(id);
        return this.#sendState();
      case "describe":
        return this.#run("describe", delta, async ({ ask }) => ({
          picture: this.#measured(base, await ask(ToServer.deltaDescribe, { delta }), []),
        }));
      case "verify":
        return this.#run("verify", delta, async ({ ask }) => {
          const verified = await ask(ToServer.deltaVerify, { delta, base });
          await this.#history.setVerified(id, new Date().toISOString());
          return { outcome: { kind: "verified", path: delta, ...verified } };
        });
      case "reconstruct": {
        const out = await choosePlace(vscode.l10n.t("Where the model is to be rebuilt"), restoredName(record));
        if (out !== undefined) await this.#reconstruct(record, out, false);
      }
    }
  }

  async #reconstruct(record: DeltaRecord, out: string, force: boolean): Promise<void> {
    if (!force && (await this.#isTaken(out, () => this.#reconstruct(record, out, true)))) return;
    const { delta, base } = record;
    await this.#run("reconstruct", delta, async ({ ask }) => ({
      outcome: { kind: "reconstructed", ...(await ask(ToServer.deltaReconstruct, { delta, base, out, force })) },
    }));
  }

  /** Asks first when something would have to be replaced. */
  async #isTaken(path: string, replace: () => Promise<void>): Promise<boolean> {
    if (path === "" || !(await isThere(path))) return false;
    this.#replace = replace;
    this.#enter({ outcome: { kind: "exists", path } });
    return true;
  }

  /** Has the server do one piece of work and shows what comes of it; one at a time. */
  async #run(work: DeltaWork, path: string, act: (underway: Underway) => Promise<Partial<Shown>>): Promise<void> {
    if (this.#running) return;
    const cancellation = new vscode.CancellationTokenSource();
    const task = ++this.#tasks;
    this.#running = { task, cancellation };
    this.#replace = undefined;
    const running: RunningWork = { work, path, cancelling: false };
    this.#enter({ running, outcome: undefined });
    let worked: Partial<Shown>;
    try {
      await this.#server.startWithoutFolder();
      worked = await act({
        ask: (request, params) => this.#server.request(request, { ...params, task }, cancellation.token),
        at: (path, item) => {
          this.#state.running = { ...(this.#state.running ?? running), path, item, progress: undefined };
          this.#post({ type: "progress", running: this.#state.running });
        },
        show: (scan) => {
          this.#state.scan = scan;
          this.#post({ type: "scan", scan });
        },
      });
    } catch (error) {
      worked = { outcome: outcomeOf(error, work) };
    }
    cancellation.dispose();
    this.#running = undefined;
    this.#enter({ ...worked, running: undefined });
  }

  #measured(base: string, contents: DeltaContents, changes: readonly DeltaTensor[]): DeltaPicture {
    const known = new Map(changes.map(({ name, change }) => [name, change]));
    const tensors = contents.tensors.map((tensor) => ({ ...tensor, change: known.get(tensor.name) }));
    return this.#pictureOf({ ...contents, base, subject: contents.path, measured: true, error: 0, tensors });
  }

  #pictureOf(shown: Omit<DeltaPicture, "id">): DeltaPicture {
    const { base, subject, measured, bytes, deltaBytes, error, rows, tensors } = shown;
    return { id: ++this.#pictures, base, subject, measured, bytes, deltaBytes, error, rows, tensors };
  }

  #enter(changes: Partial<Shown>): void {
    this.#state = { ...this.#state, ...changes };
    this.#sendState();
  }

  #sendState(): void {
    this.#post({ type: "state", state: { ...this.#state, history: this.#history.records } });
  }

  #sendPreset(): void {
    this.#post({ type: "inputs", inputs: this.#preset });
    this.#preset = {};
  }

  #post(message: ToDeltaPanel): void {
    void this.#panel?.webview.postMessage(message);
  }
}

function outcomeOf(error: unknown, work: DeltaWork): DeltaOutcome {
  if (error instanceof vscode.CancellationError) return { kind: "cancelled", work };
  const message = error instanceof Error ? error.message : String(error);
  return { kind: "failed", work, message, hint: error instanceof CairnError ? error.hint : "" };
}

/** Beside the original, under a name that is not taken by it. */
function restoredName({ fine, delta }: DeltaRecord): string {
  const original = /[\\/]/.test(fine) ? fine : delta;
  const extension = extname(original);
  return `${original.slice(0, original.length - extension.length)}.restored${extension}`;
}
