import { basename } from "node:path";
import * as vscode from "vscode";
import type {
  BenchChoices,
  BenchFolder,
  BenchOutcome,
  BenchPanelState,
  FromBenchPanel,
  ToBenchPanel,
} from "../shared/bench-panel-messages.ts";
import type { MeasureSummary } from "../shared/bench-types.ts";
import type { CostOrder } from "../shared/cost-types.ts";
import { CairnError } from "../shared/errors.ts";
import { inWords } from "../shared/phrase.ts";
import { BenchProgram } from "./bench-program.ts";
import type { ServerClient } from "./client.ts";
import type { ProviderKeys } from "./provider-keys.ts";
import { loadPage } from "./webview-page.ts";

const PANEL = "cairn.benchmark";

/** The panel that measures Cairn on this machine and on the user's code; a program of its own does the work. */
export function registerBenchmarkPanel(
  context: vscode.ExtensionContext,
  { log }: ServerClient,
  keys: ProviderKeys,
): vscode.Disposable {
  const panel = new BenchmarkPanel(context, new BenchProgram(context, log, keys));
  return vscode.Disposable.from(
    panel,
    vscode.commands.registerCommand("cairn.openBenchmark", () => panel.show()),
    vscode.window.registerWebviewPanelSerializer(PANEL, {
      deserializeWebviewPanel: async (restored) => panel.adopt(restored),
    }),
    vscode.workspace.onDidChangeWorkspaceFolders(() => panel.refresh()),
    vscode.workspace.onDidGrantWorkspaceTrust(() => panel.refresh()),
    context.secrets.onDidChange(() => panel.refresh()),
    vscode.workspace.onDidChangeConfiguration((change) => change.affectsConfiguration("cairn") && panel.refresh()),
  );
}

type Shown = Omit<BenchPanelState, "folders">;

class BenchmarkPanel implements vscode.Disposable {
  readonly #extensionUri: vscode.Uri;
  readonly #program: BenchProgram;
  readonly #subscription: vscode.Disposable;
  #panel: vscode.WebviewPanel | undefined;
  #state: Shown = { providers: [], providerProblem: "" };
  #costOrder: CostOrder = {};
  /** What is measured as soon as the user agrees to what is sent. */
  #waiting: BenchChoices | undefined;

  constructor(context: vscode.ExtensionContext, program: BenchProgram) {
    this.#extensionUri = context.extensionUri;
    this.#program = program;
    this.#subscription = this.#program.onEvent((event) => {
      const { running } = this.#state;
      if (!running) return;
      const said = event.type === "note" ? inWords(event.said, vscode.l10n.bundle) : running.said;
      const changed = event.type === "progress" ? event.measures : [];
      this.#state.running = { ...running, said, measures: merged(running.measures, changed) };
      this.#post({ type: "progress", running: this.#state.running });
    });
  }

  show(): void {
    if (this.#panel) this.#panel.reveal();
    else this.adopt(vscode.window.createWebviewPanel(PANEL, vscode.l10n.t("Benchmark"), vscode.ViewColumn.Active));
  }

  /** Takes over a panel, new or from before the window was loaded again. */
  adopt(panel: vscode.WebviewPanel): void {
    this.#panel?.dispose();
    this.#panel = panel;
    panel.iconPath = new vscode.ThemeIcon("dashboard");
    panel.webview.onDidReceiveMessage((message: FromBenchPanel) => this.#receive(message));
    panel.onDidDispose(() => {
      if (this.#panel !== panel) return;
      this.#panel = undefined;
      // Nobody watches any more; what was complete is in the list next time.
      this.#program.stop();
      this.#state = { providers: [], providerProblem: "" };
    });
    loadPage(panel.webview, this.#extensionUri, "benchmark", true);
  }

  /** Reads again what the form offers: folders and settings have changed. */
  async refresh(): Promise<void> {
    if (!this.#panel || this.#state.running) return;
    await this.#readProviders();
    await this.#readCosts();
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#program.dispose();
    this.#panel?.dispose();
  }

  async #receive(message: FromBenchPanel): Promise<void> {
    const { report } = this.#state;
    switch (message.type) {
      case "ready":
        this.#sendState();
        if (!this.#state.running) await this.#attempt(() => this.#readAll());
        return;
      case "run":
        return this.#begin(message.choices);
      case "agree": {
        const choices = this.#waiting;
        this.#waiting = undefined;
        if (message.agreed && choices) return this.#measure(choices, true);
        return this.#enter({ outcome: undefined });
      }
      case "cancel":
        if (this.#state.running) this.#enter({ running: { ...this.#state.running, cancelling: true } });
        return this.#attempt(async () => void (await this.#program.request("cancel", {})));
      case "show":
        return this.#attempt(async () => {
          const shown = await this.#program.request("report", { run: message.run });
          this.#enter({ report: shown, comparison: undefined, outcome: undefined });
        });
      case "compare":
        if (message.run === "" || !report) return this.#enter({ comparison: undefined });
        return this.#attempt(async () => {
          const comparison = await this.#program.request("compare", { one: report.run.id, other: message.run });
          this.#enter({ comparison });
        });
      case "remove":
        return this.#attempt(() => this.#remove(message.run));
      case "export":
        return this.#attempt(async () => {
          if (!report) return;
          const { format } = message;
          const content = await this.#program.request("export", { run: report.run.id, format });
          await this.#save(`cairn-bench-${report.run.id}.${format}`, Buffer.from(content));
        });
      case "saveChart":
        return this.#attempt(() => {
          const { name, format, content } = message.chart;
          return this.#save(`${name}.${format}`, Buffer.from(content, format === "png" ? "base64" : "utf8"));
        });
      case "costs":
        this.#costOrder = message.order;
        return this.#readCosts();
      case "import":
        return this.#attempt(() => this.#import());
      case "openSettings":
        await vscode.commands.executeCommand("workbench.action.openSettings", "@ext:cairn.cairn answer.provider");
    }
  }

  /** Measures, or asks first when something would be sent that the user has not agreed to. */
  async #begin(choices: BenchChoices): Promise<void> {
    const { running, providers } = this.#state;
    if (running) return;
    const asked = providers.filter(({ name, agreed }) => choices.providers.includes(name) && !agreed);
    if (asked.length === 0 || !choices.areas.includes("answer")) return this.#measure(choices, false);
    this.#waiting = choices;
    this.#enter({ outcome: { kind: "consent", providers: asked } });
  }

  async #measure({ areas, quick, folder, providers }: BenchChoices, agreed: boolean): Promise<void> {
    const said = vscode.l10n.t("looking at the folder");
    this.#enter({ running: { said, cancelling: false, measures: [] }, outcome: undefined, comparison: undefined });
    const uri = folder === "" ? undefined : vscode.Uri.file(folder);
    const params = {
      areas,
      quick,
      ...(folder !== "" && { folder }),
      providers: areas.includes("answer") ? providers : [],
      agreed,
    };
    const ended: Partial<Shown> = await this.#program.request("run", params, uri).then(
      (report) => {
        const kept = report.measures.length > 0;
        const { cancelled } = report.run;
        return { ...((kept || !cancelled) && { report }), outcome: { kind: "measured", cancelled, kept } };
      },
      (error: unknown) => {
        const wanted = this.#state.running?.cancelling === true;
        return { outcome: wanted ? { kind: "measured", cancelled: true, kept: false } : outcomeOf(error) };
      },
    );
    if (!this.#panel) return;
    this.#state = { ...this.#state, ...ended, running: undefined };
    // Shown with the list that the run is in now.
    await this.#attempt(() => this.#readAll());
  }

  async #remove(run: string): Promise<void> {
    await this.#program.request("remove", { run });
    const { report, comparison } = this.#state;
    const isCompared = comparison?.earlier.id === run || comparison?.later.id === run;
    this.#state = {
      ...this.#state,
      report: report?.run.id === run ? undefined : report,
      comparison: isCompared ? undefined : comparison,
    };
    await this.#readAll();
  }

  async #save(name: string, content: Uint8Array): Promise<void> {
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
    const uri = await vscode.window.showSaveDialog({
      ...(folder && { defaultUri: vscode.Uri.joinPath(folder, name) }),
      title: vscode.l10n.t("Where the figures go"),
    });
    if (!uri) return;
    await vscode.workspace.fs.writeFile(uri, content);
    this.#enter({ outcome: { kind: "saved", path: uri.fsPath } });
  }

  async #import(): Promise<void> {
    const chosen = await vscode.window.showOpenDialog({
      filters: { JSON: ["json"] },
      title: vscode.l10n.t("A run that was exported as JSON"),
    });
    if (!chosen) return;
    const [{ fsPath: file }] = chosen;
    await this.#program.request("import", { file });
    this.#state.outcome = { kind: "imported", path: basename(file) };
    await this.#readAll();
  }

  /** The list of runs, the newest of them when none is looked at, and who can be measured. */
  async #readAll(): Promise<void> {
    const history = await this.#program.request("list", {});
    const newest = history.runs.at(-1);
    const report =
      this.#state.report ?? (newest ? await this.#program.request("report", { run: newest.id }) : undefined);
    this.#state = { ...this.#state, history, report };
    await this.#readProviders();
    await this.#readCosts();
  }

  async #readCosts(): Promise<void> {
    await this.#attempt(async () => this.#enter({ costs: await this.#program.request("costs", this.#costOrder) }));
  }

  async #readProviders(): Promise<void> {
    try {
      this.#enter({ providers: await this.#program.request("providers", {}), providerProblem: "" });
    } catch (error) {
      this.#enter({ providers: [], providerProblem: textOf(error) });
    }
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.#panel) this.#enter({ outcome: outcomeOf(error) });
    }
  }

  #enter(changes: Partial<Shown>): void {
    this.#state = { ...this.#state, ...changes };
    this.#sendState();
  }

  #sendState(): void {
    this.#post({ type: "state", state: { ...this.#state, folders: foldersToMeasure() } });
  }

  #post(message: ToBenchPanel): void {
    void this.#panel?.webview.postMessage(message);
  }
}

function foldersToMeasure(): BenchFolder[] {
  const folders = vscode.workspace.workspaceFolders?.filter(({ uri }) => uri.scheme === "file") ?? [];
  return folders.map(({ name, uri }) => {
    const obstacle = obstacleIn(uri);
    return { name, path: uri.fsPath, ...(obstacle && { obstacle }) };
  });
}

function obstacleIn(folder: vscode.Uri): string {
  if (!vscode.workspace.isTrusted) return vscode.l10n.t("Cairn reads nothing while this workspace is not trusted.");
  if (vscode.workspace.getConfiguration("cairn", folder).get("index.enabled")) return "";
  return vscode.l10n.t("Indexing is off in this folder (cairn.index.enabled), and nothing of it is read.");
}

/** The measures with those that have changed in their places, and new ones after them. */
function merged(known: readonly MeasureSummary[], changed: readonly MeasureSummary[]): MeasureSummary[] {
  const all = new Map([...known, ...changed].map((measure) => [measure.id, measure]));
  return [...all.values()];
}

function outcomeOf(error: unknown): BenchOutcome {
  return { kind: "failed", message: textOf(error), hint: error instanceof CairnError ? error.hint : "" };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
