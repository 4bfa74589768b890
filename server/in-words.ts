import { inWords, type Phrase, type Translation } from "../shared/phrase.ts";
import type { IndexStatus, SearchAnswer } from "../shared/search-types.ts";

/** What the holder of an index answered, in the language of who asked. */
export function answerInWords(answer: SearchAnswer<Phrase>, translation?: Translation): SearchAnswer {
  return {
    ...answer,
    hits: answer.hits.map((hit) => reasonInWords(hit, translation)),
    note: inWords(answer.note, translation),
  };
}

export function statusInWords(status: IndexStatus<Phrase>, translation?: Translation): IndexStatus {
  return { ...status, message: inWords(status.message, translation) };
}

/** A hit or a file that is left out, with its reason in words. */
export function reasonInWords<Reasoned extends { reason: Phrase }>(
  it: Reasoned,
  translation?: Translation,
): Omit<Reasoned, "reason"> & { reason: string } {
  return { ...it, reason: inWords(it.reason, translation) };
}
