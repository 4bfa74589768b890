/// <reference lib="dom" />
import type {
  BenchChoices,
  BenchOutcome,
  BenchPanelState,
  FromBenchPanel,
  RunningBench,
  ToBenchPanel,
} from "../shared/bench-panel-messages.ts";
import { BENCH_AREAS } from "../shared/bench-types.ts";
import { CostView } from "./bench-costs.ts";
import { BenchForm } from "./bench-form.ts";
import { ReportView } from "./bench-report.ts";
import { type RunAction, runs } from "./bench-runs.ts";
import { outcomeInWords } from "./bench-wording.ts";
import { button, element } from "./dom.ts";
import { l10n } from "./l10n.ts";

declare function acquireVsCodeApi(): {
  postMessage(message: FromBenchPanel): void;
  getState(): BenchChoices | undefined;
  setState(state: BenchChoices): void;
};

const vscode = acquireVsCodeApi();
const send = (message: FromBenchPanel): void => vscode.postMessage(message);

const form = new BenchForm(vscode.getState() ?? { areas: BENCH_AREAS, quick: true, folder: "", providers: [] }, {
  changed(choices) {
    vscode.setState(choices);
    form.show(state);
  },
  run: (choices) => send({ type: "run", choices }),
  openSettings: () => send({ type: "openSettings" }),
});
const report = new ReportView({
  export: (format) => send({ type: "export", format }),
  saveChart: (chart) => send({ type: "saveChart", chart }),
  stopComparing: () => send({ type: "compare", run: "" }),
});
const costs = new CostView(
  (order) => send({ type: "costs", order }),
  (chart) => send({ type: "saveChart", chart }),
);
const said = element("span", "running", { role: "status", "aria-live": "polite" });
const rounds = element("span", "dim rounds");
const cancel = button(l10n.t("End Early"), () => send({ type: "cancel" }), "button second cancel");
const progress = element(
  "div",
  "progress",
  { hidden: "" },
  element("div", "bar unknown", { role: "progressbar", "aria-label": l10n.t("Progress") }, element("div", "bar-fill")),
  element("div", "running-line", {}, element("p", "", {}, said, " ", rounds), cancel),
);
const outcome = element("div", "outcome", { role: "status", "aria-live": "polite" });
const history = element("div", "history");
const take = button(l10n.t("Import a Run…"), () => send({ type: "import" }), "button second");

let state: BenchPanelState = { folders: [], providers: [], providerProblem: "" };

document.body.append(
  element(
    "main",
    "",
    {},
    element("h1", "", {}, l10n.t("Benchmark")),
    element(
      "p",
      "about",
      {},
      l10n.t(
        "Measures Cairn on this machine and on your own code. What is set against each other takes turns, so that whatever slows the machine slows both; a difference is only called one when the bounds leave no doubt. Nothing is sent anywhere unless you choose a model on another machine.",
      ),
    ),
    form.element,
    progress,
    outcome,
    report.element,
    costs.element,
    element("h2", "", {}, l10n.t("Runs")),
    history,
    element("div", "actions", {}, take),
  ),
);
window.addEventListener("message", ({ data }: MessageEvent<ToBenchPanel>) => {
  if (data.type === "state") takeOver(data.state);
  else {
    state = { ...state, running: data.running };
    showRunning(data.running);
  }
});
form.show(state);
send({ type: "ready" });

function takeOver(next: BenchPanelState): void {
  const before = state;
  const focused = document.activeElement;
  state = next;
  form.show(state);
  showRunning(state.running);
  if (!state.running) report.show(state.report, state.comparison);
  if (JSON.stringify(before.outcome) !== JSON.stringify(state.outcome)) showOutcome(state.outcome);
  costs.show(state.costs);
  showRuns(focused);
  take.disabled = state.running !== undefined;
  const begins = state.running && !before.running;
  const ended = before.running && !state.running;
  // A button that is off loses the focus; while it measures, the one that ends it has it.
  if (begins && document.hasFocus()) cancel.focus();
  if (ended && (focused === cancel || focused === document.body)) form.focus();
  if (begins) progress.scrollIntoView({ block: "nearest" });
  if (ended && state.outcome) outcome.scrollIntoView({ block: "nearest" });
  if (state.report && before.report && state.report.run.id !== before.report.run.id && !ended) {
    report.element.scrollIntoView({ block: "start" });
  }
  if (state.comparison && !before.comparison) report.element.querySelector(".comparison")?.scrollIntoView();
}

function showRunning(running: RunningBench | undefined): void {
  progress.hidden = !running;
  if (!running) {
    said.textContent = "";
    return;
  }
  const words = running.cancelling ? l10n.t("Ending …") : l10n.t("Measuring: {0}", running.said);
  // Only what is new is read out.
  if (said.textContent !== words) said.textContent = words;
  const count = running.measures.reduce((sum, one) => sum + one.rounds, 0);
  rounds.textContent = count === 0 ? "" : l10n.t("{0} values so far", l10n.number(count));
  cancel.disabled = running.cancelling;
  report.showLive(running.measures);
}

function showOutcome(ended: BenchOutcome | undefined): void {
  outcome.className = `outcome ${ended?.kind === "consent" ? "warns" : (ended?.kind ?? "")}`;
  outcome.replaceChildren();
  if (!ended) return;
  const { text, next } = outcomeInWords(ended);
  const advice = l10n.say(next);
  outcome.append(element("p", "", {}, l10n.say(text)), ...(advice ? [element("p", "next", {}, advice)] : []));
  if (ended.kind !== "consent") return;
  const agree = button(l10n.t("Send It, Now and in Future"), () => send({ type: "agree", agreed: true }));
  const decline = button(l10n.t("Send Nothing"), () => send({ type: "agree", agreed: false }), "button second");
  outcome.append(element("div", "actions", {}, agree, decline));
  outcome.scrollIntoView({ block: "nearest" });
}

function showRuns(focused: Element | null): void {
  if (!state.history) return;
  const act = (run: string, action: RunAction): void => send({ type: action, run });
  history.replaceChildren(...runs(state.history, state.report?.run.id, state.running !== undefined, act));
  if (focused?.id && !focused.isConnected) document.getElementById(focused.id)?.focus({ preventScroll: true });
}
