/// <reference lib="dom" />
import { button, element } from "./dom.ts";
import { l10n } from "./l10n.ts";

export interface PathFieldText {
  id: string;
  label: string;
  about: string;
  placeholder: string;
}

/** A button beside a path that finds one. */
export interface Chooser {
  /** What it does, for styles and tests. */
  how: string;
  title: string;
  choose: () => void;
}

/** A path that is typed or chosen, with its label and what it is for. */
export class PathField {
  readonly element: HTMLElement;
  readonly #input: HTMLInputElement;

  constructor({ id, label, about, placeholder }: PathFieldText, choosers: readonly Chooser[], changed: () => void) {
    const note = `about-${id}`;
    this.#input = element("input", "path", {
      type: "text",
      id,
      placeholder,
      "aria-describedby": note,
      autocomplete: "off",
      spellcheck: "false",
    });
    this.#input.addEventListener("input", changed);
    const buttons = choosers.map(({ how, title, choose }) => {
      const made = button(title, choose, "button second");
      made.setAttribute("aria-label", l10n.t("{0}: {1}", label, title.replace("…", "")));
      made.dataset.how = how;
      made.id = `${id}-${how}`;
      return made;
    });
    const labels = [element("label", "", { for: id }, label), element("p", "dim", { id: note }, about)];
    this.element = element(
      "div",
      "field",
      {},
      element("div", "label", {}, ...labels),
      element("div", "box", {}, this.#input, ...buttons),
    );
  }

  get value(): string {
    return this.#input.value.trim();
  }

  set value(path: string) {
    this.#input.value = path;
  }

  /** A long path is cut off in its field: all of it is in the field's title. */
  showWhole(): void {
    this.#input.title = this.#input.value;
  }

  /** Turns one of its buttons on or off. */
  enable(how: string, isOn: boolean): void {
    const found = this.element.querySelector<HTMLButtonElement>(`[data-how="${how}"]`);
    if (found) found.disabled = !isOn;
  }
}

/** A box to tick, on a line of its own. */
export function tickBox(id: string, label: string, isTicked: boolean, changed: () => void) {
  const box = element("input", "", { type: "checkbox", id });
  box.checked = isTicked;
  box.addEventListener("change", changed);
  return { box, line: element("div", "check", {}, box, element("label", "", { for: id }, label)) };
}
