import * as vscode from "vscode";
import type { PrecisionChoice } from "../shared/embedding-types.ts";
import { inBytes } from "./file-shape.ts";
import { heading, pickStep } from "./pick-step.ts";

type Item = vscode.QuickPickItem & { readonly choice?: PrecisionChoice | "more" };

export interface PrecisionQuestion {
  readonly model: string;
  /** The one that suits most machines first. */
  readonly known: readonly PrecisionChoice[];
  /** The name of the model that is in use. */
  readonly chosen: string;
  /** Asks where there may be others; absent where all are known. */
  readonly lookForMore?: () => Promise<readonly PrecisionChoice[]>;
}

/**
 * Asks in which precision a model is to run.
 * @returns undefined when the user goes back; the only one where there is no choice
 */
export async function pickPrecision(question: PrecisionQuestion): Promise<PrecisionChoice | undefined> {
  const { model, known, chosen, lookForMore } = question;
  if (known.length === 1 && !lookForMore) return known[0];
  const items: Item[] = known.map((choice, i) => ({
    label: `${choice.name === chosen ? "$(check) " : ""}${choice.precision}`,
    description: [inBytes(choice.bytes), whereIs(choice), i === 0 ? vscode.l10n.t("recommended") : ""]
      .filter(Boolean)
      .join(" · "),
    detail: meaningOf(choice.precision),
    choice,
  }));
  const more: Item = {
    label: vscode.l10n.t("Look for Others..."),
    description: vscode.l10n.t("asks the Hugging Face Hub what the model's repository has"),
    choice: "more",
  };
  const picked = await pickStep<Item>({
    title: vscode.l10n.t("Precision of {0}", model),
    placeholder: vscode.l10n.t("How are its weights stored? Vectors of one precision are no use to another."),
    items: lookForMore ? [...items, heading(""), more] : items,
    active: items[0],
  });
  if (picked?.choice !== "more") return picked?.choice;
  return pickPrecision({ ...question, known: (await lookForMore?.()) ?? known, lookForMore: undefined });
}

function meaningOf(precision: string): string {
  switch (precision) {
    case "fp32":
      return vscode.l10n.t("As it was trained: the truest and the largest.");
    case "fp16":
      return vscode.l10n.t("Half the size, nearly as true; on a processor no faster.");
    case "bnb4":
      return vscode.l10n.t("Layers in 4 bits, unevenly spaced; on a processor no faster.");
    case "q4f16":
      return vscode.l10n.t("Layers in 4 bits, the rest in halves; on a processor the slowest.");
    case "q4":
      return vscode.l10n.t("Layers in 4 bits, the rest whole: seldom smaller than int8.");
    case "int8":
      return vscode.l10n.t("All in 8 bits: the fastest on a processor.");
    default:
      return "";
  }
}

function whereIs({ onDisk, pinned }: PrecisionChoice): string {
  if (onDisk) return vscode.l10n.t("on this machine");
  return pinned
    ? vscode.l10n.t("to be downloaded")
    : vscode.l10n.t("to be downloaded, its SHA-256 as the Hub says then");
}
