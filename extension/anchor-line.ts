/**
 * Where a line stands now that stood at `line` when it was cited: there, or at the nearest place with the same text.
 * @param lines of the file as it is now
 * @param line 1-based
 * @param text of the line as it was; empty when it is not known
 * @returns 1-based; `line` itself, within the file, when the text is gone
 */
export function lineNow(lines: readonly string[], line: number, text: string): number {
  const wanted = text.trim();
  const isThere = (at: number): boolean => lines[at - 1]?.trim() === wanted;
  if (wanted !== "") {
    for (let away = 0; away < Math.max(line, lines.length); away++) {
      if (isThere(line - away)) return line - away;
      if (isThere(line + away)) return line + away;
    }
  }
  return Math.max(1, Math.min(line, lines.length));
}
