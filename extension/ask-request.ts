import type { AskRequest, Turn } from "../shared/answer-types.ts";
import type { AskedQuestion, Attachment, Exchange, ReplyEnd } from "../shared/conversation.ts";
import { CairnError } from "../shared/errors.ts";
import { aroundCursor, selection } from "./attachments.ts";

/** What the server is asked for an exchange. */
export function requestFor(
  { question, wished }: Exchange,
  history: readonly Turn[],
  model: string | undefined,
  anew = false,
): Omit<AskRequest, "task"> {
  const { text, wants, quoteOnly, attached } = question;
  const placesOf = (...kinds: Attachment["kind"][]) =>
    attached.filter(({ kind }) => kinds.includes(kind)).map(({ place }) => place);
  const along = attached.map(({ text = "" }) => text).filter(Boolean);
  return {
    text,
    history,
    model,
    anew,
    wants,
    about: placesOf("selection", "symbol"),
    within: placesOf("file", "folder"),
    along: along.join("\n\n"),
    provider: quoteOnly ? "none" : wished || undefined,
  };
}

/** What is to be done with code is done with what is selected, or around the cursor; undefined when there is none. */
export function withSubject(question: AskedQuestion): AskedQuestion | undefined {
  const hasSubject = question.attached.some(({ kind }) => kind === "selection" || kind === "symbol");
  if (!question.wants || hasSubject) return question;
  const subject = selection() ?? aroundCursor();
  return subject && { ...question, attached: [subject, ...question.attached] };
}

/** What is said where an answer was to come. */
export function failureOf(error: unknown): ReplyEnd {
  const message = error instanceof Error ? error.message : String(error);
  return { kind: "failed", message, hint: error instanceof CairnError ? error.hint : "" };
}
