/// <reference lib="dom" />
import { type SearchFilter, takeFilters } from "../shared/search-filters.ts";
import type { FromPanel, PanelHit, PanelState, SimilarCode, ToPanel } from "../shared/webview-messages.ts";
import { button, element } from "./dom.ts";
import { FilterChips } from "./filter-chips.ts";
import { HistoryWalk } from "./history-walk.ts";
import { countLabel } from "./in-words.ts";
import { indexProgress } from "./index-progress.ts";
import { l10n } from "./l10n.ts";
import { nothingFound, obstacle, type PlaceholderEvents, searchFailed, welcome } from "./placeholders.ts";
import { type Move, ResultList } from "./result-list.ts";

interface SavedState {
  query: string;
  similar?: SimilarCode;
  filters?: readonly SearchFilter[];
  activeKey: string;
}

declare function acquireVsCodeApi(): {
  postMessage(message: FromPanel): void;
  getState(): SavedState | undefined;
  setState(state: SavedState): void;
};

/** Typing is answered when it rests for this long, so that a word is one search and not six. */
const TYPING_MS = 60;
/** While the index grows, what is on screen is searched for again at most this often. */
const REFRESH_MS = 1000;

const MOVES: Readonly<Record<string, Move | undefined>> = {
  ArrowUp: "up",
  ArrowDown: "down",
  PageUp: "pageUp",
  PageDown: "pageDown",
  Home: "first",
  End: "last",
};

const vscode = acquireVsCodeApi();
const saved = vscode.getState() ?? { query: "", activeKey: "" };

const input = element("input", "query", {
  type: "text",
  role: "combobox",
  placeholder: l10n.t("Search by meaning"),
  "aria-label": l10n.t("Search code by meaning"),
  "aria-controls": "results",
  "aria-expanded": "false",
  "aria-autocomplete": "list",
  autocomplete: "off",
  spellcheck: "false",
});
const clear = button("×", () => startOver(), "clear");
clear.setAttribute("aria-label", l10n.t("Clear"));
const subject = element("div", "subject", { role: "status" });
const chips = new FilterChips(saved.filters ?? [], {
  change: () => search(),
  choose: () => vscode.postMessage({ type: "command", command: "addFilter" }),
  leave: () => input.focus(),
});
const summary = element("div", "summary", { role: "status", "aria-live": "polite" });
const progress = element("div", "progress");
const placeholder = element("div", "", { "aria-live": "polite" });
const list = new ResultList({
  open: (place, mode) => {
    noteQuery();
    vscode.postMessage({ type: "open", place, mode });
  },
  activate: (optionId) => {
    input.setAttribute("aria-activedescendant", optionId);
    list.element.setAttribute("aria-activedescendant", optionId);
    save();
  },
});
const events: PlaceholderEvents = {
  command: (command) => vscode.postMessage({ type: "command", command }),
  ask: (query) => setQuery(query),
  retry: () => search(),
};

/** The code whose like is shown, while nothing is typed. */
let similar = saved.similar;
let history: readonly string[] = [];
let walk: HistoryWalk | undefined;
let state: PanelState = { kind: "starting" };
/** Answers to older searches are dropped. */
let newest = 0;
/** True once the user has moved through the hits from the input: from then on Home and End are the list's. */
let moving = false;
let typing: ReturnType<typeof setTimeout> | undefined;
let refreshing: ReturnType<typeof setTimeout> | undefined;
/** The hit to make active when the next answer comes. */
let wantedKey = saved.activeKey;

document.body.append(
  element("div", "top", {}, element("div", "box", {}, input, clear), chips.element, subject, progress, summary),
  placeholder,
  list.element,
);

window.addEventListener("message", ({ data }: MessageEvent<ToPanel>) => receive(data));
input.addEventListener("input", () => {
  moving = false;
  wantedKey = "";
  walk = undefined;
  similar = undefined;
  readFilters(false);
  save();
  clearTimeout(typing);
  typing = setTimeout(search, TYPING_MS);
});
input.addEventListener("keydown", (event) => {
  const move = MOVES[event.key];
  const atHits = (event.key !== "Home" && event.key !== "End") || moving;
  if (walkHistory(event)) {
    event.preventDefault();
  } else if (event.key === "Backspace" && input.selectionStart === 0 && input.selectionEnd === 0) {
    chips.removeLast();
  } else if (event.key === "Enter" && !event.isComposing && readFilters(true)) {
    event.preventDefault();
  } else if (move && atHits && !event.shiftKey) {
    moving = true;
    list.move(move);
    event.preventDefault();
  } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    moving = false;
  } else {
    openOrClear(event);
  }
});
input.addEventListener("blur", () => noteQuery());
list.element.addEventListener("keydown", (event) => {
  const move = MOVES[event.key];
  const typed = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (move) {
    list.move(move);
    event.preventDefault();
  } else if (event.key === " ") {
    list.openActive("preview");
    event.preventDefault();
  } else if (typed) {
    // The key goes on into the input, which has the focus by the time it is handled.
    input.focus();
  } else {
    openOrClear(event);
  }
});

input.value = saved.query;
search();
vscode.postMessage({ type: "ready" });

function receive(message: ToPanel): void {
  switch (message.type) {
    case "state":
      showState(message.state);
      break;
    case "results":
      if (message.id === newest) showResults(message.hits, message.complete, message.tookMs);
      break;
    case "failed":
      if (message.id === newest) showPlaceholder(searchFailed(message.message, message.hint, events));
      break;
    case "notice":
      summary.textContent = message.message;
      break;
    case "focus":
      if (message.query) {
        similar = undefined;
        setQuery(message.query);
      }
      input.focus();
      input.select();
      break;
    case "similar":
      similar = message.code;
      setQuery("");
      input.focus();
      break;
    case "addFilter":
      chips.add([message.filter]);
      input.focus();
      break;
    case "history":
      history = message.queries;
  }
}

function openOrClear(event: KeyboardEvent): void {
  if (event.key === "Enter" && !event.isComposing) {
    list.openActive(event.ctrlKey || event.metaKey ? "side" : "open");
    event.preventDefault();
  } else if (event.key === "Escape") {
    startOver();
    event.preventDefault();
  }
}

/** Up, where no hit lies above, goes to what was asked before; down comes back. Says whether it did. */
function walkHistory({ key, altKey, shiftKey, ctrlKey, metaKey }: KeyboardEvent): boolean {
  if (shiftKey || ctrlKey || metaKey || (key !== "ArrowUp" && key !== "ArrowDown")) return false;
  const past = walk?.inPast ?? false;
  if (!altKey && !past && (key === "ArrowDown" || !list.atTop)) return false;
  walk ??= new HistoryWalk(history, input.value);
  const query = key === "ArrowUp" ? walk.older() : walk.newer();
  if (query !== undefined) {
    similar = undefined;
    setQuery(query);
    input.setSelectionRange(query.length, query.length);
  }
  return true;
}

/** Turns filters that were typed into chips, and says whether there were any. */
function readFilters(finished: boolean): boolean {
  // What stands behind the cursor was not typed now: "lang:" in front of a word does not mean that word.
  const cursor = finished ? input.value.length : (input.selectionStart ?? input.value.length);
  const { filters, rest } = takeFilters(input.value.slice(0, cursor), finished);
  if (filters.length === 0) return false;
  input.value = rest + input.value.slice(cursor);
  input.setSelectionRange(rest.length, rest.length);
  chips.add(filters);
  return true;
}

/** Puts the query into the history. It was of use: a hit was opened, or the user left the input with it. */
function noteQuery(): void {
  const query = input.value.trim();
  walk = undefined;
  if (!query || query === history[0]) return;
  history = [query, ...history.filter((earlier) => earlier !== query)];
  vscode.postMessage({ type: "asked", query });
}

function startOver(): void {
  noteQuery();
  similar = undefined;
  setQuery("");
}

function setQuery(query: string, activeKey = ""): void {
  input.value = query;
  wantedKey = activeKey;
  moving = false;
  search();
  if (document.hasFocus()) input.focus();
}

/** Asks for what is in the input now; the answer comes as a message. */
function search(): void {
  clearTimeout(typing);
  newest++;
  save();
  clear.hidden = input.value === "" && !similar;
  showSubject();
  const query = input.value.trim();
  const blocked = obstacle(state, events);
  if (blocked) showPlaceholder(blocked);
  else if (!query && !similar) showPlaceholder(welcome(events));
  if (state.kind !== "open" || blocked) return;
  vscode.postMessage({ type: "search", id: newest, search: { query, similar, filters: chips.filters } });
}

/** Says whose like is shown. */
function showSubject(): void {
  const place = similar && `${fileName(similar.path)}:${similar.startLine}`;
  const label = similar && place ? l10n.t("Similar to {0} ({1})", similar.name, place) : "";
  if (subject.textContent !== label) subject.textContent = label;
  subject.title = similar?.path ?? "";
}

function showResults(hits: readonly PanelHit[], complete: boolean, tookMs: number): void {
  if (hits.length === 0) {
    showPlaceholder(nothingFound(input.value.trim(), chips.filters.length > 0, complete, events));
    return;
  }
  placeholder.replaceChildren();
  const groups = list.show(hits, wantedKey);
  wantedKey = "";
  input.setAttribute("aria-expanded", "true");
  const text = countLabel(groups);
  // A screen reader repeats the region when its text is set; the same text again is not news.
  if (summary.textContent !== text) summary.textContent = text;
  summary.title = l10n.t("{0} ms", tookMs.toFixed(1));
}

function showPlaceholder(shown: HTMLElement): void {
  list.show([], "");
  input.setAttribute("aria-expanded", "false");
  summary.textContent = "";
  placeholder.replaceChildren(shown);
}

function showState(next: PanelState): void {
  const before = state;
  state = next;
  progress.replaceChildren(...indexProgress(state, events.command));
  list.element.ariaBusy = String(state.kind !== "open" || state.index.phase !== "ready");
  const blocked = obstacle(state, events);
  if (blocked) {
    // An answer that is still on its way must not take its place.
    newest++;
    showPlaceholder(blocked);
  }
  // While the server comes back up, what is on screen stays there.
  if (blocked || state.kind !== "open") return;
  if (before.kind !== "open" || obstacle(before, events)) searchAgain();
  else if (contentsOf(before) !== contentsOf(state)) refresh(state.index.phase === "ready" ? 0 : REFRESH_MS);
}

/** Searches again for what is on screen, soon, because the index has changed. */
function refresh(delay: number): void {
  if (refreshing !== undefined && delay > 0) return;
  clearTimeout(refreshing);
  refreshing = setTimeout(searchAgain, delay);
}

/** Keeps the active hit active if it is found again. */
function searchAgain(): void {
  clearTimeout(refreshing);
  refreshing = undefined;
  wantedKey ||= list.activeKey;
  search();
}

/** Changes when other results may be found than before. */
function contentsOf(panel: PanelState): string {
  if (panel.kind !== "open") return panel.kind;
  const { changes, done, phase } = panel.index;
  return `${changes} ${done} ${phase}`;
}

function save(): void {
  const { filters } = chips;
  vscode.setState({ query: input.value, similar, filters, activeKey: list.activeKey || wantedKey });
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
