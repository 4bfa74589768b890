import type { AnswerTask } from "../../shared/answer-types.ts";
import { FORMAT, type KeptAnswer } from "./kept-answer-format.ts";
import type { Provider } from "./llm.ts";
import { instructionsFor } from "./prompt.ts";
import { hashOf, type Source } from "./source.ts";

/**
 * Under which key the answer of a provider to a question is kept: a hash of all that it is made from, that is the
 * question but for its spelling, what the model is told, who it is, and the content of every source that may go to it.
 * Where a source stands in its file does not count: the lines of citations are looked for anew.
 */
export function answerKey(
  { text, wants }: { text: string; wants?: AnswerTask },
  sources: readonly Source[],
  { name, identity }: Pick<Provider, "name" | "identity">,
  maxOutputTokens: number,
): string {
  const question = text
    .normalize("NFC")
    .trim()
    .replace(/\s+/g, " ")
    .replace(/\s*[?.!]+$/, "");
  const parts = [FORMAT, question, instructionsFor(wants), name, identity, maxOutputTokens];
  return hashOf(JSON.stringify([...parts, sources.map(idOf).sort()]));
}

/** The answer in the form in which it is kept. */
export function toKeptAnswer(
  written: Omit<KeptAnswer, "format" | "sources">,
  packed: readonly Source[],
  sources: readonly Source[],
): KeptAnswer | undefined {
  const places = packed.flatMap((part) => {
    const whole = sources.find(
      ({ path, startLine, endLine }) => path === part.path && startLine <= part.startLine && endLine >= part.endLine,
    );
    if (!whole) return [];
    return [{ source: idOf(whole), from: part.startLine - whole.startLine, to: part.endLine - whole.startLine }];
  });
  return places.length === packed.length ? { ...written, format: FORMAT, sources: places } : undefined;
}

/** The sources of a kept answer by their numbers, as they stand in their files now; undefined when one is not there. */
export function sourcesOf(kept: KeptAnswer, sources: readonly Source[]): Source[] | undefined {
  const packed = kept.sources.flatMap(({ source, from, to }) => {
    const whole = sources.find((one) => idOf(one) === source);
    if (!whole) return [];
    const lines = whole.text.split("\n");
    if (from === 0 && to >= lines.length - 1) return [whole];
    const text = lines.slice(from, to + 1).join("\n");
    const place = { startLine: whole.startLine + from, endLine: whole.startLine + to };
    return [{ ...whole, ...place, text, hash: hashOf(text.trimEnd()) }];
  });
  return packed.length === kept.sources.length ? packed : undefined;
}

/** Says which content of which file it is, and whether the question is about it. */
function idOf({ path, hash, isGiven }: Source): string {
  return hashOf(JSON.stringify([path, hash, isGiven === true]));
}
