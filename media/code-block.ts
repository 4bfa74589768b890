/// <reference lib="dom" />
import { common, createLowlight } from "lowlight";
import { button, element } from "./dom.ts";
import { l10n } from "./l10n.ts";

export interface CodeEvents {
  copy(code: string): void;
  insert(code: string): void;
  /** Shows the code as a change; only where it is meant to take the place of other code. */
  apply?(code: string): void;
}

type Highlighted = ReturnType<typeof lowlight.highlight>["children"][number];

const lowlight = createLowlight(common);

/** Up to this length code that still comes is coloured anew with each piece; */
const CHEAP_LENGTH = 1_000;
/** beyond, when it has grown by this much. Coloured each time, 300 lines would take longer than the frames they come in. */
const GROWTH = 1.25;
/** Longer code stays plain: to colour it would stop the page for a second. */
const LONGEST_COLOURED = 200_000;

/** A block of code with its buttons, as it grows. */
export class CodeBlock {
  readonly element: HTMLElement;
  readonly language: string;
  /** Whole lines that are coloured, and what has come since. Each is laid out by itself: what grows is always short. */
  readonly #coloured = element("span", "lines");
  readonly #plain = element("span", "lines");
  #text = "";
  /** Characters of it that are coloured. */
  #done = 0;

  constructor(language: string, { copy, insert, apply }: CodeEvents) {
    this.language = language;
    const bar = element(
      "div",
      "code-bar",
      {},
      element("span", "dim language", {}, language),
      button(l10n.t("Copy"), () => copy(this.#text), "link"),
      button(l10n.t("Insert at Cursor"), () => insert(this.#text), "link"),
      apply && button(l10n.t("Show as Change"), () => apply(this.#text), "link"),
    );
    const block = element("pre", "", { tabindex: "0", "aria-label": l10n.t("Code") });
    block.append(element("code", "", {}, this.#coloured, this.#plain));
    this.element = element("div", "code-block", {}, bar, block);
  }

  /** Whether code may be what has become of this. */
  mayBecome(language: string, code: string): boolean {
    return language === this.language && (code.startsWith(this.#text) || this.#text.startsWith(code));
  }

  /** @param isWhole nothing more comes: all of it is coloured */
  show(code: string, isWhole: boolean): void {
    const goesOn = code.startsWith(this.#text.slice(0, this.#done));
    const lines = isWhole ? code.length : code.lastIndexOf("\n") + 1;
    const isDue = isWhole || code.length <= CHEAP_LENGTH || lines > GROWTH * this.#done;
    this.#text = code;
    if (!goesOn || (isDue && lines !== this.#done)) {
      this.#done = lines;
      this.#coloured.replaceChildren(...highlighted(code.slice(0, lines), this.language));
    }
    this.#plain.textContent = code.slice(this.#done);
  }
}

/** Code in spans that say what each piece is; plain where the language is not known. */
export function highlighted(code: string, language: string): (Node | string)[] {
  if (!lowlight.registered(language) || code.length > LONGEST_COLOURED) return [code];
  return lowlight.highlight(language, code).children.map(toNode);
}

function toNode(part: Highlighted): Node | string {
  if (part.type === "text") return part.value;
  if (part.type !== "element") return "";
  const classes = Array.isArray(part.properties.className) ? part.properties.className.join(" ") : "";
  return element("span", classes, {}, ...(part.children as Highlighted[]).map(toNode));
}
