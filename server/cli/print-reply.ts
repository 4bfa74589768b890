import { type AnswerRecord, EXTRACTIVE, type Routing, type RoutingReason } from "../../shared/answer-types.ts";
import { perSecond } from "../../shared/answer-wording.ts";
import { inWords } from "../../shared/phrase.ts";
import type { IndexStatus } from "../../shared/search-types.ts";
import type { AnswerEvent } from "../answer/answer.ts";
import type { Passage } from "../answer/extractive.ts";
import { placeOf } from "../answer/source.ts";
import type { CommandContext } from "./command.ts";
import { nothingFound } from "./print-answer.ts";
import { count, counted } from "./session.ts";
import { renderLine, type Terminal } from "./terminal.ts";

/**
 * Prints an answer while it comes, citations as `path:line`, and beside it how it came about.
 * @param statusOf asks the index that was searched how it is
 */
export async function printReply(
  { terminal }: CommandContext,
  events: AsyncIterable<AnswerEvent>,
  statusOf: () => Promise<IndexStatus>,
): Promise<AnswerRecord> {
  const { style } = terminal;
  let record: AnswerRecord | undefined;
  let anyPassage = false;
  let midLine = false;
  for await (const event of events) {
    if (event.type === "text") {
      terminal.print(renderText(event.text, terminal));
      midLine = !event.text.endsWith("\n");
    }
    if (event.type === "citation") terminal.print(`[${renderPlace(event.source.path, event.line, terminal)}]`);
    if (event.type === "unsupported") terminal.print(` ${style.warning("(no source)")}`);
    if (event.type === "passage") {
      terminal.print(anyPassage ? "\n" : `${style.dim(LABEL)}\n\n`);
      anyPassage = true;
      printPassage(event.passage, terminal);
    }
    if (event.type === "note") terminal.note(`${inWords(event.said)}\n`);
    if (event.type === "failed") {
      const [message, hint] = [event.attempt.message, event.attempt.hint].map((said) => inWords(said));
      // Both may go to one screen, and a sentence that broke off is not the beginning of this one.
      terminal.note(`${midLine ? "\n\n" : ""}cairn: ${message}${hint ? ` ${hint}` : ""}\n`);
    }
    if (event.type === "done") record = event.record;
  }
  if (!record) throw new Error("The answer ended without its record.");
  if (record.finish === "nothing") {
    terminal.note(`${nothingFound(await statusOf())}\n`);
    return record;
  }
  if (record.provider !== EXTRACTIVE) terminal.print("\n");
  if (record.finish === "interrupted") terminal.note("The answer breaks off here; ask again for another.\n");
  if (record.finish === "length") terminal.note("The answer was cut at its limit of tokens.\n");
  terminal.note(`\n${style.dim(footer(record))}\n`);
  return record;
}

const LABEL = "Quoted from the code, without a language model:";

/** An answer as one object: its text with `[n]` for the citations that held, and everything they stand for. */
export async function replyAsJson(events: AsyncIterable<AnswerEvent>) {
  let answer = "";
  let record: AnswerRecord | undefined;
  let sources: object[] = [];
  const citations: object[] = [];
  const passages: object[] = [];
  const notes: string[] = [];
  let unsupported: string[] = [];
  let paragraphStart = 0;
  for await (const event of events) {
    if (event.type === "sources") {
      // A provider that failed before its first word may have had others.
      sources = event.sources.map(({ path, startLine, endLine, name }, i) => {
        return { number: i + 1, path, startLine, endLine, name };
      });
      [answer, unsupported, paragraphStart] = ["", [], 0];
    }
    if (event.type === "text") answer += event.text;
    if (event.type === "citation") {
      const { number, source, line } = event;
      answer += `[${number}]`;
      citations.push({ number, path: source.path, line });
    }
    if (event.type === "unsupported") {
      paragraphStart = Math.max(paragraphStart, answer.lastIndexOf("\n\n") + 1);
      unsupported.push(answer.slice(paragraphStart).trim());
      paragraphStart = answer.length;
    }
    if (event.type === "passage") {
      const { source, lines } = event.passage;
      const { path, startLine, endLine, name } = source;
      passages.push({ path, startLine, endLine, name, lines });
    }
    if (event.type === "note") notes.push(inWords(event.said));
    if (event.type === "done") record = event.record;
  }
  if (!record) throw new Error("The answer ended without its record.");
  return { answer, passages, citations, unsupported, sources, notes, record };
}

function printPassage({ source, lines }: Passage, terminal: Terminal): void {
  const { style, width } = terminal;
  const symbol = [...source.parents, source.name].filter(Boolean).join(" › ");
  const place = renderPlace(source.path, lines[0]?.line ?? source.startLine, terminal);
  const whole = style.dim(renderLine(placeOf({ ...source, path: "" }).slice(1), [], style));
  terminal.print(`${[place, style.bold(renderLine(symbol, [], style)), whole].filter(Boolean).join("  ")}\n`);
  let before: number | undefined;
  for (const { line, text } of lines) {
    if (before !== undefined && line > before + 1) terminal.print(`${style.dim("     ⋮")}\n`);
    terminal.print(`${style.line(String(line).padStart(6))}  ${renderLine(text, [], style, width && width - 8)}\n`);
    before = line;
  }
}

function renderPlace(path: string, line: number, { style }: Terminal): string {
  return `${style.path(renderLine(path, [], style))}:${style.line(String(line))}`;
}

/** Several lines of foreign text; a model may write escape sequences too. */
function renderText(text: string, { style }: Terminal): string {
  return text
    .split("\n")
    .map((line) => renderLine(line.replace(/\r$/, ""), [], style))
    .join("\n");
}

/** Why a routed question went to the model that was asked first. */
export const WHY_ROUTED: Readonly<Record<RoutingReason, (routing: Routing) => string>> = {
  better: (routing) => `strong model: the weak one would reach ${qualities(routing)}`,
  "good-enough": (routing) => `weak model: it should reach ${qualities(routing)}`,
  unfamiliar: () => "strong model: the question is unlike those that are known",
  control: () => "strong model: this conversation is not routed, for comparison",
};

function qualities({ quality, leastQuality }: Routing): string {
  return `${Math.round(100 * quality)}% of the strong one's quality, ${Math.round(100 * leastQuality)}% are wanted`;
}

/** "cerebras llama-3.3-70b · first word 35 ms · 410 ms in all · 3,120 + 210 tokens · $0.0031 · 8 sources". */
function footer(record: AnswerRecord): string {
  const { provider, model, firstTokenMs, totalMs, ownMs, usage, cost, priceAsOf, timing, device, routing, keptFrom } =
    record;
  const ms = (value: number) => `${count(Math.round(value))} ms`;
  const isModel = provider !== EXTRACTIVE;
  return [
    [isModel ? provider : "no model", model].filter(Boolean).join(" "),
    isModel && !keptFrom && firstTokenMs !== undefined ? `first word ${ms(firstTokenMs)}` : "",
    keptFrom ? `kept answer of ${keptFrom.slice(0, 16).replace("T", " ")} UTC` : "",
    `${ms(totalMs)} in all`,
    isModel && !keptFrom ? `${ms(ownMs)} of them ours` : "",
    timing && !device ? `${ms(timing.totalMs)} by its own clock` : "",
    usage ? `${count(usage.inputTokens)} + ${count(usage.outputTokens)} tokens` : "",
    usage && timing && device ? `${perSecond(usage.outputTokens, timing.completionMs)} tokens/s on ${device}` : "",
    cost !== undefined ? `$${cost.toFixed(4)}${priceAsOf ? ` by prices of ${priceAsOf}` : ""}` : "",
    isModel && usage && cost === undefined && !device ? "price not known" : "",
    counted(record.sources, isModel ? "source" : "passage"),
    record.removed > 0 ? `${counted(record.removed, "citation")} removed` : "",
    routing && isModel && !keptFrom ? WHY_ROUTED[routing.reason](routing) : "",
    record.unsupported > 0 ? `${counted(record.unsupported, "paragraph")} without a source` : "",
  ]
    .filter(Boolean)
    .join(" · ");
}
