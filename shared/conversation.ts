import type {
  AnswerPart,
  AnswerPassage,
  AnswerRecord,
  AnswerSource,
  AnswerTask,
  Attempt,
  CodePlace,
  Destination,
  Turn,
} from "./answer-types.ts";

/** Something that a question was asked about or within, as the chat shows it. */
export interface Attachment {
  readonly kind: "file" | "folder" | "symbol" | "selection" | "problems";
  /** What the chip says. */
  readonly label: string;
  readonly place: CodePlace;
  /** What goes along with the question as text: the problems of a file. */
  readonly text?: string;
}

/** A question as it was asked. */
export interface AskedQuestion {
  readonly text: string;
  readonly wants?: AnswerTask;
  /** Passages are wanted, no model's answer. */
  readonly quoteOnly?: boolean;
  readonly attached: readonly Attachment[];
}

/** An answer as far as it has come. */
export interface Reply {
  /** Markdown, with {@link CITATION_START} and the like where citations and marks stand. */
  readonly text: string;
  /** Who writes it, as soon as that is known. */
  readonly provider: string;
  readonly model: string;
  readonly sources: readonly AnswerSource[];
  readonly passages: readonly AnswerPassage[];
  /** What the cited lines said, by `number:line`. */
  readonly cited: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
  readonly failures: readonly Attempt[];
  /** How it ended; undefined while it comes. */
  readonly end?: ReplyEnd;
}

export type ReplyEnd =
  | { readonly kind: "answered"; readonly record: AnswerRecord }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly message: string; readonly hint: string }
  /** Nothing was sent: the user has to agree first. */
  | { readonly kind: "consent"; readonly destinations: readonly Destination[] };

export interface Exchange {
  readonly id: string;
  readonly question: AskedQuestion;
  readonly reply: Reply;
  /** The provider that was asked for this once, instead of the one that is set; empty for that. */
  readonly wished: string;
}

export interface Conversation {
  readonly id: string;
  /** Given by the user; empty for one that is called after its first question. */
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly changedAt: number;
  readonly exchanges: readonly Exchange[];
}

/** Stand around `number:line` of a citation, and after a paragraph without any; a model's own are taken out. */
export const CITATION_START = "\ue000";
export const CITATION_END = "\ue001";
export const UNSUPPORTED = "\ue002";

const MARKS = /[\ue000-\ue002]/g;
const CITATION = /\ue000(\d+):(\d+)\ue001/g;

export const NO_REPLY: Reply = {
  text: "",
  provider: "",
  model: "",
  sources: [],
  passages: [],
  cited: {},
  notes: [],
  failures: [],
};

/** The reply with one more part. */
export function withPart(reply: Reply, part: AnswerPart): Reply {
  switch (part.type) {
    case "sources": {
      const { provider, model, sources } = part;
      return { ...reply, text: "", passages: [], cited: {}, provider, model, sources };
    }
    case "text":
      return { ...reply, text: reply.text + part.text.replace(MARKS, "") };
    case "citation": {
      const at = `${part.number}:${part.line}`;
      const text = `${reply.text}${CITATION_START}${at}${CITATION_END}`;
      return { ...reply, text, cited: { ...reply.cited, [at]: part.text } };
    }
    case "unsupported":
      return { ...reply, text: markedUnsupported(reply.text) };
    case "passage":
      return { ...reply, passages: [...reply.passages, part.passage] };
    case "failed":
      return { ...reply, failures: [...reply.failures, part.attempt] };
    case "note":
      return { ...reply, notes: [...reply.notes, part.text] };
    case "removed":
      return reply;
  }
}

/** What a line of a source said when it was cited or quoted; empty when it was neither. */
export function lineAsCited({ cited, passages }: Reply, number: number, line: number): string {
  const quoted = passages.find((passage) => passage.number === number)?.lines.find((one) => one.line === line);
  return cited[`${number}:${line}`] ?? quoted?.text ?? "";
}

/** The mark stands at the end of the paragraph, before its line break. */
function markedUnsupported(text: string): string {
  const end = text.trimEnd().length;
  return `${text.slice(0, end)}${UNSUPPORTED}${text.slice(end)}`;
}

export function withExchange(conversation: Conversation, exchange: Exchange, now: number): Conversation {
  const { exchanges } = conversation;
  const isNew = !exchanges.some(({ id }) => id === exchange.id);
  return {
    ...conversation,
    changedAt: now,
    exchanges: isNew ? [...exchanges, exchange] : exchanges.map((one) => (one.id === exchange.id ? exchange : one)),
  };
}

/** Of the exchanges before this one, those that were answered, for a model to know. */
export function turnsBefore({ exchanges }: Conversation, exchangeId: string): Turn[] {
  const at = exchanges.findIndex(({ id }) => id === exchangeId);
  return exchanges.slice(0, at < 0 ? undefined : at).flatMap(({ question, reply }) => {
    // The numbers of its sources mean nothing any more.
    const written = reply.text.replace(CITATION, "").replace(MARKS, "").trim();
    const answer = written || placesQuoted(reply);
    return answer ? [{ question: question.text, answer }] : [];
  });
}

/** What an answer of passages says, in short: where they are. */
function placesQuoted({ sources, passages }: Reply): string {
  return passages
    .map(({ number, lines }) => `${sources.find((one) => one.number === number)?.path}:${lines[0]?.line ?? 1}`)
    .join(", ");
}

/** What it is called: its name, or its first question. */
export function titleOf({ name, exchanges }: Conversation): string {
  return name || (exchanges[0]?.question.text.replace(/\s+/g, " ").trim().slice(0, 80) ?? "");
}

/** True when every word stands somewhere in it. */
export function mentions(conversation: Conversation, words: string): boolean {
  const texts = conversation.exchanges.flatMap(({ question, reply }) => [
    question.text,
    reply.text.replace(CITATION, "").replace(MARKS, ""),
    ...reply.sources.map(({ path }) => path),
  ]);
  const all = [titleOf(conversation), ...texts].join("\n").toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}

/** An answer as Markdown that stands for itself: citations name their places. */
export function replyAsMarkdown({ text, sources, passages }: Reply): string {
  const source = (number: number) => sources.find((one) => one.number === number);
  const written = text
    .replace(CITATION, (_, number, line) => {
      const path = source(Number(number))?.path;
      return path ? `[${path}:${line}]` : "";
    })
    .replaceAll(UNSUPPORTED, " *(no source)*")
    .trim();
  const quoted = passages.map(({ number, lines }) => {
    const { path = "", language = "" } = source(number) ?? {};
    const code = lines.map(({ text }) => text).join("\n");
    const fence = fenceFor(code);
    return `${path}:${lines[0]?.line ?? 1}\n\n${fence}${language}\n${code}\n${fence}`;
  });
  return [written, ...quoted].filter(Boolean).join("\n\n");
}

/** A whole conversation as a Markdown document. */
export function conversationAsMarkdown(conversation: Conversation): string {
  const parts = conversation.exchanges.map(({ question, reply }) => {
    const attached = question.attached.map(({ label }) => `\`${label}\``).join(" ");
    return [`## ${question.text.trim()}`, attached, replyAsMarkdown(reply)].filter(Boolean).join("\n\n");
  });
  return `${[`# ${titleOf(conversation)}`, ...parts].join("\n\n")}\n`;
}

/** A fence for code: longer than any within it. */
export function fenceFor(code: string): string {
  const runs = code.match(/`{3,}/g) ?? [];
  return "`".repeat(1 + Math.max(2, ...runs.map(({ length }) => length)));
}
