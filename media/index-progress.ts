/// <reference lib="dom" />
import type { PanelCommand, PanelIndex, PanelState } from "../shared/webview-messages.ts";
import { button, element } from "./dom.ts";
import { l10n } from "./l10n.ts";

/** One line about the index under the input, with a bar while it grows; empty when there is nothing to say. */
export function indexProgress(state: PanelState, command: (command: PanelCommand) => void): HTMLElement[] {
  if (state.kind === "starting") return [bar(undefined), element("p", "dim", {}, l10n.t("Starting…"))];
  if (state.kind !== "open") return [];
  const { phase, done, total, message, chunks } = state.index;
  const resume = button(l10n.t("Resume"), () => command("resume"), "link");
  switch (phase) {
    case "opening":
      return [bar(undefined), element("p", "dim", {}, l10n.t("Opening the index…"))];
    case "scanning":
      return [bar(undefined), element("p", "dim", {}, l10n.t("Looking at the files; search works by text meanwhile."))];
    case "indexing":
      return [bar(total > 0 ? done / total : undefined), element("p", "dim", {}, progressOf(state.index))];
    case "paused":
      return [
        element(
          "p",
          "dim",
          {},
          `${l10n.t("Indexing is paused.")} ${total > done ? progressOf(state.index) : ""} `,
          resume,
        ),
      ];
    case "failed":
      return chunks > 0 ? [element("p", "warning", {}, message)] : [];
    default:
      return message ? [element("p", "dim", {}, message)] : [];
  }
}

function progressOf({ done, total }: PanelIndex): string {
  return l10n.t("{0} of {1} files indexed; the rest is searched by text.", l10n.number(done), l10n.number(total));
}

/** @param share From 0 to 1; undefined while it is not known. */
function bar(share: number | undefined): HTMLElement {
  const known: Record<string, string> = share === undefined ? {} : { "aria-valuenow": String(Math.floor(100 * share)) };
  const fill = element("div", "bar-fill");
  if (share !== undefined) fill.style.width = `${100 * share}%`;
  const attributes = {
    role: "progressbar",
    "aria-label": l10n.t("Indexing"),
    "aria-valuemin": "0",
    "aria-valuemax": "100",
    ...known,
  };
  return element("div", share === undefined ? "bar unknown" : "bar", attributes, fill);
}
