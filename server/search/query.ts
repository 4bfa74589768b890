import { type Phrase, phrase, SILENCE } from "../../shared/phrase.ts";
import { fold, tokenize } from "../text/tokens.ts";

/** What a query looks for: one name, a file by its path, or code that some words or a question describe. */
export type QueryKind = "symbol" | "path" | "words" | "question";

export interface ParsedQuery {
  /** The query as it is searched and embedded, at most {@link LONGEST_QUERY} characters. */
  readonly text: string;
  /** What was done to the query that the user should know; usually nothing. */
  readonly note: Phrase;
  readonly kind: QueryKind;
  /** Distinct lexical terms without stop words. */
  readonly terms: readonly string[];
  /** Distinct terms of the separate words, identifiers whole: what a file name or a symbol is compared with. */
  readonly words: readonly string[];
  /** The last word, folded, while it may still be unfinished; otherwise empty. */
  readonly prefix: string;
  /** Terms of the quoted phrases: a hit must hold all of them. */
  readonly required: readonly string[];
  /** Plain names (see {@link plainName}) that the query spells like code (`retryRequest`, `Foo::bar`, `parse_args()`), or the whole query of kind `symbol`. */
  readonly symbols: readonly string[];
}

/** Longer queries are cut: nobody types them, and pasted code says what it is about early. */
export const LONGEST_QUERY = 2_000;
const MOST_TERMS = 64;

/** Reads a query the way a person means it. Never fails; a query without any word has no terms. */
export function parseQuery(query: string): ParsedQuery {
  const cut = query.length > LONGEST_QUERY;
  const text = (cut ? cutAt(query, LONGEST_QUERY) : query).trim();
  const note = cut
    ? phrase("The query was cut to its first {0} characters.", LONGEST_QUERY.toLocaleString("en"))
    : SILENCE;
  const kind = kindOf(text);
  const all = unique(tokenize(text));
  const meaningful = all.filter((term) => !STOP_WORDS.has(term));
  const terms = (meaningful.length > 0 ? meaningful : all).slice(0, MOST_TERMS);
  const required = unique([...text.matchAll(/"([^"]+)"/g)].flatMap((match) => tokenize(match[1]))).slice(0, MOST_TERMS);
  const words = unique((text.match(/[\p{L}\p{N}\p{M}_$]+/gu) ?? []).map(fold)).filter(
    (word) => word.length > 1 && (meaningful.length === 0 || !STOP_WORDS.has(word)),
  );
  const last = /[\p{L}\p{N}_$]{2,}$/u.exec(text)?.[0] ?? "";
  return {
    text,
    note,
    kind,
    terms,
    words: words.slice(0, MOST_TERMS),
    prefix: last.length > 64 ? "" : fold(last),
    required,
    symbols: symbolsOf(text, kind),
  };
}

/** A name without case, underscores and signs: how an asked name and a declared one are compared. Plurals differ. */
export function plainName(name: string): string {
  return name.replace(/[^\p{L}\p{N}]/gu, "").toLowerCase();
}

function kindOf(text: string): QueryKind {
  if (QUESTION.test(text)) return "question";
  if (/^[^\s"]+$/.test(text)) {
    if (/[\\/]/.test(text) || FILE_NAME.test(text)) return "path";
    if (/^[\p{L}_$@#][\p{L}\p{N}_$.:#>\-?!()]*$/u.test(text)) return "symbol";
  }
  if (DECLARATION.test(text)) return "symbol";
  return "words";
}

/** `server.ts`, but not `res.send`. */
const FILE_NAME =
  /^[\w.-]+\.(?:[cm]?[jt]sx?|py|rb|go|rs|java|kts?|c|h|cc|hh|cpp|hpp|cs|fs|php|sh|ps1|swift|scala|exs?|erl|hs|ml|lua|zig|dart|vue|svelte|sql|md|rst|txt|json|ya?ml|toml|xml|html?|s?css|less|proto|gradle|cmake)(?::\d+)*$/i;
const QUESTION =
  /^(?:how|what|where|when|why|which|who|whose|does|do|is|are|can|could|should|find|show|explain)\s|\?$/i;
/** `class Session`, `def parse_args`: a keyword and the name it declares. */
const DECLARATION =
  /^(?:class|struct|trait|interface|enum|type|function|func|fn|fun|def|method|module|const|macro|object|protocol)\s+([\p{L}_$][\p{L}\p{N}_$.:#]*)(?:\(.*\))?$/u;
/** Names that no prose holds: `retryRequest`, `HTTPServer`, `parse_args`, `Foo::bar`, `run()`, `` `run` ``. */
const SPELLED_LIKE_CODE =
  /`([^`\s]+)`|\b([\p{L}_$][\p{L}\p{N}_$]*)\(\)|\b([\p{L}_$][\p{L}\p{N}_$]*(?:::|\.|#|->)[\p{L}_$][\p{L}\p{N}_$]*(?:(?:::|\.|#|->)[\p{L}_$][\p{L}\p{N}_$]*)*)|\b(\p{L}+_[\p{L}\p{N}_]+|_+\p{L}[\p{L}\p{N}_]*|\p{Ll}[\p{L}\p{N}]*\p{Lu}[\p{L}\p{N}]*|\p{Lu}+[\p{Ll}\p{N}]+\p{Lu}[\p{L}\p{N}]*|\p{Lu}{2,}\p{Ll}{2,}[\p{L}\p{N}]*)/gu;

/** The last segment of a qualified name is what gets declared: `Rails::Engine` looks for `engine`. */
function symbolsOf(text: string, kind: QueryKind): string[] {
  const found: string[] = [];
  if (kind === "symbol") found.push(DECLARATION.exec(text)?.[1] ?? text.replace(/\(.*$/, ""));
  else for (const match of text.matchAll(SPELLED_LIKE_CODE)) found.push(match[1] ?? match[2] ?? match[3] ?? match[4]);
  const names = found.map((name) => plainName(name.split(/::|->|[.#:]/).at(-1) ?? ""));
  return unique(names).filter((name) => name.length > 1);
}

/** Cuts without splitting a surrogate pair. */
function cutAt(text: string, length: number): string {
  const code = text.charCodeAt(length - 1);
  return text.slice(0, code >= 0xd800 && code < 0xdc00 ? length - 1 : length);
}

function unique(terms: readonly string[]): string[] {
  return [...new Set(terms)];
}

/** English words that say nothing about code, in the form in which the tokeniser gives them. */
const STOP_WORDS = new Set(
  tokenize(`a about all also an and any are as at be been before being between both but by can could did do does doing
    during each either for from get gets had has have having how i if in into is it its itself let may me might more most
    must my no not of on only or other our out over own same shall should so some such than that the their them then
    there these they this those through to too under until up us use used uses using very via was we were what when where
    whether which while who whom whose why will with within without would you your
    find show explain tell code`),
);

/** True for a term, as the tokeniser gives it, that says nothing about code. */
export function isStopWord(term: string): boolean {
  return STOP_WORDS.has(term);
}
