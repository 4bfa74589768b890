/// <reference lib="dom" />
import type { PanelCommand, PanelState } from "../shared/webview-messages.ts";
import { button, element } from "./dom.ts";
import { l10n } from "./l10n.ts";

export interface PlaceholderEvents {
  command(command: PanelCommand): void;
  /** Searches for one of the examples. */
  ask(query: string): void;
  /** Searches again for what is in the input. */
  retry(): void;
}

/** In English in every language: the model reads no other. */
const EXAMPLES = ["where are errors turned into messages?", "parse the command line", "how is the cache cleared?"];

/** What stands in place of results when the state allows no search; undefined when it does. */
export function obstacle(state: PanelState, events: PlaceholderEvents): HTMLElement | undefined {
  const command = (label: string, name: PanelCommand): HTMLElement => button(label, () => events.command(name));
  const link = (label: string, name: PanelCommand): HTMLElement => button(label, () => events.command(name), "link");
  switch (state.kind) {
    case "no-folder":
      return say(l10n.t("Open a folder to search its code by meaning."), command(l10n.t("Open Folder"), "openFolder"));
    case "untrusted":
      return say(
        l10n.t("This workspace is not trusted yet, so nothing in it is read or indexed."),
        command(l10n.t("Manage Workspace Trust"), "manageTrust"),
      );
    case "unsupported":
      return say(state.message, link(l10n.t("Show Log"), "showLog"));
    case "crashed":
      return say(state.message, command(l10n.t("Restart"), "restart"), link(l10n.t("Show Log"), "showLog"));
    case "open":
      if (state.index.phase === "closed") return say(state.index.message || l10n.t("Indexing is off."));
      if (state.index.phase === "ready" && state.index.files === 0) {
        return say(
          l10n.t("There is nothing to search in this folder yet."),
          element("p", "dim", {}, l10n.t("Files that are added are found by themselves.")),
          link(l10n.t("What Is Indexed and What Is Not"), "showContents"),
        );
      }
      if (state.index.phase !== "failed" || state.index.chunks > 0) return undefined;
      return say(
        state.index.message || l10n.t("The index cannot be used."),
        command(l10n.t("Retry"), "restart"),
        link(l10n.t("Rebuild Index"), "rebuild"),
        link(l10n.t("Show Log"), "showLog"),
      );
    default:
      return undefined;
  }
}

/** Before the first search: what can be asked. */
export function welcome(events: PlaceholderEvents): HTMLElement {
  const examples = EXAMPLES.map((query) =>
    element(
      "li",
      "",
      {},
      button(query, () => events.ask(query), "link example"),
    ),
  );
  return element(
    "div",
    "placeholder",
    {},
    element("p", "", {}, l10n.t("Say what the code does, in your own words. A name works too.")),
    element("ul", "examples", { "aria-label": l10n.t("Examples") }, ...examples),
    element("p", "dim", {}, l10n.t("Everything stays on this machine.")),
  );
}

/** @param query empty when the like of some code was looked for */
export function nothingFound(
  query: string,
  filtered: boolean,
  complete: boolean,
  events: PlaceholderEvents,
): HTMLElement {
  if (filtered && complete) {
    return say(
      query
        ? l10n.t("Nothing found for “{0}” with these filters.", query)
        : l10n.t("Nothing similar found with these filters."),
      element("p", "dim", {}, l10n.t("Removing a filter may bring results.")),
    );
  }
  const advice = complete
    ? l10n.t("Try other words for what the code does, or fewer of them. What is left out of the index cannot be found.")
    : l10n.t("Not every file is indexed yet; results come as indexing goes on.");
  return say(
    query ? l10n.t("Nothing found for “{0}”.", query) : l10n.t("Nothing similar found."),
    element("p", "dim", {}, advice),
    button(l10n.t("What Is Indexed and What Is Not"), () => events.command("showContents"), "link"),
  );
}

export function searchFailed(message: string, hint: string, events: PlaceholderEvents): HTMLElement {
  return say(
    message,
    hint ? element("p", "dim", {}, hint) : undefined,
    button(l10n.t("Retry"), () => events.retry()),
    button(l10n.t("Show Log"), () => events.command("showLog"), "link"),
  );
}

function say(message: string, ...rest: readonly (HTMLElement | undefined)[]): HTMLElement {
  return element("div", "placeholder", {}, element("p", "", {}, message), ...rest);
}
