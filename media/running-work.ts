/// <reference lib="dom" />
import type { DeltaOutcome, RunningWork } from "../shared/delta-panel-messages.ts";
import { outcomeInWords, runningInWords } from "./delta-wording.ts";
import { button, element } from "./dom.ts";
import { l10n } from "./l10n.ts";

/** What runs, how far it is, and the button that cancels it. */
export class RunningBar {
  readonly element = element("div", "progress");
  readonly cancel: HTMLButtonElement;
  readonly #fill = element("div", "bar-fill");
  readonly #bar = element(
    "div",
    "bar",
    { role: "progressbar", "aria-label": l10n.t("Progress"), "aria-valuemin": "0", "aria-valuemax": "100" },
    this.#fill,
  );
  readonly #text = element("p", "running");

  constructor(cancelled: () => void) {
    this.cancel = button(l10n.t("Cancel"), cancelled, "button second cancel");
  }

  show(running: RunningWork | undefined): void {
    if (!running) {
      this.element.replaceChildren();
      return;
    }
    if (this.element.childElementCount === 0)
      this.element.append(this.#bar, element("div", "running-line", {}, this.#text, this.cancel));
    const share = shareOf(running);
    this.#text.textContent = l10n.say(runningInWords(running));
    this.cancel.disabled = running.cancelling;
    this.#bar.classList.toggle("unknown", share === undefined);
    this.#fill.style.width = share === undefined ? "" : `${100 * share}%`;
    if (share === undefined) this.#bar.removeAttribute("aria-valuenow");
    else this.#bar.setAttribute("aria-valuenow", String(Math.floor(100 * share)));
  }
}

/** Undefined while nothing is known, or what runs does not say. */
function shareOf({ cancelling, progress: told }: RunningWork): number | undefined {
  if (cancelling || !told || told.phase === "hashing" || told.total === 0) return undefined;
  return told.done / told.total;
}

/** How the last piece of work ended: read out by screen readers when it changes. */
export class OutcomeNote {
  readonly element = element("div", "outcome", { role: "status", "aria-live": "polite" });
  readonly #replace: () => void;

  constructor(replace: () => void) {
    this.#replace = replace;
  }

  show(outcome: DeltaOutcome | undefined): void {
    const warns = outcome?.kind === "exists" || (outcome?.kind === "collected" && outcome.failed > 0);
    this.element.className = `outcome ${warns ? "warns" : (outcome?.kind ?? "")}`;
    this.element.replaceChildren();
    if (!outcome) return;
    const { text, next } = outcomeInWords(outcome);
    const advice = l10n.say(next);
    this.element.append(
      element("p", "", {}, l10n.say(text)),
      ...(advice ? [element("p", "next", {}, advice)] : []),
      ...(outcome.kind === "exists" ? [button(l10n.t("Replace It"), this.#replace)] : []),
    );
  }
}
