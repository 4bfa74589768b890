import type {
  DeltaOutcome,
  DeltaPicture,
  DeltaRecord,
  DeltaWork,
  RunningWork,
} from "../shared/delta-panel-messages.ts";
import type { DeltaProgress, DeltaTensor } from "../shared/delta-types.ts";

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

export function codecInWords(codec: string): string {
  return CODECS[codec] ?? codec;
}

const CODECS: Readonly<Record<string, string>> = {
  same: "same as the base",
  twin: "same as another tensor",
  contexts: "difference, context-coded",
  differencePlanes: "difference, by byte planes",
  planes: "without the base, by byte planes",
  raw: "as it is",
};

/** The total in one sentence. */
export function totalInWords({ bytes, deltaBytes, error, measured }: DeltaPicture): string {
  const share = bytes === 0 ? 0 : 1 - deltaBytes / bytes;
  const sizes = `${sizeInWords(bytes)} ${measured ? "in" : "would take about"} ${sizeInWords(deltaBytes)}`;
  const range = error < 0.0005 ? "" : `, give or take ${(100 * error).toFixed(1)} points`;
  if (share <= 0) return `Nothing saved: ${sizes}${range}.`;
  return `${share < SMALL_SAVING ? "Only " : ""}${percent(share)} saved: ${sizes}${range}.`;
}

/** Why it is not more, or what to make of it; empty where the total speaks for itself. */
export function verdict({ bytes, deltaBytes, tensors }: DeltaPicture): string {
  const share = bytes === 0 ? 0 : 1 - deltaBytes / bytes;
  if (share >= SMALL_SAVING) return "";
  const compared = tensors.filter(({ codec }) => BY_DIFFERENCE.has(codec));
  const keep = share <= 0.05 ? " Keep the model as it is." : "";
  if (sum(compared) < 0.5 * bytes) {
    return `Most of it resembles nothing in the base. Is this the model that it was made from?${keep}`;
  }
  const change = meanChange(tensors);
  if (change !== undefined && change > FAR_CHANGE) {
    return `These weights were trained far from the base: they differ from it by ${changeInWords(change)}.${keep}`;
  }
  if (sum(tensors.filter(({ dtype }) => dtype === "F32" || dtype === "F64")) > 0.5 * bytes) {
    return `Weights of 32 bits change in all their low bits when they are trained; without loss, little more can be saved.${keep}`;
  }
  return `These weights differ from the base in most of their bits; without loss, little more can be saved.${keep}`;
}

const BY_DIFFERENCE = new Set(["same", "twin", "contexts", "differencePlanes"]);

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
export function runningInWords({ work, path, cancelling, progress }: RunningWork): string {
  if (cancelling) return "Cancelling: what was written is being removed…";
  if (!progress) return `${BEGINNINGS[work]} ${baseName(path)}…`;
  const { phase, done, total } = progress;
  if (phase === "hashing") return "Taking the SHA-256 of every file…";
  const share = total === 0 ? 1 : done / total;
  return `${PHASES[phase]}: ${Math.floor(100 * share)}%, ${sizeInWords(done)} of ${sizeInWords(total)}`;
}

const BEGINNINGS: Readonly<Record<DeltaWork, string>> = {
  estimate: "Looking at",
  compress: "Compressing",
  describe: "Opening",
  verify: "Verifying",
  reconstruct: "Rebuilding from",
};

const PHASES: Readonly<Record<Exclude<DeltaProgress["phase"], "hashing">, string>> = {
  sampling: "Sampling both models",
  coding: "Comparing with the base",
  checking: "Rebuilding in memory and comparing",
  rebuilding: "Rebuilding",
};

/** How the last piece of work ended, and what to do next. */
export function outcomeInWords(outcome: DeltaOutcome): { text: string; next: string } {
  switch (outcome.kind) {
    case "compressed": {
      const checked = outcome.checked ? " It was rebuilt in memory: every SHA-256 is as it was." : "";
      const resumed = outcome.resumed ? " It went on from where an earlier run had stopped." : "";
      return { text: `${outcome.path} is written.${checked}${resumed}`, next: outcome.checked ? "" : UNVERIFIED };
    }
    case "verified": {
      const { files, tensors, bytes } = outcome;
      const all = `${counted(files, "file")}, ${counted(tensors, "tensor")}, ${sizeInWords(bytes)}`;
      return { text: `${baseName(outcome.path)} is whole: ${all}, all as they were.`, next: "" };
    }
    case "reconstructed":
      return { text: `${outcome.path} is rebuilt, ${sizeInWords(outcome.bytes)}, byte for byte as it was.`, next: "" };
    case "cancelled":
      return {
        text: "Cancelled.",
        next: outcome.work === "compress" || outcome.work === "reconstruct" ? "Nothing was written." : "",
      };
    case "exists":
      return { text: `${outcome.path} is already there.`, next: "Replace it, or choose another place." };
    case "failed":
      return { text: outcome.message, next: outcome.hint };
  }
}

const UNVERIFIED = "Verify it before you delete the original.";

/** What all deltas together save; empty when there are none. */
export function historyInWords(history: readonly DeltaRecord[]): string {
  if (history.length === 0) return "";
  const bytes = history.reduce((total, record) => total + record.bytes, 0);
  const stored = history.reduce((total, record) => total + record.deltaBytes, 0);
  const models = counted(history.length, "fine-tune");
  if (stored >= bytes) return `${models}: ${sizeInWords(bytes)} in ${sizeInWords(stored)}, nothing saved.`;
  return `${models}: ${sizeInWords(bytes)} in ${sizeInWords(stored)}, ${sizeInWords(bytes - stored)} saved (${percent(1 - stored / bytes)}).`;
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

/** A count with its noun. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}
