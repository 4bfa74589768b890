/// <reference lib="dom" />
import type { DeltaBases } from "../shared/delta-panel-messages.ts";
import type { CandidateBase } from "../shared/delta-types.ts";
import { baseName, shortPath, sizeInWords } from "./delta-wording.ts";
import { button, element } from "./dom.ts";
import { l10n } from "./l10n.ts";
import { evidence, verdictOnBase } from "./lineage-wording.ts";

/** More would not be looked through: the likeliest come first. */
const MOST_SHOWN = 12;

export interface BaseEvents {
  use(base: string): void;
  lookElsewhere(): void;
}

/** The models that one may have been made from, with what speaks for each; one is picked by its button. */
export function foundBases(bases: DeltaBases, isBusy: boolean, events: BaseEvents): HTMLElement[] {
  const { fine, folders, models, candidates } = bases;
  const places = folders.map(shortPath).join(", ");
  const name = baseName(fine);
  const title =
    candidates.length === 0
      ? l10n.t("Nothing that {0} may have been made from among {1} models in {2}.", name, l10n.number(models), places)
      : l10n.t("What {0} may have been made from, among {1} models in {2}:", name, l10n.number(models), places);
  const elsewhere = button(l10n.t("Look in Another Folder…"), () => events.lookElsewhere(), "button second");
  elsewhere.id = "look-elsewhere";
  elsewhere.disabled = isBusy;
  const list = candidates.slice(0, MOST_SHOWN).map((candidate, at) => item(candidate, at, events));
  return [
    element("p", "", { title: folders.join("\n") }, title),
    ...(list.length > 0 ? [element("ul", "records", {}, ...list)] : []),
    elsewhere,
  ];
}

function item(candidate: CandidateBase, at: number, { use }: BaseEvents): HTMLElement {
  const { path, bytes, standing } = candidate;
  const choose = button(l10n.t("Use as Base"), () => use(path), standing === "likely" ? "button" : "button second");
  choose.setAttribute("aria-label", l10n.t("Use {0} as the base", path));
  choose.id = `use-base-${at}`;
  return element(
    "li",
    "record",
    {},
    element("div", "record-name", { title: path }, shortPath(path)),
    element("div", "record-saved", {}, sizeInWords(bytes)),
    element(
      "div",
      "dim record-about",
      {},
      l10n.t("{0}: {1}", l10n.say(verdictOnBase(candidate)), l10n.say(evidence(candidate))),
    ),
    element("div", "record-actions", {}, choose),
  );
}
