/// <reference lib="dom" />
import { placeOf } from "../shared/hit-place.ts";
import type { PreviewLine } from "../shared/search-types.ts";
import type { HitPlace, OpenMode, PanelHit } from "../shared/webview-messages.ts";
import { element } from "./dom.ts";
import { type FileGroup, groupByFile } from "./group-hits.ts";
import { kindInWords, results } from "./in-words.ts";
import { l10n } from "./l10n.ts";

export interface ResultListEvents {
  open(place: HitPlace, mode: OpenMode): void;
  /** The active option changed; its element id for `aria-activedescendant`, empty for none. */
  activate(optionId: string): void;
}

/** A line whose first match stands further right than this is shown from a word close before the match. */
const MAX_COLUMNS_BEFORE_MATCH = 20;
const COLUMNS_BEFORE_MATCH = 14;

/** Where to move the active option. */
export type Move = "up" | "down" | "pageUp" | "pageDown" | "first" | "last";

/** The hits of one answer as a listbox, grouped by file, with one active option. */
export class ResultList {
  readonly element = element("div", "results", {
    id: "results",
    role: "listbox",
    "aria-label": l10n.t("Search results"),
    "aria-busy": "true",
  });
  readonly #events: ResultListEvents;
  #hits: PanelHit[] = [];
  #options: HTMLElement[] = [];
  #active = -1;

  constructor(events: ResultListEvents) {
    this.#events = events;
  }

  /** Key of the active hit, to find it again in a later answer; empty for none. */
  get activeKey(): string {
    const hit = this.#hits[this.#active];
    return hit ? keyOf(hit) : "";
  }

  /** True when no hit lies above the active one. */
  get atTop(): boolean {
    return this.#active <= 0;
  }

  /** Shows the hits and makes the one with this key active, or else the first. */
  show(hits: readonly PanelHit[], activeKey: string): FileGroup[] {
    const groups = groupByFile(hits);
    this.#hits = groups.flatMap((group) => group.hits);
    this.#options = this.#hits.map((hit, index) => this.#option(hit, index));
    let next = 0;
    const sections = groups.map((group, index) => {
      const options = this.#options.slice(next, next + group.hits.length);
      next += group.hits.length;
      return fileSection(group, `file-${index}`, options);
    });
    this.element.replaceChildren(...sections);
    this.element.tabIndex = hits.length > 0 ? 0 : -1;
    this.#active = -1;
    const kept = this.#hits.findIndex((hit) => keyOf(hit) === activeKey);
    if (kept < 0) this.element.scrollTop = 0;
    this.#setActive(hits.length === 0 ? -1 : Math.max(0, kept));
    return groups;
  }

  move(move: Move): void {
    if (this.#hits.length === 0) return;
    const last = this.#hits.length - 1;
    const target = { up: this.#active - 1, down: this.#active + 1, first: 0, last };
    const index = move === "pageUp" || move === "pageDown" ? this.#pageFrom(move === "pageDown") : target[move];
    this.#setActive(Math.max(0, Math.min(last, index)));
    this.#reveal();
  }

  openActive(mode: OpenMode): void {
    const hit = this.#hits[this.#active];
    if (hit) this.#events.open(placeOf(hit), mode);
  }

  #setActive(index: number): void {
    this.#options[this.#active]?.setAttribute("aria-selected", "false");
    this.#active = index;
    const option = this.#options[index];
    option?.setAttribute("aria-selected", "true");
    this.#events.activate(option?.id ?? "");
  }

  #reveal(): void {
    const option = this.#options[this.#active];
    // The first hit of a file is shown with the file's name above it.
    const whole = option?.parentElement?.querySelector("[role=option]") === option ? option?.parentElement : option;
    whole?.firstElementChild?.scrollIntoView({ block: "nearest" });
    option?.scrollIntoView({ block: "nearest" });
  }

  /** The option about one visible page away from the active one. */
  #pageFrom(down: boolean): number {
    const from = this.#options[this.#active].offsetTop;
    const page = this.element.clientHeight;
    if (down) {
      const beyond = this.#options.findIndex((option) => option.offsetTop > from + page);
      return beyond < 0 ? this.#options.length - 1 : Math.max(this.#active + 1, beyond - 1);
    }
    return Math.min(
      this.#active - 1,
      this.#options.findIndex((option) => option.offsetTop >= from - page),
    );
  }

  #option(hit: PanelHit, index: number): HTMLElement {
    const option = element("div", "hit", {
      id: `hit-${index}`,
      role: "option",
      "aria-selected": "false",
      "aria-label": l10n.t(
        "{0}, {1} line {2}. {3}",
        hit.name || kindInWords(hit.kind),
        hit.path,
        hit.focusLine,
        hit.reason,
      ),
    });
    const indent = commonIndent(hit.preview);
    const code = element("div", "code", {}, ...hit.preview.map((line) => codeLine(line, indent)));
    option.append(heading(hit), code, reasonLine(hit.reason));
    option.addEventListener("click", (event) => {
      this.#setActive(index);
      this.#events.open(placeOf(hit), event.ctrlKey || event.metaKey ? "side" : "preview");
    });
    option.addEventListener("dblclick", () => this.#events.open(placeOf(hit), "open"));
    return option;
  }
}

function fileSection({ name, folder, hits }: FileGroup, id: string, options: readonly HTMLElement[]): HTMLElement {
  const title = folder ? `${folder}/${name}` : name;
  const header = element(
    "div",
    "file",
    { id, title },
    element("span", "file-name", {}, name),
    element("span", "folder", {}, element("bdi", "", {}, folder)),
    element("span", "count", { "aria-label": results(hits.length) }, String(hits.length)),
  );
  return element("div", "group", { role: "group", "aria-labelledby": id }, header, ...options);
}

/** The symbol and what it is, or the lines of a piece without a symbol; then where it opens. */
function heading({ name, parents, kind, startLine, endLine, focusLine }: PanelHit): HTMLElement {
  const symbol = [...parents.slice(-1), name].filter(Boolean).join(" › ");
  const lines = startLine === endLine ? l10n.t("line {0}", startLine) : l10n.t("lines {0}–{1}", startLine, endLine);
  return element(
    "div",
    "heading",
    {},
    name ? element("span", "symbol", {}, symbol) : element("span", "kind", {}, lines),
    name && kind !== "text" ? element("span", "kind", {}, kindInWords(kind)) : undefined,
    element("span", "line", {}, `:${focusLine}`),
  );
}

/** @param indent How many columns all lines of the preview have in front; they are left out. */
function codeLine({ line, text, ranges }: PreviewLine, indent: number): HTMLElement {
  const shown = element("span", "text");
  let at = firstColumnShown(text, indent, ranges[0]?.[0] ?? 0);
  if (at > indent) shown.append("…");
  for (const [start, end] of ranges) {
    if (end <= at) continue;
    shown.append(text.slice(at, Math.max(at, start)), element("mark", "", {}, text.slice(Math.max(at, start), end)));
    at = end;
  }
  shown.append(text.slice(at));
  return element("div", "code-line", {}, element("span", "number", { "aria-hidden": "true" }, String(line)), shown);
}

/** A match far to the right would be cut off by a narrow view: such a line starts at a word shortly before it. */
function firstColumnShown(text: string, indent: number, match: number): number {
  if (match - indent <= MAX_COLUMNS_BEFORE_MATCH) return indent;
  const from = match - COLUMNS_BEFORE_MATCH;
  const word = text.slice(from, match).search(/(?<=\W)\w/);
  return word < 0 ? from : from + word;
}

function commonIndent(lines: readonly PreviewLine[]): number {
  const indents = lines.filter(({ text }) => text.trim()).map(({ text }) => text.length - text.trimStart().length);
  return indents.length > 0 ? Math.min(...indents) : 0;
}

/** The reason with names in the editor's font: they stand between backticks. */
function reasonLine(reason: string): HTMLElement {
  const parts = reason.split("`").map((part, index) => (index % 2 === 1 ? element("code", "", {}, part) : part));
  return element("div", "reason", { title: reason.replaceAll("`", "") }, ...parts);
}

function keyOf({ rootUri, path, startLine }: PanelHit): string {
  return `${rootUri}\n${path}\n${startLine}`;
}
