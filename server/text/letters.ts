const OTHER = 29;
const NOT_ASCII = 30;

/** Bit of each ASCII character: letters whatever their case, digits together, the underscore, all others together. */
const BIT = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code).toLowerCase();
  if (character >= "a" && character <= "z") return character.charCodeAt(0) - 97;
  if (character >= "0" && character <= "9") return 26;
  return character === "_" ? 27 : OTHER;
});

/**
 * Which letters a text has, one bit each: a text that lacks one of another's letters cannot hold it, which is seen
 * without reading either.
 */
export function lettersOf(text: string): number {
  let letters = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    letters |= 1 << (code < 128 ? BIT[code] : NOT_ASCII);
  }
  return letters;
}
