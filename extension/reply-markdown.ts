import { marked, type Token, type Tokens } from "marked";
import type { AnswerSource } from "../shared/answer-types.ts";
import { endInWords, footerInWords, remedyOf, whyInWords } from "../shared/answer-wording.ts";
import { CITATION_END, CITATION_START, type Exchange, fenceFor, UNSUPPORTED } from "../shared/conversation.ts";
import { phrase, type Say } from "../shared/phrase.ts";

/** Where the links of an answer lead: addresses of Cairn's own commands. */
export interface ReplyLinks {
  /** Opens a source at a line, 1-based. */
  open(number: number, line: number): string;
  /** Shows a piece of the answer's code as a change; undefined where there is nothing to change. */
  apply(code: number): string | undefined;
  setKey(provider: string): string;
  chooseLocalLlm(): string;
}

export interface WrittenReply {
  readonly markdown: string;
  /** The pieces of code in it, as {@link ReplyLinks.apply} counts them. */
  readonly code: readonly string[];
}

const CITATION = new RegExp(`${CITATION_START}(\\d+):(\\d+)${CITATION_END}|${UNSUPPORTED}`, "g");

/**
 * An answer, as far as it has come, as Markdown that may be trusted with Cairn's commands: what a model wrote is written
 * anew from what it means, so that no link, no image and no HTML of it is left.
 */
export function replyAsTrustedMarkdown(exchange: Exchange, links: ReplyLinks, say: Say): WrittenReply {
  const { reply } = exchange;
  const source = (number: number) => reply.sources.find((one) => one.number === number);
  const written = new Rewriter(
    (number, line) => placeLink(source(number), line, links),
    (code) => {
      const to = links.apply(code);
      return to ? link(say(phrase("Show as Change")), to) : "";
    },
    ` *${plain(`(${say(phrase("no source"))})`)}*`,
  );
  const failures = reply.failures.map(({ provider, failure, message, hint }) => {
    const remedy = remedyOf({ provider, failure });
    const action =
      remedy === "key"
        ? link(say(phrase("Set API Key")), links.setKey(provider))
        : remedy === "local-llm"
          ? link(say(phrase("Choose Local LLM")), links.chooseLocalLlm())
          : "";
    return `${plain(`${message} ${hint}`.trim())} ${action}`.trim();
  });
  const passages = reply.passages.flatMap(({ number, lines }) => {
    const code = lines.map(({ text }) => text).join("\n");
    const from = source(number);
    return [placeLink(from, lines[0]?.line ?? 1, links), fenced(code, from?.language ?? "")];
  });
  const quoted = passages.length > 0 ? [plain(say(phrase("Quoted from the code, without a language model:")))] : [];
  const text = written.blocks(marked.lexer(reply.text));
  const blocks = [...failures, ...reply.notes.map(plain), ...quoted, ...passages, text, ...ending(exchange, say)];
  return { markdown: blocks.filter(Boolean).join("\n\n"), code: written.code };
}

/** What stands below: what is still awaited, or how it ended and who answered. */
function ending(exchange: Exchange, say: Say): string[] {
  const { reply } = exchange;
  const { end } = reply;
  if (!end) {
    const isWriting = reply.text !== "" || reply.passages.length > 0;
    return [dim(say(isWriting ? phrase("Answering…") : phrase("Looking for what answers this…")))];
  }
  const { text, next } = endInWords(reply);
  const said = [text, next].map(say).filter(Boolean).join(" ");
  const ended = end.kind === "failed" ? plain(said) : dim(said);
  if (end.kind !== "answered" || end.record.finish === "nothing") return [ended];
  const count = (number: number): string => number.toLocaleString();
  return [ended, dim(say(footerInWords(end.record, count))), dim(say(whyInWords(end.record, exchange)))];
}

/** Writes parsed Markdown anew. Of what it does not know it writes the text. */
class Rewriter {
  readonly code: string[] = [];
  readonly #cite: (number: number, line: number) => string;
  readonly #below: (code: number) => string;
  readonly #unsupported: string;

  /** @param below what stands below a piece of code, by its number */
  constructor(cite: (number: number, line: number) => string, below: (code: number) => string, unsupported: string) {
    this.#cite = cite;
    this.#below = below;
    this.#unsupported = unsupported;
  }

  blocks(tokens: readonly Token[] = [], between = "\n\n"): string {
    return tokens
      .map((token) => this.#block(token))
      .filter(Boolean)
      .join(between);
  }

  #block(token: Token): string {
    switch (token.type) {
      case "heading":
        return `${"#".repeat(Math.max(3, token.depth))} ${this.#inline(token.tokens).replace(/\s+/g, " ")}`;
      case "paragraph":
        return this.#inline(token.tokens);
      case "code": {
        const { text, lang = "" } = token as Tokens.Code;
        const code = text.replace(CITATION, "");
        const below = this.#below(this.code.push(code) - 1);
        return [fenced(code, /^[\w+#.-]+/.exec(lang)?.[0] ?? ""), below].filter(Boolean).join("\n\n");
      }
      case "list": {
        const { ordered, start, items, loose } = token as Tokens.List;
        const between = loose ? "\n\n" : "\n";
        const lines = items.map(({ tokens }, i) => {
          const mark = ordered ? `${Number(start || 1) + i}. ` : "- ";
          return mark + this.blocks(tokens, between).replaceAll("\n", `\n${" ".repeat(mark.length)}`);
        });
        return lines.join(between);
      }
      case "blockquote":
        return `> ${this.blocks(token.tokens).replaceAll("\n", "\n> ")}`;
      case "table": {
        const { header, rows } = token as Tokens.Table;
        const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
        const cells = (all: readonly Tokens.TableCell[]): string[] =>
          // A bar ends a cell even in code.
          all.map(({ tokens }) =>
            this.#inline(tokens)
              .replace(/\s+/g, " ")
              .replace(/(?<!\\)\|/g, "\\|"),
          );
        return [row(cells(header)), row(header.map(() => "---")), ...rows.map((all) => row(cells(all)))].join("\n");
      }
      case "hr":
        return "---";
      case "space":
      case "def":
        return "";
      default:
        return this.#inline([token]);
    }
  }

  #inline(tokens: readonly Token[] = []): string {
    return tokens
      .map((token) => {
        switch (token.type) {
          case "strong":
            return `**${this.#inline(token.tokens)}**`;
          case "em":
            return `*${this.#inline(token.tokens)}*`;
          case "del":
            return `~~${this.#inline(token.tokens)}~~`;
          case "codespan":
            return codeSpan(token.text.replace(CITATION, ""));
          case "br":
            return "\\\n";
          case "link":
            return this.#inline(token.tokens);
          case "image":
          case "escape":
            return this.#text(token.text);
          case "text":
            return token.tokens ? this.#inline(token.tokens) : this.#text(token.text);
          case "paragraph":
          case "list":
          case "code":
          case "blockquote":
          case "table":
          case "heading":
            return `\n${this.#block(token)}\n`;
          default:
            return this.#text(token.raw);
        }
      })
      .join("");
  }

  /** Text with its citations. */
  #text(text: string): string {
    let written = "";
    let end = 0;
    for (const match of text.matchAll(CITATION)) {
      const [, number, line] = match;
      const mark = number === undefined ? this.#unsupported : ` ${this.#cite(Number(number), Number(line))}`;
      written += plain(text.slice(end, match.index)) + mark;
      end = match.index + match[0].length;
    }
    return written + plain(text.slice(end));
  }
}

/** Names a place as a link that opens it: `retry.ts:12`, with the whole path in its tooltip. */
function placeLink(source: AnswerSource | undefined, line: number, links: ReplyLinks): string {
  if (!source) return "";
  const { number, path, rootUri, rootName } = source;
  if (!rootUri) return plain(path);
  const place = `${rootName ? `${rootName} • ` : ""}${path}:${line}`;
  return link(`${path.slice(path.lastIndexOf("/") + 1)}:${line}`, links.open(number, line), place);
}

function link(words: string, to: string, title = ""): string {
  return `[${plain(words)}](${to}${title ? ` "${plain(title)}"` : ""})`;
}

/** Text that Markdown takes as it is: every sign that could mean something has a backslash. */
function plain(text: string): string {
  return text.replace(/[!-/:-@[-`{-~]/g, "\\$&");
}

function dim(text: string): string {
  return text && `*${plain(text)}*`;
}

function codeSpan(code: string): string {
  const runs = code.match(/`+/g) ?? [];
  const fence = "`".repeat(1 + Math.max(0, ...runs.map(({ length }) => length)));
  const space = code.startsWith("`") || code.endsWith("`") ? " " : "";
  return `${fence}${space}${code}${space}${fence}`;
}

function fenced(code: string, language: string): string {
  const fence = fenceFor(code);
  return `${fence}${language}\n${code}\n${fence}`;
}
