import type { ChunkKind } from "../shared/search-types.ts";
import type { FileGroup } from "./group-hits.ts";
import { l10n } from "./l10n.ts";

/** "12 results in 5 files", for the eye and for a screen reader. */
export function countLabel(groups: readonly FileGroup[]): string {
  const files = groups.length === 1 ? l10n.t("1 file") : l10n.t("{0} files", l10n.number(groups.length));
  return l10n.t("{0} in {1}", results(groups.reduce((sum, group) => sum + group.hits.length, 0)), files);
}

export function results(count: number): string {
  return count === 1 ? l10n.t("1 result") : l10n.t("{0} results", l10n.number(count));
}

export function kindInWords(kind: ChunkKind): string {
  switch (kind) {
    case "function":
      return l10n.t("function");
    case "method":
      return l10n.t("method");
    case "class":
      return l10n.t("class");
    case "interface":
      return l10n.t("interface");
    case "type":
      return l10n.t("type");
    case "enum":
      return l10n.t("enum");
    case "module":
      return l10n.t("module");
    case "constant":
      return l10n.t("constant");
    case "section":
      return l10n.t("section");
    case "text":
      return l10n.t("text");
  }
}
