import type { AnswerTask } from "./answer-types.ts";
import type { AskedQuestion } from "./conversation.ts";
import { type Phrase, phrase } from "./phrase.ts";

export interface SlashCommand {
  readonly name: string;
  readonly about: Phrase;
  /** What an answer is to be. */
  readonly wants?: AnswerTask;
  /** Passages are wanted, no model's answer. */
  readonly quoteOnly?: boolean;
  /** Asked when nothing follows the command; in English, as the model reads it. */
  readonly usual: string;
}

/** What can be put before a question, to say what the answer is to be. */
export const SLASH_COMMANDS: readonly SlashCommand[] = [
  { name: "explain", about: phrase("Explain the code"), wants: "explain", usual: "What does this code do?" },
  { name: "find", about: phrase("Quote the places, without a model"), quoteOnly: true, usual: "" },
  { name: "tests", about: phrase("Write tests"), wants: "tests", usual: "Which tests does this code need?" },
  { name: "fix", about: phrase("Correct the code"), wants: "fix", usual: "What is wrong with this code?" },
  { name: "doc", about: phrase("Write documentation"), wants: "document", usual: "What does this code do?" },
  { name: "review", about: phrase("Find mistakes"), wants: "review", usual: "Is this code right?" },
];

/** The question that was typed, with what its slash command says; undefined when there is nothing to ask. */
export function questionFrom(typed: string, attached: AskedQuestion["attached"]): AskedQuestion | undefined {
  const text = typed.trim();
  const [, name, rest = ""] = /^\/(\w+)(?:\s+([\s\S]*))?$/.exec(text) ?? [];
  const command = SLASH_COMMANDS.find((one) => one.name === name);
  if (!command) return text === "" ? undefined : { text, attached };
  const { wants, quoteOnly, usual } = command;
  const asked = rest.trim() || usual;
  return asked === "" ? undefined : { text: asked, wants, quoteOnly, attached };
}

/** A question as it would be typed. */
export function asTyped({ text, wants, quoteOnly }: AskedQuestion): string {
  const command = SLASH_COMMANDS.find((one) => (wants && one.wants === wants) || (quoteOnly && one.quoteOnly));
  return command ? `/${command.name} ${text}` : text;
}
