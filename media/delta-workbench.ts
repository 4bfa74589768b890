/// <reference lib="dom" />
import type {
  DeltaChoices,
  DeltaField,
  DeltaInputs,
  DeltaPanelState,
  FromDeltaPanel,
  RunningWork,
  ToDeltaPanel,
} from "../shared/delta-panel-messages.ts";
import { records } from "./delta-records.ts";
import { outcomeInWords, proposedPlace, runningInWords } from "./delta-wording.ts";
import { button, element } from "./dom.ts";
import { l10n } from "./l10n.ts";
import { TensorTable } from "./tensor-table.ts";

interface SavedState {
  inputs: DeltaInputs;
  choices: DeltaChoices;
}

declare function acquireVsCodeApi(): {
  postMessage(message: FromDeltaPanel): void;
  getState(): SavedState | undefined;
  setState(state: SavedState): void;
};

const vscode = acquireVsCodeApi();
const saved = vscode.getState() ?? {
  inputs: { base: "", fine: "", out: "" },
  choices: { check: true, fast: false },
};

const FIELDS: readonly { field: DeltaField; label: string; about: string; placeholder: string }[] = [
  {
    field: "base",
    label: l10n.t("Base model"),
    about: l10n.t("The model that the fine-tune was made from. The very same bytes are needed to rebuild."),
    placeholder: l10n.t("A file, a folder, or owner/name in the Hub's cache"),
  },
  {
    field: "fine",
    label: l10n.t("Fine-tuned model"),
    about: l10n.t("The model to store. It is only read."),
    placeholder: l10n.t("A file, a folder, or owner/name in the Hub's cache"),
  },
  {
    field: "out",
    label: l10n.t("Delta"),
    about: l10n.t("Where the delta is written."),
    placeholder: l10n.t("A file that is not there yet"),
  },
];

const inputs = Object.fromEntries(
  FIELDS.map(({ field, placeholder }) => [field, textInput(field, placeholder)]),
) as Record<DeltaField, HTMLInputElement>;
const check = choice("check");
const fast = choice("fast");
const estimate = button(l10n.t("Estimate"), () => {}, "button second");
const compress = button(l10n.t("Compress"), () => send("compress"));
const progress = element("div", "progress");
const barFill = element("div", "bar-fill");
const bar = element(
  "div",
  "bar",
  { role: "progressbar", "aria-label": l10n.t("Progress"), "aria-valuemin": "0", "aria-valuemax": "100" },
  barFill,
);
const runningText = element("p", "running");
const cancel = button(l10n.t("Cancel"), () => vscode.postMessage({ type: "cancel" }), "button second cancel");
const outcome = element("div", "outcome", { role: "status", "aria-live": "polite" });
const table = new TensorTable();
const history = element("div", "history");

let state: DeltaPanelState = { history: [] };
/** The button that has begun what runs, by its id. */
let borrowedFrom = "";
/** The place follows the fine-tune until the user has chosen one. */
let proposed = proposedPlace(saved.inputs.fine);

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
        "Stores a fine-tuned model as its difference from the model that it was made from. Lossless: what is rebuilt has the SHA-256 of the original, or there is an error and nothing is written.",
      ),
    ),
    form(),
    progress,
    outcome,
    table.element,
    element("h2", "", {}, l10n.t("Deltas made here")),
    history,
  ),
);
for (const { field } of FIELDS) inputs[field].value = saved.inputs[field];
window.addEventListener("message", ({ data }: MessageEvent<ToDeltaPanel>) => receive(data));
show();
vscode.postMessage({ type: "ready" });

function receive(message: ToDeltaPanel): void {
  switch (message.type) {
    case "state":
      takeOver(message.state);
      break;
    case "progress":
      state = { ...state, running: message.running };
      showRunning();
      break;
    case "inputs":
      for (const field of Object.keys(message.inputs) as DeltaField[]) fill(field, message.inputs[field] ?? "");
  }
}

/** What begins or ends is brought into view: it may have been asked for at the other end of the page. */
function takeOver(next: DeltaPanelState): void {
  const before = state;
  const focused = document.activeElement;
  state = next;
  show();
  if (next.running && !before.running) lendFocus(focused);
  if (!next.running && before.running) giveFocusBack(focused);
  if (next.running && !before.running) progress.scrollIntoView({ block: "nearest" });
  else if (next.picture && next.picture.id !== before.picture?.id) table.element.scrollIntoView({ block: "nearest" });
  const ended = before.running !== undefined && !next.running;
  const asks = next.outcome?.kind === "exists" && before.outcome?.kind !== "exists";
  if (next.outcome && (ended || asks)) outcome.scrollIntoView({ block: "nearest" });
}

/** A button that is off loses the focus; while its work runs, the one that cancels has it. */
function lendFocus(from: Element | null): void {
  borrowedFrom = from instanceof HTMLButtonElement ? from.id : "";
  if (borrowedFrom !== "" && document.hasFocus()) cancel.focus();
}

function giveFocusBack(from: Element | null): void {
  const lost = from === cancel || from === document.body;
  if (borrowedFrom !== "" && lost) document.getElementById(borrowedFrom)?.focus({ preventScroll: true });
}

function form(): HTMLElement {
  const rows = FIELDS.map(({ field, label, about }) =>
    element(
      "div",
      "field",
      {},
      element(
        "div",
        "label",
        {},
        element("label", "", { for: field }, label),
        element("p", "dim", { id: `about-${field}` }, about),
      ),
      element("div", "box", {}, inputs[field], ...choosers(field, label)),
    ),
  );
  const made = element(
    "form",
    "",
    {},
    ...rows,
    choiceLine(check, l10n.t("After compressing, rebuild everything in memory and compare")),
    choiceLine(fast, l10n.t("Faster, but larger: do not look for changes of low rank, as merged adapters make them")),
    element("div", "actions", {}, estimate, compress),
  );
  // Enter in a field asks for what costs nothing.
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!estimate.disabled) send("estimate");
  });
  estimate.type = "submit";
  estimate.id = "estimate";
  compress.id = "compress";
  return made;
}

function textInput(field: DeltaField, placeholder: string): HTMLInputElement {
  const made = element("input", "path", {
    type: "text",
    id: field,
    placeholder,
    "aria-describedby": `about-${field}`,
    autocomplete: "off",
    spellcheck: "false",
  });
  made.addEventListener("input", () => changed(field, proposedPlace(values().fine)));
  return made;
}

function choice(name: keyof DeltaChoices): HTMLInputElement {
  const made = element("input", "", { type: "checkbox", id: name });
  made.checked = saved.choices[name];
  made.addEventListener("change", () => save());
  return made;
}

function choiceLine(box: HTMLInputElement, label: string): HTMLElement {
  return element("div", "check", {}, box, element("label", "", { for: box.id }, label));
}

function choosers(field: DeltaField, label: string): HTMLElement[] {
  const choose = (how: "file" | "folder" | "recent", title: string): HTMLElement => {
    const made = button(
      title,
      () => vscode.postMessage({ type: "choose", field, how, inputs: values() }),
      "button second",
    );
    made.setAttribute("aria-label", l10n.t("{0}: {1}", label, title.replace("…", "")));
    made.dataset.how = how;
    return made;
  };
  if (field === "out") return [choose("file", l10n.t("Choose…"))];
  return [choose("file", l10n.t("File…")), choose("folder", l10n.t("Folder…")), choose("recent", l10n.t("Recent…"))];
}

function values(): DeltaInputs {
  const value = (field: DeltaField) => inputs[field].value.trim();
  return { base: value("base"), fine: value("fine"), out: value("out") };
}

function fill(field: DeltaField, value: string): void {
  inputs[field].value = value;
  changed(field, proposedPlace(value));
}

function changed(field: DeltaField, place: string): void {
  if (field === "fine") {
    if (inputs.out.value === "" || inputs.out.value === proposed) inputs.out.value = place;
    proposed = place;
  }
  save();
  show();
}

function save(): void {
  vscode.setState({ inputs: values(), choices: choices() });
}

function choices(): DeltaChoices {
  return { check: check.checked, fast: fast.checked };
}

function send(type: "estimate" | "compress"): void {
  vscode.postMessage({ type, inputs: values(), choices: choices() });
}

function show(): void {
  const { base, fine, out } = values();
  const busy = state.running !== undefined;
  // A long path is cut off in its field.
  for (const { field } of FIELDS) inputs[field].title = inputs[field].value;
  estimate.disabled = busy || base === "" || fine === "";
  compress.disabled = estimate.disabled || out === "";
  showRunning();
  showOutcome();
  const { picture } = state;
  table.show(
    picture,
    picture !== undefined && !picture.measured && (picture.base !== base || picture.subject !== fine),
  );
  history.replaceChildren(
    ...records(state.history, busy, (id, action) => vscode.postMessage({ type: "record", id, action })),
  );
}

function showRunning(): void {
  const { running } = state;
  if (!running) {
    progress.replaceChildren();
    return;
  }
  if (progress.childElementCount === 0) progress.append(bar, element("div", "running-line", {}, runningText, cancel));
  const share = shareOf(running);
  runningText.textContent = l10n.say(runningInWords(running));
  cancel.disabled = running.cancelling;
  bar.classList.toggle("unknown", share === undefined);
  barFill.style.width = share === undefined ? "" : `${100 * share}%`;
  if (share === undefined) bar.removeAttribute("aria-valuenow");
  else bar.setAttribute("aria-valuenow", String(Math.floor(100 * share)));
}

/** Undefined while nothing is known, or what runs does not say. */
function shareOf({ cancelling, progress: told }: RunningWork): number | undefined {
  if (cancelling || !told || told.phase === "hashing" || told.total === 0) return undefined;
  return told.done / told.total;
}

function showOutcome(): void {
  const ended = state.outcome;
  outcome.className = `outcome ${ended?.kind ?? ""}`;
  outcome.replaceChildren();
  if (!ended) return;
  const { text, next } = outcomeInWords(ended);
  const advice = l10n.say(next);
  const replace = button(l10n.t("Replace It"), () => vscode.postMessage({ type: "replace" }));
  outcome.append(
    element("p", "", {}, l10n.say(text)),
    ...(advice ? [element("p", "next", {}, advice)] : []),
    ...(ended.kind === "exists" ? [replace] : []),
  );
}
