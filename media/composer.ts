/// <reference lib="dom" />
import type { Offer } from "../shared/chat-messages.ts";
import type { AskedQuestion, Attachment } from "../shared/conversation.ts";
import { asTyped, questionFrom, SLASH_COMMANDS } from "../shared/slash-commands.ts";
import { button, element } from "./dom.ts";
import { l10n } from "./l10n.ts";

export interface ComposerEvents {
  ask(question: AskedQuestion): void;
  stop(): void;
  /** Wants what can be attached for what was typed after `@`. */
  offer(query: string): void;
  /** What is in the input has changed. */
  change(): void;
}

export interface Draft {
  readonly text: string;
  readonly attached: readonly Attachment[];
}

interface Completion {
  readonly label: string;
  readonly detail: string;
  take(): void;
}

/** Where the chat's questions are written: chips, a text that grows, and a list of what can be completed. */
export class Composer {
  readonly element: HTMLElement;
  readonly #events: ComposerEvents;
  readonly #chips = element("ul", "chips", { "aria-label": l10n.t("Attached") });
  readonly #list = element("div", "completions", {
    id: "completions",
    role: "listbox",
    "aria-label": l10n.t("Completions"),
  });
  readonly #input = element("textarea", "query", {
    rows: "1",
    role: "combobox",
    placeholder: l10n.t("Ask about this code; @ attaches, / commands"),
    "aria-label": l10n.t("Question about this code"),
    "aria-controls": "completions",
    "aria-expanded": "false",
    "aria-autocomplete": "list",
  });
  readonly #send = button(l10n.t("Ask"), () => this.#ask(), "button send");
  readonly #stop: HTMLButtonElement;
  #attached: Attachment[] = [];
  #completions: Completion[] = [];
  #active = 0;

  constructor(events: ComposerEvents) {
    this.#events = events;
    this.#stop = button(l10n.t("Stop"), () => events.stop(), "button stop");
    this.#stop.hidden = true;
    const box = element("div", "box", {}, this.#input, this.#send, this.#stop);
    this.element = element("div", "composer", {}, this.#list, this.#chips, box);
    this.#list.hidden = true;
    this.#input.addEventListener("input", () => this.#changed());
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    this.#input.addEventListener("blur", () => this.#complete([]));
    this.#renderChips();
  }

  get draft(): Draft {
    return { text: this.#input.value, attached: this.#attached };
  }

  set draft({ text, attached }: Draft) {
    this.#input.value = text;
    this.#attached = [...attached];
    this.#renderChips();
    this.#grow();
    this.#events.change();
  }

  /** Puts a question back to be asked in other words. */
  edit(question: AskedQuestion): void {
    this.draft = { text: asTyped(question), attached: question.attached };
    this.focus();
    this.#input.select();
  }

  focus(): void {
    this.#input.focus();
  }

  /** While an answer comes it can be stopped; before the workspace can be asked, nothing can. */
  setState(running: boolean, usable: boolean): void {
    const hadFocus = this.#stop === document.activeElement || this.#send === document.activeElement;
    this.#stop.hidden = !running;
    this.#send.hidden = running;
    this.#send.disabled = !usable;
    this.#input.disabled = !usable;
    if (hadFocus) this.focus();
  }

  /** Shows what can be attached, unless something else was typed meanwhile. */
  showOffers(query: string, offers: readonly Offer[]): void {
    if (this.#mention() !== query) return;
    this.#complete(
      offers.map(({ attachment, detail }) => ({
        label: attachment.label,
        detail,
        take: () => {
          this.#replaceMention("");
          this.#attach(attachment);
        },
      })),
    );
  }

  #ask(): void {
    const question = questionFrom(this.#input.value, this.#attached);
    if (!question || this.#send.disabled) return;
    this.draft = { text: "", attached: [] };
    this.#complete([]);
    this.#events.ask(question);
  }

  #changed(): void {
    this.#grow();
    this.#events.change();
    const mention = this.#mention();
    const command = /^\/(\w*)$/.exec(this.#input.value)?.[1];
    if (mention !== undefined) this.#events.offer(mention);
    else this.#complete(command === undefined ? [] : this.#commands(command));
  }

  #commands(typed: string): Completion[] {
    return SLASH_COMMANDS.filter(({ name }) => name.startsWith(typed)).map(({ name, about }) => ({
      label: `/${name}`,
      detail: l10n.say(about),
      take: () => {
        this.#input.value = `/${name} `;
        this.#events.change();
      },
    }));
  }

  /** What stands between an `@` and the cursor. */
  #mention(): string | undefined {
    const before = this.#input.value.slice(0, this.#input.selectionStart);
    return /(?:^|\s)@([\w./-]*)$/.exec(before)?.[1];
  }

  #replaceMention(text: string): void {
    const cursor = this.#input.selectionStart;
    const start = this.#input.value.slice(0, cursor).lastIndexOf("@");
    this.#input.setRangeText(text, start, cursor, "end");
  }

  #attach(attachment: Attachment): void {
    const isThere = this.#attached.some(
      ({ kind, label, place }) =>
        kind === attachment.kind && label === attachment.label && place.path === attachment.place.path,
    );
    if (!isThere) this.#attached.push(attachment);
    this.#renderChips();
    this.#events.change();
  }

  #complete(completions: Completion[]): void {
    this.#completions = completions;
    this.#active = 0;
    this.#list.hidden = completions.length === 0;
    this.#input.setAttribute("aria-expanded", String(completions.length > 0));
    this.#list.replaceChildren(
      ...completions.map(({ label, detail }, index) => {
        const option = element(
          "div",
          "completion",
          { id: `completion-${index}`, role: "option" },
          element("span", "", {}, label),
          element("span", "dim", {}, detail),
        );
        // Before the input loses the focus, and the list with it.
        option.addEventListener("mousedown", (event) => {
          event.preventDefault();
          this.#take(index);
        });
        return option;
      }),
    );
    this.#activate(0);
  }

  #activate(index: number): void {
    this.#active = index;
    const options = [...this.#list.children];
    for (const [at, option] of options.entries()) option.ariaSelected = String(at === index);
    options[index]?.scrollIntoView({ block: "nearest" });
    if (options.length > 0) this.#input.setAttribute("aria-activedescendant", `completion-${index}`);
    else this.#input.removeAttribute("aria-activedescendant");
  }

  #take(index: number): void {
    const completion = this.#completions[index];
    this.#complete([]);
    completion?.take();
    this.#grow();
  }

  #key(event: KeyboardEvent): void {
    const { key } = event;
    if (event.isComposing) return;
    const count = this.#completions.length;
    if (count > 0 && (key === "ArrowDown" || key === "ArrowUp")) {
      event.preventDefault();
      this.#activate((this.#active + (key === "ArrowDown" ? 1 : count - 1)) % count);
    } else if (count > 0 && (key === "Enter" || key === "Tab")) {
      event.preventDefault();
      this.#take(this.#active);
    } else if (count > 0 && key === "Escape") {
      event.preventDefault();
      this.#complete([]);
    } else if (key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#ask();
    } else if (key === "Escape" && !this.#stop.hidden) {
      event.preventDefault();
      this.#events.stop();
    } else if (key === "Backspace" && this.#input.selectionStart === 0 && this.#input.selectionEnd === 0) {
      this.#attached.pop();
      this.#renderChips();
      this.#events.change();
    }
  }

  #renderChips(): void {
    this.#chips.hidden = this.#attached.length === 0;
    this.#chips.replaceChildren(
      ...this.#attached.map((attachment) => {
        const remove = (): void => {
          this.#attached = this.#attached.filter((one) => one !== attachment);
          this.#renderChips();
          this.#events.change();
          this.focus();
        };
        const chip = button("", remove, "chip");
        chip.append(
          element("span", "chip-label", {}, attachment.label),
          element("span", "", { "aria-hidden": "true" }, "×"),
        );
        chip.setAttribute("aria-label", l10n.t("Remove {0}", attachment.label));
        chip.title = attachment.place.path;
        return element("li", "", {}, chip);
      }),
    );
  }

  /** As tall as its text, up to a third of the view. */
  #grow(): void {
    this.#input.style.height = "auto";
    this.#input.style.height = `${this.#input.scrollHeight}px`;
  }
}
