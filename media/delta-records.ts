/// <reference lib="dom" />
import type { DeltaRecord, RecordAction } from "../shared/delta-panel-messages.ts";
import { baseName, historyInWords, percent, shortPath, sizeInWords } from "./delta-wording.ts";
import { button, element } from "./dom.ts";
import { l10n } from "./l10n.ts";

const ACTIONS: readonly { action: RecordAction; label: string; about: string }[] = [
  { action: "describe", label: l10n.t("Show"), about: l10n.t("Show what lies in {0}") },
  { action: "verify", label: l10n.t("Verify"), about: l10n.t("Rebuild all of {0} in memory and compare") },
  { action: "reconstruct", label: l10n.t("Rebuild…"), about: l10n.t("Write the fine-tune again from {0}") },
  { action: "remove", label: l10n.t("Forget"), about: l10n.t("Remove {0} from this list; the file stays") },
];

/** The deltas that were made, with what they save together. */
export function records(
  history: readonly DeltaRecord[],
  busy: boolean,
  act: (id: string, action: RecordAction) => void,
): HTMLElement[] {
  if (history.length === 0) {
    return [
      element("p", "dim", {}, l10n.t("Deltas that you make here are listed, to be verified or rebuilt at any time.")),
    ];
  }
  return [
    element("p", "history-total", {}, l10n.say(historyInWords(history))),
    element(
      "p",
      "dim",
      {},
      l10n.t(
        "The originals are yours to keep or delete; the base is needed to rebuild. To forget one deletes no file.",
      ),
    ),
    element("ul", "records", {}, ...history.map((record) => item(record, busy, act))),
  ];
}

function item(record: DeltaRecord, busy: boolean, act: (id: string, action: RecordAction) => void): HTMLElement {
  const { id, base, delta, bytes, deltaBytes, madeAt, verifiedAt } = record;
  const name = baseName(delta);
  const buttons = ACTIONS.map(({ action, label, about }) => {
    const made = button(label, () => act(id, action), "link");
    const purpose = about.replace("{0}", name);
    made.title = purpose;
    made.setAttribute("aria-label", purpose);
    made.dataset.action = action;
    made.id = `${action}-${id}`;
    made.disabled = busy && action !== "remove";
    return made;
  });
  const share = percent(bytes === 0 ? 0 : Math.max(0, 1 - deltaBytes / bytes));
  const saved = l10n.t("{0} saved, {1} in {2}", share, sizeInWords(bytes), sizeInWords(deltaBytes));
  const origin = [shortPath(base), when(madeAt)] as const;
  const about = verifiedAt
    ? l10n.t("against {0}, made {1}, verified {2}", ...origin, when(verifiedAt))
    : l10n.t("against {0}, made {1}, not verified yet", ...origin);
  return element(
    "li",
    "record",
    {},
    element("div", "record-name", { title: delta }, name),
    element("div", "record-saved", {}, saved),
    element("div", "dim record-about", { title: base }, about),
    element("div", "record-actions", {}, ...buttons),
  );
}

function when(iso: string): string {
  return new Date(iso).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
}
