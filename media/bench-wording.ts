import type { BenchOutcome, BenchPanelState } from "../shared/bench-panel-messages.ts";
import type { BenchArea, Machine, MeasureRatio, MeasureSummary, RunSummary } from "../shared/bench-types.ts";
import { asPhrase, type Phrase, phrase, SILENCE, verbatim, type Wording } from "../shared/phrase.ts";
import { threeDigits } from "../shared/three-digits.ts";
import { l10n } from "./l10n.ts";

/** What the benchmark panel says, in words. */

export function areaTitle(area: BenchArea): string {
  switch (area) {
    case "search":
      return l10n.t("Search");
    case "embed":
      return l10n.t("Embedding");
    case "answer":
      return l10n.t("Answers");
    case "delta":
      return l10n.t("Deltas");
    case "quality":
      return l10n.t("Quality");
  }
}

export function areaAbout(area: BenchArea): string {
  switch (area) {
    case "search":
      return l10n.t(
        "How long queries made of your code's own names take, beside ripgrep; what vectors in fewer bytes find.",
      );
    case "embed":
      return l10n.t(
        "How fast texts become vectors, by length and batch, also by the model that you chose, and what made it faster.",
      );
    case "answer":
      return l10n.t(
        "How long passages take to be quoted, and the models that you choose to answer; how many answers fail.",
      );
    case "delta":
      return l10n.t("What deltas of models save, beside zstd, on a pair made for it. No folder is needed.");
    case "quality":
      return l10n.t("How well searches find what doc comments of your code describe, beside how long they take.");
  }
}

/** What a record says, in the editor's language; in English where an earlier version wrote it. */
export function worded(said: Wording): string {
  return l10n.say(asPhrase(said));
}

export function shortNumber(value: number): string {
  return threeDigits(value, document.documentElement.lang);
}

export function figure(value: number, unit: string): string {
  return `${shortNumber(value)} ${unit}`;
}

export function bounds({ low, high }: Pick<MeasureSummary, "low" | "high">): string {
  return l10n.t("{0} to {1}", shortNumber(low), shortNumber(high));
}

/** How many times better one is than the other, whichever way its unit counts. */
export function advantage({ ratio, low, high, better }: MeasureRatio): { value: number; low: number; high: number } {
  return better === "more" ? { value: ratio, low, high } : { value: 1 / ratio, low: 1 / high, high: 1 / low };
}

export function times(value: number): string {
  return l10n.t("{0}x", shortNumber(value));
}

export function ratioVerdict({ verdict }: MeasureRatio): string {
  switch (verdict) {
    case "better":
      return l10n.t("better");
    case "worse":
      return l10n.t("worse");
    case "same":
      return l10n.t("no difference found");
  }
}

export function dateOf({ started }: RunSummary): string {
  const parts = { dateStyle: "medium", timeStyle: "medium" } as const;
  return new Date(started).toLocaleString(document.documentElement.lang, parts);
}

/** What it measured, and how. */
export function kindOf({ areas, quick, cancelled }: RunSummary): string {
  const kind = [
    ...areas.map(areaTitle),
    ...(quick ? [l10n.t("quick")] : []),
    ...(cancelled ? [l10n.t("ended early")] : []),
  ];
  return kind.join(", ");
}

export function machineInWords({ processor, cores, memoryMB, system }: Machine): string {
  return l10n.t("{0}, {1} cores, {2} GB, {3}", processor, cores, shortNumber(memoryMB / 1000), system);
}

export function subjectInWords({ subject }: RunSummary): string {
  if (!subject) return "";
  return l10n.t("{0}: {1} files, {2} chunks", subject.folder, l10n.number(subject.files), l10n.number(subject.chunks));
}

/** "less is better", beside the unit. */
export function unitInWords({ unit, better }: Pick<MeasureSummary, "unit" | "better">): string {
  return better === "less" ? l10n.t("{0}, less is better", unit) : l10n.t("{0}, more is better", unit);
}

/** What happened, and what to do next; neither when there is nothing to say. */
export function outcomeInWords(outcome: BenchOutcome): { text: Phrase; next: Phrase } {
  switch (outcome.kind) {
    case "measured":
      if (!outcome.kept && outcome.cancelled)
        return { text: phrase("Ended before anything was measured."), next: SILENCE };
      if (!outcome.kept) return { text: phrase("Nothing could be measured; the reasons are below."), next: SILENCE };
      return outcome.cancelled
        ? { text: phrase("Ended early. What was complete by then is here."), next: SILENCE }
        : { text: phrase("Measured. The run is in the list below."), next: SILENCE };
    case "consent":
      return {
        text: phrase(
          "This leaves your machine with each question: the question, and the pieces of code in this folder that match it, with their paths. It goes to {0}.",
          outcome.providers.map(({ name, destination }) => `${name} (${destination})`).join(", "),
        ),
        next: phrase("Files that match cairn.neverSend are never sent. Each answer may cost money."),
      };
    case "imported":
      return { text: phrase("{0} is in the list now.", outcome.path), next: SILENCE };
    case "saved":
      return { text: phrase("Written to {0}.", outcome.path), next: SILENCE };
    case "failed":
      return { text: verbatim(outcome.message), next: verbatim(outcome.hint) };
  }
}

/** Why code cannot be measured on; empty when it can. */
export function obstacle({ folders }: BenchPanelState, folder: string): string {
  if (folders.length === 0) return l10n.t("Open a folder to measure more than deltas.");
  return folders.find(({ path }) => path === folder)?.obstacle ?? "";
}
