/// <reference lib="dom" />
import { inWords, type Phrase } from "../shared/phrase.ts";

/** The page's texts in the editor's language. Its html says which that is, and brings the translation along. */
export const l10n = {
  t: (text: string, ...values: Phrase["values"]): string => inWords({ text, values }, translation),
  number: (count: number): string => count.toLocaleString(document.documentElement.lang),
};

const translation = JSON.parse(document.getElementById("translation")?.textContent ?? "{}");
