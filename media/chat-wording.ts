/**
 * What of a text that grows a screen reader is to say next: the sentences that are finished.
 * @param spoken how many characters were said before
 * @param isAll true when nothing more comes
 */
export function sentencesAfter(text: string, spoken: number, isAll: boolean): string {
  const rest = text.slice(spoken);
  if (isAll) return rest;
  const end = /^[\s\S]*(?:[.!?:](?=\s)|\n)/.exec(rest);
  return end?.[0] ?? "";
}

/** What a text says aloud: without the marks of Markdown and of citations. */
export function aloud(text: string): string {
  return text
    .replace(/\ue000\d+:\d+\ue001|[\ue000-\ue002]/g, "")
    .replace(/^\s*(?:```.*|~~~.*|#{1,6})/gm, "")
    .replace(/[*`]/g, "")
    .replace(/\s+/g, " ")
    .trim();
}
