import { inWords, phrase, type Translation } from "../shared/phrase.ts";
import { filterLabel } from "../shared/search-filters.ts";
import type { PanelHit, PanelSearch } from "../shared/webview-messages.ts";

/** Results as they were when they were kept. */
export interface KeptResults {
  search: PanelSearch;
  hits: readonly PanelHit[];
}

/** A piece of the text that opens a hit. */
export interface KeptLink {
  /** 0-based line of the text, and [start, end) columns in it. */
  line: number;
  start: number;
  end: number;
  hit: PanelHit;
}

/** Results as a text to read, in the language of the translation, and where in it each hit is named. */
export function keptText(
  { search, hits }: KeptResults,
  translation?: Translation,
): { text: string; links: KeptLink[] } {
  const filters = search.filters.map(filterLabel).join(", ");
  const count = hits.length === 1 ? phrase("1 result") : phrase("{0} results", hits.length);
  const lines = [titleOf(search, translation), inWords(count, translation)];
  if (filters) lines.push(inWords(phrase("Filters: {0}", filters), translation));
  const links: KeptLink[] = [];
  for (const hit of hits) {
    const place = `${hit.rootName ? `${hit.rootName} • ` : ""}${hit.path}:${hit.focusLine}`;
    const symbol = [...hit.parents.slice(-1), hit.name].filter(Boolean).join(" › ");
    lines.push("");
    links.push({ line: lines.length, start: 0, end: place.length, hit });
    lines.push(symbol ? `${place}  ${symbol}` : place);
    const width = String(hit.preview.at(-1)?.line ?? 0).length;
    for (const { line, text } of hit.preview) lines.push(`  ${String(line).padStart(width)}: ${text}`);
  }
  return { text: `${lines.join("\n")}\n`, links };
}

/** What was asked, in one line. */
export function titleOf({ query, similar }: PanelSearch, translation?: Translation): string {
  const title = similar
    ? phrase("Similar to {0} ({1})", similar.name, `${similar.path}:${similar.startLine}`)
    : phrase("Search: {0}", query);
  return inWords(title, translation);
}
