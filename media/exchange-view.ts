/// <reference lib="dom" />
import type { AnswerPart, AnswerPassage, AnswerSource, AnswerTask, Attempt } from "../shared/answer-types.ts";
import { endInWords, footerInWords, remedyOf, whyInWords } from "../shared/answer-wording.ts";
import { type Exchange, type Reply, type ReplyEnd, withPart } from "../shared/conversation.ts";
import { followUps } from "../shared/follow-ups.ts";
import { asTyped } from "../shared/slash-commands.ts";
import { highlighted } from "./code-block.ts";
import { button, element } from "./dom.ts";
import { l10n } from "./l10n.ts";
import { type MarkdownEvents, StreamedMarkdown } from "./markdown.ts";

export interface ExchangeEvents extends Omit<MarkdownEvents, "cite" | "apply"> {
  apply(exchange: string, code: string): void;
  open(exchange: string, number: number, line: number): void;
  edit(exchange: Exchange): void;
  regenerate(exchange: string, how: "same" | "other"): void;
  consent(exchange: string, agreed: boolean): void;
  copyReply(exchange: string): void;
  setKey(provider: string): void;
  chooseLocalLlm(): void;
  ask(text: string): void;
  /** What was asked in the conversation so far. */
  asked(): readonly string[];
}

/** What gives code that takes the place of the code it was asked about. */
const REPLACES: readonly (AnswerTask | undefined)[] = ["fix", "document"];

/** A question and its answer, as it comes. */
export class ExchangeView {
  readonly element: HTMLElement;
  readonly #events: ExchangeEvents;
  readonly #above = element("div", "above");
  readonly #passages = element("div", "passages");
  readonly #markdown: StreamedMarkdown;
  readonly #below = element("div", "below");
  #exchange: Exchange;
  #drawing = 0;

  constructor(exchange: Exchange, events: ExchangeEvents) {
    this.#exchange = exchange;
    this.#events = events;
    const cite = (number: number, line: number): void => events.open(exchange.id, number, line);
    const { id, question } = exchange;
    const apply = REPLACES.includes(question.wants) ? (code: string) => events.apply(id, code) : undefined;
    this.#markdown = new StreamedMarkdown({ ...events, cite, apply }, (number, line) => this.#label(number, line));
    this.element = element(
      "article",
      "exchange",
      { id: `exchange-${id}`, "aria-labelledby": `question-${id}` },
      element("h2", "question", { id: `question-${id}` }, asTyped(question)),
      this.#attached(),
      this.#above,
      this.#passages,
      this.#markdown.element,
      this.#below,
    );
    this.#draw();
  }

  get exchange(): Exchange {
    return this.#exchange;
  }

  take(parts: readonly AnswerPart[]): void {
    this.#set(parts.reduce(withPart, this.#exchange.reply));
  }

  end(end: ReplyEnd): void {
    this.#set({ ...this.#exchange.reply, end });
  }

  #set(reply: Reply): void {
    this.#exchange = { ...this.#exchange, reply };
    // What comes within one frame is drawn once.
    if (this.#drawing !== 0) return;
    this.#drawing = requestAnimationFrame(() => {
      this.#drawing = 0;
      this.#draw();
    });
  }

  #draw(): void {
    const { reply } = this.#exchange;
    this.element.ariaBusy = String(!reply.end);
    this.#above.replaceChildren(
      ...reply.failures.map((attempt) => this.#failure(attempt)),
      ...reply.notes.map((note) => element("p", "dim", {}, note)),
      ...(reply.passages.length > 0
        ? [element("p", "dim", {}, l10n.t("Quoted from the code, without a language model:"))]
        : []),
    );
    if (this.#passages.childElementCount !== reply.passages.length) {
      this.#passages.replaceChildren(...reply.passages.map((passage) => this.#passage(passage)));
    }
    this.#markdown.show(reply.text, reply.end !== undefined);
    this.#below.replaceChildren(...this.#end(reply));
  }

  #attached(): HTMLElement | undefined {
    const { attached } = this.#exchange.question;
    if (attached.length === 0) return undefined;
    const labels = attached.map(({ label, place }) => {
      const item = element("li", "attached", {}, label);
      item.title = place.path;
      return item;
    });
    return element("ul", "attached-list", { "aria-label": l10n.t("Attached") }, ...labels);
  }

  #failure({ provider, failure, message, hint }: Attempt): HTMLElement {
    const remedy = remedyOf({ provider, failure });
    const action =
      remedy === "key"
        ? button(l10n.t("Set API Key"), () => this.#events.setKey(provider), "link")
        : remedy === "local-llm"
          ? button(l10n.t("Choose Local LLM"), () => this.#events.chooseLocalLlm(), "link")
          : undefined;
    return element("p", "warning", {}, `${message} ${hint} `, action);
  }

  #passage({ number, lines }: AnswerPassage): HTMLElement {
    const source = this.#source(number);
    const rows = lines.map(({ line, text }, i) => {
      const gap = i > 0 && line > lines[i - 1].line + 1 ? " after-gap" : "";
      const code = highlighted(text, source?.language ?? "");
      return element(
        "div",
        `row${gap}`,
        {},
        element("span", "number dim", {}, String(line)),
        element("code", "", {}, ...code),
      );
    });
    const first = lines[0]?.line ?? source?.startLine ?? 1;
    return element("div", "passage", {}, this.#place(source, first), element("div", "rows", {}, ...rows));
  }

  /** A source as a button that opens it. */
  #place(source: AnswerSource | undefined, line: number): HTMLElement {
    if (!source) return element("span");
    const place = button(
      placeOf(source, line),
      () => this.#events.open(this.#exchange.id, source.number, line),
      "link place",
    );
    return element(
      "div",
      "place-line",
      {},
      place,
      source.symbol ? element("span", "dim", {}, source.symbol) : undefined,
    );
  }

  #end(reply: Reply): HTMLElement[] {
    const { end } = reply;
    if (!end) {
      const writing = reply.text || reply.passages.length > 0;
      return [
        element("p", "dim waiting", {}, writing ? l10n.t("Answering…") : l10n.t("Looking for what answers this…")),
      ];
    }
    if (end.kind === "consent") return this.#notice(end);
    const { text, next } = endInWords(reply);
    const said = [text, next].map((one) => l10n.say(one)).filter(Boolean);
    const isFailure = end.kind === "failed";
    const words = said.length > 0 ? [element("p", isFailure ? "error" : "dim", {}, said.join(" "))] : [];
    return [...words, ...this.#sources(reply), ...this.#footer(end), this.#actions(reply), ...this.#followUps()];
  }

  /** Says exactly what would leave the machine, and to where. */
  #notice({ destinations }: ReplyEnd & { kind: "consent" }): HTMLElement[] {
    const { id } = this.#exchange;
    const to = destinations.map(({ provider, address }) => element("li", "", {}, `${provider}: ${address}`));
    return [
      element(
        "div",
        "consent",
        { role: "group", "aria-label": l10n.t("Before something is sent") },
        element("p", "", {}, l10n.t("Nothing was sent yet. With each question this leaves your machine:")),
        element(
          "ul",
          "",
          {},
          element("li", "", {}, l10n.t("your question, and what you attach to it")),
          element("li", "", {}, l10n.t("earlier questions and answers of the conversation")),
          element("li", "", {}, l10n.t("the pieces of code in the open folders that match it, with their paths")),
        ),
        element("p", "", {}, l10n.t("It goes to:")),
        element("ul", "", {}, ...to),
        element(
          "p",
          "dim",
          {},
          l10n.t("Files that match cairn.neverSend are never sent. Nothing else is sent anywhere."),
        ),
        button(l10n.t("Send It, Now and in Future"), () => this.#events.consent(id, true)),
        button(l10n.t("Quote Passages Instead"), () => this.#events.consent(id, false), "link"),
      ),
    ];
  }

  #sources({ sources, passages }: Reply): HTMLElement[] {
    if (sources.length === 0 || passages.length > 0) return [];
    const label = sources.length === 1 ? l10n.t("1 source") : l10n.t("{0} sources", l10n.number(sources.length));
    const items = sources.map((source) =>
      element("li", "", {}, source.rootUri ? this.#place(source, source.focusLine) : source.path),
    );
    return [element("details", "sources", {}, element("summary", "", {}, label), element("ol", "", {}, ...items))];
  }

  #footer(end: ReplyEnd): HTMLElement[] {
    if (end.kind !== "answered" || end.record.finish === "nothing") return [];
    const { record } = end;
    return [
      element("p", "footer dim", {}, l10n.say(footerInWords(record, l10n.number))),
      element("p", "footer dim", {}, l10n.say(whyInWords(record, this.#exchange))),
    ];
  }

  #actions({ text, passages }: Reply): HTMLElement {
    const { id } = this.#exchange;
    const copy = button(l10n.t("Copy"), () => this.#events.copyReply(id), "link");
    copy.hidden = text === "" && passages.length === 0;
    return element(
      "div",
      "actions",
      {},
      button(l10n.t("Regenerate"), () => this.#events.regenerate(id, "same"), "link"),
      button(l10n.t("With Another Model"), () => this.#events.regenerate(id, "other"), "link"),
      button(l10n.t("Edit Question"), () => this.#events.edit(this.#exchange), "link"),
      copy,
    );
  }

  /** What may be asked next. The style shows it below the last answer only. */
  #followUps(): HTMLElement[] {
    const asked = this.#events.asked();
    const items = followUps(this.#exchange, asked).map((text) => {
      const ask = button("", () => this.#events.ask(text), "link follow-up");
      // Every other part stands between backticks: names.
      ask.append(...text.split("`").map((part, i) => (i % 2 === 1 ? element("code", "", {}, part) : part)));
      return element("li", "", {}, ask);
    });
    if (items.length === 0) return [];
    return [element("ul", "follow-ups", { "aria-label": l10n.t("Questions to ask next") }, ...items)];
  }

  #source(number: number): AnswerSource | undefined {
    return this.#exchange.reply.sources.find((one) => one.number === number);
  }

  #label(number: number, line: number): string {
    const source = this.#source(number);
    return source ? placeOf(source, line) : "";
  }
}

/** "app • src/retry.ts:12". */
function placeOf({ rootName, path }: AnswerSource, line: number): string {
  return `${rootName ? `${rootName} • ` : ""}${path}:${line}`;
}
