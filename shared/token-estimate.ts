/**
 * How many tokens a text takes at the most. Providers do not hand out their tokenizers, so this counts the pieces that
 * byte-pair vocabularies are seen to make and rounds up: a context that is full by this count is not too long.
 */
export function estimateTokens(text: string): number {
  let tokens = 0;
  for (const [piece] of text.matchAll(PIECE)) {
    const code = piece.charCodeAt(0);
    if (isLetter(code)) tokens += Math.ceil(piece.length / LETTERS_PER_TOKEN);
    else if (code === NEWLINE) tokens++;
    else if (code <= SPACE && piece !== " ") tokens += Math.ceil(piece.length / SPACES_PER_TOKEN);
    else if (code < 128) tokens += code === SPACE ? 0 : 1;
    else tokens += Math.max(1, new TextEncoder().encode(piece).length - 1);
  }
  return tokens;
}

/** A chat's format adds so much to each message. */
export const TOKENS_PER_MESSAGE = 8;

const LETTERS_PER_TOKEN = 4;
const SPACES_PER_TOKEN = 16;
const NEWLINE = 10;
const SPACE = 32;

/** Parts of words as camel case and signs separate them. A single blank belongs to the token of what follows it. */
const PIECE = /[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\n|[^\S\n]+|./gsu;

function isLetter(code: number): boolean {
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}
