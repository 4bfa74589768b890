/**
 * A text for people that is not in anyone's language yet: the English, with `{0}`, `{1}` where the values go. What one
 * process or thread has to say travels to another like this, and whoever shows it puts it into words.
 */
export interface Phrase {
  readonly text: string;
  readonly values: readonly (string | number | Phrase)[];
}

/** The texts of one language by the English, as the editor's bundles hold them. */
export type Translation = Readonly<Record<string, string>>;

/** Puts a phrase into the words of whoever reads it. */
export type Say = (said: Phrase) => string;

/** @param text a plain string: the list for translators is read from the sources. */
export function phrase(text: string, ...values: readonly (string | number | Phrase)[]): Phrase {
  return { text, values };
}

/** Says nothing. */
export const SILENCE: Phrase = phrase("");

/** A text that nobody translates: one of the system's, or one that is in words already. */
export function verbatim(text: string): Phrase {
  return text === "" ? SILENCE : { text: "{0}", values: [text] };
}

/** What records and messages say: a phrase, or English where an earlier version wrote it. */
export type Wording = Phrase | string;

/** English that came without its values cannot be translated, and stays as it is. */
export function asPhrase(said: Wording): Phrase {
  return typeof said === "string" ? verbatim(said) : said;
}

/** Words as a sentence, with a capital at its beginning and a full stop. */
export function asSentence(words: string): string {
  return words === "" ? "" : `${words[0].toLocaleUpperCase()}${words.slice(1)}.`;
}

/** Several as one, without those that say nothing. */
export function joined(phrases: readonly Phrase[], separator: string): Phrase {
  const values = phrases.filter(({ text }) => text !== "");
  return { text: values.map((_, at) => `{${at}}`).join(separator), values };
}

/** The phrase in words: in the language of the translation, in English what that lacks. */
export function inWords({ text, values }: Phrase, translation?: Translation): string {
  const wording = translation && Object.hasOwn(translation, text) ? translation[text] : text;
  return wording.replace(/\{(\d+)\}/g, (place, at) => {
    const value = values[Number(at)];
    if (value === undefined) return place;
    return typeof value === "object" ? inWords(value, translation) : String(value);
  });
}
