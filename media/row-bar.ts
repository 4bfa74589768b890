/// <reference lib="dom" />
import type { RowCounts } from "../shared/delta-types.ts";
import { percent } from "./delta-wording.ts";
import { element } from "./dom.ts";
import { l10n } from "./l10n.ts";

/** What became of a dataset's rows: a bar for the eye, and the same in words. */
export function rowBar({ kept, changed, added }: RowCounts, measured: boolean): HTMLElement {
  const all = Math.max(1, kept + changed + added);
  const parts = [
    { name: "kept", count: kept, label: l10n.t("kept") },
    { name: "changed", count: changed, label: l10n.t("changed") },
    { name: "added", count: added, label: l10n.t("new") },
  ];
  const bar = element("div", "rows-bar", { "aria-hidden": "true" });
  for (const { name, count } of parts) {
    const part = element("div", `rows-${name}`);
    part.style.width = `${(100 * count) / all}%`;
    bar.append(part);
  }
  const legend = parts.map(({ name, count, label }) =>
    element(
      "li",
      "",
      {},
      element("span", `swatch rows-${name}`, { "aria-hidden": "true" }),
      l10n.t("{0} {1} ({2})", l10n.number(count), label, percent(count / all)),
    ),
  );
  const title = measured ? l10n.t("Rows, compared with the base:") : l10n.t("Rows, compared with the base, about:");
  return element("div", "rows", {}, element("p", "", {}, title), bar, element("ul", "legend", {}, ...legend));
}
