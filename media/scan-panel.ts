/// <reference lib="dom" />

import type { FromDeltaPanel, Proposal, ScanField, ScanInputs, ScanPicture } from "../shared/delta-panel-messages.ts";
import type { FoundKind } from "../shared/delta-types.ts";
import { LEAST_SAVED } from "../shared/delta-types.ts";
import { shortPath } from "./delta-wording.ts";
import { button, element } from "./dom.ts";
import { l10n } from "./l10n.ts";
import { choiceInWords, estimatedShare, evidence, proposalInWords, scanInWords } from "./lineage-wording.ts";
import { PathField, tickBox } from "./path-field.ts";

/** What is kept of the scan's form while the page is not there. */
export interface ScanForm extends ScanInputs {
  /** Percent that a delta must save to be chosen by itself. */
  thresholds: Readonly<Record<FoundKind, number>>;
  fast: boolean;
  /** What the user has ticked or unticked, by the path of the fine-tune. */
  picked: Readonly<Record<string, boolean>>;
}

export const EMPTY_SCAN: ScanForm = { folder: "", deltas: "", thresholds: LEAST_SAVED, fast: false, picked: {} };

const KINDS = ["model", "dataset"] as const;

export interface ScanEvents {
  send(message: FromDeltaPanel): void;
  changed(): void;
}

/** Which models and datasets in a folder were made from which, and deltas of those that are worth it. */
export class ScanPanel {
  readonly form: HTMLElement;
  readonly list = element("div", "scan");
  readonly #fields: Record<ScanField, PathField>;
  readonly #thresholds = { model: percentField("threshold"), dataset: percentField("threshold-dataset") };
  readonly #fast: HTMLInputElement;
  readonly #replace: HTMLInputElement;
  readonly #replaceLine: HTMLElement;
  readonly #scan = button(l10n.t("Scan"), () => {});
  readonly #compress = button("", () => this.#collect());
  readonly #undo: HTMLButtonElement;
  readonly #events: ScanEvents;
  #picked: Record<string, boolean>;
  /** The place of the deltas follows the folder until the user has chosen one. */
  #proposed: string;
  #picture: ScanPicture | undefined;

  constructor(saved: ScanForm, events: ScanEvents) {
    this.#events = events;
    this.#picked = { ...saved.picked };
    this.#proposed = placeFor(saved.folder);
    this.#fields = { folder: this.#folderField(), deltas: this.#deltasField() };
    this.#fields.folder.value = saved.folder;
    this.#fields.deltas.value = saved.deltas;
    for (const kind of KINDS) {
      this.#thresholds[kind].value = String(saved.thresholds[kind]);
      this.#thresholds[kind].addEventListener("input", events.changed);
    }
    const fastLabel = l10n.t("Faster, but larger: do not look for changes of low rank, as merged adapters make them");
    const fast = tickBox("scan-fast", fastLabel, saved.fast, events.changed);
    const replaceLabel = l10n.t("Remove each original once its delta is made and checked");
    const replace = tickBox("replace", replaceLabel, false, events.changed);
    this.#fast = fast.box;
    this.#replace = replace.box;
    this.#replaceLine = replace.line;
    this.#scan.type = "submit";
    this.#scan.id = "scan";
    this.#compress.id = "collect";
    this.#undo = button(l10n.t("Undo…"), () => this.#send("undo"), "button second");
    this.#undo.id = "undo";
    this.#undo.title = l10n.t("Bring back all originals of the deltas in this folder, and delete the deltas");
    this.form = element(
      "form",
      "",
      {},
      this.#fields.folder.element,
      fast.line,
      element("div", "actions", {}, this.#scan),
    );
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.#scan.disabled) this.#send("scan");
    });
  }

  get saved(): ScanForm {
    const thresholdOf = (kind: FoundKind): number => {
      const { value } = this.#thresholds[kind];
      return value === "" || !Number.isFinite(Number(value)) ? LEAST_SAVED[kind] : Number(value);
    };
    return {
      folder: this.#fields.folder.value,
      deltas: this.#fields.deltas.value,
      thresholds: { model: thresholdOf("model"), dataset: thresholdOf("dataset") },
      fast: this.#fast.checked,
      picked: this.#picked,
    };
  }

  fill(inputs: Partial<ScanInputs>): void {
    for (const [field, value] of Object.entries(inputs) as [ScanField, string][]) {
      this.#fields[field].value = value;
      this.#typed(field);
    }
  }

  /** Each time anew it has to be said that originals are to go. */
  forgetRemoval(): void {
    this.#replace.checked = false;
  }

  show(picture: ScanPicture | undefined, isBusy: boolean): void {
    this.#picture = picture;
    for (const field of Object.values(this.#fields)) field.showWhole();
    this.#scan.disabled = isBusy;
    const focused = document.activeElement?.id ?? "";
    const chosen = this.#chosen();
    this.#compress.textContent = l10n.t("Compress Chosen ({0})", l10n.number(chosen.length));
    this.#compress.disabled = isBusy || chosen.length === 0 || this.#fields.deltas.value === "";
    this.#undo.disabled = isBusy || this.#fields.deltas.value === "";
    this.#replace.disabled = isBusy || (picture?.isHub ?? false);
    if (this.#replace.disabled && picture?.isHub) this.#replace.checked = false;
    this.list.replaceChildren(...this.#contents(chosen, isBusy));
    // The rows are made anew: who works by keyboard stays at the one that had the focus.
    if (focused !== "" && document.activeElement?.id !== focused) document.getElementById(focused)?.focus();
  }

  #contents(chosen: readonly Proposal[], isBusy: boolean): HTMLElement[] {
    const deltas = [
      this.#fields.deltas.element,
      this.#replaceLine,
      ...(this.#picture?.isHub
        ? [element("p", "dim", {}, l10n.t("In the Hub's cache nothing is removed: its links would break."))]
        : []),
    ];
    const actions = element("div", "actions", {}, this.#compress, this.#undo);
    if (!this.#picture) return [this.#fields.deltas.element, element("div", "actions", {}, this.#undo)];
    const summary = element("p", "total", { role: "status" }, l10n.say(scanInWords(this.#picture)));
    if (this.#picture.proposals.length === 0)
      return [summary, ...deltas.slice(0, 1), element("div", "actions", {}, this.#undo)];
    const rows = this.#picture.proposals.map((proposal, at) => this.#row(proposal, at, isBusy));
    const threshold = element(
      "p",
      "threshold-line",
      {},
      element("label", "", { for: "threshold" }, l10n.t("Choose models that save at least this many percent:")),
      this.#thresholds.model,
      element("label", "", { for: "threshold-dataset" }, l10n.t("and datasets:")),
      this.#thresholds.dataset,
    );
    return [
      summary,
      threshold,
      element("ul", "records", {}, ...rows),
      element("p", "chosen", { role: "status" }, l10n.say(choiceInWords(chosen))),
      ...deltas,
      actions,
    ];
  }

  #row(proposal: Proposal, at: number, isBusy: boolean): HTMLElement {
    const { fine, base, made, problem } = proposal;
    const id = `proposal-${at}`;
    const box = element("input", "", { type: "checkbox", id, "aria-describedby": `about-${id}` });
    box.checked = this.#isChosen(proposal);
    box.disabled = isBusy || !canBeChosen(proposal);
    box.addEventListener("change", () => {
      this.#picked[fine] = box.checked;
      this.#events.changed();
    });
    const origin = l10n.t("from {0}: {1}", shortPath(base), l10n.say(evidence(proposal)));
    const notes = [
      element("div", "", { title: base }, origin),
      ...(made ? [element("div", "done", { title: made.delta }, madeInWords(made))] : []),
      ...(problem === undefined ? [] : [element("div", "warning", {}, problem)]),
    ];
    return element(
      "li",
      "record",
      {},
      element("div", "record-name check", { title: fine }, box, element("label", "", { for: id }, shortPath(fine))),
      element("div", "record-saved", {}, l10n.say(proposalInWords(proposal))),
      element("div", "dim record-about", { id: `about-${id}` }, ...notes),
    );
  }

  #chosen(): Proposal[] {
    return (this.#picture?.proposals ?? []).filter((proposal) => this.#isChosen(proposal));
  }

  #isChosen(proposal: Proposal): boolean {
    if (!canBeChosen(proposal)) return false;
    const worthIt = (estimatedShare(proposal) ?? 0) >= this.saved.thresholds[proposal.kind] / 100;
    return this.#picked[proposal.fine] ?? worthIt;
  }

  #send(type: "scan" | "undo"): void {
    const { folder, deltas, fast } = this.saved;
    if (type === "undo") this.#events.send({ type, deltas });
    else {
      this.#picked = {};
      this.#events.changed();
      this.#events.send({ type, folder, fast });
    }
  }

  #collect(): void {
    const { deltas, fast } = this.saved;
    const fines = this.#chosen().map(({ fine }) => fine);
    this.#events.send({ type: "collect", fines, deltas, replace: this.#replace.checked, fast });
  }

  #typed(field: ScanField): void {
    if (field === "folder") {
      const place = placeFor(this.#fields.folder.value);
      const { deltas } = this.#fields;
      if (deltas.value === "" || deltas.value === this.#proposed) deltas.value = place;
      this.#proposed = place;
    }
    this.#events.changed();
  }

  #folderField(): PathField {
    const text = {
      id: "folder",
      label: l10n.t("Folder with models or datasets"),
      about: l10n.t(
        "Finds which was made from which: models by cards, configurations, shapes and a sample of weights; datasets by cards and rows.",
      ),
      placeholder: l10n.t("Empty for the Hub's cache"),
    };
    const toHub = { how: "hub", title: l10n.t("Hub's Cache"), choose: () => this.fill({ folder: "" }) };
    return new PathField(text, [this.#chooser("folder"), toHub], () => this.#typed("folder"));
  }

  #deltasField(): PathField {
    const text = {
      id: "deltas",
      label: l10n.t("Folder of deltas"),
      about: l10n.t("Where deltas are written, checked and listed, so that all of it can be undone."),
      placeholder: l10n.t("A folder, made when it is not there"),
    };
    return new PathField(text, [this.#chooser("deltas")], () => this.#typed("deltas"));
  }

  #chooser(field: ScanField) {
    const choose = () => {
      const { folder, deltas } = this.saved;
      this.#events.send({ type: "chooseFolder", field, inputs: { folder, deltas } });
    };
    return { how: "folder", title: l10n.t("Folder…"), choose };
  }
}

function percentField(id: string): HTMLInputElement {
  return element("input", "threshold", { type: "number", id, min: "0", max: "100" });
}

function canBeChosen({ estimate, made }: Proposal): boolean {
  return estimate !== undefined && made === undefined;
}

function madeInWords({ delta, replaced }: NonNullable<Proposal["made"]>): string {
  const name = shortPath(delta);
  return replaced ? l10n.t("Stored as {0}, the original is removed.", name) : l10n.t("Stored as {0}.", name);
}

/** Beside the folder, so that a later scan does not look into it. */
function placeFor(folder: string): string {
  return folder === "" ? "" : `${folder.replace(/(?<=.)[\\/]+$/, "")}-deltas`;
}
