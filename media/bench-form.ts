/// <reference lib="dom" />
import type { BenchChoices, BenchPanelState } from "../shared/bench-panel-messages.ts";
import { BENCH_AREAS, type BenchArea } from "../shared/bench-types.ts";
import { areaAbout, areaTitle, obstacle } from "./bench-wording.ts";
import { button, element } from "./dom.ts";
import { l10n } from "./l10n.ts";

export interface FormActions {
  changed(choices: BenchChoices): void;
  run(choices: BenchChoices): void;
  openSettings(): void;
}

/** What is measured, how thoroughly, on which folder and with which models. */
export class BenchForm {
  readonly element: HTMLFormElement;
  readonly #actions: FormActions;
  readonly #areas = new Map<BenchArea, HTMLInputElement>();
  readonly #quick = radio("quick");
  readonly #whole = radio("whole");
  readonly #folder = element("select", "choice", { id: "folder" });
  readonly #folderRow = element(
    "div",
    "field",
    {},
    element("label", "", { for: "folder" }, l10n.t("Folder")),
    this.#folder,
  );
  readonly #obstacle = element("p", "warning");
  readonly #providers = element("fieldset", "providers");
  readonly #run = element("button", "button", { type: "submit", id: "run" }, l10n.t("Measure"));
  #chosenProviders: readonly string[];
  #wantedFolder: string;
  #shownProviders = "";

  constructor(choices: BenchChoices, actions: FormActions) {
    this.#actions = actions;
    this.#chosenProviders = choices.providers;
    this.#wantedFolder = choices.folder;
    for (const area of BENCH_AREAS) {
      const box = element("input", "", { type: "checkbox", id: `area-${area}` });
      box.checked = choices.areas.includes(area);
      this.#areas.set(area, box);
    }
    this.#quick.checked = choices.quick;
    this.#whole.checked = !choices.quick;
    this.element = this.#made();
  }

  get choices(): BenchChoices {
    return {
      // What cannot be measured here stays ticked for where it can.
      areas: BENCH_AREAS.filter((area) => this.#areas.get(area)?.matches(":checked:enabled")),
      quick: this.#quick.checked,
      folder: this.#folder.value,
      providers: this.#chosenProviders,
    };
  }

  focus(): void {
    this.#run.focus({ preventScroll: true });
  }

  show(state: BenchPanelState): void {
    const { folders, running } = state;
    const wanted = this.#folder.value || this.#wantedFolder;
    this.#folder.replaceChildren(...folders.map(({ name, path }) => element("option", "", { value: path }, name)));
    this.#folder.value = folders.some(({ path }) => path === wanted) ? wanted : (folders[0]?.path ?? "");
    this.#folderRow.hidden = folders.length < 2;
    const reason = obstacle(state, this.#folder.value);
    this.#obstacle.textContent = reason;
    for (const [area, box] of this.#areas) box.disabled = area !== "delta" && reason !== "";
    this.#showProviders(state);
    this.#run.disabled = running !== undefined || this.choices.areas.length === 0;
  }

  #made(): HTMLFormElement {
    const areas = [...this.#areas].map(([area, box]) => line(box, areaTitle(area), areaAbout(area)));
    const made = element(
      "form",
      "",
      {},
      element("fieldset", "", {}, element("legend", "", {}, l10n.t("What to measure")), ...areas),
      this.#providers,
      element(
        "fieldset",
        "",
        {},
        element("legend", "", {}, l10n.t("How thoroughly")),
        line(this.#quick, l10n.t("Quick"), l10n.t("Few rounds: less than a minute, without the models' answers.")),
        line(
          this.#whole,
          l10n.t("Whole"),
          l10n.t("Until the figures are known well: several minutes, with indexing from nothing."),
        ),
      ),
      this.#folderRow,
      this.#obstacle,
      element("div", "actions", {}, this.#run),
    );
    made.addEventListener("change", () => this.#actions.changed(this.choices));
    made.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#actions.run(this.choices);
    });
    return made;
  }

  #showProviders({ providers, providerProblem }: BenchPanelState): void {
    const asks = this.#areas.get("answer");
    this.#providers.hidden = !asks?.checked || asks.disabled;
    const shown = JSON.stringify([providers, providerProblem]);
    if (shown === this.#shownProviders) return;
    this.#shownProviders = shown;
    const usable = new Set(providers.filter(({ hasKey }) => hasKey).map(({ name }) => name));
    this.#chosenProviders = this.#chosenProviders.filter((name) => usable.has(name));
    const boxes = providers.map(({ name, destination, remote, hasKey }) => {
      const box = element("input", "", { type: "checkbox", id: `provider-${name}` });
      box.checked = this.#chosenProviders.includes(name);
      box.disabled = !hasKey;
      box.addEventListener("change", () => {
        const others = this.#chosenProviders.filter((other) => other !== name);
        this.#chosenProviders = box.checked ? [...others, name] : others;
      });
      if (!hasKey) return line(box, name, l10n.t("There is no key for it yet; Cairn: Set API Key keeps one."));
      const where = remote
        ? l10n.t("{0}; each answer may cost money", destination)
        : l10n.t("{0}, on this machine", destination);
      return line(box, name, where);
    });
    const none = element(
      "p",
      "dim",
      {},
      providerProblem || l10n.t("No model is set: passages are quoted without one."),
    );
    this.#providers.replaceChildren(
      element("legend", "", {}, l10n.t("Models to ask")),
      ...(boxes.length > 0
        ? boxes
        : [none, button(l10n.t("Open Settings"), () => this.#actions.openSettings(), "link")]),
    );
  }
}

function radio(id: string): HTMLInputElement {
  return element("input", "", { type: "radio", name: "rounds", id });
}

function line(box: HTMLInputElement, title: string, about: string): HTMLElement {
  box.setAttribute("aria-describedby", `about-${box.id}`);
  return element(
    "div",
    "check",
    {},
    box,
    element(
      "div",
      "",
      {},
      element("label", "", { for: box.id }, title),
      element("p", "dim", { id: `about-${box.id}` }, about),
    ),
  );
}
