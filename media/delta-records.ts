/// <reference lib="dom" />
import type { DeltaRecord, RecordAction } from "../shared/delta-panel-messages.ts";
import { baseName, historyInWords, percent, shortPath, sizeInWords } from "./delta-wording.ts";
import { button, element } from "./dom.ts";

const ACTIONS: readonly { action: RecordAction; label: string; about: string }[] = [
  { action: "describe", label: "Show", about: "Show what lies in it" },
  { action: "verify", label: "Verify", about: "Rebuild everything in memory and compare" },
  { action: "reconstruct", label: "Rebuild…", about: "Write the fine-tune again" },
  { action: "remove", label: "Forget", about: "Remove it from this list; the file stays" },
];

/** The deltas that were made, with what they save together. */
export function records(
  history: readonly DeltaRecord[],
  busy: boolean,
  act: (id: string, action: RecordAction) => void,
): HTMLElement[] {
  if (history.length === 0) {
    return [element("p", "dim", {}, "Deltas that you make here are listed, to be verified or rebuilt at any time.")];
  }
  return [
    element("p", "history-total", {}, historyInWords(history)),
    element(
      "p",
      "dim",
      {},
      "The originals are yours to keep or delete; the base is needed to rebuild. Nothing is deleted here.",
    ),
    element("ul", "records", {}, ...history.map((record) => item(record, busy, act))),
  ];
}

function item(record: DeltaRecord, busy: boolean, act: (id: string, action: RecordAction) => void): HTMLElement {
  const { id, base, delta, bytes, deltaBytes, madeAt, verifiedAt } = record;
  const name = baseName(delta);
  const buttons = ACTIONS.map(({ action, label, about }) => {
    const made = button(label, () => act(id, action), "link");
    made.title = about;
    made.dataset.action = action;
    made.setAttribute("aria-label", `${label.replace("…", "")} ${name}`);
    made.disabled = busy && action !== "remove";
    return made;
  });
  const saved = percent(bytes === 0 ? 0 : Math.max(0, 1 - deltaBytes / bytes));
  const checked = verifiedAt ? `verified ${when(verifiedAt)}` : "not verified yet";
  return element(
    "li",
    "record",
    {},
    element("div", "record-name", { title: delta }, name),
    element("div", "record-saved", {}, `${saved} saved, ${sizeInWords(bytes)} in ${sizeInWords(deltaBytes)}`),
    element("div", "dim record-about", { title: base }, `against ${shortPath(base)}, made ${when(madeAt)}, ${checked}`),
    element("div", "record-actions", {}, ...buttons),
  );
}

function when(iso: string): string {
  return new Date(iso).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });
}
