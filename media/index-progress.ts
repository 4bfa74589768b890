/// <reference lib="dom" />
import type { PanelCommand, PanelIndex, PanelState } from "../shared/webview-messages.ts";
import { button, element } from "./dom.ts";

/** One line about the index under the input, with a bar while it grows; empty when there is nothing to say. */
export function indexProgress(state: PanelState, command: (command: PanelCommand) => void): HTMLElement[] {
  if (state.kind === "starting") return [bar(undefined), element("p", "dim", {}, "Starting…")];
  if (state.kind !== "open") return [];
  const { phase, done, total, message, chunks } = state.index;
  const resume = button("Resume", () => command("resume"), "link");
  switch (phase) {
    case "opening":
      return [bar(undefined), element("p", "dim", {}, "Opening the index…")];
    case "scanning":
      return [bar(undefined), element("p", "dim", {}, "Looking at the files; search works by text meanwhile.")];
    case "indexing":
      return [bar(total > 0 ? done / total : undefined), element("p", "dim", {}, progressOf(state.index))];
    case "paused":
      return [element("p", "dim", {}, `Indexing is paused. ${total > done ? progressOf(state.index) : ""} `, resume)];
    case "failed":
      return chunks > 0 ? [element("p", "warning", {}, message)] : [];
    default:
      return message ? [element("p", "dim", {}, message)] : [];
  }
}

function progressOf({ done, total }: PanelIndex): string {
  return `${done.toLocaleString("en")} of ${total.toLocaleString("en")} files indexed; the rest is searched by text.`;
}

/** @param share From 0 to 1; undefined while it is not known. */
function bar(share: number | undefined): HTMLElement {
  const known: Record<string, string> = share === undefined ? {} : { "aria-valuenow": String(Math.floor(100 * share)) };
  const fill = element("div", "bar-fill");
  if (share !== undefined) fill.style.width = `${100 * share}%`;
  const attributes = {
    role: "progressbar",
    "aria-label": "Indexing",
    "aria-valuemin": "0",
    "aria-valuemax": "100",
    ...known,
  };
  return element("div", share === undefined ? "bar unknown" : "bar", attributes, fill);
}
