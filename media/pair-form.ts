/// <reference lib="dom" />
import type { DeltaChoices, DeltaField, DeltaInputs, FromDeltaPanel } from "../shared/delta-panel-messages.ts";
import { proposedPlace } from "./delta-wording.ts";
import { button, element } from "./dom.ts";
import { l10n } from "./l10n.ts";
import { type Chooser, PathField, type PathFieldText, tickBox } from "./path-field.ts";

export interface PairEvents {
  send(message: FromDeltaPanel): void;
  /** Something was typed, chosen or ticked. */
  changed(): void;
}

const FIELDS: readonly (PathFieldText & { id: DeltaField })[] = [
  {
    id: "base",
    label: l10n.t("Base"),
    about: l10n.t("The model or dataset that the other was made from. The very same bytes are needed to rebuild."),
    placeholder: l10n.t("A file, a folder, or owner/name in the Hub's cache"),
  },
  {
    id: "fine",
    label: l10n.t("Fine-tuned model or derived dataset"),
    about: l10n.t("What is to be stored. It is only read."),
    placeholder: l10n.t("A file, a folder, or owner/name in the Hub's cache"),
  },
  {
    id: "out",
    label: l10n.t("Delta"),
    about: l10n.t("Where the delta is written."),
    placeholder: l10n.t("A file that is not there yet"),
  },
];

/** One model or dataset, its base, and what is to be done with them. */
export class PairForm {
  readonly element: HTMLElement;
  readonly #fields: Record<DeltaField, PathField>;
  readonly #check: HTMLInputElement;
  readonly #fast: HTMLInputElement;
  readonly #estimate = button(l10n.t("Estimate"), () => {}, "button second");
  readonly #compress = button(l10n.t("Compress"), () => this.#begin("compress"));
  readonly #events: PairEvents;
  /** The place follows the fine-tune until the user has chosen one. */
  #proposed: string;

  constructor(inputs: DeltaInputs, choices: DeltaChoices, events: PairEvents) {
    this.#events = events;
    this.#proposed = proposedPlace(inputs.fine);
    this.#fields = Object.fromEntries(
      FIELDS.map((text) => [text.id, new PathField(text, this.#choosers(text.id), () => this.#typed(text.id))]),
    ) as Record<DeltaField, PathField>;
    for (const { id } of FIELDS) this.#fields[id].value = inputs[id];
    const checkLabel = l10n.t("After compressing, rebuild everything in memory and compare");
    const fastLabel = l10n.t("Faster, but larger: do not look for changes of low rank, as merged adapters make them");
    const check = tickBox("check", checkLabel, choices.check, events.changed);
    const fast = tickBox("fast", fastLabel, choices.fast, events.changed);
    this.#check = check.box;
    this.#fast = fast.box;
    this.#estimate.type = "submit";
    this.#estimate.id = "estimate";
    this.#compress.id = "compress";
    this.element = element(
      "form",
      "",
      {},
      ...FIELDS.map(({ id }) => this.#fields[id].element),
      check.line,
      fast.line,
      element("div", "actions", {}, this.#estimate, this.#compress),
    );
    // Enter in a field asks for what costs nothing.
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.#estimate.disabled) this.#begin("estimate");
    });
  }

  get inputs(): DeltaInputs {
    const { base, fine, out } = this.#fields;
    return { base: base.value, fine: fine.value, out: out.value };
  }

  get choices(): DeltaChoices {
    return { check: this.#check.checked, fast: this.#fast.checked };
  }

  fill(inputs: Partial<DeltaInputs>): void {
    for (const [field, value] of Object.entries(inputs) as [DeltaField, string][]) {
      this.#fields[field].value = value;
      this.#typed(field);
    }
  }

  show(isBusy: boolean): void {
    const { base, fine, out } = this.inputs;
    for (const { id } of FIELDS) this.#fields[id].showWhole();
    this.#estimate.disabled = isBusy || base === "" || fine === "";
    this.#compress.disabled = this.#estimate.disabled || out === "";
    this.#fields.base.enable("find", !isBusy && fine !== "");
  }

  focusOnEstimate(): void {
    this.#estimate.focus();
  }

  #typed(field: DeltaField): void {
    if (field === "fine") {
      const place = proposedPlace(this.inputs.fine);
      if (this.inputs.out === "" || this.inputs.out === this.#proposed) this.#fields.out.value = place;
      this.#proposed = place;
    }
    this.#events.changed();
  }

  #begin(type: "estimate" | "compress"): void {
    this.#events.send({ type, inputs: this.inputs, choices: this.choices });
  }

  #choosers(field: DeltaField): Chooser[] {
    const chooser = (how: "file" | "folder" | "recent", title: string): Chooser => ({
      how,
      title,
      choose: () => this.#events.send({ type: "choose", field, how, inputs: this.inputs }),
    });
    if (field === "out") return [chooser("file", l10n.t("Choose…"))];
    const find: Chooser = {
      how: "find",
      title: l10n.t("Find"),
      choose: () => this.#events.send({ type: "findBases", fine: this.inputs.fine, where: "near" }),
    };
    return [
      chooser("file", l10n.t("File…")),
      chooser("folder", l10n.t("Folder…")),
      chooser("recent", l10n.t("Recent…")),
      ...(field === "base" ? [find] : []),
    ];
  }
}
