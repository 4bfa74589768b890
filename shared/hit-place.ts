import type { HitPlace, PanelHit } from "./webview-messages.ts";

/** The place of a hit, with the text that matched first on its focus line. */
export function placeOf({ rootUri, path, startLine, endLine, focusLine, preview }: PanelHit): HitPlace {
  const line = preview.find((candidate) => candidate.line === focusLine);
  const [start, end] = line?.ranges[0] ?? [0, 0];
  return { rootUri, path, startLine, endLine, focusLine, match: line?.text.slice(start, end) ?? "" };
}
