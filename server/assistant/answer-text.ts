/** An answer for a model: blocks of text, best first, within a budget. */
export interface Budget {
  /** Characters that may still be written. */
  left: number;
}

/** Models count in tokens, which take about four characters of code. */
const CHARACTERS_PER_TOKEN = 4;
/** Kept back for what is said at the end. */
const CLOSING_CHARACTERS = 200;
const DEFAULT_TOKENS = 4_000;

export function budgetOf(maxTokens: number = DEFAULT_TOKENS): Budget {
  return { left: maxTokens * CHARACTERS_PER_TOKEN - CLOSING_CHARACTERS };
}

/** One hit: its head line and its code. */
export interface Block {
  head: string;
  code: string;
}

/**
 * The blocks that fit, whole, in their order; only the first is cut when it alone is too long.
 * @returns the text, and how many blocks it has no room for
 */
export function fit(blocks: readonly Block[], budget: Budget): { text: string; leftOut: number } {
  const parts: string[] = [];
  for (const [i, { head, code }] of blocks.entries()) {
    const whole = `${head}\n${code}`;
    if (whole.length + 2 <= budget.left) {
      parts.push(whole);
      budget.left -= whole.length + 2;
      continue;
    }
    if (i > 0) return { text: parts.join("\n\n"), leftOut: blocks.length - i };
    parts.push(`${head}\n${cutLines(code, budget.left - head.length)}`);
    budget.left = 0;
  }
  return { text: parts.join("\n\n"), leftOut: 0 };
}

/** The first lines that fit, and how many are missing. */
export function cutLines(code: string, characters: number): string {
  if (code.length <= characters) return code;
  const lines = code.split("\n");
  let kept = 0;
  let length = 0;
  while (kept < lines.length && length + lines[kept].length + 1 <= characters) length += lines[kept++].length + 1;
  if (kept === 0)
    return `${wholeCharacters(lines[0], Math.max(0, characters))}\n… the line is longer; raise max_tokens`;
  const missing = lines.length - kept;
  return `${lines.slice(0, kept).join("\n")}\n… ${missing} more ${missing === 1 ? "line" : "lines"}; raise max_tokens`;
}

/** Cuts without splitting a surrogate pair. */
function wholeCharacters(text: string, length: number): string {
  const code = text.charCodeAt(length - 1);
  return text.slice(0, code >= 0xd800 && code < 0xdc00 ? length - 1 : length);
}
