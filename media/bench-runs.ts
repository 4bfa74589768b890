/// <reference lib="dom" />
import type { RunList } from "../shared/bench-messages.ts";
import type { RunSummary } from "../shared/bench-types.ts";
import { dateOf, kindOf, machineInWords, subjectInWords } from "./bench-wording.ts";
import { button, element } from "./dom.ts";
import { l10n } from "./l10n.ts";

export type RunAction = "show" | "compare" | "remove";

const ACTIONS: readonly { action: RunAction; label: string; about: string }[] = [
  { action: "show", label: l10n.t("Show"), about: l10n.t("Show the run of {0}") },
  { action: "compare", label: l10n.t("Compare"), about: l10n.t("Compare the run that is shown with that of {0}") },
  { action: "remove", label: l10n.t("Remove"), about: l10n.t("Remove the run of {0}; its figures are deleted") },
];

/** The runs that are kept, newest first, and the files that are none. */
export function runs(
  { runs: kept, unreadable }: RunList,
  shown: string | undefined,
  busy: boolean,
  act: (run: string, action: RunAction) => void,
): HTMLElement[] {
  const damaged = unreadable.map(({ reason }) => element("p", "warning unreadable", {}, reason));
  if (kept.length === 0) {
    const empty = l10n.t("There is no run yet. Runs are kept with the machine they were made on, and can be compared.");
    return [element("p", "dim", {}, empty), ...damaged];
  }
  const items = kept.toReversed().map((run) => item(run, run.id === shown, busy, act));
  return [element("ul", "records", {}, ...items), ...damaged];
}

function item(
  run: RunSummary,
  isShown: boolean,
  busy: boolean,
  act: (run: string, action: RunAction) => void,
): HTMLElement {
  const date = dateOf(run);
  const buttons = ACTIONS.map(({ action, label, about }) => {
    const made = button(label, () => act(run.id, action), "link");
    const purpose = about.replace("{0}", date);
    made.title = purpose;
    made.setAttribute("aria-label", purpose);
    made.dataset.action = action;
    made.id = `${action}-${run.id}`;
    made.disabled = busy || (isShown && action !== "remove");
    return made;
  });
  const where = [subjectInWords(run), machineInWords(run.machine)].filter(Boolean).join("; ");
  return element(
    "li",
    "record",
    isShown ? { "aria-current": "true" } : {},
    element("div", "record-name", { title: run.id }, date),
    element("div", "record-saved", {}, kindOf(run)),
    element("div", "dim record-about", {}, where),
    element("div", "record-actions", {}, ...buttons),
  );
}
