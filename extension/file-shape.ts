import * as vscode from "vscode";
import type { FileShape } from "../shared/index-contents.ts";

/** How a file was cut, in words. */
export function shapeInWords(shape: FileShape): string {
  switch (shape) {
    case "syntax":
      return vscode.l10n.t("along its syntax");
    case "headings":
      return vscode.l10n.t("by its headings");
    case "windows":
      return vscode.l10n.t("in windows of lines");
  }
}

/** A count with its noun. */
export function pieces(count: number): string {
  return count === 1
    ? vscode.l10n.t("1 piece")
    : vscode.l10n.t("{0} pieces", count.toLocaleString(vscode.env.language));
}

export function files(count: number): string {
  return count === 1 ? vscode.l10n.t("1 file") : vscode.l10n.t("{0} files", count.toLocaleString(vscode.env.language));
}

/** A size, in the unit that suits it. */
export function inBytes(bytes: number): string {
  if (bytes < 1e6) return vscode.l10n.t("{0} kB", (bytes / 1e3).toFixed(1));
  return vscode.l10n.t("{0} MB", (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0));
}
