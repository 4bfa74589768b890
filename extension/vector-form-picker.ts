import * as vscode from "vscode";
import type { FormChoice } from "../shared/embedding-types.ts";
import { inBytes } from "./file-shape.ts";
import { heading, pickStep } from "./pick-step.ts";

/** Asks the server how vectors can be kept; with dimensions, in so many. Fails for such as the model was not trained for. */
type Forms = (dimensions?: string) => Promise<readonly FormChoice[]>;

type Item = vscode.QuickPickItem & { readonly choice?: FormChoice | "other" };

/**
 * Asks how the vectors of a model are to be kept, the usual form first.
 * @returns undefined when the user goes back
 */
export async function pickForm(model: string, forms: Forms): Promise<FormChoice | undefined> {
  const known = await forms();
  for (;;) {
    const picked = await pickAmong(model, known, true);
    if (picked !== "other") return picked;
    const dimensions = await askDimensions(model, forms);
    if (dimensions === undefined) continue;
    const choice = await pickAmong(model, await forms(dimensions), false);
    if (choice && choice !== "other") return choice;
  }
}

async function pickAmong(
  model: string,
  forms: readonly FormChoice[],
  others: boolean,
): Promise<FormChoice | "other" | undefined> {
  const items = forms.map((choice, i) => itemOf(choice, i === 0 && others));
  const rows: Item[] = items.flatMap((item, i) => {
    const { vectors, presets } = item.choice;
    return vectors.dims === items[i - 1]?.choice.vectors.dims ? [item] : [heading(presets.join(", ")), item];
  });
  const other: Item = {
    label: vscode.l10n.t("Another Number of Dimensions..."),
    description: vscode.l10n.t("for example {0}", "512, ultra-efficient"),
    choice: "other",
  };
  const picked = await pickStep<Item>({
    title: vscode.l10n.t("Vectors of {0}", model),
    placeholder: vscode.l10n.t("How are its vectors kept? Smaller ones take less room and find a little less."),
    items: others ? [...rows, heading(""), other] : rows,
    active: items.find(({ choice }) => choice.chosen) ?? items[0],
  });
  return picked?.choice;
}

function itemOf(choice: FormChoice, isUsual: boolean): Item & { readonly choice: FormChoice } {
  const { kind, dims, allDims, memoryBytes, diskBytes, recall } = choice.vectors;
  const label =
    dims === allDims
      ? vscode.l10n.t("{0}, {1} dimensions", kind, dims)
      : vscode.l10n.t("{0}, {1} of {2} dimensions", kind, dims, allDims);
  const room =
    memoryBytes === diskBytes
      ? vscode.l10n.t("{0} bytes a vector", diskBytes)
      : vscode.l10n.t("{0} bytes a vector, {1} on disk", memoryBytes, diskBytes);
  const found = recall ? vscode.l10n.t("Finds {0}% of the ten closest here.", (100 * recall.recall10).toFixed(1)) : "";
  const all = choice.bytes === 0 ? "" : vscode.l10n.t("{0} in all", inBytes(choice.bytes));
  return {
    label: `${choice.chosen ? "$(check) " : ""}${label}`,
    description: [room, all, isUsual ? vscode.l10n.t("recommended") : ""].filter(Boolean).join(" · "),
    detail: [meaningOf(kind), madeOf(choice), found].filter(Boolean).join(" "),
    choice,
  };
}

function meaningOf(kind: string): string {
  switch (kind) {
    case "int8":
      return vscode.l10n.t("A byte a number.");
    case "int8-calibrated":
      return vscode.l10n.t("A byte a number, for models with a few large dimensions.");
    case "int4":
      return vscode.l10n.t("Half a byte a number.");
    case "binary":
      return vscode.l10n.t("Compared by signs, the closest by bytes on disk.");
    default:
      return "";
  }
}

/** Whether code has to be embedded for it. */
function madeOf({ stored }: FormChoice): string {
  switch (stored) {
    case "same":
      return vscode.l10n.t("Stored already.");
    case "larger":
      return vscode.l10n.t("Made of what is stored: nothing is embedded.");
    case "smaller":
      return vscode.l10n.t("The code is embedded again.");
    case "none":
      return "";
  }
}

/** Says while it is typed what is refused and why, and what the rest would take. */
async function askDimensions(model: string, forms: Forms): Promise<string | undefined> {
  const asked = await vscode.window.showInputBox({
    title: vscode.l10n.t("Dimensions of the Vectors of {0}", model),
    prompt: vscode.l10n.t("A number, all, or ultra-efficient, efficient or high-quality. Esc goes back."),
    ignoreFocusOut: true,
    validateInput: async (text) => {
      if (text.trim() === "") return undefined;
      try {
        const [{ vectors }] = await forms(text);
        const message = vscode.l10n.t(
          "{0} of {1} dimensions, {2} bytes a vector in {3}.",
          vectors.dims,
          vectors.allDims,
          vectors.diskBytes,
          vectors.kind,
        );
        return { message, severity: vscode.InputBoxValidationSeverity.Info };
      } catch (error) {
        const hint = error instanceof Error && "hint" in error ? String(error.hint) : "";
        return [(error as Error).message, hint].filter(Boolean).join(" ");
      }
    },
  });
  return asked?.trim() || undefined;
}
