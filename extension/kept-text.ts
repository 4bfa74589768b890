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

/** Results as a text to read, and where in it each hit is named. */
export function keptText({ search, hits }: KeptResults): { text: string; links: KeptLink[] } {
  const filters = search.filters.map(filterLabel).join(", ");
  const lines = [titleOf(search), `${hits.length} ${hits.length === 1 ? "result" : "results"}`];
  if (filters) lines.push(`Filters: ${filters}`);
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
export function titleOf({ query, similar }: PanelSearch): string {
  return similar ? `Similar to ${similar.name} (${similar.path}:${similar.startLine})` : `Search: ${query}`;
}
