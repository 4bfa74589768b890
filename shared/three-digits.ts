const MOST_DIGITS = 7;

/**
 * Three digits that matter, and all of a whole number; more where three would say that a share is all: 99.96 is not 100,
 * and 0.9996 not 1.
 * @param locale a BCP 47 tag
 */
export function threeDigits(value: number, locale: string): string {
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString(locale);
  let digits = 3;
  while (digits < MOST_DIGITS && isWhole(Number(size.toPrecision(digits))) && !isWhole(size)) digits++;
  return value.toLocaleString(locale, { maximumSignificantDigits: digits });
}

function isWhole(size: number): boolean {
  return size === 1 || size === 100;
}
