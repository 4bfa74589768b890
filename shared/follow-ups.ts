import type { AnswerSource } from "./answer-types.ts";
import { CITATION_END, CITATION_START, type Exchange } from "./conversation.ts";

/** So many are read at a glance. */
const MOST = 3;
const CITED = new RegExp(`${CITATION_START}(\\d+):\\d+${CITATION_END}`, "g");
const IS_NAME = /^[\p{L}_$][\p{L}\p{N}_$]*$/u;
const IS_PROSE = /^(?:markdown|restructuredtext|asciidoc|latex|org|plaintext|text)?$/i;
const IS_TEST = /(?:^|[/._-])(?:tests?|specs?)(?:[/._-]|$)/i;

/**
 * What may be asked next, made from the names and places that an answer cites, without another model: the one cited most
 * first. In English in every language, since the model that searches reads no other.
 * @param asked questions that were asked before; none of them is suggested again
 * @returns at most three; none while the answer comes, or when it cites no name
 */
export function followUps({ question, reply }: Exchange, asked: readonly string[] = []): string[] {
  if (reply.end?.kind !== "answered") return [];
  const sources = mostCited(reply.text, reply.passages, reply.sources);
  const names = [...new Set(sources.map(nameOf).filter((name) => IS_NAME.test(name)))];
  const [first] = names;
  if (first === undefined) return [];
  const known = question.text.toLowerCase();
  const others = names.slice(1).filter((name) => !known.includes(name.toLowerCase()));
  const isTested = sources.some(({ path }) => IS_TEST.test(path));
  const suggestions = [
    /^\p{Lu}/u.test(first) ? `Where is \`${first}\` used?` : `Where is \`${first}\` called?`,
    ...others.slice(0, 1).map((name) => `How does \`${name}\` work?`),
    ...(isTested ? [] : [`Which tests cover \`${first}\`?`]),
    `What can go wrong in \`${first}\`?`,
  ];
  const before = new Set([question.text, ...asked].map((text) => text.trim().toLowerCase()));
  return suggestions.filter((text) => !before.has(text.toLowerCase())).slice(0, MOST);
}

/** The sources that are cited or quoted, the one cited most often first. */
function mostCited(
  text: string,
  passages: Exchange["reply"]["passages"],
  sources: readonly AnswerSource[],
): AnswerSource[] {
  const times = new Map<number, number>();
  const numbers = [
    ...[...text.matchAll(CITED)].map(([, number]) => Number(number)),
    ...passages.map((one) => one.number),
  ];
  for (const number of numbers) times.set(number, (times.get(number) ?? 0) + 1);
  const cited = [...times].sort(([, a], [, b]) => b - a).map(([number]) => number);
  return cited.flatMap((number) => sources.find((source) => source.number === number) ?? []);
}

/** The innermost symbol of a source; a heading of prose is none. */
function nameOf({ symbol, language }: AnswerSource): string {
  return IS_PROSE.test(language) ? "" : (symbol.split(" › ").at(-1) ?? "");
}
