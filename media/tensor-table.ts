/// <reference lib="dom" />
import type { DeltaPicture } from "../shared/delta-panel-messages.ts";
import type { DeltaTensor } from "../shared/delta-types.ts";
import {
  changeInWords,
  codecInWords,
  percent,
  savedShare,
  sizeInWords,
  totalInWords,
  verdict,
} from "./delta-wording.ts";
import { button, element } from "./dom.ts";
import { l10n } from "./l10n.ts";
import { rowBar } from "./row-bar.ts";
import { clicked, inOrder, LARGEST_FIRST, type TensorColumn, type TensorOrder } from "./tensor-order.ts";

/** Rows that are shown at first, and that each click adds: a model may have tens of thousands of tensors. */
const ROWS = 200;

const COLUMNS: readonly { column: TensorColumn; title: string; className: string }[] = [
  { column: "name", title: l10n.t("Part"), className: "name" },
  { column: "dtype", title: l10n.t("Type"), className: "" },
  { column: "bytes", title: l10n.t("Size"), className: "number" },
  { column: "change", title: l10n.t("Change"), className: "number" },
  { column: "codec", title: l10n.t("Stored as"), className: "" },
  { column: "saved", title: l10n.t("Saved"), className: "number" },
];

/** A picture of a fine-tune: the total in a sentence, and a table of its tensors that can be sorted. */
export class TensorTable {
  readonly element = element("div", "picture");
  #picture: DeltaPicture | undefined;
  #order: TensorOrder = LARGEST_FIRST;
  #rows = ROWS;

  /** @param stale true when the fields now name other models than the picture is of */
  show(picture: DeltaPicture | undefined, stale: boolean): void {
    this.element.classList.toggle("stale", stale);
    if (picture?.id === this.#picture?.id) return;
    this.#picture = picture;
    this.#order = LARGEST_FIRST;
    this.#rows = ROWS;
    this.#draw();
  }

  #draw(focused?: TensorColumn): void {
    this.element.replaceChildren();
    if (!this.#picture) return;
    const { tensors, subject, base, measured, rows } = this.#picture;
    const why = l10n.say(verdict(this.#picture));
    const what = measured
      ? l10n.t("What lies in {0}, against {1}", subject, base)
      : l10n.t("An estimate of {0}, against {1}", subject, base);
    const total = element("p", "total", {}, l10n.say(totalInWords(this.#picture)));
    // What lies in a delta does not say how much the weights have changed.
    const columns = COLUMNS.filter(
      ({ column }) => column !== "change" || tensors.some(({ change }) => change !== undefined),
    );
    const shown = inOrder(tensors, this.#order).slice(0, this.#rows);
    const largest = Math.max(1, ...shown.map(({ bytes }) => bytes));
    const table = element(
      "table",
      "tensors",
      {},
      element("caption", "dim", {}, caption(tensors.length, shown.length)),
      element("thead", "", {}, element("tr", "", {}, ...columns.map((column) => this.#head(column)), barHead())),
      element("tbody", "", {}, ...shown.map((tensor) => row(tensor, columns, largest))),
    );
    const scroller = element(
      "div",
      "scroller",
      { role: "region", "aria-label": l10n.t("Parts"), tabindex: "0" },
      table,
    );
    const more = button(
      l10n.t("Show {0} More", Math.min(ROWS, tensors.length - shown.length)),
      () => this.#more(),
      "button second",
    );
    this.element.append(
      element("p", "dim", {}, what),
      total,
      ...(why ? [element("p", "verdict", {}, why)] : []),
      ...(rows ? [rowBar(rows, measured)] : []),
      scroller,
      ...(shown.length < tensors.length ? [more] : []),
    );
    if (focused) this.element.querySelector<HTMLElement>(`[data-column="${focused}"]`)?.focus();
  }

  #head({ column, title, className }: (typeof COLUMNS)[number]): HTMLElement {
    const sorted = this.#order.column === column;
    const direction = this.#order.descending ? "descending" : "ascending";
    const sort = button(title, () => this.#sort(column), "sort");
    sort.dataset.column = column;
    const mark = sorted && !this.#order.descending ? "▴" : "▾";
    sort.append(element("span", sorted ? "mark" : "mark unsorted", { "aria-hidden": "true" }, mark));
    return element("th", className, { scope: "col", "aria-sort": sorted ? direction : "none" }, sort);
  }

  #sort(column: TensorColumn): void {
    this.#order = clicked(this.#order, column);
    this.#draw(column);
  }

  #more(): void {
    this.#rows += ROWS;
    this.#draw();
    this.element.querySelector<HTMLElement>(".scroller")?.focus();
  }
}

function caption(all: number, shown: number): string {
  const bars = l10n.t("A bar is as long as the part is large; what is filled of it is what the delta takes.");
  if (shown < all) return `${l10n.t("{0} of {1} rows.", l10n.number(shown), l10n.number(all))} ${bars}`;
  return `${all === 1 ? l10n.t("1 row.") : l10n.t("{0} rows.", l10n.number(all))} ${bars}`;
}

/** The bars say nothing that the numbers do not. */
function barHead(): HTMLElement {
  return element("td", "bar-cell", { "aria-hidden": "true" });
}

function row(tensor: DeltaTensor, columns: typeof COLUMNS, largest: number): HTMLElement {
  const { bytes, storedBytes } = tensor;
  const filled = element("div", "stored");
  filled.style.width = `${bytes === 0 ? 0 : Math.min(100, (100 * storedBytes) / bytes)}%`;
  const bar = element("div", "size", {}, filled);
  bar.style.width = `${Math.max(1, (100 * bytes) / largest)}%`;
  const cells = columns.map(({ column, className }) => {
    const text = CELLS[column](tensor);
    if (column === "name") return element("th", className, { scope: "row", title: text }, text);
    return element("td", className, {}, text);
  });
  return element("tr", "", {}, ...cells, element("td", "bar-cell", { "aria-hidden": "true" }, bar));
}

const CELLS: Readonly<Record<TensorColumn, (tensor: DeltaTensor) => string>> = {
  name: ({ name }) => name,
  dtype: ({ dtype }) => dtype,
  bytes: ({ bytes }) => sizeInWords(bytes),
  change: ({ change }) => changeInWords(change) || "–",
  codec: ({ codec }) => l10n.say(codecInWords(codec)) || "–",
  saved: (tensor) => (savedShare(tensor) < 0 ? l10n.t("none") : percent(savedShare(tensor))),
};
