/// <reference lib="dom" />
import { element } from "./dom.ts";

export interface Tab<Name extends string> {
  name: Name;
  title: string;
  content: HTMLElement;
}

/** Tabs as screen readers know them: one of them is in the order of the Tab key, the arrows move between them. */
export class Tabs<Name extends string> {
  readonly element: HTMLElement;
  readonly #tabs: readonly (Tab<Name> & { button: HTMLButtonElement })[];
  readonly #changed: (name: Name) => void;

  constructor(label: string, tabs: readonly Tab<Name>[], changed: (name: Name) => void) {
    this.#changed = changed;
    this.#tabs = tabs.map((tab) => {
      const { name, title, content } = tab;
      const button = element(
        "button",
        "tab",
        { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}` },
        title,
      );
      button.addEventListener("click", () => this.select(name));
      content.id = `panel-${name}`;
      content.setAttribute("role", "tabpanel");
      content.setAttribute("aria-labelledby", button.id);
      return { ...tab, button };
    });
    const buttons = this.#tabs.map(({ button }) => button);
    this.element = element("div", "tabs", { role: "tablist", "aria-label": label }, ...buttons);
    this.element.addEventListener("keydown", (event) => this.#walk(event));
  }

  select(name: Name): void {
    for (const { name: other, button, content } of this.#tabs) {
      const isChosen = other === name;
      button.setAttribute("aria-selected", String(isChosen));
      button.tabIndex = isChosen ? 0 : -1;
      content.hidden = !isChosen;
    }
    this.#changed(name);
  }

  #walk(event: KeyboardEvent): void {
    const at = this.#tabs.findIndex(({ button }) => button === event.target);
    const last = this.#tabs.length - 1;
    const places: Record<string, number> = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last };
    if (at < 0 || !Object.hasOwn(places, event.key)) return;
    event.preventDefault();
    const { name, button } = this.#tabs[(places[event.key] + this.#tabs.length) % this.#tabs.length];
    this.select(name);
    button.focus();
  }
}
