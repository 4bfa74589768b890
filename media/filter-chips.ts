/// <reference lib="dom" />
import { filterLabel, type SearchFilter, withFilter } from "../shared/search-filters.ts";
import { button, element } from "./dom.ts";
import { l10n } from "./l10n.ts";

export interface FilterChipsEvents {
  /** The filters are others than before. */
  change(): void;
  /** The user wants to choose one more. */
  choose(): void;
  /** The last chip was removed from the keyboard: the focus goes where it came from. */
  leave(): void;
}

/** The filters of a search as a list of chips, each a button that removes it. */
export class FilterChips {
  readonly element: HTMLElement;
  readonly #list = element("ul", "chips", { "aria-label": l10n.t("Filters") });
  readonly #events: FilterChipsEvents;
  #filters: readonly SearchFilter[];

  constructor(filters: readonly SearchFilter[], events: FilterChipsEvents) {
    this.#filters = filters;
    this.#events = events;
    const add = button(l10n.t("Add filter"), () => events.choose(), "link add-filter");
    this.element = element("div", "filters", {}, this.#list, add);
    this.#render();
  }

  get filters(): readonly SearchFilter[] {
    return this.#filters;
  }

  add(added: readonly SearchFilter[]): void {
    this.#set(added.reduce(withFilter, [...this.#filters]));
  }

  removeLast(): void {
    if (this.#filters.length > 0) this.#set(this.#filters.slice(0, -1));
  }

  #remove(index: number): void {
    const hadFocus = this.#list.contains(document.activeElement);
    this.#set(this.#filters.filter((_, at) => at !== index));
    if (!hadFocus) return;
    const buttons = this.#list.querySelectorAll("button");
    if (buttons.length > 0) buttons[Math.min(index, buttons.length - 1)].focus();
    else this.#events.leave();
  }

  #set(filters: readonly SearchFilter[]): void {
    this.#filters = filters;
    this.#render();
    this.#events.change();
  }

  #render(): void {
    this.#list.replaceChildren(...this.#filters.map((filter, index) => this.#chip(filter, index)));
    this.#list.hidden = this.#filters.length === 0;
  }

  #chip(filter: SearchFilter, index: number): HTMLElement {
    const label = filterLabel(filter);
    const chip = button("", () => this.#remove(index), "chip");
    chip.append(
      element("span", "chip-label", {}, label),
      element("span", "chip-remove", { "aria-hidden": "true" }, "×"),
    );
    chip.setAttribute("aria-label", l10n.t("Remove filter {0}", label));
    chip.title = label;
    chip.addEventListener("keydown", ({ key }) => {
      if (key === "Delete" || key === "Backspace") this.#remove(index);
      const buttons = [...this.#list.querySelectorAll("button")];
      if (key === "ArrowRight") buttons[index + 1]?.focus();
      if (key === "ArrowLeft") buttons[index - 1]?.focus();
      if (key === "Escape") this.#events.leave();
    });
    return element("li", "", {}, chip);
  }
}
