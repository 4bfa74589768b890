import { CHUNK_KINDS, type ChunkKind, type SearchRequest } from "./search-types.ts";

/** One filter as people see it: a chip in the search view. */
export interface SearchFilter {
  type: "path" | "language" | "kind";
  /** A glob or folder, a language, or one of {@link CHUNK_KINDS}. */
  value: string;
}

const TYPES: Readonly<Record<string, SearchFilter["type"] | undefined>> = {
  path: "path",
  lang: "language",
  language: "language",
  kind: "kind",
};

/** `lang:python`, `path:"my folder/**"`; only where a word begins, so that `std::path:x` stays as it is. */
const WRITTEN_FILTER = /(?<!\S)(path|lang|language|kind):("[^"]+"|[^\s"]+)/gi;

/**
 * Takes the filters out of what was typed. While someone types, a filter counts once a space follows it.
 *
 * @param finished nothing more will be typed, so a filter at the very end counts too
 * @returns `rest` is the text without them; a kind that does not exist stays in it
 */
export function takeFilters(typed: string, finished: boolean): { filters: SearchFilter[]; rest: string } {
  const filters: SearchFilter[] = [];
  const rest = typed.replace(WRITTEN_FILTER, (whole, name: string, written: string, at: number) => {
    const type = TYPES[name.toLowerCase()];
    const value = written.replace(/^"(.*)"$/, "$1");
    const complete = finished || /\s/.test(typed[at + whole.length] ?? "");
    if (!type || !complete || (type === "kind" && !isKind(value))) return whole;
    filters.push({ type, value: type === "kind" ? value.toLowerCase() : value });
    return "";
  });
  return filters.length > 0 ? { filters, rest: rest.replace(/\s+/g, " ").trimStart() } : { filters, rest: typed };
}

/** The filters with one more, unless it is among them. */
export function withFilter(filters: readonly SearchFilter[], added: SearchFilter): SearchFilter[] {
  const known = filters.some(({ type, value }) => type === added.type && value === added.value);
  return known ? [...filters] : [...filters, added];
}

/** The filters as a request carries them; several of one type widen each other, types narrow each other. */
export function filtersOfRequest(
  filters: readonly SearchFilter[],
): Pick<SearchRequest, "paths" | "languages" | "kinds"> {
  const valuesOf = (wanted: SearchFilter["type"]): string[] =>
    filters.filter(({ type }) => type === wanted).map(({ value }) => value);
  return { paths: valuesOf("path"), languages: valuesOf("language"), kinds: valuesOf("kind").filter(isKind) };
}

/** "lang: python", as a chip and kept results say it. */
export function filterLabel({ type, value }: SearchFilter): string {
  return `${type === "language" ? "lang" : type}: ${value}`;
}

function isKind(value: string): value is ChunkKind {
  return (CHUNK_KINDS as readonly string[]).includes(value.toLowerCase());
}
