import { CairnError } from "../shared/errors.ts";
import { type Phrase, phrase } from "../shared/phrase.ts";

export interface JsonLine {
  readonly value: unknown;
  /** Which line of what, for errors. */
  readonly place: Phrase;
}

/**
 * The values of a text with one JSON value a line; blank lines are passed over.
 * @param name what the text is called in errors
 * @param expected what a line must look like, for errors
 * @throws {CairnError} `input` that names the line
 */
export function jsonLines(text: string, name: string, expected: Phrase | string): JsonLine[] {
  return text
    .replace(/^\ufeff/, "")
    .split(/\r?\n/)
    .flatMap((line, i) => {
      if (line.trim() === "") return [];
      const place = phrase("{0}, line {1}", name, i + 1);
      try {
        return [{ value: JSON.parse(line) as unknown, place }];
      } catch (error) {
        const message = phrase("{0}: this is not JSON ({1}).", place, (error as Error).message);
        throw new CairnError("input", message, expected);
      }
    });
}
