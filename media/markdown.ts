/// <reference lib="dom" />
import { marked, type Token, type Tokens } from "marked";
import { CITATION_END, CITATION_START, UNSUPPORTED } from "../shared/conversation.ts";
import { CodeBlock, type CodeEvents } from "./code-block.ts";
import { button, element } from "./dom.ts";
import { l10n } from "./l10n.ts";

export interface MarkdownEvents extends CodeEvents {
  /** The user follows a citation. */
  cite(number: number, line: number): void;
}

const CITATION = new RegExp(`${CITATION_START}(\\d+):(\\d+)${CITATION_END}|${UNSUPPORTED}`, "g");

/**
 * Markdown as it streams in. It becomes elements directly, never markup: whatever a model writes, no HTML of it, no
 * image and no script gets into the page. What is settled is not made again when more comes.
 */
export class StreamedMarkdown {
  readonly element = element("div", "markdown");
  readonly #events: MarkdownEvents;
  readonly #labelOf: (number: number, line: number) => string;
  /** The text whose elements stay as they are. */
  #settled = "";
  #settledNodes = 0;
  /** The last block of code, which may be one that still comes, and that of the time before until it is met again. */
  #lastCode: CodeBlock | undefined;
  #earlierCode: CodeBlock | undefined;
  #isOver = false;

  /** @param labelOf the place of a citation, for its tooltip and for screen readers */
  constructor(events: MarkdownEvents, labelOf: (number: number, line: number) => string) {
    this.#events = events;
    this.#labelOf = labelOf;
  }

  /** @param isOver nothing more comes */
  show(whole: string, isOver = false): void {
    // What is settled is counted off as the lexer gives it back, and it knows one line break.
    const text = whole.replace(/\r\n?/g, "\n");
    if (!text.startsWith(this.#settled)) {
      this.#settled = "";
      this.#settledNodes = 0;
      this.#lastCode = undefined;
      this.element.replaceChildren();
    }
    this.#isOver = isOver;
    this.#earlierCode = this.#lastCode;
    this.#lastCode = undefined;
    const tokens = marked.lexer(text.slice(this.#settled.length));
    // A block is over when another one follows the blank line after it.
    const over = tokens.slice(0, Math.max(0, tokens.length - 2));
    const settled = this.#blocks(over);
    this.#place([...settled, ...this.#blocks(tokens.slice(over.length))]);
    this.#settled += over.map(({ raw }) => raw).join("");
    this.#settledNodes += settled.length;
  }

  /** Puts these after what is settled. What stands there already is not touched, so that code can be scrolled while it comes. */
  #place(nodes: readonly Node[]): void {
    const wanted = new Set(nodes);
    for (const node of [...this.element.childNodes].slice(this.#settledNodes)) {
      if (!wanted.has(node)) this.element.removeChild(node);
    }
    let next: ChildNode | null = this.element.childNodes[this.#settledNodes] ?? null;
    for (const node of nodes) {
      if (node === next) next = next.nextSibling;
      else this.element.insertBefore(node, next);
    }
  }

  #blocks(tokens: readonly Token[]): Node[] {
    return tokens.flatMap((token) => this.#block(token) ?? []);
  }

  #block(token: Token): Node | Node[] | undefined {
    switch (token.type) {
      case "heading":
        // The question is the heading above.
        return element(token.depth < 3 ? "h3" : "h4", "", {}, ...this.#inline(token.tokens));
      case "paragraph":
        return element("p", "", {}, ...this.#inline(token.tokens));
      case "code":
        return this.#code(token as Tokens.Code);
      case "list":
        return this.#list(token as Tokens.List);
      case "blockquote":
        return element("blockquote", "", {}, ...this.#blocks(token.tokens ?? []));
      case "table":
        return this.#table(token as Tokens.Table);
      case "hr":
        return element("hr");
      case "space":
      case "def":
        return undefined;
      default:
        return this.#inline([token]);
    }
  }

  #list({ ordered, start, items }: Tokens.List): HTMLElement {
    const made = element(ordered ? "ol" : "ul", "", ordered && start ? { start: String(start) } : {});
    for (const item of items) made.append(element("li", "", {}, ...this.#blocks(item.tokens)));
    return made;
  }

  #table({ header, rows }: Tokens.Table): HTMLElement {
    const row = (cells: readonly Tokens.TableCell[], tag: "th" | "td") =>
      element("tr", "", {}, ...cells.map((cell) => element(tag, "", {}, ...this.#inline(cell.tokens))));
    const body = rows.map((cells) => row(cells, "td"));
    const table = element(
      "table",
      "",
      {},
      element("thead", "", {}, row(header, "th")),
      element("tbody", "", {}, ...body),
    );
    return element("div", "table", {}, table);
  }

  #code({ text, raw, lang = "" }: Tokens.Code): HTMLElement {
    const code = withoutMarks(text);
    const language = /^[\w+#.-]+/.exec(lang)?.[0] ?? "";
    const earlier = this.#earlierCode?.mayBecome(language, code) ? this.#earlierCode : undefined;
    if (earlier) this.#earlierCode = undefined;
    this.#lastCode = earlier ?? new CodeBlock(language, this.#events);
    this.#lastCode.show(code, this.#isOver || isWhole(raw));
    return this.#lastCode.element;
  }

  #inline(tokens: readonly Token[] = []): Node[] {
    return tokens.flatMap((token): Node[] => {
      switch (token.type) {
        case "strong":
          return [element("strong", "", {}, ...this.#inline(token.tokens))];
        case "em":
          return [element("em", "", {}, ...this.#inline(token.tokens))];
        case "del":
          return [element("del", "", {}, ...this.#inline(token.tokens))];
        case "codespan":
          return [element("code", "", {}, withoutMarks(token.text))];
        case "br":
          return [element("br")];
        case "link":
          return this.#link(token as Tokens.Link);
        case "image":
          // It would be fetched from wherever the model says.
          return [document.createTextNode(token.text)];
        case "paragraph":
        case "list":
        case "code":
        case "blockquote":
        case "table":
        case "heading":
          return this.#blocks([token]);
        case "text":
          return token.tokens ? this.#inline(token.tokens) : this.#text(token.text);
        case "escape":
          return this.#text(token.text);
        default:
          return this.#text(token.raw);
      }
    });
  }

  /** Only the web; the address stands in the tooltip, since its text is the model's. */
  #link({ href, tokens }: Tokens.Link): Node[] {
    const words = this.#inline(tokens);
    if (!/^https?:\/\//i.test(href)) return words;
    const link = element("a", "", { href });
    link.title = href;
    link.append(...words);
    return [link];
  }

  /** Text with its citations. */
  #text(text: string): Node[] {
    const nodes: Node[] = [];
    let end = 0;
    for (const match of text.matchAll(CITATION)) {
      nodes.push(document.createTextNode(text.slice(end, match.index)), this.#mark(match[1], match[2]));
      end = match.index + match[0].length;
    }
    nodes.push(document.createTextNode(text.slice(end)));
    return nodes.filter((node) => node.textContent !== "");
  }

  #mark(number: string | undefined, line: string): Node {
    if (number === undefined) {
      const mark = element("span", "unsupported", {}, l10n.t("no source"));
      mark.title = l10n.t("Nothing that was sent shows what this paragraph says.");
      return mark;
    }
    const citation = button(number, () => this.#events.cite(Number(number), Number(line)), "citation");
    const label = this.#labelOf(Number(number), Number(line));
    citation.title = label;
    citation.setAttribute("aria-label", l10n.t("Source {0}: {1}", number, label));
    return citation;
  }
}

/** Whether a block of code, as it stands in the text, has come to its end. */
function isWhole(raw: string): boolean {
  const fence = /^ {0,3}(`{3,}|~{3,})/.exec(raw)?.[1];
  return fence === undefined || raw.trimEnd().split("\n").slice(1).at(-1)?.trim().startsWith(fence) === true;
}

/** The text without the marks of citations, which say nothing within code. */
function withoutMarks(text: string): string {
  return text.replace(CITATION, "");
}
