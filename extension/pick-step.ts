import * as vscode from "vscode";

export interface Step<Item extends vscode.QuickPickItem> {
  readonly title: string;
  readonly placeholder: string;
  readonly items: readonly Item[];
  /** The one that Enter takes. */
  readonly active?: Item;
}

/**
 * Shows a list that follows another one.
 * @returns undefined when the user goes back, by Esc or the arrow at its top
 */
export function pickStep<Item extends vscode.QuickPickItem>(step: Step<Item>): Promise<Item | undefined> {
  const picker = vscode.window.createQuickPick<Item>();
  picker.title = step.title;
  picker.placeholder = step.placeholder;
  picker.items = step.items;
  picker.activeItems = step.active ? [step.active] : [];
  picker.matchOnDescription = true;
  picker.buttons = [vscode.QuickInputButtons.Back];
  // Who looks at something else meanwhile has not gone back.
  picker.ignoreFocusOut = true;
  return new Promise<Item | undefined>((resolve) => {
    picker.onDidAccept(() => resolve(picker.selectedItems[0]));
    picker.onDidTriggerButton(() => resolve(undefined));
    picker.onDidHide(() => resolve(undefined));
    picker.show();
  }).finally(() => picker.dispose());
}

/** A heading in a list. */
export function heading(label: string): vscode.QuickPickItem {
  return { label, kind: vscode.QuickPickItemKind.Separator };
}
