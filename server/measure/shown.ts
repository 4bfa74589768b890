import { asPhrase, inWords, type Wording } from "../../shared/phrase.ts";
import { threeDigits } from "../../shared/three-digits.ts";
import type { Comparison } from "./compare.ts";

/** In English: for terminals and files. */
export function inEnglish(said: Wording): string {
  return inWords(asPhrase(said));
}

/** A value for people: three digits that matter, and its unit. */
export function shownValue(value: number, unit: string): string {
  return unit === "%" ? `${shownNumber(value)} %` : `${shownNumber(value)} ${unit}`;
}

export function shownNumber(value: number): string {
  return threeDigits(value, "en-US");
}

/** "1.30x (1.25 to 1.34)", or that there is no difference. */
export function shownTimes({ ratio: { ratio, low, high }, verdict }: Comparison): string {
  const range = `${shownNumber(low)} to ${shownNumber(high)}`;
  return verdict === "same" ? `no difference found (${range})` : `${shownNumber(ratio)}x (${range}), ${verdict}`;
}
