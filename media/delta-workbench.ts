/// <reference lib="dom" />
import type {
  DeltaChoices,
  DeltaInputs,
  DeltaPanelState,
  FromDeltaPanel,
  ToDeltaPanel,
} from "../shared/delta-panel-messages.ts";
import { records } from "./delta-records.ts";
import { element } from "./dom.ts";
import { foundBases } from "./found-bases.ts";
import { l10n } from "./l10n.ts";
import { PairForm } from "./pair-form.ts";
import { OutcomeNote, RunningBar } from "./running-work.ts";
import { EMPTY_SCAN, type ScanForm, ScanPanel } from "./scan-panel.ts";
import { Tabs } from "./tabs.ts";
import { TensorTable } from "./tensor-table.ts";

type TabName = "pair" | "scan";

interface SavedState {
  inputs: DeltaInputs;
  choices: DeltaChoices;
  scan: ScanForm;
  tab: TabName;
}

declare function acquireVsCodeApi(): {
  postMessage(message: FromDeltaPanel): void;
  getState(): Partial<SavedState> | undefined;
  setState(state: SavedState): void;
};

const vscode = acquireVsCodeApi();
const saved: SavedState = {
  inputs: { base: "", fine: "", out: "" },
  choices: { check: true, fast: false },
  scan: EMPTY_SCAN,
  tab: "pair",
  ...vscode.getState(),
};

let state: DeltaPanelState = { history: [] };
let tab = saved.tab;
/** The button that has begun what runs, by its id. */
let borrowedFrom = "";
/** The bases that were found and are done with. */
let dismissed: DeltaPanelState["bases"];

const send = (message: FromDeltaPanel) => vscode.postMessage(message);
const changed = () => {
  save();
  show();
};
const pair = new PairForm(saved.inputs, saved.choices, { send, changed });
const scan = new ScanPanel(saved.scan, { send, changed });
const running = new RunningBar(() => send({ type: "cancel" }));
const outcome = new OutcomeNote(() => send({ type: "replace" }));
const bases = element("div", "bases");
const table = new TensorTable();
const history = element("div", "history");
const panels: Record<TabName, HTMLElement> = {
  pair: element("div", "", {}, pair.element, bases, table.element),
  scan: element("div", "", {}, scan.form, scan.list),
};
const tabs = new Tabs<TabName>(
  l10n.t("What to compress"),
  [
    { name: "pair", title: l10n.t("A Pair"), content: panels.pair },
    { name: "scan", title: l10n.t("A Whole Folder"), content: panels.scan },
  ],
  (name) => {
    tab = name;
    // What runs, and how it ended, stands below the form that is in sight.
    panels[name].firstElementChild?.after(running.element, outcome.element);
    save();
  },
);

document.body.append(
  element(
    "main",
    "",
    {},
    element("h1", "", {}, l10n.t("Delta Workbench")),
    element(
      "p",
      "about",
      {},
      l10n.t(
        "Stores a fine-tuned model as its difference from the model that it was made from, and a dataset as its difference from another. Lossless: what is rebuilt has the SHA-256 of the original, or there is an error and nothing is written.",
      ),
    ),
    tabs.element,
    panels.pair,
    panels.scan,
    element("h2", "", {}, l10n.t("Deltas made here")),
    history,
  ),
);
tabs.select(tab);
window.addEventListener("message", ({ data }: MessageEvent<ToDeltaPanel>) => receive(data));
show();
send({ type: "ready" });

function receive(message: ToDeltaPanel): void {
  switch (message.type) {
    case "state":
      takeOver(message.state);
      break;
    case "progress":
      state = { ...state, running: message.running };
      running.show(state.running);
      break;
    case "scan":
      state = { ...state, scan: message.scan };
      scan.show(state.scan, state.running !== undefined);
      break;
    case "inputs":
      if (Object.keys(message.inputs).length > 0) tabs.select("pair");
      pair.fill(message.inputs);
      break;
    case "scanInputs":
      scan.fill(message.inputs);
  }
}

/** What begins or ends is brought into view: it may have been asked for at the other end of the page. */
function takeOver(next: DeltaPanelState): void {
  const before = state;
  const focused = document.activeElement;
  state = next;
  if (next.picture && next.picture.id !== before.picture?.id && before.running) tabs.select("pair");
  show();
  if (next.running && !before.running) lendFocus(focused);
  if (!next.running && before.running) giveFocusBack(focused);
  if (next.running && !before.running) running.element.scrollIntoView({ block: "nearest" });
  else if (next.picture && next.picture.id !== before.picture?.id) table.element.scrollIntoView({ block: "nearest" });
  const ended = before.running !== undefined && !next.running;
  if (ended && before.running?.work === "collect") scan.forgetRemoval();
  const asks = next.outcome?.kind === "exists" && before.outcome?.kind !== "exists";
  if (next.outcome && (ended || asks)) outcome.element.scrollIntoView({ block: "nearest" });
  if (ended && before.running?.work === "findBases" && next.bases) bases.scrollIntoView({ block: "nearest" });
}

/** A button that is off loses the focus; while its work runs, the one that cancels has it. */
function lendFocus(from: Element | null): void {
  borrowedFrom = from instanceof HTMLButtonElement ? from.id : "";
  if (borrowedFrom !== "" && document.hasFocus()) running.cancel.focus();
}

function giveFocusBack(from: Element | null): void {
  const lost = from === running.cancel || from === document.body;
  if (borrowedFrom !== "" && lost) document.getElementById(borrowedFrom)?.focus({ preventScroll: true });
}

function save(): void {
  vscode.setState({ inputs: pair.inputs, choices: pair.choices, scan: scan.saved, tab });
}

function show(): void {
  const busy = state.running !== undefined;
  const { base, fine } = pair.inputs;
  const { picture } = state;
  pair.show(busy);
  scan.show(state.scan, busy);
  showBases(busy);
  running.show(state.running);
  outcome.show(state.outcome);
  table.show(
    picture,
    picture !== undefined && !picture.measured && (picture.base !== base || picture.subject !== fine),
  );
  history.replaceChildren(...records(state.history, busy, (id, action) => send({ type: "record", id, action })));
}

/** Of another model than the one in its field they would mislead. */
function showBases(busy: boolean): void {
  const found = state.bases;
  if (!found || found === dismissed || found.fine !== pair.inputs.fine) {
    bases.replaceChildren();
    return;
  }
  const { fine } = found;
  const use = (base: string) => {
    dismissed = found;
    pair.fill({ base });
    pair.focusOnEstimate();
  };
  const lookElsewhere = () => send({ type: "findBases", fine, where: "folder" });
  bases.replaceChildren(...foundBases(found, busy, { use, lookElsewhere }));
}
