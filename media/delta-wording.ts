import type {
  DeltaOutcome,
  DeltaPicture,
  DeltaRecord,
  DeltaWork,
  RunningWork,
} from "../shared/delta-panel-messages.ts";
import type { DeltaProgress, DeltaTensor } from "../shared/delta-types.ts";
import { joined, type Phrase, phrase, SILENCE, verbatim } from "../shared/phrase.ts";

/** What the delta workbench says, in words. Shares are from 0 to 1. */

/** Below this share of saved bytes a fine-tune was trained far from its base, as measured over published pairs. */
const SMALL_SAVING = 0.5;
/** A relative change above which a model is no longer near its base: each doubling costs about a bit a weight. */
const FAR_CHANGE = 0.05;

export function sizeInWords(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  const power = Math.min(units.length, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(1)} ${units[power - 1]}`;
}

/** Rounded down, so that what is not all is never called 100%. */
export function percent(share: number): string {
  return `${(Math.floor(1000 * share + 1e-6) / 10).toFixed(1)}%`;
}

export function savedShare({ bytes, storedBytes }: DeltaTensor): number {
  return bytes === 0 ? 0 : 1 - storedBytes / bytes;
}

/** How much the weights have changed, to two digits. */
export function changeInWords(change: number | undefined): string {
  if (change === undefined) return "";
  if (change === 0) return "0%";
  if (change < 0.0001) return "< 0.01%";
  return change >= 0.0995 ? `${Math.round(100 * change)}%` : `${(100 * change).toPrecision(2)}%`;
}

export function codecInWords(codec: string): Phrase {
  const [, rest] = /^predicted (.*)$/.exec(codec) ?? [];
  if (rest !== undefined) return phrase("low-rank prediction, and the {0}", codecInWords(rest));
  return CODECS[codec] ?? verbatim(codec);
}

const CODECS: Readonly<Record<string, Phrase>> = {
  same: phrase("same as the base"),
  twin: phrase("same as another tensor"),
  rows: phrase("rows of the base, by reference"),
  contexts: phrase("difference, context-coded"),
  differencePlanes: phrase("difference, by byte planes"),
  planes: phrase("without the base, by byte planes"),
  raw: phrase("as it is"),
};

/** The total in one sentence. */
export function totalInWords({ bytes, deltaBytes, error, measured }: DeltaPicture): Phrase {
  const share = bytes === 0 ? 0 : 1 - deltaBytes / bytes;
  const sizes = [sizeInWords(bytes), sizeInWords(deltaBytes)] as const;
  const taken = measured ? phrase("{0} in {1}", ...sizes) : phrase("{0} would take about {1}", ...sizes);
  const range = error < 0.0005 ? taken : phrase("{0}, give or take {1} points", taken, (100 * error).toFixed(1));
  if (share <= 0) return phrase("Nothing saved: {0}.", range);
  if (share < SMALL_SAVING) return phrase("Only {0} saved: {1}.", percent(share), range);
  return phrase("{0} saved: {1}.", percent(share), range);
}

/** Why it is not more, or what to make of it; silence where the total speaks for itself. */
export function verdict({ bytes, deltaBytes, tensors }: DeltaPicture): Phrase {
  const share = bytes === 0 ? 0 : 1 - deltaBytes / bytes;
  if (share >= SMALL_SAVING) return SILENCE;
  const keep = share <= 0.05 ? phrase("Keep it as it is.") : SILENCE;
  return joined([reason(bytes, tensors), keep], " ");
}

function reason(bytes: number, tensors: readonly DeltaTensor[]): Phrase {
  if (sum(tensors.filter(({ codec }) => !WITHOUT_BASE.has(codec))) < 0.5 * bytes) {
    return phrase("Most of it resembles nothing in the base. Is this the model that it was made from?");
  }
  if (sum(tensors.filter(({ codec }) => codec === "rows")) > 0.5 * bytes) {
    return phrase(
      "Most of its rows are not in the base, nor like one of them. Is this the dataset that it was made from?",
    );
  }
  const change = meanChange(tensors);
  if (change !== undefined && change > FAR_CHANGE) {
    return phrase("These weights were trained far from the base: they differ from it by {0}.", changeInWords(change));
  }
  if (sum(tensors.filter(({ dtype }) => dtype === "F32" || dtype === "F64")) > 0.5 * bytes) {
    return phrase(
      "Weights of 32 bits change in all their low bits when they are trained; without loss, little more can be saved.",
    );
  }
  return phrase("These weights differ from the base in most of their bits; without loss, little more can be saved.");
}

const WITHOUT_BASE = new Set(["planes", "raw"]);

function sum(tensors: readonly DeltaTensor[]): number {
  return tensors.reduce((total, { bytes }) => total + bytes, 0);
}

/** Of the tensors whose change is known, by their size. */
function meanChange(tensors: readonly DeltaTensor[]): number | undefined {
  const known = tensors.filter(({ change }) => change !== undefined);
  const bytes = sum(known);
  return bytes === 0 ? undefined : known.reduce((total, { bytes, change = 0 }) => total + bytes * change, 0) / bytes;
}

/** What runs, and how far it is. */
export function runningInWords({ work, path, cancelling, item, progress }: RunningWork): Phrase {
  if (cancelling)
    return writes(work) ? phrase("Cancelling: what was written is being removed…") : phrase("Cancelling…");
  const now = progress ? progressInWords(progress) : beginning((item && ITEM_WORK[work]) ?? work, baseName(path));
  return item ? phrase("{0} of {1}, {2}: {3}", item.number, item.count, shortPath(path), now) : now;
}

function progressInWords({ phase, done, total }: NonNullable<RunningWork["progress"]>): Phrase {
  if (phase === "hashing") return phrase("Taking the SHA-256 of every file…");
  if (phase === "looking") return phrase("Looking for models and datasets: {0} found", done);
  if (phase === "relating") return phrase("Comparing them: {0} of {1}", done, total);
  const share = Math.floor(100 * (total === 0 ? 1 : done / total));
  return phrase("{0}: {1}%, {2} of {3}", PHASES[phase], share, sizeInWords(done), sizeInWords(total));
}

function writes(work: DeltaWork): boolean {
  return work === "compress" || work === "reconstruct" || work === "collect" || work === "undo";
}

function beginning(work: DeltaWork, name: string): Phrase {
  switch (work) {
    case "findBases":
      return phrase("Looking for what {0} was made from…", name);
    case "scan":
      return name === "" ? phrase("Looking into the Hub's cache…") : phrase("Looking into {0}…", name);
    case "collect":
      return phrase("Compressing into {0}…", name);
    case "undo":
      return phrase("Bringing back what is in {0}…", name);
    case "estimate":
      return phrase("Looking at {0}…", name);
    case "compress":
      return phrase("Compressing {0}…", name);
    case "describe":
      return phrase("Opening {0}…", name);
    case "verify":
      return phrase("Verifying {0}…", name);
    case "reconstruct":
      return phrase("Rebuilding from {0}…", name);
  }
}

/** What is done with each where one piece of work is about several. */
const ITEM_WORK: Readonly<Partial<Record<DeltaWork, DeltaWork>>> = { scan: "estimate", collect: "compress" };

const PHASES: Readonly<Record<Exclude<DeltaProgress["phase"], "hashing" | "looking" | "relating">, Phrase>> = {
  sampling: phrase("Sampling both models"),
  coding: phrase("Comparing with the base"),
  checking: phrase("Rebuilding in memory and comparing"),
  rebuilding: phrase("Rebuilding"),
};

/** How the last piece of work ended, and what to do next. */
export function outcomeInWords(outcome: DeltaOutcome): { text: Phrase; next: Phrase } {
  switch (outcome.kind) {
    case "compressed": {
      const { path, checked, resumed } = outcome;
      const written = [
        phrase("{0} is written.", path),
        checked ? phrase("It was rebuilt in memory: every SHA-256 is as it was.") : SILENCE,
        resumed ? phrase("It went on from where an earlier run had stopped.") : SILENCE,
      ];
      const next = checked ? SILENCE : phrase("Verify it before you delete the original.");
      return { text: joined(written, " "), next };
    }
    case "verified": {
      const { path, files, tensors, bytes } = outcome;
      const all = [
        files === 1 ? phrase("1 file") : phrase("{0} files", files),
        tensors === 1 ? phrase("1 tensor") : phrase("{0} tensors", tensors),
        verbatim(sizeInWords(bytes)),
      ];
      return { text: phrase("{0} is whole: {1}, all as they were.", baseName(path), joined(all, ", ")), next: SILENCE };
    }
    case "reconstructed": {
      const { path, bytes } = outcome;
      return { text: phrase("{0} is rebuilt, {1}, byte for byte as it was.", path, sizeInWords(bytes)), next: SILENCE };
    }
    case "collected": {
      const { folder, deltas, bytes, deltaBytes, failed } = outcome;
      const sizes = [
        sizeInWords(bytes),
        sizeInWords(deltaBytes),
        sizeInWords(Math.max(0, bytes - deltaBytes)),
      ] as const;
      const count = deltas === 1 ? phrase("1 delta") : phrase("{0} deltas", deltas);
      const text =
        deltas === 0
          ? phrase("No delta was made.")
          : phrase("{0} made, checked and listed in {1}: {2} in {3}, {4} saved.", count, folder, ...sizes);
      if (failed === 0) return { text, next: SILENCE };
      const next =
        failed === 1
          ? phrase("1 could not be made: the list says why.")
          : phrase("{0} could not be made: the list says why.", failed);
      return { text, next };
    }
    case "undone": {
      const { folder, deltas } = outcome;
      const text =
        deltas === 1
          ? phrase("1 delta in {0} is undone.", folder)
          : phrase("{0} deltas in {1} are undone.", deltas, folder);
      return { text, next: phrase("The originals are there as they were.") };
    }
    case "cancelled":
      return { text: phrase("Cancelled."), next: afterCancelling(outcome.work) };
    case "exists":
      return {
        text: phrase("{0} is already there.", outcome.path),
        next: phrase("Replace it, or choose another place."),
      };
    case "failed":
      return { text: verbatim(outcome.message), next: verbatim(outcome.hint) };
  }
}

function afterCancelling(work: DeltaWork): Phrase {
  switch (work) {
    case "compress":
    case "reconstruct":
      return phrase("Nothing was written.");
    case "collect":
      return phrase("Deltas that were finished before are there and listed; of the last, nothing was written.");
    case "undo":
      return phrase("What was brought back by then stays. Undo again for the rest.");
    default:
      return SILENCE;
  }
}

/** What all deltas together save; silence when there are none. */
export function historyInWords(history: readonly DeltaRecord[]): Phrase {
  if (history.length === 0) return SILENCE;
  const bytes = history.reduce((total, record) => total + record.bytes, 0);
  const stored = history.reduce((total, record) => total + record.deltaBytes, 0);
  const deltas = history.length === 1 ? phrase("1 delta") : phrase("{0} deltas", history.length);
  const sizes = [sizeInWords(bytes), sizeInWords(stored)] as const;
  if (stored >= bytes) return phrase("{0}: {1} in {2}, nothing saved.", deltas, ...sizes);
  const saved = [sizeInWords(bytes - stored), percent(1 - stored / bytes)] as const;
  return phrase("{0}: {1} in {2}, {3} saved ({4}).", deltas, ...sizes, ...saved);
}

/** The name at the end of a path. */
export function baseName(path: string): string {
  return path.replace(/[\\/]+$/, "").replace(/^.*[\\/]/, "");
}

/** A path by its end, which tells models apart: the file, often called like any other, and its folder. */
export function shortPath(path: string): string {
  return path.split(/[\\/]/).filter(Boolean).slice(-2).join("/");
}

/** Where the delta of a fine-tune goes unless the user says otherwise: beside it; "" for what is not a path. */
export function proposedPlace(fine: string): string {
  const path = fine.replace(/(?<=.)[\\/]+$/, "");
  if (!/^(\/|\\\\|[A-Za-z]:[\\/])./.test(path)) return "";
  return `${path.replace(/\.(safetensors|gguf|bin)$/i, "")}.delta`;
}
